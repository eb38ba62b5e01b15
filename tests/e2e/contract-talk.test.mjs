// contract-talk.test.mjs - PROTOCOL.md on `msg`, `ack`, `typing`: numbers, window, retransmission, plain clients.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assertTalking, connect, connectPair, connectReliablePair } from './lib/client.mjs';
import { startServer } from './lib/server.mjs';

const UNLIMITED = ['--rate-limits', 'off'];
const MAX_SEQ = Number.MAX_SAFE_INTEGER; // 2^53 - 1

const TEXTS = [
  'hello', ' leading and trailing ', 'two\nlines\ttab', '"quotes" and \\backslashes\\ and /slashes/',
  'naïve façade', 'Ελληνικά, русский, עברית, العربية, 日本語, 한국어', '👩‍👩‍👧‍👦 🇦🇶 \u{1f600}',
  'e\u0301 \u200f\u2028\u2029 \ufeff',
  'nul \u0000 and \u001f and \u007f', '\u{10ffff} \ufffd \uffff', '<script>alert(1)</script>', '{"t":"leave"}',
  'null', '0',
];

/** Sends the reliable messages from..to in one write. */
function sendNumbered(client, from, to) {
  const numbers = Array.from({ length: to - from + 1 }, (_, at) => from + at);
  client.sendAll(numbers.map((seq) => ({ t: 'msg', seq, body: `message ${seq}` })));
}

async function expectNumbered(client, from, to) {
  for (let seq = from; seq <= to; seq++) await client.expect('msg', { seq, body: `message ${seq}` });
}

