/* client_talk.test.mjs - what a reliable client does with messages (rules 1 to 3). */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bodies, Desk, HELLO, kinds, RESUMED } from './support/desk.mjs';

describe('talking (rules 1 and 2)', () => {
  test('messages are numbered from 1, at most a window of them unacknowledged', () => {
    const desk = new Desk();
    const socket = desk.talk({ hello: { ...HELLO, window: 2 } });
    assert.deepEqual(
      ['a', 'b', 'c', 'd'].map((body) => desk.client.say(body)),
      [1, 2, 3, 4],
    );
    assert.deepEqual(bodies(socket.take()), ['1:a', '2:b']);
    socket.say({ t: 'ack', seq: 1 });
    assert.deepEqual(bodies(socket.take()), ['3:c']);
    socket.say({ t: 'ack', seq: 3 });
    assert.deepEqual(bodies(socket.take()), ['4:d']);
    assert.deepEqual(desk.take(), [
      ['sent', { seq: 1 }],
      ['sent', { seq: 2 }],
      ['delivered', { seq: 1 }],
      ['sent', { seq: 3 }],
      ['delivered', { seq: 3 }],
      ['sent', { seq: 4 }],
    ]);
  });

  test('each chat numbers anew', () => {
    const desk = new Desk();
    const socket = desk.talk();
    desk.client.say('a');
    socket.say({ t: 'ended', reason: 'left' });
    desk.client.find();
    socket.say({ t: 'matched', chat: 'c2', topics: [], resume: 'token9', reliable: true });
    socket.take();
    assert.equal(desk.client.say('b'), 1);
    assert.deepEqual(bodies(socket.take()), ['1:b']);
  });

  test('from a reliable stranger only the next number is shown, and acknowledged cumulatively', () => {
    const desk = new Desk();
    const socket = desk.talk();
    socket.say({ t: 'msg', seq: 1, body: 'a' });
    assert.deepEqual(socket.take(), [{ t: 'ack', seq: 1 }], 'the first one at once');
    socket.say({ t: 'msg', seq: 2, body: 'b' }, { t: 'msg', seq: 4, body: 'd' }, { t: 'msg', seq: 3, body: 'c' });
    socket.say({ t: 'msg', seq: 1, body: 'a' });
    assert.deepEqual(socket.take(), []);
    desk.clock.advance(200);
    assert.deepEqual(socket.take(), [{ t: 'ack', seq: 3 }], 'the others together, within 200 ms');
    assert.deepEqual(
      desk.take().map(([, { body }]) => body),
      ['a', 'b', 'c'],
    );
  });

  test('what is dropped is acknowledged again', () => {
    const desk = new Desk();
    const socket = desk.talk();
    socket.say({ t: 'msg', seq: 5, body: 'e' });
    assert.deepEqual(socket.take(), [{ t: 'ack', seq: 0 }]);
    assert.deepEqual(desk.take(), []);
  });

  test('from a plain stranger everything is shown and nothing acknowledged', () => {
    const desk = new Desk();
    const socket = desk.talk({ reliable: false });
    socket.say({ t: 'msg', seq: 7, body: 'a' }, { t: 'msg', seq: 1, body: 'b' }, { t: 'msg', seq: 1, body: 'b' });
    desk.clock.advance(1000);
    assert.deepEqual(socket.take(), []);
    assert.equal(desk.take().length, 3);
  });

  test('what is stored on change is never behind what is sent', () => {
    const desk = new Desk();
    const socket = desk.talk();
    const seen = [];
    desk.client.on('change', () => seen.push([desk.client.export().chat?.delivery, socket.sent.length]));
    desk.client.say('a');
    assert.deepEqual(seen[0], [{ next: 2, received: 0, kept: [{ seq: 1, body: 'a' }] }, 0]);
    socket.take();
    socket.say({ t: 'msg', seq: 1, body: 'b' });
    assert.deepEqual(seen.at(-1)[0].received, 1);
    assert.equal(seen.at(-1)[1], 0);
    assert.deepEqual(kinds(socket.take()), ['ack']);
  });

  test('text that no node takes is refused before it is numbered', () => {
    const desk = new Desk();
    assert.equal(desk.client.objection('x'), 'not_in_chat');
    assert.throws(() => desk.client.say('x'), RangeError);
    const socket = desk.talk({ hello: { ...HELLO, max_body: 10, max_frame: 80 } });
    assert.equal(desk.client.objection(''), 'empty');
    assert.equal(desk.client.objection('ééééé!'), 'too_long');
    assert.equal(desk.client.objection('\u0000'.repeat(10)), 'too_long', 'escapes would overflow max_frame');
    assert.throws(() => desk.client.say('01234567890'), RangeError);
    assert.equal(desk.client.say('a\uD800b'), 1);
    assert.deepEqual(bodies(socket.take()), ['1:a\uFFFDb']);
  });

  test('typing is told on change, repeated while it lasts, and ended by a message', () => {
    const desk = new Desk();
    const socket = desk.talk();
    desk.client.typing(false);
    assert.deepEqual(socket.take(), []);
    desk.client.typing(true);
    desk.client.typing(true);
    assert.deepEqual(socket.take(), [{ t: 'typing', on: true }]);
    desk.clock.advance(5000);
    desk.client.typing(true);
    assert.deepEqual(socket.take(), [{ t: 'typing', on: true }]);
    desk.client.say('a');
    desk.client.typing(false);
    assert.deepEqual(kinds(socket.take()), ['msg']);
    desk.client.typing(true);
    desk.client.typing(false);
    assert.deepEqual(
      socket.take().map(({ on }) => on),
      [true, false],
    );
  });

  test("the stranger's typing ends with their message, their absence, or silence", () => {
    const desk = new Desk();
    const socket = desk.talk();
    const on = () => {
      socket.say({ t: 'typing', on: true });
      assert.ok(desk.client.chat.typing);
    };
    on();
    socket.say({ t: 'msg', seq: 1, body: 'a' });
    assert.ok(!desk.client.chat.typing);
    on();
    socket.say({ t: 'away', grace_ms: 5 });
    assert.ok(!desk.client.chat.typing);
    socket.say({ t: 'back' });
    on();
    desk.clock.advance(20_000);
    assert.ok(!desk.client.chat.typing);
    desk.take();
    on();
    on();
    assert.deepEqual(desk.take(), [['typing', { on: true }]]);
  });
});

