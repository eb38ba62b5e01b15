/* client_trust.test.mjs - what the client believes: nonsense from the node, and its own stored state. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bodies, Desk, HELLO, kinds, RESUMED } from './support/desk.mjs';

describe('nonsense', () => {
  test('is ignored, and logged', () => {
    const desk = new Desk();
    const socket = desk.talk();
    const before = JSON.stringify(desk.client.export());
    const nonsense = [
      'no json',
      '[]',
      { t: 'dance' },
      { t: 'msg', seq: 'one', body: 'x' },
      { t: 'resumed', chat: 'c1', peer: 'here', resume: 'x', reliable: true },
      { t: 'matched', chat: 'c2', topics: [], resume: 'x', reliable: true },
      { t: 'waiting' },
      { t: 'idle' },
      HELLO,
      { t: 'error', code: 'unheard_of', message: '' },
    ];
    for (const frame of nonsense) {
      socket.say(frame);
    }
    socket.raw(new ArrayBuffer(4));
    assert.equal(desk.logged.length, nonsense.length + 1);
    assert.deepEqual(desk.take(), []);
    assert.deepEqual(socket.take(), []);
    assert.equal(JSON.stringify(desk.client.export()), before);
  });

  test('a pause that is longer than any timer is taken for a minute', () => {
    const refusal = { t: 'error', code: 'rate_limited', message: '', retry_ms: Number.MAX_SAFE_INTEGER };
    const searching = new Desk();
    searching.client.find();
    searching.socket.open().say(refusal);
    const talking = new Desk();
    const socket = talking.talk();
    talking.client.say('a');
    socket.say({ ...refusal, code: 'window_full', seq: 1 });
    for (const { socket: { sent }, clock } of [searching, talking]) {
      const before = sent.length;
      clock.advance(59_000);
      assert.equal(sent.length, before);
      clock.advance(2_000);
      assert.equal(sent.length, before + 1);
    }
  });

  test('an acknowledgement of what was never said is ignored', () => {
    const desk = new Desk();
    const socket = desk.talk();
    desk.client.say('a');
    desk.take();
    socket.say({ t: 'ack', seq: 2 });
    assert.deepEqual(desk.take(), []);
    socket.take();
    socket.say({ t: 'sync' });
    assert.deepEqual(bodies(socket.take()), ['1:a']);
  });

  test('frames before hello, of a chat that is not there, of another chat', () => {
    const desk = new Desk();
    desk.client.connect();
    desk.socket.open(null).say({ t: 'matched', chat: 'c', topics: [], resume: 'x', reliable: true }, HELLO);
    desk.socket.say(
      { t: 'msg', seq: 1, body: 'x' },
      { t: 'ended', reason: 'left' },
      { t: 'away' },
      { t: 'ack', seq: 1 },
    );
    assert.deepEqual(desk.take(), []);
    assert.equal(desk.logged.length, 5);
    const other = new Desk();
    other.talk();
    other.reconnect().say({ ...RESUMED, chat: 'c7' });
    assert.ok(!other.client.chat.attached);
  });

  test('a listener that throws harms nobody', () => {
    const desk = new Desk();
    desk.client.on('message', () => {
      throw new Error('listener');
    });
    const socket = desk.talk();
    socket.say({ t: 'msg', seq: 1, body: 'x' });
    assert.deepEqual(kinds(socket.take()), ['ack']);
    assert.equal(desk.logged.length, 1);
  });
});

describe('a reload', () => {
  const reload = (desk, options) => new Desk({ saved: JSON.parse(JSON.stringify(desk.client.export())), ...options });

  test('takes the chat up: token, numbers, what is unacknowledged', () => {
    const before = new Desk();
    const socket = before.talk();
    before.client.say('a');
    before.client.say('b');
    socket.say({ t: 'ack', seq: 1 }, { t: 'msg', seq: 1, body: 'x' });
    const after = reload(before);
    assert.equal(after.client.state, 'talking');
    after.client.connect();
    const fresh = after.socket.open();
    assert.deepEqual(fresh.take(), [{ t: 'resume', token: 'token1' }]);
    fresh.say(RESUMED, { t: 'msg', seq: 1, body: 'x' }, { t: 'msg', seq: 2, body: 'y' });
    assert.deepEqual(bodies(fresh.take()), ['2:b']);
    assert.equal(after.client.say('c'), 3);
    assert.deepEqual(
      after.take().filter(([type]) => type === 'message'),
      [['message', { seq: 2, body: 'y' }]],
    );
  });

  test('repeats a leave that was not answered', () => {
    const before = new Desk();
    before.talk();
    before.client.leave();
    const after = reload(before);
    after.client.connect();
    const fresh = after.socket.open();
    assert.deepEqual(kinds(fresh.take()), ['resume']);
    fresh.say(RESUMED);
    assert.deepEqual(kinds(fresh.take()), ['leave']);
  });

  test('goes on waiting', () => {
    const before = new Desk();
    before.client.find({ topics: ['rain'] });
    const after = reload(before);
    assert.equal(after.client.state, 'waiting');
    after.client.connect();
    assert.deepEqual(after.socket.open().take(), [{ t: 'find', topics: ['rain'], reliable: true }]);
  });

  test('what another version stored is left alone', () => {
    const desk = new Desk({ saved: { v: 99, chat: { id: 'x' } } });
    assert.equal(desk.client.state, 'idle');
  });
});
