// commands.test.mjs - `passerby probe` and `healthcheck`, and the command lines of all that talk to a node.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { connect } from './lib/client.mjs';
import { refused, run } from './lib/command.mjs';
import { startServer } from './lib/server.mjs';
import { deadPort, waitingStranger } from './lib/strangers.mjs';

const STEPS = ['connect', 'meet', 'talk', 'resume', 'talk again', 'acknowledge', 'leave'];

// --- probe ---

async function expectProbe(t, args, options) {
  const { stdout } = await run(t, ['probe', ...args, '--json'], 0, options);
  const result = JSON.parse(stdout);
  assert.equal(result.ok, true);
  assert.deepEqual(result.steps.map(({ step }) => step), STEPS);
  for (const { ms } of result.steps) assert.ok(ms >= 0);
}

test('probe: two strangers meet through a node, whatever the scheme', async (t) => {
  const server = await startServer(t);
  const bystander = await waitingStranger(t, server);
  await expectProbe(t, [server.url]);
  await expectProbe(t, [`http://${server.host}`]);
  await expectProbe(t, [`ws://localhost:${server.port}/`]);
  const { stdout } = await run(t, ['probe', server.url], 0);
  assert.deepEqual(stdout.trim().split('\n').map((line) => line.replace(/ +[\d.]+ ms$/, '')), [...STEPS, 'all']);
  assert.deepEqual(bystander.heard.map(({ t: kind }) => kind), ['hello', 'waiting'], 'nobody else was met');
});

test('probe: over two workers, and through a proxy whatever the environment says of proxies', async (t) => {
  const server = await startServer(t, ['--workers', '2']);
  for (let i = 0; i < 5; i++) await expectProbe(t, [server.url]);
  await expectProbe(t, [server.url], { environment: { http_proxy: 'http://127.0.0.1:1' } });
});

test('probe: over TLS it wants a certificate that it trusts', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'passerby-probe-'));
  t.after(() => rm(directory, { recursive: true }));
  const [cert, key] = ['cert.pem', 'key.pem'].map((name) => join(directory, name));
  const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
    '-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']);
  assert.equal(made.status, 0, String(made.stderr));
  const server = await startServer(t, ['--tls-cert', cert, '--tls-key', key]);
  const url = `https://localhost:${server.port}`;
  await expectProbe(t, [url, '--ca', cert]);
  await expectProbe(t, [`wss://127.0.0.1:${server.port}`, '--insecure']);
  await refused(t, ['probe', url], 1, url, 'connect', 'cert');
  await refused(t, ['probe', `wss://127.0.0.1:${server.port}/ws`, '--ca', cert], 1, 'connect', 'mismatch');
  await refused(t, ['probe', `ws://localhost:${server.port}`], 1, 'connect');
});

test('probe: says at which step it failed, and why', async (t) => {
  const server = await startServer(t);
  const dead = await deadPort();
  await refused(t, ['probe', `ws://127.0.0.1:${dead}/ws`], 1, `ws://127.0.0.1:${dead}/ws: connect: `, 'Connection refused');
  await refused(t, ['probe', `ws://localhost:${dead}/ws`], 1, 'connect: ', 'Connection refused');
  await refused(t, ['probe', `ws://${server.host}/nothing`], 1, 'connect: HTTP 404');
  await refused(t, ['probe', 'ws://nowhere.invalid'], 1, 'connect: nowhere.invalid: ');
  const { stdout } = await run(t, ['probe', `ws://127.0.0.1:${dead}`, '--json'], 1);
  const { ok, steps, failed, error } = JSON.parse(stdout);
  assert.deepEqual({ ok, steps, failed }, { ok: false, steps: [], failed: 'connect' });
  assert.match(error, /Connection refused/);
});

test('probe: a full node, and one that never answers', async (t) => {
  const server = await startServer(t, ['--max-connections', '1']);
  await connect(t, server);
  await refused(t, ['probe', server.url], 1, 'connect: HTTP 503');
  const mute = net.createServer(() => {}).listen(0, '127.0.0.1');
  await once(mute, 'listening');
  t.after(() => mute.close());
  const url = `ws://127.0.0.1:${mute.address().port}`;
  await refused(t, ['probe', url, '--timeout', '300ms'], 1, 'connect: not over after 0.3 s');
});

test('probe: nobody is met when the two reach different places', async (t) => {
  const servers = [await startServer(t), await startServer(t)];
  let turn = 0;
  const balancer = net.createServer((near) => {
    const far = net.connect(servers[turn++ % 2].port, '127.0.0.1');
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) socket.on('error', () => {});
  }).listen(0, '127.0.0.1');
  await once(balancer, 'listening');
  t.after(() => balancer.close());
  await refused(t, ['probe', `ws://127.0.0.1:${balancer.address().port}`, '--timeout', '5s'], 1, 'meet: not over after 5 s');
});

// --- healthcheck ---

