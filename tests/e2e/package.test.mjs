// package.test.mjs - the client as others have it: the npm package passerby-client, and a bot made with it.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connect } from './lib/client.mjs';
import { Command } from './lib/command.mjs';
import { startServer } from './lib/server.mjs';

const FOLDER = fileURLToPath(new URL('../../src/web/', import.meta.url));
const TSC = fileURLToPath(new URL('node_modules/.bin/tsc', import.meta.url));
const BOT = fileURLToPath(new URL('bot.mjs', import.meta.url));
const run = promisify(execFile);

const startBot = (t, url) => new Command(t, [BOT, url], { program: process.execPath });

/** Packs the package, and installs it as npm would, for a program in a folder of its own. Returns the folder, and what is in the package. */
async function install(t) {
  const folder = await mkdtemp(join(tmpdir(), 'passerby-package-'));
  t.after(() => rm(folder, { recursive: true }));
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: FOLDER });
  const [{ files, version, filename }] = JSON.parse(stdout);
  await mkdir(join(folder, 'node_modules'));
  await run('tar', ['-xzf', filename, '-C', 'node_modules'], { cwd: folder });
  await rename(join(folder, 'node_modules/package'), join(folder, 'node_modules/passerby-client'));
  return { folder, version, files: files.map(({ path }) => path) };
}

test('the package has the client and its types, and nothing of the page', async (t) => {
  const { files, version } = await install(t);
  const modules = ['passerby.js', ...(await readdir(`${FOLDER}client`)).map((name) => `client/${name}`)];
  const types = modules.map((name) => `types/${name.replace(/js$/, 'd.ts')}`);
  assert.deepEqual(files.sort(), [...modules, ...types, 'README.md', 'package.json'].sort());
  const [, project] = /project\(passerby VERSION (\S+)/.exec(await readFile(`${FOLDER}../../CMakeLists.txt`, 'utf8'));
  assert.equal(version, project, "the package's version is the server's");
});

/* What TypeScript is to take, and (the line after each @ts-expect-error) not to take. */
const PROGRAM = `
import { Passerby, type Saved } from 'passerby-client';
const saved: Saved | null = null;
const client = new Passerby({ url: 'ws://localhost:8080/ws', saved });
const stop: () => void = client.on('matched', ({ topics, reliable }) => { const first: string | undefined = topics[0]; void [first, reliable]; });
client.on('message', ({ seq, body }) => { const next: number = seq + body.length; void next; });
client.on('ended', ({ unsent }) => unsent.forEach(({ body }) => body.trim()));
client.on('*', (detail, type) => { void [detail, type]; });
client.find({ topics: ['rain'], lang: 'en' });
const doing: 'idle' | 'waiting' | 'talking' = client.state;
void [stop, doing, client.chat?.here, client.limits.max_body];
// @ts-expect-error
client.on('matchd', () => {});
// @ts-expect-error
client.on('message', ({ text }) => text);
// @ts-expect-error
client.say(7);
// @ts-expect-error
new Passerby();
`;

test('TypeScript knows its types, however it looks for modules', async (t) => {
  const { folder } = await install(t);
  await writeFile(join(folder, 'program.mts'), PROGRAM);
  for (const [module, moduleResolution] of [['nodenext', 'nodenext'], ['esnext', 'bundler']]) {
    const options = ['--noEmit', '--strict', '--target', 'es2022', '--lib', 'es2022,dom', '--module', module, '--moduleResolution', moduleResolution];
    const { stdout } = await run(TSC, [...options, 'program.mts'], { cwd: folder }).catch((error) => error);
    assert.equal(stdout, '', moduleResolution);
  }
});

test('the README of the package names every event, and no other', async () => {
  const declared = await readFile(`${FOLDER}client/emitter.js`, 'utf8');
  const events = /@typedef \{object\} Events(.*?)@typedef/s.exec(declared)[1];
  const names = [...events.matchAll(/@property \{.*\} (\w+)/g)].map(([, name]) => name);
  assert.ok(names.length > 10, names.join());
  const section = /## Events(.*?)\n## /s.exec(await readFile(`${FOLDER}README.md`, 'utf8'))[1];
  assert.deepEqual([...section.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name), names);
});

test('the bot is short, talks, and goes on with the next stranger', async (t) => {
  const lines = (await readFile(BOT, 'utf8')).split('\n').filter((line) => line && !line.startsWith('//'));
  assert.ok(lines.length <= 20, `${lines.length} lines`);
  const server = await startServer(t, ['--prefer', '300ms', '--rate-limits', 'off']);
  const bot = startBot(t, server.url);
  const ann = await connect(t, server);
  for (const body of ['hello', 'Gr\u00fc\u00dfe \u{1F682}']) {
    ann.send({ t: 'find', topics: ['Bots'] });
    await ann.matched({ topics: ['Bots'] });
    await ann.expect('msg', { body: 'I am a bot. Say "bye", and I go.' });
    ann.send({ t: 'msg', body });
    await ann.expectSkipping(['typing'], 'msg', { body });
    ann.send({ t: 'msg', body: 'bye' });
    await ann.expect('ended', { reason: 'left' });
  }
  ann.send({ t: 'find', topics: ['bots'] });
  await ann.matched();
  bot.signal('SIGTERM');
  await ann.expectSkipping(['msg'], 'ended', { reason: 'left' });
  await bot.ends(0);
  assert.equal(bot.stderr, '');
});

test('it says so where it can never connect', async () => {
  const { Passerby } = await import('passerby-client');
  assert.throws(() => new Passerby({ url: 'ws://x', WebSocket: null }), /no WebSocket here/);
  assert.throws(() => new Passerby({ url: 'chat.example.org', WebSocket: class {} }), TypeError);
});
