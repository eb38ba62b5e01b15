/* client_connections.test.mjs - connections that are lost, replaced, refused or asleep (rule 4). */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bodies, Desk, HELLO, kinds, RESUMED } from './support/desk.mjs';

describe('connections (rule 4)', () => {
  test('backoff grows exponentially, with jitter, up to a bound', () => {
    const pauses = (random) => {
      const desk = new Desk({ random: () => random });
      const waits = [];
      desk.client.connect();
      for (let i = 0; i < 7; i += 1) {
        const before = desk.clock.now();
        desk.socket.drop();
        const count = desk.sockets.length;
        while (desk.sockets.length === count) {
          assert.ok(desk.clock.step());
        }
        waits.push(Math.round(desk.clock.now() - before));
      }
      return waits;
    };
    assert.deepEqual(pauses(1), [1050, 2050, 4050, 8050, 15050, 15050, 15050]);
    assert.deepEqual(pauses(0), [50, 50, 50, 50, 50, 50, 50]);
  });

  test('one that the browser will not even dial is tried again, and told', () => {
    const blocked = class {
      constructor() {
        throw new Error('blocked');
      }
    };
    const desk = new Desk({ WebSocket: blocked });
    const told = [];
    desk.client.on('link', ({ state, failures }) => told.push(`${state} ${failures}`));
    desk.client.connect();
    assert.ok(desk.clock.step());
    assert.deepEqual(told, ['pausing 1', 'pausing 2']);
    assert.deepEqual(desk.logged.map(([what]) => what), ['cannot connect', 'cannot connect']);
  });

  test('a good connection starts the backoff anew, a short one does not', () => {
    const desk = new Desk({ random: () => 1 });
    desk.client.connect();
    desk.socket.drop();
    desk.clock.advance(1050);
    desk.socket.open().drop();
    desk.clock.advance(2000);
    assert.equal(desk.sockets.length, 2);
    desk.clock.advance(50);
    assert.equal(desk.sockets.length, 3);
    desk.socket.open();
    desk.clock.advance(5000);
    desk.socket.drop();
    desk.clock.advance(1050);
    assert.equal(desk.sockets.length, 4);
  });

  test('1013 waits longer', () => {
    const desk = new Desk({ random: () => 1 });
    desk.client.connect();
    desk.socket.open().drop(1013);
    desk.clock.advance(8000);
    assert.equal(desk.sockets.length, 1);
    desk.clock.advance(50);
    assert.equal(desk.sockets.length, 2);
  });

  test('a connection without hello is given up', () => {
    const desk = new Desk();
    desk.client.connect();
    desk.socket.open(null);
    desk.clock.advance(10_000);
    assert.equal(desk.sockets[0].closedWith, 1000);
    desk.clock.advance(2_000);
    assert.equal(desk.sockets.length, 2);
  });

  test('a request that is not answered costs the connection', () => {
    const desk = new Desk();
    desk.client.find();
    const first = desk.socket.open();
    desk.clock.advance(20_000);
    assert.equal(first.closedWith, 1000);
    desk.clock.advance(2_000);
    assert.equal(desk.sockets.length, 2);
    assert.deepEqual(kinds(desk.socket.open().take()), ['find']);
  });

  for (const code of [1000, 1001, 1006, 1012, 4001]) {
    test(`after ${code} it resumes`, () => {
      const desk = new Desk();
      desk.talk();
      assert.deepEqual(desk.reconnect(code).take(), [{ t: 'resume', token: 'token1' }]);
    });
  }

  test('the newest token counts', () => {
    const desk = new Desk();
    desk.talk();
    desk.reconnect().say(RESUMED);
    assert.deepEqual(desk.reconnect().take(), [{ t: 'resume', token: 'token2' }]);
    assert.deepEqual(desk.takeTypes(), ['resumed', 'stranger']);
  });

  test('resumed says whether the stranger is here, and reliable', () => {
    const desk = new Desk();
    desk.talk();
    const socket = desk.reconnect().say({ ...RESUMED, peer: 'away', grace_ms: 1234, reliable: false });
    assert.deepEqual(desk.take().at(-1), ['stranger', { here: false, grace_ms: 1234 }]);
    socket.take();
    socket.say({ t: 'msg', seq: 9, body: 'x' });
    assert.deepEqual(desk.takeTypes(), ['message']);
    assert.deepEqual(socket.take(), []);
  });

  test('a refused resume is repeated when the node says; the connection stays', () => {
    const desk = new Desk();
    desk.talk();
    const socket = desk.reconnect().say({ t: 'error', code: 'rate_limited', message: '', retry_ms: 2000 });
    desk.client.say('a');
    assert.deepEqual(kinds(socket.take()), ['resume']);
    desk.clock.advance(2000);
    assert.deepEqual(kinds(socket.take()), ['resume']);
  });

  test('a resume that can never be answered ends the chat', () => {
    const desk = new Desk();
    desk.talk();
    desk.client.say('a');
    desk.take();
    desk.reconnect().say({ t: 'error', code: 'bad_field', message: 'token' });
    assert.deepEqual(desk.take(), [['ended', { reason: 'expired', unsent: [{ seq: 1, body: 'a' }] }]]);
  });

  test('a node that has forgotten the chat is asked on a new connection', () => {
    const desk = new Desk();
    desk.talk();
    desk.client.say('a');
    desk.socket.say({ t: 'error', code: 'not_in_chat', message: '', seq: 1 });
    assert.equal(desk.sockets[0].closedWith, 1000);
    desk.clock.advance(20_000);
    assert.deepEqual(desk.socket.open().take(), [{ t: 'resume', token: 'token1' }]);
  });

  for (const code of [4501, 4502, 4503, 4999]) {
    test(`after ${code} it does not reconnect by itself`, () => {
      const desk = new Desk();
      desk.talk();
      desk.client.say('a');
      desk.take();
      desk.socket.drop(code);
      desk.clock.advance(600_000);
      assert.equal(desk.sockets.length, 1);
      assert.equal(desk.client.state, 'idle');
      const unsent = [{ seq: 1, body: 'a' }];
      assert.deepEqual(
        desk.take(),
        code === 4501
          ? [['closed', { code, unsent }]]
          : [
              ['ended', { reason: 'closed', unsent }],
              ['closed', { code, unsent: [] }],
            ],
      );
      assert.deepEqual(desk.client.export(), { v: 1, wanted: null, chat: null, parting: null, last: null });
      desk.client.find();
      assert.equal(desk.sockets.length, 2);
    });
  }

  test('a chat that was left is not resumed after a close for good', () => {
    const desk = new Desk();
    desk.talk();
    desk.client.leave();
    desk.socket.drop(4503);
    assert.equal(desk.client.export().parting, null);
  });

  test('a node of another version is left for good', () => {
    const desk = new Desk();
    desk.client.find();
    desk.socket.open({ ...HELLO, v: 2 });
    assert.deepEqual(desk.take(), [['closed', { code: 0, unsent: [] }]]);
    assert.equal(desk.socket.closedWith, 1000);
    desk.clock.advance(600_000);
    assert.equal(desk.sockets.length, 1);
  });

  test('a WebSocket that can not even be made is tried again', () => {
    let count = 0;
    const desk = new Desk({
      WebSocket: class {
        constructor() {
          count += 1;
          throw new SyntaxError('bad url');
        }
      },
    });
    desk.client.connect();
    desk.clock.advance(3000);
    assert.ok(count >= 2);
  });

  test('closing leaves nothing running, and keeps what a later client needs', () => {
    const desk = new Desk();
    desk.talk();
    desk.client.say('a');
    desk.client.close();
    assert.equal(desk.clock.pending, 0);
    assert.equal(desk.socket.closedWith, 1000);
    assert.equal(desk.client.export().chat.token, 'token1');
  });
});