describe('sending again (rule 3)', () => {
  function withTwoUnacknowledged() {
    const desk = new Desk();
    const socket = desk.talk();
    for (const body of ['a', 'b', 'c']) {
      desk.client.say(body);
    }
    socket.say({ t: 'ack', seq: 1 });
    socket.take();
    desk.take();
    return { desk, socket };
  }

  for (const frame of [{ t: 'back' }, { t: 'sync' }]) {
    test(`on ${frame.t} everything unacknowledged, in order`, () => {
      const { socket } = withTwoUnacknowledged();
      socket.say(frame);
      assert.deepEqual(bodies(socket.take()), ['2:b', '3:c']);
    });
  }

  test('on resumed everything unacknowledged, in order, and what was said meanwhile', () => {
    const { desk } = withTwoUnacknowledged();
    desk.socket.drop();
    desk.client.say('d');
    desk.clock.advance(20_000);
    const socket = desk.socket.open();
    desk.client.say('e');
    assert.deepEqual(socket.take(), [{ t: 'resume', token: 'token1' }]);
    socket.say(RESUMED);
    assert.deepEqual(bodies(socket.take()), ['2:b', '3:c', '4:d', '5:e']);
  });

  test('when the oldest has waited 10 s with the stranger here, and again', () => {
    const { desk, socket } = withTwoUnacknowledged();
    desk.clock.advance(9_999);
    assert.deepEqual(socket.take(), []);
    desk.clock.advance(1);
    assert.deepEqual(bodies(socket.take()), ['2:b', '3:c']);
    socket.say({ t: 'typing', on: true });
    desk.clock.advance(10_000);
    assert.deepEqual(bodies(socket.take()), ['2:b', '3:c']);
    socket.say({ t: 'ack', seq: 3 });
    desk.clock.advance(60_000);
    assert.deepEqual(socket.take(), []);
  });

  test('the 10 s count from when the oldest was sent, not from the last acknowledgement', () => {
    const desk = new Desk();
    const socket = desk.talk();
    desk.client.say('a');
    desk.clock.advance(4_000);
    desk.client.say('b');
    desk.clock.advance(5_000);
    socket.say({ t: 'ack', seq: 1 });
    socket.take();
    desk.clock.advance(4_999);
    assert.deepEqual(socket.take(), []);
    desk.clock.advance(1);
    assert.deepEqual(bodies(socket.take()), ['2:b']);
  });

  test('not while the stranger is away', () => {
    const { desk, socket } = withTwoUnacknowledged();
    socket.say({ t: 'away', grace_ms: 60000 });
    desk.clock.advance(30_000);
    assert.deepEqual(socket.take(), []);
    socket.say({ t: 'back' });
    assert.deepEqual(bodies(socket.take()), ['2:b', '3:c']);
    assert.deepEqual(desk.take(), [
      ['stranger', { here: false, grace_ms: 60000 }],
      ['stranger', { here: true, grace_ms: 0 }],
    ]);
  });

  test('only as many as the window of the new node allows', () => {
    const { desk } = withTwoUnacknowledged();
    desk.socket.drop();
    desk.clock.advance(20_000);
    const socket = desk.socket.open({ ...HELLO, window: 1 }).say(RESUMED);
    assert.deepEqual(bodies(socket.take()), ['2:b']);
  });

  test('a connection that stays silent is replaced, ever more patiently', () => {
    const { desk } = withTwoUnacknowledged();
    desk.clock.advance(10_000);
    assert.equal(desk.sockets.length, 1);
    desk.clock.advance(10_000);
    assert.equal(desk.sockets.length, 2);
    desk.socket.open().say(RESUMED);
    desk.clock.advance(30_000);
    assert.equal(desk.sockets.length, 2);
    desk.clock.advance(10_000);
    assert.equal(desk.sockets.length, 3);
  });
});