test('healthcheck: a node that is ready, drains, is gone', async (t) => {
  const server = await startServer(t, ['--drain-timeout', '1h']);
  const client = await connect(t, server); // keeps it from ending
  const address = `127.0.0.1:${server.internalPort}`;
  await run(t, ['healthcheck', `http://${address}/readyz`], 0);
  await run(t, ['healthcheck', `http://${address}`], 0);
  await run(t, ['healthcheck', '--internal-listen', address], 0);
  await run(t, ['healthcheck', '--internal-listen', `0.0.0.0:${server.internalPort}`], 0);
  await run(t, ['healthcheck'], 0, { environment: { PASSERBY_INTERNAL_LISTEN: address } });
  await server.request('/drain', { method: 'POST', internal: true });
  await refused(t, ['healthcheck', '--internal-listen', address], 1, '/readyz: 503');
  await run(t, ['healthcheck', `http://${address}/livez`], 0);
  const dead = await deadPort();
  await refused(t, ['healthcheck', `http://127.0.0.1:${dead}`], 1, `127.0.0.1 port ${dead}: Connection refused`);
  client.close();
});

test('healthcheck: the configuration file is asked where the node is', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'passerby-health-'));
  t.after(() => rm(directory, { recursive: true }));
  const server = await startServer(t);
  const path = join(directory, 'passerby.json');
  await writeFile(path, JSON.stringify({ internal_listen: `127.0.0.1:${server.internalPort}` }));
  await run(t, ['healthcheck', '--config', path], 0);
  await run(t, ['healthcheck'], 0, { environment: { PASSERBY_CONFIG: path } });
});

test('healthcheck: what answers nothing, or no HTTP', async (t) => {
  const answers = ['', 'SSH-2.0-x\r\n', 'HTTP/1.1 2000 OK\r\n\r\n', null];
  const server = net.createServer((socket) => {
    const answer = answers.shift();
    socket.on('error', () => {});
    if (answer !== null) socket.end(answer);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const url = `http://127.0.0.1:${server.address().port}/readyz`;
  await refused(t, ['healthcheck', url], 1, 'no HTTP');
  await refused(t, ['healthcheck', url], 1, 'no HTTP');
  await refused(t, ['healthcheck', url], 1, '2000');
  await refused(t, ['healthcheck', url, '--timeout', '200ms'], 1, 'timed out');
});

// --- command lines ---

const badCommandLines = [
  { args: ['chat', 'localhost:8080'], says: ['"localhost:8080"', 'ws://'] },
  { args: ['chat', 'ftp://localhost'], says: ['"ftp://localhost"'] },
  { args: ['chat', 'ws://h/\u001b[2J'], says: ['"ws://h/'] },
  { args: ['chat', 'ws://a', 'ws://b'], says: ['"ws://b": one address is enough'] },
  { args: ['chat', '--topic'], says: ['--topic: needs a value; use --topic=TEXT'] },
  { args: ['chat', '--topic', ' '], says: ['--topic', '1 to 32'] },
  { args: ['chat', '--topic', 'x'.repeat(33)], says: ['--topic', '1 to 32'] },
  { args: ['chat', ...Array(9).fill('--topic=x')], says: ['--topic: at most 8'] },
  { args: ['chat', '--lang', 'a1'], says: ['--lang', 'pt-BR'] },
  { args: ['chat', '--stay=yes'], says: ['--stay=yes: no such option'] },
  { args: ['chat', '-x'], says: ['-x: no such option; see passerby chat --help'] },
  { args: ['chat', '--timeout', '5'], says: ['--timeout: "5" is not a duration'] },
  { args: ['chat', '--ca', '/nowhere/ca.pem'], says: ['--ca: /nowhere/ca.pem: No such file'] },
  { args: ['probe'], says: ['needs an address'] },
  { args: ['probe', 'chat.example.org'], says: ['"chat.example.org"'] },
  { args: ['probe', 'ws://h', '--timeout', '0s'], says: ['--timeout'] },
  { args: ['healthcheck', 'https://127.0.0.1'], says: ['http://127.0.0.1:9090/readyz'] },
  { args: ['healthcheck', '--internal-listen', 'off'], says: ['--internal-listen is off'] },
  { args: ['healthcheck', '--internal-listen', '9090'], says: ['--internal-listen: "9090"'] },
  { args: ['healthcheck', '--config', '/nowhere/passerby.json'], says: ['/nowhere/passerby.json'] },
];

for (const { args, says } of badCommandLines) {
  test(`refused: passerby ${JSON.stringify(args).slice(1, 80)}`, (t) => refused(t, args, 2, ...says));
}

test('chat to a dead address ends with status 1 and one line', async (t) => {
  const url = `ws://127.0.0.1:${await deadPort()}/ws`;
  await refused(t, ['chat', url], 1, url, 'Connection refused');
});

test('--help of each command tells its options, in 80 columns; the manual page has the same', async (t) => {
  const manual = await readFile(new URL('../../src/passerby.1.in', import.meta.url), 'utf8');
  for (const command of ['chat', 'probe', 'healthcheck']) {
    const { stdout, stderr } = await run(t, [command, '--help'], 0);
    assert.equal(stderr, '');
    assert.match(stdout, new RegExp(`^Usage: passerby ${command} `));
    assert.match(stdout, /Exit status: 0/);
    for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line);
    const section = manual.split(/^\.SS /m).find((text) => text.startsWith(`passerby ${command}`));
    for (const [, flag] of stdout.matchAll(/^ {2}--([a-z-]+)/gm)) {
      const written = `\\-\\-${flag.replaceAll('-', '\\-')}`;
      assert.ok(flag === 'help' || section.includes(written), `--${flag} of ${command} in the manual`);
    }
  }
});
