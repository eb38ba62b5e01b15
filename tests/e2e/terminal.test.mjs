// terminal.test.mjs - `passerby chat` at a terminal, which is what `script` gives it.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import { connect } from './lib/client.mjs';
import { Command } from './lib/command.mjs';
import { BINARY, startServer } from './lib/server.mjs';
import { waitingStranger } from './lib/strangers.mjs';

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

for (const { kind, column, erases } of [
  { kind: 'one that wraps lines anew', column: 63 % 40 + 1, erases: true },
  { kind: 'one that cuts them', column: 40, erases: false },
  { kind: 'one of a third kind', column: 7, erases: false },
]) {
  test(`chat at a terminal that gets narrower, ${kind}: nothing of the line being typed is left behind, and nothing else is lost`, async (t) => {
    const server = await startServer(t);
    const stranger = await waitingStranger(t, server);
    const environment = { TERM: 'xterm', SHELL: '/bin/sh' };
    const line = `stty cols 80; tty; ${BINARY} chat ${server.url}`;
    const chat = new Command(t, ['-qefc', line, '/dev/null'], { program: 'script', environment });
    await stranger.matched();
    await chat.says('you are talking to a stranger');
    const [terminal] = /\/dev\/\S+/.exec(chat.stdout);
    const draft = 'word '.repeat(12);
    chat.write(`${draft}!`);
    await chat.says(`> ${draft}!`); // 63 columns
    const resize = (columns) => execFileSync('stty', ['-F', terminal, 'cols', String(columns)]);
    resize(40);
    await chat.says('\u001b[6n');
    await chat.says(`\r\u001b[K> ${`${draft}!`.slice(-37)}`);
    chat.write(`\u001b[20;${column}R`);
    chat.write('?');
    await chat.says(`${draft}!?`.slice(-37));
    assert.equal(chat.stdout.includes('\r\u001b[1A\u001b[J'), erases, JSON.stringify(chat.stdout));
    // What was printed meanwhile stands between: too late to erase anything.
    resize(25);
    await chat.says(`\r\u001b[K> ${`${draft}!?`.slice(-22)}`);
    stranger.send({ t: 'msg', seq: 1, body: 'hello' });
    await chat.says('hello');
    chat.write('\u001b[20;15R.');
    await chat.says(`${draft}!?.`.slice(-22));
    assert.equal(chat.stdout.split('A\u001b[J').length - 1, erases ? 1 : 0);
    chat.write('\u0015/quit\r');
    await chat.ends(0);
  });
}