describe('refused messages', () => {
  function withThree() {
    const desk = new Desk();
    const socket = desk.talk();
    for (const body of ['a', 'b', 'c']) {
      desk.client.say(body);
    }
    socket.take();
    desk.take();
    return { desk, socket };
  }

  test('window_full: from the refused one on, when the node says or an acknowledgement makes room', () => {
    const { desk, socket } = withThree();
    const refuse = (seq) => socket.say({ t: 'error', code: 'window_full', message: '', seq, retry_ms: 500 });
    refuse(2);
    refuse(3);
    desk.client.say('d');
    assert.deepEqual(socket.take(), []);
    desk.clock.advance(500);
    assert.deepEqual(bodies(socket.take()), ['2:b', '3:c', '4:d']);
    refuse(2);
    refuse(3);
    refuse(4);
    socket.say({ t: 'ack', seq: 1 });
    assert.deepEqual(bodies(socket.take()), ['2:b', '3:c', '4:d']);
  });

  for (const code of ['busy', 'rate_limited']) {
    test(`${code}: again after a while`, () => {
      const { desk, socket } = withThree();
      socket.say({ t: 'error', code, message: '', seq: 3 });
      desk.clock.advance(999);
      assert.deepEqual(socket.take(), []);
      desk.clock.advance(1);
      assert.deepEqual(bodies(socket.take()), ['3:c']);
    });
  }

  test('bad_seq: carefully, from the oldest on', () => {
    const { desk, socket } = withThree();
    socket.say(
      { t: 'error', code: 'bad_seq', message: '', seq: 2 },
      { t: 'error', code: 'bad_seq', message: '', seq: 3 },
    );
    desk.clock.advance(1000);
    assert.deepEqual(bodies(socket.take()), ['1:a']);
    socket.say({ t: 'ack', seq: 1 });
    assert.deepEqual(bodies(socket.take()), ['2:b', '3:c']);
  });

  test('too_long: reported; its number is not lost', () => {
    const { desk, socket } = withThree();
    socket.say({ t: 'error', code: 'too_long', message: '', seq: 2 });
    assert.deepEqual(desk.take(), [['refused', { what: 'msg', code: 'too_long', seq: 2, body: 'b' }]]);
    assert.deepEqual(bodies(socket.take()), ['2:\u2026', '3:c']);
  });

  test('a node with a smaller limit: what no longer fits is not even sent', () => {
    const desk = new Desk();
    desk.talk();
    desk.client.say('x'.repeat(100));
    desk.client.say('y');
    desk.socket.drop();
    desk.take();
    desk.clock.advance(20_000);
    const socket = desk.socket.open({ ...HELLO, max_body: 50 }).say(RESUMED);
    assert.deepEqual(bodies(socket.take()), ['1:\u2026', '2:y']);
    assert.equal(desk.takeTypes()[0], 'refused');
  });
});
