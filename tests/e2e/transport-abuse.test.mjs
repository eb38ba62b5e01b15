// transport-abuse.test.mjs - garbage, floods, slow readers and half-open peers, and that nobody else notices them.
//
// Most tests have witnesses, a pair of honest people on the same node who go on talking. Memory is judged by what an
// unbounded queue would have cost, far above what the bounds allow.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { connect, connectPair, match, resume } from './lib/client.mjs';
import { OPCODE, closePayload, connectRaw, connectTcp, frame, handshake } from './lib/raw.mjs';
import { SEED, below, bytes, seeded } from './lib/random.mjs';
import { startServer } from './lib/server.mjs';
import { delay, eventually } from './lib/wait.mjs';

const UNLIMITED = ['--rate-limits', 'off'];
const WIDE = [...UNLIMITED, '--window', '64', '--max-body', '16000']; // a megabyte may be unacknowledged
const MEBIBYTE = 2 ** 20;
/* AddressSanitizer keeps freed memory for a while: a measure of memory must not count that. */
const LITTLE_QUARANTINE = {
  ASAN_OPTIONS: [process.env.ASAN_OPTIONS, 'quarantine_size_mb=1'].filter(Boolean).join(':'),
};

/** Two who talk, plainly; talk() asserts that they still can. */
async function witnesses(t, server) {
  const pair = await connectPair(t, server, { topics: ['witnesses'] });
  let said = 0;
  return async () => {
    for (const [from, to] of [pair, [pair[1], pair[0]]]) {
      const body = `undisturbed ${said++}`;
      from.send({ t: 'msg', body });
      await to.expect('msg', { body });
    }
  };
}

/** A raw client in a chat with a library client, both reliable; `raw.match` has the token. */
async function rawPair(t, server) {
  const raw = await connectRaw(t, server);
  raw.text({ t: 'find', reliable: true, topics: ['raw'] });
  await raw.expect('waiting');
  const stranger = await connect(t, server);
  stranger.send({ t: 'find', reliable: true, topics: ['raw'] });
  await stranger.matched();
  raw.match = await raw.expect('matched');
  return [raw, stranger];
}

/** Writes `chunk` so many times, or until the node takes no more: it need not read, nor keep, such a connection. */
async function flood({ socket }, chunk, times) {
  for (let at = 0; at < times && socket.writable; at++) {
    if (socket.write(chunk)) continue;
    const events = [once(socket, 'drain'), once(socket, 'close'), delay(2000, 'full')];
    if ((await Promise.race(events).catch(() => 'full')) === 'full') return;
  }
}

describe('garbage on the socket', { concurrency: 2 }, () => {
  const REQUEST = 'GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
    + 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n';
  const TALK = Buffer.concat([
    frame('{"t":"find","topics":["garbage"]}'), frame('{"t":"msg","body":"x"}'), frame('x', { opcode: OPCODE.PING }),
    frame('{"t":"le', { fin: false }), frame('ave"}', { opcode: OPCODE.CONTINUATION }),
    frame(closePayload(1000), { opcode: OPCODE.CLOSE }),
  ]);

  /** A few bytes of `good` changed, cut out or doubled. */
  function mutated(random, good) {
    const result = Buffer.from(good);
    for (let changes = 1 + below(random, 5); changes > 0; changes--) {
      result[below(random, result.length)] = below(random, 256);
    }
    const cut = below(random, result.length);
    const kept = below(random, 3) === 0 ? result.subarray(0, cut) : result;
    return below(random, 4) === 0 ? Buffer.concat([kept, kept.subarray(below(random, kept.length + 1))]) : kept;
  }

  const KINDS = [
    (random) => bytes(random, 1 + below(random, 600)),
    (random) => mutated(random, Buffer.from(REQUEST)),
    (random) => Buffer.concat([Buffer.from(REQUEST), bytes(random, below(random, 600))]),
    (random) => Buffer.concat([Buffer.from(REQUEST), mutated(random, TALK)]),
  ];

  /** Writes the bytes in one or two pieces, and ends the connection in one of three ways. */
  async function abuse(t, server, random, garbage) {
    const client = await connectTcp(t, server);
    const cut = below(random, garbage.length + 1);
    client.write(garbage.subarray(0, cut));
    if (below(random, 2) === 0) await delay(1);
    if (client.ended) return;
    client.write(garbage.subarray(cut));
    const way = below(random, 3);
    if (way === 0) client.socket.end();
    for (let patience = 0; patience < 10 && !client.ended; patience++) await delay(5);
    if (way === 1) client.socket.resetAndDestroy();
    client.drop();
  }

  it(`of 1,000 connections (seed ${SEED}) disturbs nobody`, async (t) => {
    const random = seeded();
    const server = await startServer(t);
    const talk = await witnesses(t, server);
    for (let batch = 0; batch < 40; batch++) {
      const garbage = Array.from({ length: 25 }, (_, at) => KINDS[at % KINDS.length](random));
      await Promise.all(garbage.map((piece) => abuse(t, server, random, piece)));
      await talk();
    }
    await eventually(async () => (await server.online()) === 2, 'all others to be gone');
  });

  it('of handshakes that never end takes no room for long', async (t) => {
    const server = await startServer(t, ['--handshake-timeout', '2s']);
    const talk = await witnesses(t, server);
    const halting = await Promise.all(Array.from({ length: 200 }, () => connectTcp(t, server)));
    for (const client of halting) client.write('GET /ws HTTP/1.1\r\nHost: x\r\n');
    const trickle = setInterval(() => halting.forEach((client) => client.ended || client.write('X')), 300);
    t.after(() => clearInterval(trickle));
    await talk();
    for (const client of halting) await client.end();
    await talk();
  });

  it('of long headers is refused', async (t) => {
    const server = await startServer(t);
    const talk = await witnesses(t, server);
    const client = await connectTcp(t, server);
    client.write('GET /ws HTTP/1.1\r\n');
    for (let lines = 0; lines < 2000 && !client.ended; lines++) {
      client.write(`X-Header-${lines}: ${'x'.repeat(1000)}\r\n`);
      if (lines % 50 === 0) await delay(1);
    }
    await client.end();
    await talk();
    assert.equal((await handshake(server)).status, 101);
  });
});

