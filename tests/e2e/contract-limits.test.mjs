// contract-limits.test.mjs - PROTOCOL.md on rates, pings, dead clients, and on a node that is going away.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assertTalking, connect, connectPair, connectReliablePair, match, resume } from './lib/client.mjs';
import { OPCODE, connectRaw, frame } from './lib/raw.mjs';
import { startServer } from './lib/server.mjs';
import { delay, eventually } from './lib/wait.mjs';

const TIMER_SLACK_MS = 50;

describe('rates', { concurrency: 4 }, () => {
  it('too many `find`s are refused with retry_ms, and taken again after it', async (t) => {
    const server = await startServer(t, ['--find-rate', '1/3']);
    const a = await connect(t, server);
    a.sendAll(Array.from({ length: 20 }, () => ({ t: 'find' })));
    a.send({ t: 'leave' });
    const answers = [];
    do answers.push(await a.next()); while (answers.at(-1).t !== 'idle');
    assert.equal(answers[0].t, 'waiting', 'the burst is taken');
    const refused = answers.filter(({ t: type }) => type === 'error');
    assert.ok(refused.length >= 10 && refused.length <= 17, `${refused.length} of 20 were refused`);
    for (const { code, retry_ms: retry } of refused) {
      assert.equal(code, 'rate_limited');
      assert.ok(Number.isInteger(retry) && retry > 0 && retry <= 5000, `retry_ms: ${retry}`);
    }
    await delay(refused.at(-1).retry_ms + TIMER_SLACK_MS);
    a.send({ t: 'find' });
    await a.expect('waiting');
  });

  it('a refused `find` changes nothing: neither a search nor a chat ends', async (t) => {
    const server = await startServer(t, ['--find-rate', '1/2', '--prefer', '0s']);
    for (let tries = 0; tries < 10; tries++) {
      const [a, b] = [await connect(t, server), await connect(t, server)];
      a.sendAll(Array.from({ length: 10 }, () => ({ t: 'find' })));
      b.send({ t: 'find' });
      await a.expectSkipping(['waiting', 'error'], 'matched');
      await b.matched();
      a.send({ t: 'find' });
      a.send({ t: 'leave' });
      const answer = await a.next();
      if (answer.t === 'error') {
        assert.equal(answer.code, 'rate_limited');
        await a.expect('ended', { reason: 'you_left' }); // by `leave`: the chat was still there
        return;
      }
      assert.equal(answer.t, 'ended'); // a token had come back since: too slow, once more
      a.drop();
      b.drop();
    }
    assert.fail('no `find` was refused');
  });

  it('too many `resume`s are refused, and cost no chat', async (t) => {
    const server = await startServer(t, ['--find-rate', '1/2']);
    const [a, b] = await connectReliablePair(t, server);
    b.drop();
    await a.expect('away');
    const again = await connect(t, server);
    again.sendAll(Array.from({ length: 20 }, () => ({ t: 'resume', token: 'no token' })));
    let refused;
    for (let answers = 0; answers < 20; answers++) {
      const answer = await again.next();
      if (answer.t === 'error') refused = answer;
      else assert.deepEqual(answer, { t: 'ended', reason: 'expired' });
    }
    assert.equal(refused?.code, 'rate_limited');
    await delay(refused.retry_ms + TIMER_SLACK_MS);
    again.send({ t: 'resume', token: b.match.resume });
    await again.expect('resumed');
    await a.expect('back');
  });

  it('messages too fast are read later: all arrive, in order, none refused', async (t) => {
    const server = await startServer(t, ['--message-rate', '50/10']);
    const [a, b] = await connectReliablePair(t, server);
    const start = Date.now();
    let next = 1;
    const say = () => { a.send({ t: 'msg', seq: next, body: `message ${next}` }); next++; };
    while (next <= 32) say();
    for (let seq = 1; seq <= 150; seq++) {
      await b.expect('msg', { seq, body: `message ${seq}` });
      b.send({ t: 'ack', seq });
      if (next <= 150) {
        await a.expect('ack');
        say();
      }
    }
    assert.ok(Date.now() - start >= 2000, `150 messages at 50/10 took ${Date.now() - start} ms`);
    assert.ok(!a.heard.some(({ t: type }) => type === 'error'));
  });

  it('off means off', async (t) => {
    const server = await startServer(t, ['--rate-limits', 'off', '--find-rate', '1/1', '--message-rate', '1/1']);
    const a = await connect(t, server);
    for (let finds = 0; finds < 100; finds++) {
      a.send({ t: 'find' });
      await a.expect('waiting');
    }
  });
});