describe('a node that goes away', () => {
  test('reconnect: open the new one first, resume there, then close the old', () => {
    const desk = new Desk();
    const old = desk.talk();
    old.say({ t: 'reconnect', after_ms: 3000 });
    desk.clock.advance(2999);
    assert.equal(desk.sockets.length, 1);
    desk.clock.advance(1);
    assert.equal(desk.sockets.length, 2);
    desk.client.say('a');
    assert.deepEqual(bodies(old.take()), ['1:a'], 'the old one works until then');
    old.say({ t: 'msg', seq: 1, body: 'b' });
    assert.deepEqual(kinds(old.take()), ['ack']);
    const fresh = desk.socket.open();
    assert.deepEqual(fresh.take(), [{ t: 'resume', token: 'token1' }]);
    assert.equal(old.closedWith, null);
    fresh.say(RESUMED);
    assert.equal(old.closedWith, 1000);
    assert.deepEqual(bodies(fresh.take()), ['1:a']);
  });

  test('the old one being superseded concerns the old one only', () => {
    const desk = new Desk();
    const old = desk.talk();
    old.say({ t: 'reconnect', after_ms: 0 });
    desk.clock.advance(0);
    const fresh = desk.socket.open();
    old.drop(4501);
    fresh.say(RESUMED);
    assert.equal(desk.client.state, 'talking');
    assert.deepEqual(desk.takeTypes(), ['resumed', 'stranger']);
  });

  test('the old one lost before the new one stands: the new one resumes', () => {
    const desk = new Desk();
    const old = desk.talk();
    old.say({ t: 'reconnect', after_ms: 0 });
    desk.clock.advance(0);
    old.drop(1012);
    desk.clock.advance(5000);
    assert.equal(desk.sockets.length, 2);
    assert.deepEqual(desk.socket.open().take(), [{ t: 'resume', token: 'token1' }]);
  });

  test('a new one that fails is tried again while the old one works', () => {
    const desk = new Desk();
    const old = desk.talk();
    old.say({ t: 'reconnect', after_ms: 0 });
    desk.clock.advance(0);
    desk.socket.drop();
    desk.client.say('a');
    assert.deepEqual(bodies(old.take()), ['1:a']);
    desk.clock.advance(5000);
    assert.equal(desk.sockets.length, 3);
  });

  test('while waiting: search on the new one, then close the old', () => {
    const desk = new Desk();
    desk.client.find();
    const old = desk.socket.open().say({ t: 'waiting' }, { t: 'reconnect', after_ms: 0 });
    old.take();
    desk.clock.advance(0);
    const fresh = desk.socket.open();
    assert.deepEqual(kinds(fresh.take()), ['find']);
    assert.equal(old.closedWith, null);
    old.say({ t: 'matched', chat: 'c9', topics: [], resume: 'x', reliable: true });
    assert.deepEqual(old.take(), [{ t: 'leave' }], 'a stranger met there does not wait in vain');
    fresh.say({ t: 'waiting' });
    assert.equal(old.closedWith, 1000);
    assert.equal(desk.client.state, 'waiting');
  });

  test('while idle: the old one is closed at once', () => {
    const desk = new Desk();
    desk.client.connect();
    const old = desk.socket.open().say({ t: 'reconnect', after_ms: 10 });
    desk.clock.advance(10);
    desk.socket.open();
    assert.equal(old.closedWith, 1000);
    desk.clock.advance(600_000);
    assert.equal(desk.sockets.length, 2);
  });

  test('a connection that stands already needs no move', () => {
    const desk = new Desk();
    desk.talk().say({ t: 'reconnect', after_ms: 30_000 });
    desk.reconnect().say(RESUMED);
    desk.clock.advance(60_000);
    assert.equal(desk.sockets.length, 2);
  });

  test('no connection is left open when the next move comes before the first is settled', () => {
    const desk = new Desk();
    desk.talk().say({ t: 'reconnect', after_ms: 0 });
    desk.clock.advance(0);
    desk.socket.open().say({ t: 'reconnect', after_ms: 0 });
    desk.clock.advance(0);
    desk.socket.open();
    assert.equal(desk.sockets[0].closedWith, 1000);
    desk.socket.say(RESUMED);
    assert.equal(desk.sockets[1].closedWith, 1000);
  });

  test('the former connection is closed in the end, answered or not', () => {
    const desk = new Desk();
    const old = desk.talk().say({ t: 'reconnect', after_ms: 0 });
    desk.clock.advance(0);
    desk.socket.open();
    desk.clock.advance(10_000);
    assert.equal(old.closedWith, 1000);
  });
});

