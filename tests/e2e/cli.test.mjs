// cli.test.mjs - the command line from outside: what is wrong gets one clear line on stderr, exit status 2, and nothing started.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { connect } from './lib/client.mjs';
import { BINARY, startServer } from './lib/server.mjs';
import { deadPort } from './lib/strangers.mjs';
import { within } from './lib/wait.mjs';

/** Runs the binary to its end with exactly these variables. */
async function run(args, environment = {}) {
  const child = spawn(BINARY, args, { env: { PATH: process.env.PATH, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) child[name].setEncoding('utf8').on('data', (text) => { output[name] += text; });
  try {
    const [code] = await within(once(child, 'close'), () => `passerby ${args.join(' ')} to end; it said: ${output.stderr}`);
    return { code, ...output };
  } finally {
    child.kill('SIGKILL');
  }
}

async function expectRefused({ args = [], environment = {}, says }) {
  const { code, stdout, stderr } = await run(args, environment);
  assert.equal(code, 2, `exit status of passerby ${args.join(' ')}: ${stderr}`);
  assert.equal(stdout, '');
  assert.match(stderr, /^passerby: [^\n]+\n$/, 'one line');
  for (const words of [says].flat()) assert.ok(stderr.includes(words), `"${words}" is missing in: ${stderr}`);
}

/** Makes a directory for the test, and files in it; returns a function from their names to their paths. */
async function withFiles(t, files) {
  const directory = await mkdtemp(join(tmpdir(), 'passerby-cli-'));
  t.after(() => rm(directory, { recursive: true }));
  for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content);
  return (name) => join(directory, name);
}

const badArguments = [
  { args: ['--frobnicate'], says: ['--frobnicate', '--help'] },
  { args: ['--gracee', '5s'], says: ['--gracee', 'did you mean --grace?'] },
  { args: ['-p', '80'], says: ['-p: no such option'] },
  { args: ['start'], says: ['"start"', 'serve'] },
  { args: ['--grace'], says: ['--grace: needs a value'] },
  { args: ['--grace', '5 parsecs'], says: ['--grace: "5 parsecs" is not a duration; use e.g. 500ms, 10s, 2m or 1h'] },
  { args: ['--workers', '0'], says: ['--workers', '1 to 64'] },
  { args: ['--workers=99999999999999999999999999'], says: ['--workers', '1 to 64'] },
  { args: ['--max-body', 'big'], says: ['--max-body', 'size'] },
  { args: ['--message-rate', 'fast'], says: ['--message-rate', 'rate/burst'] },
  { args: ['--rate-limits', 'maybe'], says: ['--rate-limits', 'on or off'] },
  { args: ['--log-level', 'loud'], says: ['--log-level', 'error, warning, info or debug'] },
  { args: ['--listen', 'nowhere'], says: ['--listen: "nowhere"', '0.0.0.0:8080'] },
  { args: ['--listen', '127.0.0.1:99999'], says: ['--listen: "127.0.0.1:99999"'] },
  { args: ['--internal-listen', '9090'], says: ['--internal-listen: "9090"'] },
  { args: ['--allowed-origins', 'https://example.org'], says: ['--allowed-origins', 'without https://'] },
  { args: ['--trusted-proxies', '10.0.0.0/99'], says: ['--trusted-proxies', '10.0.0.0/8'] },
  { args: ['--secret', 'short'], says: ['--secret', 'at least 16'] },
  { args: ['--secret-file', '/nowhere/secret'], says: ['--secret-file', 'No such file'] },
  { args: ['--tls-cert', '/nowhere/cert.pem'], says: ['--tls-cert', '--tls-key'] },
  { args: ['--tls-cert', '/nowhere/cert.pem', '--tls-key', '/nowhere/key.pem'], says: ['--tls-cert', 'No such file'] },
  { args: ['--config', '/nowhere/passerby.json'], says: ['--config', 'No such file'] },
  { args: ['--dead-after', '10s'], says: ['--dead-after', '--ping-interval'] },
  { args: ['--max-body', '60k'], says: ['--max-frame', '--max-body'] },
  { environment: { PASSERBY_GRACE: 'soon' }, says: ['PASSERBY_GRACE: "soon"'] },
  { environment: { PASSERBY_GRACEE: '5s' }, says: ['PASSERBY_GRACEE', 'did you mean PASSERBY_GRACE?'] },
  { environment: { PASSERBY_CONFIG: '/nowhere/passerby.json' }, says: ['PASSERBY_CONFIG', 'No such file'] },
  { environment: { PORT: 'http' }, says: ['PORT: "http"'] },
];

for (const row of badArguments) {
  const name = [...Object.entries(row.environment ?? {}).map((pair) => pair.join('=')), 'passerby', ...row.args ?? []].join(' ');
  test(`refused: ${name}`, () => expectRefused(row));
}

const badFiles = [
  { content: '{"grace": "5s",\n}', says: ['line 2, column 1', 'not JSON'] },
  { content: '', says: ['not JSON'] },
  { content: '[]', says: ['not a JSON object'] },
  { content: '{"grase": "5s"}', says: ['"grase"', 'did you mean "grace"?'] },
  { content: '{"colour": 3}', says: ['"colour"', 'config --defaults'] },
  { content: '{"grace": "soon"}', says: ['"grace": "soon" is not a duration'] },
  { content: '{"grace": {}}', says: ['"grace"', 'use a string'] },
  { content: '{"window": 65}', says: ['"window"', '1 to 64'] },
  { content: '{"listen": ["nowhere"]}', says: ['"listen": "nowhere"'] },
];

for (const { content, says } of badFiles) {
  test(`refused: a configuration file with ${JSON.stringify(content)}`, async (t) => {
    const path = await withFiles(t, { 'passerby.json': content });
    await expectRefused({ args: ['--config', path('passerby.json')], says: [path('passerby.json'), ...says] });
  });
}

for (const flag of ['--listen', '--internal-listen']) {
  test(`refused: a port that is taken, for ${flag}, and then nothing listens`, async (t) => {
    const taken = net.createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    t.after(() => taken.close());
    const other = await deadPort();
    const otherFlag = flag === '--listen' ? '--internal-listen' : '--listen';
    const address = `127.0.0.1:${taken.address().port}`;
    await expectRefused({ args: [flag, address, otherFlag, `127.0.0.1:${other}`], says: [flag, address, 'in use'] });
    await assert.rejects(once(net.connect(other, '127.0.0.1'), 'connect'), /ECONNREFUSED/);
  });
}

for (const workers of [1, 2]) {
  test(`refused: the port of another passerby, also where ${workers} of its workers share it`, async (t) => {
    const first = await startServer(t, ['--workers', String(workers)]);
    const address = `127.0.0.1:${first.port}`;
    for (const more of ['1', '2']) {
      const args = ['--listen', address, '--internal-listen', 'off', '--workers', more];
      await expectRefused({ args, says: ['--listen', address, 'in use'] });
    }
  });
}

test('refused: a certificate that is none', async (t) => {
  const path = await withFiles(t, { 'cert.pem': 'no certificate', 'key.pem': 'no key' });
  await expectRefused({
    args: ['--listen', '127.0.0.1:0', '--internal-listen', 'off', '--tls-cert', path('cert.pem'), '--tls-key', path('key.pem')],
    says: 'cert.pem',
  });
});

test('--help lists every option of config --defaults, in 80 columns', async () => {
  const help = await run(['--help']);
  const defaults = await run(['config', '--defaults']);
  assert.deepEqual([help.code, help.stderr, defaults.code, defaults.stderr], [0, '', 0, '']);
  for (const key of Object.keys(JSON.parse(defaults.stdout))) {
    assert.ok(help.stdout.includes(`\n  --${key.replaceAll('_', '-')} `), `${key} is missing in the help`);
  }
  for (const line of help.stdout.split('\n')) assert.ok(line.length <= 80, line);
});

test('--version names version and commit', async () => {
  const { code, stdout } = await run(['--version']);
  assert.equal(code, 0);
  assert.match(stdout, /^passerby \d+\.\d+\.\d+ \(\S+/);
});

test('config --check says that good options are good, and starts nothing', async (t) => {
  const { stdout: defaults } = await run(['config', '--defaults']);
  const path = await withFiles(t, { 'passerby.json': defaults });
  const { code, stderr } = await run(['config', '--check', '--config', path('passerby.json'), '--grace', '2m']);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  await expectRefused({ args: ['config', '--check', '--grace', 'soon'], says: '--grace' });
});

test('flag wins over variable, variable over file', async (t) => {
  const path = await withFiles(t, { 'passerby.json': '{"max_body": 100, "window": 10, "grace": "10s"}' });
  const server = await startServer(t, ['--config', path('passerby.json'), '--max-body', '102'], {
    environment: { PASSERBY_MAX_BODY: '101', PASSERBY_WINDOW: '11' },
  });
  const { hello } = await connect(t, server);
  assert.deepEqual([hello.max_body, hello.window, hello.grace_ms], [102, 11, 10000]);
});
