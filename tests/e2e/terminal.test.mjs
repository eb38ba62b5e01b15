// terminal.test.mjs - the commands that talk to a node: `passerby chat`, `probe`, `healthcheck`.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { WebSocketServer } from 'ws';
import { connect } from './lib/client.mjs';
import { Command, refused, run } from './lib/command.mjs';
import { startCutter } from './lib/cutter.mjs';
import { BINARY, startServer } from './lib/server.mjs';
import { eventually } from './lib/wait.mjs';

const STEPS = ['connect', 'meet', 'talk', 'resume', 'talk again', 'acknowledge', 'leave'];

/** A port of 127.0.0.1 on which nobody listens. */
async function deadPort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** A stranger of the test's own, waiting for whoever comes. */
async function waitingStranger(t, server, find = {}) {
  const stranger = await connect(t, server);
  stranger.send({ t: 'find', reliable: true, ...find });
  await stranger.expect('waiting');
  return stranger;
}

/** A node of the test's own: says hello, and hands each frame to `hear`, with the connection and its number. */
async function startNode(t, hear, greet = (socket) => socket.send('{"t":"hello","v":1}')) {
  const node = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  t.after(() => node.close());
  await once(node, 'listening');
  let count = 0;
  node.on('connection', (socket) => {
    const number = ++count;
    socket.on('error', () => {});
    socket.on('message', (data) => hear(socket, JSON.parse(data), number));
    greet(socket);
  });
  return { url: `ws://127.0.0.1:${node.address().port}/ws` };
}

// --- chat ---

test('two chats in pipes: each says its lines, shows the other\'s, and ends', async (t) => {
  const server = await startServer(t);
  const a = new Command(t, ['chat', server.url]).write('hello from a\nsecond\n');
  await a.says('looking for a stranger', 'stderr');
  const b = new Command(t, ['chat', server.url]).write('hello from b\n');
  await b.says('second\n');
  await b.end('no newline').ends(0);
  assert.equal(b.stdout, 'hello from a\nsecond\n');
  await a.ends(0);
  assert.equal(a.stdout, 'hello from b\nno newline\n');
  assert.match(a.stderr, /the stranger left/);
});

test('echo hi | passerby chat: it ends only when the stranger has it', async (t) => {
  const server = await startServer(t);
  const stranger = await waitingStranger(t, server);
  const chat = new Command(t, ['chat', server.url]).end('hi\n');
  await stranger.matched();
  await stranger.expect('msg', { seq: 1, body: 'hi' });
  await chat.says('you are talking', 'stderr');
  stranger.send({ t: 'msg', seq: 1, body: 'one moment' });
  await chat.says('one moment\n'); // it is still there
  await stranger.expect('ack', { seq: 1 });
  stranger.send({ t: 'ack', seq: 1 });
  await stranger.expect('ended', { reason: 'left' });
  await chat.ends(0);
});

test('chat: a stranger who leaves before everything was heard makes the exit status 1', async (t) => {
  const server = await startServer(t);
  const stranger = await waitingStranger(t, server);
  const chat = new Command(t, ['chat', server.url]).end('hi\n');
  await stranger.matched();
  await stranger.expect('msg', { body: 'hi' });
  stranger.send({ t: 'leave' });
  await chat.ends(1);
  assert.match(chat.stderr, /the stranger left/);
  assert.match(chat.stderr, /1 of your messages may never have been shown/);
});

test('chat: many lines, more than the window and the input\'s patience', async (t) => {
  const server = await startServer(t, ['--window', '4', '--rate-limits', 'off']);
  const lines = Array.from({ length: 1000 }, (_, i) => `line ${i}`).join('\n');
  const a = new Command(t, ['chat', server.url, '--stay']).end();
  await a.says('looking for a stranger', 'stderr');
  const b = await new Command(t, ['chat', server.url]).end(lines).ends(0);
  assert.match(b.stderr, /you left/);
  await a.ends(0);
  assert.equal(a.stdout, `${lines}\n`);
});

test('chat: stdin may be a file, or nothing at all', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'passerby-chat-'));
  t.after(() => rm(directory, { recursive: true }));
  await writeFile(join(directory, 'words'), 'from\r\na file');
  const server = await startServer(t);
  const redirected = (options, path) =>
    new Command(t, ['-c', `exec "$0" chat ${server.url} ${options} <"$1"`, BINARY, path], { program: 'sh' });
  const a = redirected('--stay', '/dev/null');
  await a.says('looking for a stranger', 'stderr');
  await redirected('', join(directory, 'words')).ends(0);
  await a.ends(0);
  assert.equal(a.stdout, 'from\na file\n');
});

