// contract-resume.test.mjs - PROTOCOL.md on drops, grace, `resume`: `away`, `back`, `lost`, good and bad tokens, 4501.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assertTalking, connect, connectPair, connectReliablePair, resume } from './lib/client.mjs';
import { startServer } from './lib/server.mjs';
import { delay, eventually } from './lib/wait.mjs';

const TIMER_SLACK_MS = 50;

/** Drops `client` and waits until its stranger has heard of it. */
async function dropped(client, stranger) {
  client.drop();
  return stranger.expectSkipping(['ack', 'typing'], 'away');
}

/** Drops `client`, resumes, and returns the new connection; both have been told. */
async function comeBack(t, server, client, stranger) {
  await dropped(client, stranger);
  const again = await resume(t, server, client.match.resume);
  again.match = await again.expect('resumed', { chat: client.match.chat, peer: 'here' });
  again.plain = client.plain;
  await stranger.expect('back');
  return again;
}

const send = (client, seq) => client.send({ t: 'msg', seq, body: `message ${seq}` });

describe('a drop', { concurrency: 4 }, () => {
  for (const [how, leave] of [
    ['without a word', (client) => client.drop()],
    ['with close 1000', (client) => client.close(1000)],
    ['with close 1001', (client) => client.close(1001, 'tab closed')],
    ['with a close of its own kind', (client) => client.close(4999)],
    ['through an oversized message', (client) => client.send('x'.repeat(20000))],
    ['through a binary message', (client) => client.sendBinary(Buffer.from('{}'))],
  ]) {
    it(`${how} makes the stranger hear \`away\`, and the chat goes on after \`resume\``, async (t) => {
      const server = await startServer(t);
      const [a, b] = await connectReliablePair(t, server);
      leave(b);
      const { grace_ms: grace } = await a.expect('away');
      assert.ok(Number.isInteger(grace) && grace > 0 && grace <= 60000, `grace_ms: ${grace}`);
      const again = await resume(t, server, b.match.resume);
      await again.expect('resumed', { peer: 'here' });
      await a.expect('back');
      await assertTalking(a, again);
    });
  }

  it('holds the chat for the grace, then the stranger hears `lost`, and a late `resume` `expired`', async (t) => {
    const server = await startServer(t, ['--grace', '700ms']);
    const [a, b] = await connectReliablePair(t, server);
    const start = Date.now();
    const away = await dropped(b, a);
    assert.ok(away.grace_ms <= 700);
    await a.expect('ended', { reason: 'lost' });
    assert.ok(Date.now() - start >= 700 - TIMER_SLACK_MS, `lost after ${Date.now() - start} ms`);
    const late = await resume(t, server, b.match.resume);
    await late.expect('ended', { reason: 'expired' });
    send(a, 1);
    await a.expectError('not_in_chat');
  });

  it('of both: the later grace counts', async (t) => {
    const server = await startServer(t, ['--grace', '8s']);
    const [a, b] = await connectReliablePair(t, server);
    await dropped(b, a);
    await delay(5000);
    a.drop();
    await delay(5000); // b's own grace has passed, a's has not
    const again = await resume(t, server, b.match.resume);
    const { grace_ms: left } = await again.expect('resumed', { peer: 'away' });
    assert.ok(Number.isInteger(left) && left <= 8000, `grace_ms: ${left}`);
    const other = await resume(t, server, a.match.resume);
    await other.expect('resumed', { peer: 'here' });
    await again.expect('back');
    await assertTalking(again, other);
  });

  it('of both for longer than the grace ends the chat', async (t) => {
    const server = await startServer(t, ['--grace', '500ms']);
    const [a, b] = await connectReliablePair(t, server);
    await dropped(b, a);
    a.drop();
    await delay(1500);
    for (const client of [a, b]) {
      const late = await resume(t, server, client.match.resume);
      await late.expect('ended', { reason: 'expired' });
    }
  });

  it('does not stop the stranger, whose messages come when they are sent again', async (t) => {
    const server = await startServer(t);
    const [a, b] = await connectReliablePair(t, server);
    await dropped(b, a);
    for (const seq of [1, 2, 3]) send(a, seq);
    const again = await resume(t, server, b.match.resume);
    await again.expect('resumed');
    await a.expect('back');
    for (const seq of [1, 2, 3]) send(a, seq);
    for (const seq of [1, 2, 3]) await again.expect('msg', { seq, body: `message ${seq}` });
    again.send({ t: 'ack', seq: 3 });
    await a.expect('ack', { seq: 3 });
  });
});