describe('slow readers', { concurrency: 2 }, () => {
  it('make their stranger hear window_full, and get everything when they read on', async (t) => {
    const server = await startServer(t, WIDE);
    const talk = await witnesses(t, server);
    const [slow, stranger] = await rawPair(t, server);
    slow.socket.pause();
    const body = (seq) => `${seq} ${'x'.repeat(15000)}`;
    for (let seq = 1; seq <= 65; seq++) stranger.send({ t: 'msg', seq, body: body(seq) });
    await stranger.expectError('window_full', { seq: 65 });
    await talk();
    slow.socket.resume();
    for (let seq = 1; seq <= 64; seq++) await slow.expect('msg', { seq, body: body(seq) });
    slow.text({ t: 'ack', seq: 64 });
    await stranger.expect('ack', { seq: 64 });
  });

  it('get no copy of what is queued for them already', async (t) => {
    const server = await startServer(t, WIDE, { environment: LITTLE_QUARANTINE });
    const [slow, stranger] = await rawPair(t, server);
    slow.socket.pause();
    const body = 'x'.repeat(15000);
    for (let seq = 1; seq <= 64; seq++) stranger.send({ t: 'msg', seq, body });
    stranger.send({ t: 'msg', seq: 65, body });
    await stranger.expectError('window_full', { seq: 65 });
    const before = await server.residentBytes();
    for (let round = 1; round <= 80; round++) { // 77 MB, were they queued
      for (let seq = 1; seq <= 64; seq++) stranger.send({ t: 'msg', seq, body });
      stranger.send({ t: 'msg', seq: 65, body });
      await stranger.expectError('window_full', { seq: 65 });
    }
    const grown = (await server.residentBytes()) - before;
    assert.ok(grown < 24 * MEBIBYTE, `the process grew by ${grown} bytes`);
    slow.socket.resume();
    for (let seq = 1; seq <= 64;) {
      const got = await slow.expect('msg');
      assert.ok(got.seq <= seq, `seq ${got.seq} came before ${seq}`);
      if (got.seq === seq) seq++;
    }
  });

  it('who provoke answers without reading them are bounded, or closed with 4001', async (t) => {
    const server = await startServer(t, UNLIMITED, { environment: LITTLE_QUARANTINE });
    const talk = await witnesses(t, server);
    const slow = await connectRaw(t, server);
    slow.socket.pause();
    await talk();
    const before = await server.residentBytes();
    const chunk = Buffer.concat(Array.from({ length: 1000 }, () => frame('{"t":"msg","seq":1,"body":"no chat"}')));
    await flood(slow, chunk, 400); // 400,000 answers: 40 MB, were they queued
    const grown = (await server.residentBytes()) - before;
    assert.ok(grown < 16 * MEBIBYTE, `the process grew by ${grown} bytes`);
    await talk();
    slow.socket.resume();
    let got;
    do got = await slow.next('answers, or close 4001').catch(() => undefined);
    while (got?.opcode === OPCODE.TEXT && slow.received.length > 0);
    const closes = await server.metric('passerby_closes_total', { code: '4001' });
    if (got === undefined) assert.ok(closes > 0, 'closed without 4001');
    else if (got.opcode === OPCODE.CLOSE) assert.equal(got.payload.readUInt16BE(0), 4001);
    await talk();
  });

  it('over the node\'s queue memory are closed with 4001, and resume without loss', async (t) => {
    const server = await startServer(t, [...WIDE, '--queue-memory', '65536']);
    const talk = await witnesses(t, server);
    const [slow, stranger] = await rawPair(t, server);
    slow.socket.pause();
    const body = (seq) => `${seq} ${'x'.repeat(15000)}`;
    for (let seq = 1; seq <= 64; seq++) stranger.send({ t: 'msg', seq, body: body(seq) });
    await stranger.expect('away');
    await talk();
    slow.socket.resume();
    let seen = 0;
    for (;;) {
      const got = await slow.next('close 4001').catch(() => undefined);
      if (got?.opcode === OPCODE.TEXT) assert.equal(JSON.parse(got.payload).seq, ++seen);
      else if (got?.opcode === OPCODE.CLOSE) assert.equal(got.payload.readUInt16BE(0), 4001);
      if (got?.opcode !== OPCODE.TEXT) break;
    }
    assert.ok(seen < 64);
    const again = await resume(t, server, slow.match.resume);
    await again.expect('resumed');
    await stranger.expect('back');
    again.send({ t: 'ack', seq: seen });
    for (let seq = seen + 1; seq <= 64; seq++) {
      stranger.send({ t: 'msg', seq, body: body(seq) });
      await again.expect('msg', { seq, body: body(seq) });
    }
  });

  it('of the page hold up nobody', async (t) => {
    const server = await startServer(t);
    const talk = await witnesses(t, server);
    const lazy = await Promise.all(Array.from({ length: 50 }, () => connectTcp(t, server)));
    for (const client of lazy) {
      client.socket.pause();
      for (let requests = 0; requests < 20; requests++) client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    }
    await talk();
    assert.equal((await server.request('/')).status, 200);
    await talk();
  });
});

