// transport-frames.test.mjs - WebSocket frames: fragments, control frames, broken ones and their close codes.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connect } from './lib/client.mjs';
import { OPCODE, closePayload, connectRaw, frame } from './lib/raw.mjs';
import { startServer } from './lib/server.mjs';
import { delay } from './lib/wait.mjs';

const LEAVE = '{"t":"leave"}';
const UNLIMITED = ['--rate-limits', 'off'];

/** The frames of one text message, cut into pieces of `size` bytes; `between` is written after each but the last. */
function fragments(text, size, between = Buffer.alloc(0)) {
  const bytes = Buffer.from(text);
  const frames = [];
  for (let at = 0; at < bytes.length; at += size) {
    const last = at + size >= bytes.length;
    const opcode = at === 0 ? OPCODE.TEXT : OPCODE.CONTINUATION;
    frames.push(frame(bytes.subarray(at, at + size), { opcode, fin: last }));
    if (!last) frames.push(between);
  }
  return Buffer.concat(frames);
}

/** A raw client in a chat, and the stranger, a witness of what arrives. */
async function rawPair(t, server) {
  const raw = await connectRaw(t, server);
  raw.text({ t: 'find' });
  await raw.expect('waiting');
  const witness = await connect(t, server);
  witness.send({ t: 'find' });
  await witness.matched();
  await raw.expect('matched');
  return [raw, witness];
}

/** Writes `bytes` and asserts the close code; a witness connected before is undisturbed. */
function closes(name, code, bytes, flags = []) {
  it(name, async (t) => {
    const server = await startServer(t, flags);
    const witness = await connect(t, server);
    const raw = await connectRaw(t, server);
    for (const piece of [bytes].flat()) raw.write(piece);
    await raw.closed(code);
    witness.send(LEAVE);
    await witness.expect('idle');
  });
}

describe('fragments', { concurrency: 4 }, () => {
  it('are put together, however many', async (t) => {
    const server = await startServer(t, UNLIMITED);
    const [raw, witness] = await rawPair(t, server);
    const body = 'naïve 😀 '.repeat(100);
    for (const size of [1, 2, 3, 7, 100, 125, 126, 127, 1000]) {
      raw.write(fragments(JSON.stringify({ t: 'msg', body }), size));
      await witness.expect('msg', { body });
    }
  });

  it('may be empty', async (t) => {
    const server = await startServer(t);
    const raw = await connectRaw(t, server);
    raw.write(frame('', { fin: false }));
    for (let at = 0; at < 500; at++) raw.write(frame('', { opcode: OPCODE.CONTINUATION, fin: false }));
    raw.write(frame(LEAVE, { opcode: OPCODE.CONTINUATION, fin: false }));
    raw.write(frame('', { opcode: OPCODE.CONTINUATION }));
    await raw.expect('idle');
  });

  it('may have pings and pongs between them', async (t) => {
    const server = await startServer(t);
    const [raw, witness] = await rawPair(t, server);
    const body = 'between the pings, naïve 😀';
    const between = Buffer.concat([
      frame('are you there?', { opcode: OPCODE.PING }), frame('nobody asked', { opcode: OPCODE.PONG }),
    ]);
    raw.write(fragments(JSON.stringify({ t: 'msg', body }), 1, between));
    const pong = await raw.next();
    assert.equal(pong.opcode, OPCODE.PONG);
    assert.equal(pong.payload.toString(), 'are you there?');
    await witness.expect('msg', { body });
  });

  it('of binary bytes in a pong between them do no harm', async (t) => {
    const server = await startServer(t);
    const raw = await connectRaw(t, server);
    raw.write(fragments(LEAVE, 5, frame(Buffer.from([0xff, 0xc0, 0x80, 0xed]), { opcode: OPCODE.PONG })));
    await raw.expect('idle');
  });

  it('may come byte by byte', async (t) => {
    const server = await startServer(t);
    const [raw, witness] = await rawPair(t, server);
    raw.socket.setNoDelay(true);
    for (const byte of frame(JSON.stringify({ t: 'msg', body: 'slow 😀' }))) {
      raw.write(Buffer.of(byte));
      await delay(25);
    }
    await witness.expect('msg', { body: 'slow 😀' });
  });

  it('many messages may come in one segment', async (t) => {
    const server = await startServer(t, UNLIMITED);
    const [raw, witness] = await rawPair(t, server);
    const numbers = Array.from({ length: 30 }, (_, at) => `message ${at}`);
    raw.write(Buffer.concat(numbers.map((body) => frame(JSON.stringify({ t: 'msg', body })))));
    for (const body of numbers) await witness.expect('msg', { body });
  });

  it('the length may be written longer than needed, or is refused with 1002', async (t) => {
    // RFC 6455 section 5.2 wants the minimal form; what a node makes of another is its own affair, but it lives.
    const server = await startServer(t);
    const raw = await connectRaw(t, server);
    raw.write(frame(LEAVE, { wide: true }));
    const answer = await raw.next();
    if (answer.opcode === OPCODE.CLOSE) assert.equal(answer.payload.readUInt16BE(0), 1002);
    else assert.equal(JSON.parse(answer.payload).t, 'idle');
    await connect(t, server);
  });

  it('of a length up to max_frame is taken, whole and in fragments', async (t) => {
    const server = await startServer(t);
    const raw = await connectRaw(t, server);
    const padded = `{"t":"leave","x":"${'x'.repeat(16384 - 20)}"}`;
    assert.equal(padded.length, 16384);
    raw.text(padded);
    await raw.expect('idle');
    raw.write(fragments(padded, 1000));
    await raw.expect('idle');
  });
});