describe('resume', { concurrency: 4 }, () => {
  it('is answered with chat, peer, token and the stranger\'s reliability', async (t) => {
    const server = await startServer(t);
    const [a, b] = await connectPair(t, server, { left: { reliable: true } });
    const b2 = await comeBack(t, server, b, a);
    assert.equal(b2.match.reliable, true);
    assert.ok(typeof b2.match.resume === 'string' && b2.match.resume.length > 0);
    assert.equal(b2.match.grace_ms, undefined, '`grace_ms` comes with `away` only');
    const a2 = await comeBack(t, server, a, b2);
    assert.equal(a2.match.reliable, false);
    await assertTalking(a2, b2);
  });

  it('goes on with the numbers', async (t) => {
    const server = await startServer(t);
    const [a, b] = await connectReliablePair(t, server);
    for (const seq of [1, 2]) send(a, seq);
    for (const seq of [1, 2]) await b.expect('msg', { seq });
    const a2 = await comeBack(t, server, a, b);
    for (const seq of [1, 2, 3]) send(a2, seq); // nothing had been acknowledged
    for (const seq of [1, 2, 3]) await b.expect('msg', { seq });
    b.send({ t: 'ack', seq: 3 });
    await a2.expect('ack', { seq: 3 });
    const b2 = await comeBack(t, server, b, a2);
    b2.send({ t: 'ack', seq: 3 });
    send(a2, 4);
    await b2.expect('msg', { seq: 4 });
  });

  it('works again and again, each time with the newest token', async (t) => {
    const server = await startServer(t, ['--rate-limits', 'off']);
    let [a, b] = await connectReliablePair(t, server);
    for (let turn = 0; turn < 5; turn++) {
      b = await comeBack(t, server, b, a);
      a = await comeBack(t, server, a, b);
    }
    await assertTalking(a, b);
  });

  it('works with an older token: the answer may have been lost', async (t) => {
    const server = await startServer(t, ['--rate-limits', 'off']);
    const [a, b] = await connectReliablePair(t, server);
    for (let turn = 0; turn < 4; turn++) {
      const lost = await connect(t, server);
      lost.send({ t: 'resume', token: b.match.resume });
      await a.expectSkipping(['away'], 'back'); // it has happened, but suppose that `lost` never read the answer
      lost.drop();
      await a.expect('away');
    }
    const again = await resume(t, server, b.match.resume);
    await again.expect('resumed', { peer: 'here' });
    await a.expect('back');
    await assertTalking(a, again);
  });

  it('the last connection wins: the one before is closed with 4501, and the stranger hears `back`', async (t) => {
    const server = await startServer(t);
    const [a, b] = await connectReliablePair(t, server);
    const again = await resume(t, server, b.match.resume);
    await again.expect('resumed', { peer: 'here' });
    await b.closed(4501);
    await a.expectSkipping(['away'], 'back');
    await assertTalking(a, again);
    const third = await resume(t, server, b.match.resume);
    await third.expect('resumed', { peer: 'here' });
    await again.closed(4501);
    await a.expectSkipping(['away'], 'back');
    await assertTalking(a, third, { seqs: [2, 2] });
    assert.ok(!a.heard.some(({ t: type }) => type === 'ended'));
  });

  it('of twenty at once: one holds the chat, the others are closed with 4501', async (t) => {
    const server = await startServer(t);
    const [a, b] = await connectReliablePair(t, server);
    const rivals = await Promise.all(Array.from({ length: 20 }, () => connect(t, server)));
    for (const rival of rivals) rival.send({ t: 'resume', token: b.match.resume });
    for (let count = 0; count < 20; count++) await a.expectSkipping(['away'], 'back');
    await b.closed(4501);
    await eventually(() => rivals.filter(({ isOpen }) => isOpen).length === 1, 'all but one to be closed');
    for (const rival of rivals.filter(({ isOpen }) => !isOpen)) await rival.closed(4501);
    const [winner] = rivals.filter(({ isOpen }) => isOpen);
    await winner.expect('resumed', { peer: 'here' });
    await assertTalking(a, winner);
  });

  it('of both sides at once, again and again, ends in one chat', async (t) => {
    const server = await startServer(t, ['--rate-limits', 'off']);
    const [a, b] = await connectReliablePair(t, server);
    let both = [a, b];
    for (let turn = 0; turn < 10; turn++) {
      both.forEach((client) => client.drop());
      both = await Promise.all([a, b].map((client) => resume(t, server, client.match.resume)));
      for (const client of both) await client.expectSkipping(['away', 'back'], 'resumed', { chat: a.match.chat });
    }
    await assertTalking(...both);
  });

  it('keeps the memory of the stranger', async (t) => {
    const server = await startServer(t, ['--prefer', '10m']);
    const [a, b] = await connectReliablePair(t, server);
    const b2 = await comeBack(t, server, b, a);
    a.send({ t: 'leave' });
    await a.expect('ended', { reason: 'you_left' });
    await b2.expect('ended', { reason: 'left' });
    for (const client of [a, b2]) {
      client.send({ t: 'find' });
      await client.expect('waiting'); // recent strangers of each other
    }
    const c = await connect(t, server);
    c.send({ t: 'find' });
    await c.matched();
    await a.expect('matched');
    b2.send({ t: 'leave' });
    await b2.expect('idle');
  });

  it('while the stranger is away says so', async (t) => {
    const server = await startServer(t);
    const [a, b] = await connectReliablePair(t, server);
    await dropped(b, a);
    a.drop();
    const a2 = await resume(t, server, a.match.resume);
    const { grace_ms: left } = await a2.expect('resumed', { peer: 'away' });
    assert.ok(Number.isInteger(left) && left > 0 && left <= 60000, `grace_ms: ${left}`);
    const b2 = await resume(t, server, b.match.resume);
    await b2.expect('resumed', { peer: 'here' });
    await a2.expect('back');
    await assertTalking(a2, b2);
  });

  it('is legal while idle only', async (t) => {
    const server = await startServer(t);
    const [a, b] = await connectReliablePair(t, server);
    a.send({ t: 'resume', token: a.match.resume });
    await a.expectError('bad_field');
    await assertTalking(a, b);
    await dropped(b, a);
    const c = await connect(t, server);
    c.send({ t: 'find' });
    await c.expect('waiting');
    c.send({ t: 'resume', token: b.match.resume });
    await c.expectError('bad_field');
    c.send({ t: 'leave' });
    await c.expect('idle');
    c.send({ t: 'resume', token: b.match.resume });
    await c.expect('resumed');
    await a.expect('back');
  });

  it('without a token, or with one of the wrong kind, is bad_field', async (t) => {
    const server = await startServer(t);
    const a = await connect(t, server);
    for (const fields of [{}, { token: 5 }, { token: null }, { token: {} }]) {
      a.send({ t: 'resume', ...fields });
      const error = await a.expectError('bad_field');
      assert.match(error.message, /token/);
    }
  });

  it('ignores `msg`, `ack` and `typing` until it is answered', async (t) => {
    const server = await startServer(t);
    const [a, b] = await connectReliablePair(t, server);
    await dropped(b, a);
    const again = await connect(t, server);
    again.sendAll([
      { t: 'resume', token: b.match.resume }, { t: 'typing', on: true }, { t: 'ack', seq: 0 },
      { t: 'msg', seq: 1, body: 'early' },
    ]);
    await again.expect('resumed');
    again.send({ t: 'msg', seq: 1, body: 'early' });
    await a.expect('back');
    await a.expectSkipping(['typing', 'ack'], 'msg', { seq: 1, body: 'early' });
    assert.ok(!again.heard.some(({ t: type }) => type === 'error'), JSON.stringify(again.heard));
  });

  it('works for plain clients', async (t) => {
    const server = await startServer(t);
    const [a, b] = await connectPair(t, server);
    const b2 = await comeBack(t, server, b, a);
    await assertTalking(a, b2);
    assert.ok(!a.heard.concat(b2.heard).some(({ t: type }) => type === 'sync' || type === 'ack'));
  });
});