test('chat: connections that are cut again and again lose and double nothing', async (t) => {
  const server = await startServer(t, ['--rate-limits', 'off']);
  const cutter = await startCutter(t, server.port);
  const a = new Command(t, ['chat', server.url, '--stay']).write('');
  await a.says('looking for a stranger', 'stderr');
  const b = new Command(t, ['chat', cutter.url]);
  await b.says('you are talking', 'stderr');
  let expected = '';
  for (let i = 0; i < 3; i++) {
    b.write(`before ${i}\n`);
    cutter.cut();
    b.write(`while away ${i}\n`);
    a.write(`to you ${i}\n`);
    expected += `before ${i}\nwhile away ${i}\n`;
    await a.says(`while away ${i}\n`);
    await b.says(`to you ${i}\n`);
  }
  await b.end('the end\n').ends(0);
  await a.ends(0);
  assert.equal(a.stdout, `${expected}the end\n`);
  assert.equal(b.stdout, [0, 1, 2].map((i) => `to you ${i}\n`).join(''));
  assert.match(b.stderr, /not connected .*trying again[^]*connected again/);
  assert.ok(cutter.accepted > 1);
});

test('chat: a node that goes away is left for another connection, which is asked for the chat first', async (t) => {
  const events = [];
  const node = await startNode(t, (socket, { t: kind, token }, number) => {
    events.push(kind === 'resume' ? `${number}: resume ${token}` : `${number}: ${kind}`);
    if (kind === 'find') {
      socket.on('close', (code) => events.push(`${number}: closed ${code}`));
      socket.send('{"t":"matched","chat":"c","resume":"t1","reliable":true}');
      socket.send('{"t":"reconnect","after_ms":1}');
    }
    if (kind === 'resume') {
      assert.ok(!events.includes('1: closed 1000'), 'the old connection stands until the new one has its answer');
      socket.send('{"t":"resumed","chat":"c","peer":"here","resume":"t2","reliable":true}');
    }
    if (kind === 'msg') socket.send('{"t":"ack","seq":1}');
    if (kind === 'leave') socket.send('{"t":"ended","reason":"you_left"}');
  });
  const chat = new Command(t, ['chat', node.url]);
  await chat.says('connected again', 'stderr');
  await eventually(() => events.some((event) => event.startsWith('1: closed')), 'the end of the old connection');
  await chat.end('hi\n').ends(0);
  assert.deepEqual(events, ['1: find', '2: resume t1', '1: closed 1000', '2: msg', '2: leave']);
});

test('chat: the grace runs out while it is cut off', async (t) => {
  const server = await startServer(t, ['--grace', '300ms']);
  const cutter = await startCutter(t, server.port);
  const stranger = await waitingStranger(t, server);
  const chat = new Command(t, ['chat', cutter.url]).write('hi\n');
  await stranger.matched();
  await stranger.expect('msg', { body: 'hi' });
  cutter.refusing = true;
  cutter.cut();
  await stranger.expectSkipping(['ack'], 'away');
  await stranger.expect('ended', { reason: 'lost' });
  cutter.refusing = false;
  await chat.ends(1);
  assert.match(chat.stderr, /1 of your messages may never have been shown/);
});

test('chat: topics and language are asked for, and what is in common is shown', async (t) => {
  const server = await startServer(t, ['--prefer', '1h']);
  const stranger = await waitingStranger(t, server, { topics: ['Tea', 'rain'], lang: 'pt' });
  const chat = new Command(t, ['chat', server.url, '--topic', 'tea', '--topic=Snow', '--lang', 'pt-BR']).end('hi');
  await chat.says('you are talking to a stranger; you both like: tea\n', 'stderr');
  await stranger.matched({ topics: ['Tea'] });
});

test('chat: what a stranger says is shown harmless, a line each', async (t) => {
  const server = await startServer(t);
  const stranger = await waitingStranger(t, server);
  const chat = new Command(t, ['chat', server.url]);
  await stranger.matched();
  const bodies = ['\u001b[2J\u001b]0;title\u0007', 'a\nb\r\nc', '\u202eabc\u0000', '\u009b31m', 'plain ä 日 😀'];
  bodies.forEach((body, i) => stranger.send({ t: 'msg', seq: i + 1, body }));
  await chat.says('plain ä 日 😀\n');
  const shown = chat.stdout.split('\n').slice(0, -1);
  assert.deepEqual(shown, ['␛[2J␛]0;title␇', 'a␊b␍␊c', '\ufffdabc␀', '\ufffd31m', 'plain ä 日 😀']);
});