describe('a broken frame is answered with close', { concurrency: 4 }, () => {
  closes('1003: a binary message', 1003, frame('{}', { opcode: OPCODE.BINARY }));
  closes('1003: a fragmented binary message', 1003, [
    frame('{', { opcode: OPCODE.BINARY, fin: false }), frame('}', { opcode: OPCODE.CONTINUATION }),
  ]);
  for (const [name, hex] of [
    ['a stray continuation byte', '80'], ['an overlong NUL', 'c080'], ['an overlong slash', 'e080af'],
    ['a surrogate', 'eda080'],
    ['beyond U+10FFFF', 'f4908080'], ['a byte that never occurs', 'ff'], ['a cut character', 'e282'],
  ]) {
    const bytes = Buffer.concat([Buffer.from('{"t":"leave","x":"'), Buffer.from(hex, 'hex'), Buffer.from('"}')]);
    closes(`1007: ${name}`, 1007, frame(bytes));
    closes(`1007: ${name}, in fragments of one byte`, 1007, fragments(bytes, 1));
  }
  closes('1007: a character cut by the end of the message', 1007, frame(Buffer.from('e282', 'hex')));
  closes('1009: one byte over max_frame', 1009, frame('x'.repeat(16385)));
  closes('1009: one byte over max_frame, in fragments', 1009, fragments('x'.repeat(16385), 1024));
  closes('1009: over a configured max_frame', 1009, frame('x'.repeat(513)), ['--max-frame', '512', '--max-body', '100']);
  closes('1009: a declared length of 2^40', 1009, frame('x'.repeat(100000), { length: 2n ** 40n }));
  closes('1009: fragments without end', 1009, [
    frame('x', { fin: false }),
    ...Array.from({ length: 40 }, () => frame('x'.repeat(1000), { opcode: OPCODE.CONTINUATION, fin: false })),
  ]);
  closes('1002: an unmasked frame', 1002, frame(LEAVE, { mask: false }));
  closes('1002: an unmasked continuation', 1002, [
    frame('{"t":', { fin: false }), frame('"leave"}', { opcode: OPCODE.CONTINUATION, mask: false }),
  ]);
  closes('1002: an unmasked ping', 1002, frame('', { opcode: OPCODE.PING, mask: false }));
  for (const rsv of [1, 2, 4, 7]) closes(`1002: reserved bits ${rsv}`, 1002, frame(LEAVE, { rsv }));
  for (const opcode of [3, 7, 11, 15]) closes(`1002: reserved opcode ${opcode}`, 1002, frame(LEAVE, { opcode }));
  closes('1002: a continuation of nothing', 1002, frame(LEAVE, { opcode: OPCODE.CONTINUATION }));
  closes('1002: a new message inside a fragmented one', 1002, [frame('{"t":', { fin: false }), frame(LEAVE)]);
  closes('1002: a fragmented ping', 1002, frame('', { opcode: OPCODE.PING, fin: false }));
});

describe('a control frame that is too long', () => {
  it('ends the connection, and nobody else\'s', async (t) => {
    const server = await startServer(t);
    const witness = await connect(t, server);
    const raw = await connectRaw(t, server);
    raw.write(frame('x'.repeat(126), { opcode: OPCODE.PING })); // RFC 6455 section 5.5
    await raw.end();
    witness.send(LEAVE);
    await witness.expect('idle');
  });
});

describe('a close', { concurrency: 4 }, () => {
  for (const code of [1000, 1001, 3000, 4000, 4999]) {
    it(`with ${code} is echoed`, async (t) => {
      const server = await startServer(t);
      const raw = await connectRaw(t, server);
      raw.write(frame(closePayload(code, 'bye'), { opcode: OPCODE.CLOSE }));
      let answer;
      do answer = await raw.next(); while (answer.opcode !== OPCODE.CLOSE);
      assert.equal(answer.payload.readUInt16BE(0), code);
      await raw.end();
    });
  }

  it('without a code is answered with a close', async (t) => {
    const server = await startServer(t);
    const raw = await connectRaw(t, server);
    raw.write(frame('', { opcode: OPCODE.CLOSE }));
    assert.equal((await raw.next()).opcode, OPCODE.CLOSE);
    await raw.end();
  });

  for (const [name, payload] of [
    ['of one byte', Buffer.of(3)], ['with code 999', closePayload(999)], ['with code 1005', closePayload(1005)],
    ['with code 1006', closePayload(1006)], ['with code 65535', closePayload(65535)],
    ['with a reason that is no UTF-8', Buffer.from([0x03, 0xe8, 0xff])],
  ]) {
    it(`${name} ends the connection, and nobody else's`, async (t) => {
      const server = await startServer(t);
      const witness = await connect(t, server);
      const raw = await connectRaw(t, server);
      raw.write(frame(payload, { opcode: OPCODE.CLOSE }));
      await raw.end();
      witness.send(LEAVE);
      await witness.expect('idle');
    });
  }
});