describe('reliable messages', { concurrency: 4 }, () => {
  it('arrive numbered and unchanged, and the receipt goes back', async (t) => {
    const server = await startServer(t, UNLIMITED);
    const [a, b] = await connectReliablePair(t, server);
    for (const [at, body] of TEXTS.entries()) {
      for (const [from, to] of [[a, b], [b, a]]) {
        from.send({ t: 'msg', seq: at + 1, body });
        assert.deepEqual(await to.expect('msg'), { t: 'msg', seq: at + 1, body });
        to.send({ t: 'ack', seq: at + 1 });
        assert.deepEqual(await from.expect('ack'), { t: 'ack', seq: at + 1 });
      }
    }
  });

  it('may be written with any JSON escapes', async (t) => {
    const server = await startServer(t);
    const [a, b] = await connectReliablePair(t, server);
    a.send('{"seq":1,"body":"\\u0041\\ud83d\\ude00\\/\\b\\f\\u0000","t":"msg"}');
    await b.expect('msg', { seq: 1, body: 'A😀/\b\f\0' });
  });

  it('are acknowledged cumulatively', async (t) => {
    const server = await startServer(t);
    const [a, b] = await connectReliablePair(t, server);
    sendNumbered(a, 1, 10);
    await expectNumbered(b, 1, 10);
    b.send({ t: 'ack', seq: 0 });
    b.send({ t: 'ack', seq: 10 });
    b.send({ t: 'ack', seq: 3 }); // lower than before: ignored
    b.send({ t: 'msg', seq: 1, body: 'behind the acks' });
    const acks = [];
    for (let message; (message = await a.next()).t !== 'msg';) acks.push(message);
    assert.deepEqual(acks.filter((ack) => ack.seq > 0), [{ t: 'ack', seq: 10 }]);
  });

  it('may be as long as max_body in bytes; one byte more is too_long and takes no seq', async (t) => {
    const server = await startServer(t);
    const [a, b] = await connectReliablePair(t, server);
    const longest = '€'.repeat(666) + 'xx';
    assert.equal(Buffer.byteLength(longest), 2000);
    a.send({ t: 'msg', seq: 1, body: longest });
    await b.expect('msg', { seq: 1, body: longest });
    a.send({ t: 'msg', seq: 2, body: `${longest}x` });
    await a.expectError('too_long', { seq: 2 });
    a.send({ t: 'msg', seq: 2, body: '😀'.repeat(500) });
    await b.expect('msg', { seq: 2, body: '😀'.repeat(500) });
  });

  it('are refused with bad_field when a field is missing, of the wrong kind or out of range', async (t) => {
    const server = await startServer(t);
    const bad = [
      ['body', { seq: 1 }], ['body', { seq: 1, body: '' }], ['body', { seq: 1, body: 5 }],
      ['body', { seq: 1, body: null }], ['body', { seq: 1, body: ['x'] }],
      ['seq', { body: 'x' }], ['seq', { body: 'x', seq: 0 }], ['seq', { body: 'x', seq: -1 }],
      ['seq', { body: 'x', seq: 1.5 }], ['seq', { body: 'x', seq: '1' }], ['seq', { body: 'x', seq: MAX_SEQ + 1 }],
      ['seq', { body: 'x', seq: [1] }], ['seq', { body: 'x', seq: true }], ['seq', { body: 'x', seq: 1e300 }],
    ];
    for (const half of [bad.slice(0, 7), bad.slice(7)]) { // ten errors would close the connection
      const [a, b] = await connectReliablePair(t, server);
      for (const [field, fields] of half) {
        a.send({ t: 'msg', ...fields });
        const error = await a.expectError('bad_field');
        assert.ok(error.message.includes(field), `"${error.message}" names '${field}' for ${JSON.stringify(fields)}`);
      }
      await assertTalking(a, b);
    }
  });

  it('must leave no gap', async (t) => {
    const server = await startServer(t);
    const [a, b] = await connectReliablePair(t, server);
    a.send({ t: 'msg', seq: 2, body: 'too early' });
    await a.expectError('bad_seq', { seq: 2 });
    sendNumbered(a, 1, 2);
    await expectNumbered(b, 1, 2);
    a.send({ t: 'msg', seq: 4, body: 'too early' });
    await a.expectError('bad_seq', { seq: 4 });
    sendNumbered(a, 3, 3);
    await expectNumbered(b, 3, 3);
  });

  it('sent again are passed on again', async (t) => {
    const server = await startServer(t);
    const [a, b] = await connectReliablePair(t, server);
    sendNumbered(a, 1, 3);
    await expectNumbered(b, 1, 3);
    sendNumbered(a, 1, 2);
    await expectNumbered(b, 1, 2);
    sendNumbered(a, 4, 4);
    await expectNumbered(b, 4, 4);
  });

  it('numbering starts anew with each chat', async (t) => {
    const server = await startServer(t, ['--prefer', '0s']);
    const [a, b] = await connectReliablePair(t, server);
    sendNumbered(a, 1, 3);
    await expectNumbered(b, 1, 3);
    a.send({ t: 'find', reliable: true });
    await b.expect('ended');
    const c = await connect(t, server);
    c.send({ t: 'find', reliable: true });
    await c.matched();
    sendNumbered(a, 2, 2);
    await a.expectSkipping(['ended', 'waiting', 'matched'], 'error', { code: 'bad_seq', seq: 2 });
    sendNumbered(a, 1, 1);
    await expectNumbered(c, 1, 1);
  });
});

