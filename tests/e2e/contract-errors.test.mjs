// contract-errors.test.mjs - PROTOCOL.md on malformed objects: which code each gets, and when the patience ends (4503).

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assertTalking, connect, connectPair, connectReliablePair } from './lib/client.mjs';
import { startServer } from './lib/server.mjs';
import { delay } from './lib/wait.mjs';

const NOT_OBJECTS = [
  '', ' ', 'hello', '{', '}', '{]', '[]', '[{"t":"leave"}]', '"leave"', 'null', 'true', '42',
  '{"t":"leave"', '{"t":"leave"}}',
  '{"t":"leave"} {"t":"leave"}', "{'t':'leave'}", '{t:"leave"}', '{"t":"leave",}', '{"t":"leave"}\0', '{"t":"le\nave"}',
  '{"t":"leave","x":"\\q"}', '{"t":"leave","x":01}', '{"t":"leave","x":+1}', '{"t":"leave","x":.5}',
  '{"t":"leave","x":NaN}',
  '// comment\n{"t":"leave"}',
  '['.repeat(16000), '{"a":'.repeat(3000),
];

const UNKNOWN = ['hello', 'matched', 'leave ', 'LEAVE', '', 'constructor', 'x'.repeat(10000), '\u0000']
  .map((t) => ({ t }));
const NO_TYPE = [{}, { T: 'leave' }, { t: null }, { t: 5 }, { t: ['leave'] }, { t: { t: 'leave' } }];

/** Sends each to a session of its own kind, a few per connection, and asserts the code; the session lives on. */
async function assertRefused(t, messages, codes) {
  const server = await startServer(t);
  for (let at = 0; at < messages.length; at += 8) {
    const client = await connect(t, server);
    for (const message of messages.slice(at, at + 8)) {
      client.send(message);
      const error = await client.expect('error');
      assert.ok(codes.includes(error.code), `${JSON.stringify(error)} for ${JSON.stringify(message).slice(0, 80)}`);
      assert.equal(typeof error.message, 'string');
    }
    client.send({ t: 'leave' });
    await client.expect('idle');
    client.drop();
  }
}

describe('malformed messages', { concurrency: 4 }, () => {
  it('that are no JSON object are bad_json', (t) => assertRefused(t, NOT_OBJECTS, ['bad_json']));
  it('of an unknown type are bad_type', (t) => assertRefused(t, UNKNOWN, ['bad_type']));
  // Of a missing `t` both rules speak: "unknown t", and "missing or of the wrong kind".
  it('without a type are bad_type or bad_field', (t) => assertRefused(t, NO_TYPE, ['bad_type', 'bad_field']));

  it('do no harm where the odd part is none of ours', async (t) => {
    const server = await startServer(t);
    const a = await connect(t, server);
    const odd = [
      '{"t":"leave","x":[[[[[[[[[[{"y":[{}]}]]]]]]]]]]}', '{"t":"leave","x":-0.0e-10,"y":123456789012345678}',
      '{"t":"leave","":"","__proto__":{"t":"find"},"constructor":1}',
      ' \r\n\t{ "t" : "leave" }\n ', '{"\\u0074":"leave"}',
      `{"t":"leave","x":"${'😀'.repeat(4000)}"}`, '{"t":"leave","x":"\\u0000\\ud83d\\ude00"}',
    ];
    for (const text of odd) {
      a.send(text);
      await a.expect('idle');
    }
  });

  it('with half a surrogate pair are refused: there is no UTF-8 for it', async (t) => {
    const server = await startServer(t);
    const [a, b] = await connectReliablePair(t, server);
    for (const half of ['\\ud800', '\\udfff', 'a\\ud83d', '\\ude00\\ud83d', '\\ud83d\\u0041']) {
      a.send(`{"t":"msg","seq":1,"body":"${half}"}`);
      const { code } = await a.expect('error');
      assert.ok(['bad_json', 'bad_field'].includes(code), `${code} for ${half}`);
    }
    await assertTalking(a, b);
  });

  it('numbers beyond all range are refused, not crashed on', async (t) => {
    const server = await startServer(t);
    const [a, b] = await connectReliablePair(t, server);
    const numbers = ['1e400', '-1e400', '9'.repeat(400), '1e-400', '-0', '18446744073709551617', '9007199254740993'];
    for (const number of numbers) {
      a.send(`{"t":"msg","body":"x","seq":${number}}`);
      const { code } = await a.expect('error');
      assert.ok(['bad_json', 'bad_field'].includes(code), `${code} for seq ${number}`);
    }
    await assertTalking(a, b);
  });
});

describe('patience', { concurrency: 4 }, () => {
  it('ends with the tenth protocol error inside a minute: 4503, and the stranger hears `left`', async (t) => {
    const server = await startServer(t);
    const [a, b] = await connectReliablePair(t, server);
    const ten = [
      'no json', '[]', { t: 'what' }, { t: 'msg', seq: 1 }, { t: 'msg', seq: 5, body: 'a gap' }, { t: 'ack', seq: 9 },
      { t: 'msg', seq: 1, body: 'x'.repeat(2001) }, { t: 'typing' },
      { t: 'resume', token: 'while in a chat' }, { t: 'what' },
    ];
    for (const message of ten.slice(0, 9)) {
      a.send(message);
      await a.expect('error');
    }
    await assertTalking(a, b);
    a.send(ten[9]);
    await a.closed(4503);
    await b.expectSkipping(['ack'], 'ended', { reason: 'left' });
    const c = await connect(t, server);
    c.send({ t: 'resume', token: a.match.resume });
    const { reason } = await c.expect('ended');
    assert.ok(['you_left', 'expired'].includes(reason), `the chat is over, not held: ${reason}`);
  });

  it('is not tried by the other errors', async (t) => {
    const server = await startServer(t, ['--find-rate', '1/2']);
    const a = await connect(t, server);
    for (let again = 0; again < 30; again++) a.send({ t: 'find' });
    a.send({ t: 'leave' });
    await a.expectSkipping(['waiting', 'error'], 'idle');
    const refused = a.heard.filter(({ t: type }) => type === 'error');
    assert.ok(refused.length >= 15 && refused.every(({ code }) => code === 'rate_limited'));
    for (let again = 0; again < 15; again++) a.send({ t: 'msg', seq: 1, body: 'no chat' });
    for (let again = 0; again < 15; again++) await a.expectError('not_in_chat');
    assert.ok(a.isOpen);
  });

  it('is new again after a minute', async (t) => {
    const server = await startServer(t);
    const [a, b] = await connectPair(t, server);
    for (let round = 0; round < 2; round++) {
      for (let again = 0; again < 9; again++) {
        a.send('no json');
        await a.expectError('bad_json');
      }
      if (round === 0) await delay(61_000);
    }
    await assertTalking(a, b);
    a.send('no json');
    await a.closed(4503);
  });
});