describe('a silent client', { concurrency: 4 }, () => {
  it('is pinged, and lives while it answers', async (t) => {
    const server = await startServer(t, ['--ping-interval', '300ms', '--dead-after', '1500ms']);
    const a = await connect(t, server);
    let pings = 0;
    a.on('ping', () => { pings++; });
    await eventually(() => pings >= 10, 'ten pings'); // twice dead-after, had the answers not counted
    a.send({ t: 'leave' });
    await a.expect('idle');
  });

  it('that answers nothing is dead: its stranger hears `away`', async (t) => {
    const server = await startServer(t, ['--ping-interval', '300ms', '--dead-after', '1500ms']);
    const dead = await connectRaw(t, server);
    const start = Date.now();
    dead.text({ t: 'find' });
    await dead.expect('waiting');
    const b = await connect(t, server);
    b.send({ t: 'find' });
    await b.matched();
    await b.expect('away');
    assert.ok(Date.now() - start >= 1500 - TIMER_SLACK_MS, `dead after ${Date.now() - start} ms`);
    await dead.end();
  });

  it('may ping the node itself, and gets its own payload back', async (t) => {
    const server = await startServer(t);
    const a = await connectRaw(t, server);
    for (const payload of ['', 'ping', 'x'.repeat(125)]) {
      a.write(frame(payload, { opcode: OPCODE.PING }));
      const pong = await a.next('a pong');
      assert.equal(pong.opcode, OPCODE.PONG);
      assert.equal(pong.payload.toString(), payload);
    }
  });

  it('may send a pong nobody asked for', async (t) => {
    const server = await startServer(t);
    const a = await connectRaw(t, server);
    a.write(frame('unasked', { opcode: OPCODE.PONG }));
    a.text({ t: 'leave' });
    await a.expect('idle');
  });
});

describe('a node that is going away', { concurrency: 4 }, () => {
  it('asks everybody to reconnect, serves them until then, closes with 1012 and exits 0', async (t) => {
    const server = await startServer(t, ['--drain-spread', '500ms', '--drain-timeout', '5s', '--prefer', '10m']);
    const [a, b] = await connectReliablePair(t, server);
    const idle = await connect(t, server);
    const waiting = await connect(t, server);
    waiting.send({ t: 'find', topics: ['nobody else'] });
    await waiting.expect('waiting');
    server.signal('SIGTERM');
    for (const client of [a, b, idle, waiting]) {
      const { after_ms: after } = await client.expect('reconnect');
      assert.ok(Number.isInteger(after) && after >= 0 && after <= 500, `after_ms: ${after}`);
    }
    await delay(1000);
    await assertTalking(a, b);
    for (const client of [a, b, idle, waiting]) await client.closed(1012);
    await server.ended();
  });

  it('ends at once when nobody is there', async (t) => {
    const server = await startServer(t, ['--drain-spread', '1h', '--drain-timeout', '1h']);
    server.signal('SIGTERM');
    await server.ended();
  });

  it('is not ready during drain_delay, but serves as before', async (t) => {
    const server = await startServer(t, ['--drain-delay', '4s']);
    const [a, b] = await connectPair(t, server);
    server.signal('SIGTERM');
    const status = async (path) => (await server.request(path, { internal: true })).status;
    await eventually(async () => (await status('/readyz')) === 503, '/readyz to say 503');
    assert.equal(await status('/livez'), 200);
    const [c, d] = [await connect(t, server), await connect(t, server)];
    await match(c, d);
    await assertTalking(c, d);
    await assertTalking(a, b);
    for (const client of [a, b, c, d]) await client.expect('reconnect');
  });

  it('drains on POST /drain as on SIGTERM', async (t) => {
    const server = await startServer(t);
    const a = await connect(t, server);
    const outside = await server.request('/drain', { method: 'POST' });
    assert.notEqual(Math.floor(outside.status / 100), 2, 'not for the public');
    assert.equal((await server.request('/drain', { internal: true })).status, 405);
    const stranger = await server.request('/drain', { method: 'POST', internal: true, from: '127.0.0.6' });
    assert.equal(stranger.status, 403, 'not for other machines, nor for a proxy that speaks for them');
    assert.match(stranger.text, /from this machine/);
    assert.equal((await server.request('/readyz', { internal: true })).status, 200);
    const answer = await server.request('/drain', { method: 'POST', internal: true });
    assert.equal(Math.floor(answer.status / 100), 2);
    await a.expect('reconnect');
    await a.closed(1012);
    await server.ended();
  });

  it('a second SIGTERM does no harm', async (t) => {
    const server = await startServer(t);
    const a = await connect(t, server);
    server.signal('SIGTERM');
    server.signal('SIGTERM');
    await a.expect('reconnect');
    await a.closed(1012);
  });

  it('started again with the same secret is a stranger to old chats', async (t) => {
    const flags = ['--secret', 'the same for both of them'];
    const before = await startServer(t, flags);
    const [a] = await connectReliablePair(t, before);
    await before.stop();
    const after = await startServer(t, flags);
    const late = await resume(t, after, a.match.resume);
    // The memory broker keeps nothing: nobody remembers the chat, or the first to resume recreates it from the token.
    const answer = await late.next();
    assert.ok(answer.t === 'resumed' || (answer.t === 'ended' && answer.reason === 'expired'), JSON.stringify(answer));
  });
});