describe('the window', { concurrency: 4 }, () => {
  it('lets so many pass unacknowledged, and refuses the next', async (t) => {
    const server = await startServer(t, UNLIMITED);
    const [a, b] = await connectReliablePair(t, server);
    sendNumbered(a, 1, 33);
    await a.expectError('window_full', { seq: 33 });
    await expectNumbered(b, 1, 32);
    b.send({ t: 'ack', seq: 1 });
    await a.expect('ack', { seq: 1 });
    sendNumbered(a, 33, 34);
    await a.expectError('window_full', { seq: 34 });
    await expectNumbered(b, 33, 33);
  });

  it('is as wide as the operator says', async (t) => {
    const server = await startServer(t, ['--window', '2']);
    const [a, b] = await connectReliablePair(t, server);
    sendNumbered(a, 1, 3);
    await a.expectError('window_full', { seq: 3 });
    await expectNumbered(b, 1, 2);
  });

  it('is checked before the gap', async (t) => {
    const server = await startServer(t);
    const [a, b] = await connectReliablePair(t, server);
    a.send({ t: 'msg', seq: 32, body: 'in the window, but a gap' });
    await a.expectError('bad_seq', { seq: 32 });
    a.send({ t: 'msg', seq: 33, body: 'a gap, but beyond the window' });
    await a.expectError('window_full', { seq: 33 });
    a.send({ t: 'msg', seq: MAX_SEQ, body: 'far beyond the window' });
    await a.expectError('window_full', { seq: MAX_SEQ });
    sendNumbered(a, 1, 1);
    await expectNumbered(b, 1, 1);
  });

  it('refuses all that is higher until the refused one comes again', async (t) => {
    const server = await startServer(t, UNLIMITED);
    const [a, b] = await connectReliablePair(t, server);
    sendNumbered(a, 1, 33);
    await a.expectError('window_full', { seq: 33 });
    await expectNumbered(b, 1, 32);
    b.send({ t: 'ack', seq: 10 });
    await a.expect('ack', { seq: 10 });
    for (const seq of [34, 35, 42]) { // inside the window now, and each would leave a gap
      a.send({ t: 'msg', seq, body: 'too early' });
      await a.expectError('window_full', { seq });
    }
    sendNumbered(a, 32, 32); // a retransmission is none of those
    await expectNumbered(b, 32, 32);
    sendNumbered(a, 33, 34);
    await expectNumbered(b, 33, 34);
    a.send({ t: 'msg', seq: 36, body: 'a gap again' });
    await a.expectError('bad_seq', { seq: 36 });
  });

  it('is no protocol error, however often', async (t) => {
    const server = await startServer(t, UNLIMITED);
    const [a, b] = await connectReliablePair(t, server);
    sendNumbered(a, 1, 60);
    for (let seq = 33; seq <= 60; seq++) await a.expectError('window_full', { seq });
    await expectNumbered(b, 1, 32);
    b.send({ t: 'ack', seq: 32 });
    await a.expect('ack', { seq: 32 });
    sendNumbered(a, 33, 33);
    await expectNumbered(b, 33, 33);
  });
});

describe('ack', { concurrency: 4 }, () => {
  it('above what was passed on is bad_seq', async (t) => {
    const server = await startServer(t);
    const [a, b] = await connectReliablePair(t, server);
    b.send({ t: 'ack', seq: 1 });
    await b.expectError('bad_seq');
    sendNumbered(a, 1, 2);
    await expectNumbered(b, 1, 2);
    b.send({ t: 'ack', seq: 3 });
    await b.expectError('bad_seq');
    b.send({ t: 'ack', seq: 2 });
    await a.expect('ack', { seq: 2 });
  });

  it('is refused with bad_field when `seq` is missing, of the wrong kind or out of range', async (t) => {
    const server = await startServer(t);
    const [a, b] = await connectReliablePair(t, server);
    for (const fields of [{}, { seq: -1 }, { seq: '0' }, { seq: 0.5 }, { seq: null }, { seq: MAX_SEQ + 1 }]) {
      a.send({ t: 'ack', ...fields });
      const error = await a.expectError('bad_field');
      assert.match(error.message, /seq/);
    }
    await assertTalking(a, b);
  });

  it('without a chat is ignored', async (t) => {
    const server = await startServer(t);
    const a = await connect(t, server);
    a.send({ t: 'ack', seq: 7 });
    a.send({ t: 'find', reliable: true });
    await a.expect('waiting');
    a.send({ t: 'ack', seq: 7 });
    a.send({ t: 'leave' });
    await a.expect('idle');
  });
});