test('chat: in a pipe a line is a line; with --commands it may be a command', async (t) => {
  const server = await startServer(t);
  const stranger = await waitingStranger(t, server);
  const plain = new Command(t, ['chat', server.url]).write('/next\n');
  await stranger.matched();
  await stranger.expect('msg', { body: '/next' });
  plain.signal('SIGTERM');
  await plain.ends(143);
  await stranger.expectSkipping(['ack', 'away'], 'ended', { reason: 'left' });

  const other = await waitingStranger(t, server);
  const chat = new Command(t, ['chat', server.url, '--commands']).write('//next\n/what\n/next\n');
  await other.matched();
  await other.expect('msg', { body: '/next' });
  other.send({ t: 'ack', seq: 1 }); // not before does it go on
  await other.expect('ended', { reason: 'left' });
  await chat.says('the commands are', 'stderr');
  const third = await connect(t, server);
  third.send({ t: 'find' });
  await third.matched();
  chat.write('/leave\n');
  await third.expect('ended', { reason: 'left' });
  await chat.write('said to nobody\n/quit\n').ends(1);
  assert.match(chat.stderr, /nobody is here to hear it/);
});

test('chat: too long a line is refused, and the others are said', async (t) => {
  const server = await startServer(t, ['--max-body', '100']);
  const a = new Command(t, ['chat', server.url, '--stay']).end();
  await a.says('looking for a stranger', 'stderr');
  const b = new Command(t, ['chat', server.url]).end(`short\n${'x'.repeat(101)}\n${'y'.repeat(1 << 20)}\n\nlast\n`);
  await b.ends(1);
  assert.match(b.stderr, /too long: 101 bytes; a message has at most 100/);
  await a.ends(0);
  assert.equal(a.stdout, 'short\nlast\n');
});

test('chat: what is not UTF-8 is said as U+FFFD', async (t) => {
  const server = await startServer(t);
  const a = new Command(t, ['chat', server.url, '--stay']).end();
  await a.says('looking for a stranger', 'stderr');
  await new Command(t, ['chat', server.url]).end(Buffer.from('a\xffb\n', 'latin1')).ends(0);
  await a.ends(0);
  assert.equal(a.stdout, 'a\ufffdb\n');
});

test('chat: --timeout ends a search in vain', async (t) => {
  const server = await startServer(t);
  const chat = await new Command(t, ['chat', server.url, '--timeout', '200ms']).end('hi').ends(1);
  assert.match(chat.stderr, /--timeout: the time is up/);
  await eventually(async () => await server.online() === 0, 'nobody online');
});

test('chat: a chat taken up elsewhere ends it with status 1', async (t) => {
  const node = await startNode(t, (socket) => socket.close(4501));
  const chat = await new Command(t, ['chat', node.url]).end('hi').ends(1);
  assert.match(chat.stderr, /taken up by another connection/);
});

test('chat: a node that talks nonsense is ignored, and with --verbose reported', async (t) => {
  const node = await startNode(t, (socket, { t: kind, seq }) => {
    if (kind === 'find') socket.send('{"t":"matched","chat":"c","resume":"t","reliable":true}');
    if (kind === 'msg') socket.send(JSON.stringify({ t: 'ack', seq }));
    if (kind === 'leave') socket.send('{"t":"ended","reason":"you_left"}');
  }, (socket) => {
    const nonsense = ['{}', '[', '{"t":"msg","seq":1,"body":"before hello"}', '{"t":"\u001b[2J"}', 'x'.repeat(100000)];
    for (const message of nonsense) socket.send(message);
    socket.send(Buffer.from('binary'));
    socket.send('{"t":"hello","v":1}');
    socket.send('{"t":"ended","reason":"left"}');
  });
  const quiet = await new Command(t, ['chat', node.url]).end('hi').ends(0);
  assert.equal(quiet.stdout, '');
  assert.doesNotMatch(quiet.stderr, /ignored/);
  const verbose = await new Command(t, ['chat', node.url, '--verbose']).end('hi').ends(0);
  for (const words of ['no JSON', 'a frame whose t is unknown', 'a frame before hello', 'ended']) {
    assert.ok(verbose.stderr.includes(`ignored from the node: ${words}`), `${words} in ${verbose.stderr}`);
  }
});