describe('a bad token', { concurrency: 4 }, () => {
  it('forged, cut, lengthened or of another secret is answered `expired`, and harms nobody', async (t) => {
    const server = await startServer(t, ['--secret', 'the secret of this cluster', '--rate-limits', 'off']);
    const elsewhere = await startServer(t, ['--secret', 'the secret of another cluster']);
    const [a, b] = await connectReliablePair(t, server);
    const [stranger] = await connectReliablePair(t, elsewhere);
    const good = b.match.resume;
    const other = (character) => (character === 'A' ? 'B' : 'A');
    const flipped = Array.from(good, (character, at) => good.slice(0, at) + other(character) + good.slice(at + 1));
    const bad = [
      stranger.match.resume, good.slice(0, -1), good.slice(1), good.slice(0, good.length / 2), `${good}A`, `${good}=`,
      ` ${good}`, good.toLowerCase(), good.toUpperCase(), 'x', 'A'.repeat(good.length), 'A'.repeat(10000),
      '€'.repeat(50), '../../etc/passwd',
      ...flipped.slice(0, -1), // the last character may carry bits that no byte uses
    ];
    const client = await connect(t, server);
    for (const token of bad) {
      client.send({ t: 'resume', token });
      const { t: type, reason } = await client.next();
      assert.deepEqual([type, reason], ['ended', 'expired'], `for ${token.slice(0, 200)}, made of ${good}`);
    }
    client.send({ t: 'leave' });
    await client.expect('idle');
    await assertTalking(a, b);
  });

  it('of another side resumes that side, not both', async (t) => {
    const server = await startServer(t);
    const [a, b] = await connectReliablePair(t, server);
    const again = await resume(t, server, a.match.resume);
    await again.expect('resumed', { chat: a.match.chat });
    await a.closed(4501);
    await b.expectSkipping(['away'], 'back');
    await assertTalking(again, b);
  });

  it('of a chat that the stranger left is answered `left`', async (t) => {
    const server = await startServer(t);
    const [a, b] = await connectReliablePair(t, server);
    await dropped(b, a);
    a.send({ t: 'leave' });
    await a.expect('ended', { reason: 'you_left' });
    const late = await resume(t, server, b.match.resume);
    await late.expect('ended', { reason: 'left' });
    late.send({ t: 'leave' });
    await late.expect('idle');
  });

  it('of a chat that the stranger left with `find` is answered `left`', async (t) => {
    const server = await startServer(t);
    const [a, b] = await connectReliablePair(t, server);
    await dropped(b, a);
    a.send({ t: 'find' });
    await a.expect('ended', { reason: 'you_left' });
    await a.expect('waiting');
    const late = await resume(t, server, b.match.resume);
    await late.expect('ended', { reason: 'left' });
  });

  it('of a chat that one left oneself is answered `you_left`', async (t) => {
    const server = await startServer(t);
    const [a, b] = await connectReliablePair(t, server);
    a.send({ t: 'leave' });
    a.close(); // before the answer can be read; a client then resumes and leaves again
    await b.expect('ended', { reason: 'left' });
    const late = await resume(t, server, a.match.resume);
    await late.expect('ended', { reason: 'you_left' });
  });

  it('of an ended chat does not disturb the next one', async (t) => {
    const server = await startServer(t, ['--prefer', '0s']);
    const [a, b] = await connectReliablePair(t, server);
    b.send({ t: 'leave' });
    await a.expect('ended', { reason: 'left' });
    await b.expect('ended', { reason: 'you_left' });
    const old = a.match.resume;
    a.send({ t: 'find', reliable: true });
    await a.expect('waiting');
    b.send({ t: 'find', reliable: true });
    await b.matched();
    await a.expect('matched');
    const late = await resume(t, server, old);
    await late.expect('ended');
    await assertTalking(a, b);
  });
});