describe('waking up', () => {
  test('tries at once instead of pausing on', () => {
    const desk = new Desk();
    desk.talk();
    desk.socket.drop();
    desk.client.wake();
    assert.equal(desk.sockets.length, 2);
  });

  test('a connection heard lately is left alone', () => {
    const desk = new Desk();
    desk.talk();
    desk.clock.advance(59_999);
    desk.client.wake();
    assert.equal(desk.sockets.length, 1);
  });

  test('a quiet chat moves to a new connection', () => {
    const desk = new Desk();
    const old = desk.talk();
    desk.clock.advance(60_000);
    desk.client.wake();
    const fresh = desk.socket.open();
    assert.deepEqual(kinds(fresh.take()), ['resume']);
    fresh.say(RESUMED);
    assert.equal(old.closedWith, 1000);
  });

  test('waiting and idle connections are asked for a sign of life', () => {
    const desk = new Desk();
    desk.client.find();
    desk.socket.open().say({ t: 'waiting' });
    desk.socket.take();
    desk.client.wake(0);
    assert.deepEqual(kinds(desk.socket.take()), ['find']);
    desk.clock.advance(5_000);
    assert.equal(desk.sockets[0].closedWith, 1000);
    desk.clock.advance(2_000);
    desk.socket.open().say({ t: 'waiting' });
    desk.client.leave();
    desk.socket.say({ t: 'idle' });
    desk.socket.take();
    desk.client.wake(0);
    assert.deepEqual(kinds(desk.socket.take()), ['leave']);
    desk.socket.say({ t: 'idle' });
    desk.clock.advance(60_000);
    assert.equal(desk.sockets.length, 2);
  });
});