test('chat at a terminal: what is being typed stays below what comes, and the terminal is left as it was', async (t) => {
  const server = await startServer(t);
  const stranger = await waitingStranger(t, server);
  const line = `${BINARY} chat ${server.url}; echo status $?; stty -a`;
  const environment = { TERM: 'xterm', SHELL: '/bin/sh' };
  const chat = new Command(t, ['-qefc', line, '/dev/null'], { program: 'script', environment });
  await stranger.matched();
  await chat.says('you are talking to a stranger');
  chat.write('half a');
  await stranger.expect('typing', { on: true });
  stranger.send({ t: 'typing', on: true });
  await chat.says('(typing) > half a');
  stranger.send({ t: 'msg', seq: 1, body: 'a word' });
  await chat.says('\u001b[36mstranger: \u001b[0ma word\r\n> half a');
  chat.write(' line\r');
  await stranger.expectSkipping(['ack', 'typing'], 'msg', { body: 'half a line' });
  await chat.says('you: \u001b[0mhalf a line');
  stranger.send({ t: 'ack', seq: 1 });
  chat.write('/quit\r');
  await stranger.expectSkipping(['ack', 'typing'], 'ended', { reason: 'left' });
  await chat.says('status 0');
  await chat.says(' icanon ');
  await chat.says(' echo ');
  await chat.ends(0);
});

test('chat at a terminal: NO_COLOR, and Ctrl-C', async (t) => {
  const server = await startServer(t);
  const stranger = await waitingStranger(t, server);
  const line = `trap : INT; ${BINARY} chat ${server.url}; echo status $?`; // Ctrl-C is heard by the shell too
  const environment = { TERM: 'xterm', SHELL: '/bin/sh', NO_COLOR: '1' };
  const chat = new Command(t, ['-qefc', line, '/dev/null'], { program: 'script', environment });
  await stranger.matched();
  stranger.send({ t: 'msg', seq: 1, body: 'a word' });
  await chat.says('stranger: a word\r\n');
  assert.doesNotMatch(chat.stdout, /\u001b\[\d+m/);
  chat.write('\u0003');
  await stranger.expectSkipping(['ack'], 'ended', { reason: 'left' });
  await chat.says('status 130');
  await chat.ends(0);
});

test('chat at a terminal: what nobody can hear yet, or is too long, stays to be sent later', async (t) => {
  const server = await startServer(t, ['--max-body', '64']);
  const line = `${BINARY} chat ${server.url}; echo status $?`;
  const environment = { TERM: 'xterm', SHELL: '/bin/sh', NO_COLOR: '1' };
  const chat = new Command(t, ['-qefc', line, '/dev/null'], { program: 'script', environment });
  await chat.says('looking for a stranger');
  chat.write('early\rpasted with it\r');
  await chat.says('nobody is here to hear it');
  await chat.says('> early');
  const stranger = await connect(t, server);
  stranger.send({ t: 'find', reliable: true });
  await stranger.matched();
  await chat.says('you are talking to a stranger\r\n> early');
  chat.write(`${' bird'.repeat(12)}\r`);
  await chat.says('too long: 65 bytes; a message has at most 64');
  chat.write('\u007f\r'); // Backspace
  await stranger.expectSkipping(['typing'], 'msg', { body: `early${' bird'.repeat(12)}`.slice(0, -1) });
  stranger.send({ t: 'ack', seq: 1 });
  chat.write('/unknown');
  await stranger.expect('typing', { on: true });
  chat.write('\r');
  await stranger.expect('typing', { on: false });
  chat.write('/quit\r');
  await chat.says('status 0');
  await chat.ends(0);
});

test('chat at a terminal: --plain prints lines, and nothing else', async (t) => {
  const server = await startServer(t);
  const stranger = await waitingStranger(t, server);
  const line = `${BINARY} chat ${server.url} --plain; echo status $?`;
  const environment = { TERM: 'xterm', SHELL: '/bin/sh' };
  const chat = new Command(t, ['-qefc', line, '/dev/null'], { program: 'script', environment });
  await stranger.matched();
  await chat.says('you are talking to a stranger\r\n');
  stranger.send({ t: 'typing', on: true });
  stranger.send({ t: 'msg', seq: 1, body: 'a word' });
  await chat.says('stranger: a word\r\n');
  chat.write('a line\n');
  await stranger.expectSkipping(['ack'], 'msg', { body: 'a line' });
  stranger.send({ t: 'ack', seq: 1 });
  chat.write('/quit\n');
  await chat.says('status 0');
  await chat.ends(0);
  assert.ok(!chat.stdout.includes('\u001b'), JSON.stringify(chat.stdout));
});

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
