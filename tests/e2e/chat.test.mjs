// chat.test.mjs - `passerby chat` in pipes.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { connect } from './lib/client.mjs';
import { Command, refused } from './lib/command.mjs';
import { startCutter } from './lib/cutter.mjs';
import { BINARY, startServer } from './lib/server.mjs';
import { startNode, waitingStranger } from './lib/strangers.mjs';
import { eventually } from './lib/wait.mjs';

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

test('chat: /again finds the same stranger, if they want it too', async (t) => {
  const server = await startServer(t);
  const stranger = await waitingStranger(t, server);
  const chat = new Command(t, ['chat', server.url, '--commands']).write('/again\n');
  const { resume } = await stranger.matched();
  await chat.says('there is no stranger who could be found again', 'stderr');
  stranger.send({ t: 'leave' });
  await stranger.expect('ended', { reason: 'you_left' });
  await chat.says('the stranger left', 'stderr');
  await chat.write('/again\n').says('waiting for the same stranger', 'stderr');
  const other = await waitingStranger(t, server);
  stranger.send({ t: 'find', again: resume });
  await stranger.matched();
  chat.write('here we are\n/quit\n');
  await stranger.expect('msg', { body: 'here we are' });
  stranger.send({ t: 'ack', seq: 1 });
  await chat.ends(0);
  other.send({ t: 'leave' });
  await other.expect('idle');
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

test('chat: a line that is thrown away counts, also where the input ends with it', async (t) => {
  const server = await startServer(t);
  const a = new Command(t, ['chat', server.url, '--stay']).end();
  await a.says('looking for a stranger', 'stderr');
  const b = new Command(t, ['chat', server.url]).end('x'.repeat(33 * 4096)); // cut at the end of what it reads at once
  await b.ends(1);
  assert.match(b.stderr, /too long: a line was thrown away/);
  await a.ends(0);
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
