// package.test.mjs - the client as others have it: the npm package passerby-client, and a bot made with it.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connect } from './lib/client.mjs';
import { Command } from './lib/command.mjs';
import { startServer } from './lib/server.mjs';

const FOLDER = fileURLToPath(new URL('../../src/web/', import.meta.url));
const BOT = fileURLToPath(new URL('bot.mjs', import.meta.url));
const run = promisify(execFile);

const startBot = (t, url) => new Command(t, [BOT, url], { program: process.execPath });

test('the package has the client, and nothing of the page', async () => {
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json'], { cwd: FOLDER });
  const [{ files, version }] = JSON.parse(stdout);
  const modules = (await readdir(`${FOLDER}client`)).map((name) => `client/${name}`);
  assert.deepEqual(files.map(({ path }) => path).sort(), [...modules, 'README.md', 'package.json', 'passerby.js'].sort());
  const [, project] = /project\(passerby VERSION (\S+)/.exec(await readFile(`${FOLDER}../../CMakeLists.txt`, 'utf8'));
  assert.equal(version, project, "the package's version is the server's");
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