describe('floods', { concurrency: 2 }, () => {
  it('of messages wait in the sender\'s socket, not in our memory', async (t) => {
    const server = await startServer(t, [], { environment: LITTLE_QUARANTINE });
    const talk = await witnesses(t, server);
    const [flooder, stranger] = await connectPair(t, server, { topics: ['flood'] });
    const before = await server.residentBytes();
    const body = 'x'.repeat(1900);
    for (let messages = 0; messages < 20000; messages++) flooder.send({ t: 'msg', body }); // 40 MB
    for (let messages = 1; messages <= 50; messages++) await stranger.expect('msg', { seq: messages });
    await talk();
    const grown = (await server.residentBytes()) - before;
    assert.ok(grown < 24 * MEBIBYTE, `the process grew by ${grown} bytes`);
    flooder.drop();
    await talk();
  });

  it('of pings do no harm', async (t) => {
    const server = await startServer(t, [], { environment: LITTLE_QUARANTINE });
    const talk = await witnesses(t, server);
    const flooder = await connectRaw(t, server);
    flooder.socket.pause();
    const before = await server.residentBytes();
    const chunk = Buffer.concat(Array.from({ length: 1000 }, () => frame('x'.repeat(125), { opcode: OPCODE.PING })));
    await flood(flooder, chunk, 200);
    await talk();
    const grown = (await server.residentBytes()) - before;
    assert.ok(grown < 16 * MEBIBYTE, `the process grew by ${grown} bytes`);
  });

  it('of connects and drops leave nothing behind', async (t) => {
    const server = await startServer(t);
    const talk = await witnesses(t, server);
    for (let batch = 0; batch < 20; batch++) {
      await Promise.all(Array.from({ length: 25 }, async () => {
        const client = await connect(t, server);
        client.send({ t: 'find', topics: ['hasty'] });
        client.drop();
      }));
      await talk();
    }
    await eventually(async () => (await server.online()) === 2, 'all others to be gone');
  });
});

describe('half-open peers', { concurrency: 2 }, () => {
  for (const [how, part] of [
    ['a half-closed connection', (raw) => raw.socket.end()],
    ['a reset connection', (raw) => raw.socket.resetAndDestroy()],
  ]) {
    it(`${how} is a drop`, async (t) => {
      const server = await startServer(t);
      const talk = await witnesses(t, server);
      const [raw, stranger] = await rawPair(t, server);
      part(raw);
      await stranger.expect('away');
      const again = await resume(t, server, raw.match.resume);
      await again.expect('resumed');
      await stranger.expect('back');
      await talk();
    });
  }

  it('a peer that is gone without a word is found by its silence', async (t) => {
    const server = await startServer(t, ['--ping-interval', '300ms', '--dead-after', '1200ms', '--grace', '500ms']);
    const [raw, stranger] = await rawPair(t, server);
    raw.socket.pause(); // from here on it neither reads nor answers
    stranger.send({ t: 'msg', seq: 1, body: 'are you there?' });
    await stranger.expect('away');
    await stranger.expect('ended', { reason: 'lost' });
    const [a, b] = [await connect(t, server), await connect(t, server)];
    await match(a, b);
  });
});