describe('plain messages', { concurrency: 4 }, () => {
  it('are numbered by the node, and plain clients hear of no acks', async (t) => {
    const server = await startServer(t, UNLIMITED);
    const [a, b] = await connectPair(t, server);
    for (const [at, body] of TEXTS.entries()) {
      a.send({ t: 'msg', body });
      assert.deepEqual(await b.expect('msg'), { t: 'msg', seq: at + 1, body });
      b.send({ t: 'msg', body });
      assert.deepEqual(await a.expect('msg'), { t: 'msg', seq: at + 1, body });
    }
  });

  it('have limits of length too', async (t) => {
    const server = await startServer(t);
    const [a, b] = await connectPair(t, server);
    a.send({ t: 'msg', body: 'x'.repeat(2001) });
    await a.expectError('too_long');
    a.send({ t: 'msg', body: '' });
    await a.expectError('bad_field');
    await assertTalking(a, b);
  });

  it('of hundreds arrive in order', async (t) => {
    const server = await startServer(t, UNLIMITED);
    const [a, b] = await connectPair(t, server);
    for (let at = 1; at <= 300; at++) {
      a.send({ t: 'msg', body: `message ${at}` });
      if (at % 10 === 0) await expectNumbered(b, at - 9, at); // at the pace of the stranger's reading
    }
  });

  it('need no ack of a reliable stranger, and have no window to keep while it reads', async (t) => {
    const server = await startServer(t, UNLIMITED);
    const [plain, reliable] = await connectPair(t, server, { right: { reliable: true } });
    for (let at = 1; at <= 100; at++) {
      plain.send({ t: 'msg', body: `message ${at}` });
      if (at % 10 === 0) await expectNumbered(reliable, at - 9, at);
    }
    reliable.send({ t: 'msg', seq: 1, body: 'all heard' });
    await plain.expect('msg', { body: 'all heard' }); // and neither `ack` nor `error` before it
  });

  it('the node acknowledges for a plain receiver, who sees no repeats', async (t) => {
    const server = await startServer(t, UNLIMITED);
    const [reliable, plain] = await connectPair(t, server, { left: { reliable: true } });
    sendNumbered(reliable, 1, 2);
    await expectNumbered(plain, 1, 2);
    while ((await reliable.expect('ack')).seq < 2);
    sendNumbered(reliable, 1, 3);
    await expectNumbered(plain, 3, 3);
    while ((await reliable.expect('ack')).seq < 3);
    sendNumbered(reliable, 4, 35);
    await expectNumbered(plain, 4, 35);
  });
});

describe('typing', { concurrency: 4 }, () => {
  it('is passed on', async (t) => {
    const server = await startServer(t);
    const [a, b] = await connectPair(t, server);
    a.send({ t: 'typing', on: true });
    assert.deepEqual(await b.expect('typing'), { t: 'typing', on: true });
    a.send({ t: 'typing', on: false });
    assert.deepEqual(await b.expect('typing'), { t: 'typing', on: false });
    b.send({ t: 'typing', on: true });
    await a.expect('typing', { on: true });
    b.send({ t: 'msg', body: 'done' });
    await a.expectSkipping(['typing'], 'msg', { body: 'done' });
  });

  it('is refused with bad_field without a bool', async (t) => {
    const server = await startServer(t);
    const [a, b] = await connectPair(t, server);
    for (const fields of [{}, { on: 1 }, { on: 'true' }, { on: null }]) {
      a.send({ t: 'typing', ...fields });
      const error = await a.expectError('bad_field');
      assert.match(error.message, /\bon\b/);
    }
    await assertTalking(a, b);
  });

  it('without a chat is ignored', async (t) => {
    const server = await startServer(t);
    const a = await connect(t, server);
    a.send({ t: 'typing', on: true });
    a.send({ t: 'leave' });
    await a.expect('idle');
  });
});

describe('a message without a chat', { concurrency: 4 }, () => {
  it('is not_in_chat, idle and waiting, with its seq, and no protocol error', async (t) => {
    const server = await startServer(t);
    const a = await connect(t, server);
    for (let again = 0; again < 12; again++) {
      a.send({ t: 'msg', body: 'hello?', seq: 5 });
      await a.expectError('not_in_chat', { seq: 5 });
    }
    a.send({ t: 'find', reliable: true });
    await a.expect('waiting');
    a.send({ t: 'msg', body: 'hello?', seq: 1 });
    await a.expectError('not_in_chat', { seq: 1 });
    const b = await connect(t, server);
    b.send({ t: 'find', reliable: true });
    await b.matched();
    await a.expect('matched');
    a.send({ t: 'msg', body: 'hello!', seq: 1 });
    await b.expect('msg', { seq: 1, body: 'hello!' });
  });

  it('sent before `leave` is shown, and nothing after `ended`', async (t) => {
    const server = await startServer(t);
    const [a, b] = await connectReliablePair(t, server);
    a.sendAll([
      { t: 'msg', seq: 1, body: 'message 1' }, { t: 'leave' }, { t: 'typing', on: true },
      { t: 'msg', seq: 2, body: 'too late' },
    ]);
    await a.expect('ended', { reason: 'you_left' });
    await a.expectError('not_in_chat', { seq: 2 });
    await b.expect('msg', { seq: 1 });
    await b.expect('ended', { reason: 'left' });
    b.send({ t: 'leave' });
    await b.expect('idle');
  });
});
