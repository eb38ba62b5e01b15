/* client_search.test.mjs - what the client asks for: searches, matches, leaves, and requests that cross with events
 * (rule 5). */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bodies, Desk, HELLO, kinds, RESUMED } from './support/desk.mjs';

describe('looking for a stranger', () => {
  test('connects with the subprotocol and asks only after hello', () => {
    const desk = new Desk();
    desk.client.find({ topics: [' rain ', '', 'x'.repeat(33)], lang: 'en-GB' });
    assert.equal(desk.sockets.length, 1);
    assert.equal(desk.socket.protocol, 'passerby.v1');
    assert.equal(desk.client.state, 'waiting');
    desk.socket.open(null);
    assert.deepEqual(desk.socket.take(), []);
    desk.socket.say(HELLO);
    assert.deepEqual(desk.socket.take(), [{ t: 'find', topics: ['rain'], lang: 'en-GB', reliable: true }]);
    assert.equal(desk.client.limits.online, 7);
    desk.socket.say({ t: 'waiting' });
    assert.ok(desk.client.queued);
    desk.socket.say({ t: 'matched', chat: 'c1', topics: ['rain'], resume: 'token1', reliable: true });
    assert.equal(desk.client.state, 'talking');
    assert.deepEqual(desk.take(), [
      ['waiting', { again: false }],
      ['matched', { chat: 'c1', topics: ['rain'], reliable: true }],
    ]);
  });

  test('criteria that a node would refuse are left out', () => {
    const desk = new Desk();
    desk.client.find({ topics: Array.from({ length: 12 }, (_, i) => `topic ${i}`), lang: 'not a tag' });
    desk.socket.open();
    const [find] = desk.socket.take();
    assert.equal(find.topics.length, 8);
    assert.ok(!('lang' in find));
  });

  test('a lost connection while waiting asks again on the new one', () => {
    const desk = new Desk();
    desk.client.find({ topics: ['rain'] });
    desk.socket.open().say({ t: 'waiting' });
    const socket = desk.reconnect();
    assert.deepEqual(socket.take(), [{ t: 'find', topics: ['rain'], reliable: true }]);
  });

  test('other criteria while waiting are told, one request at a time', () => {
    const desk = new Desk();
    desk.client.find({ topics: ['rain'] });
    desk.socket.open();
    desk.socket.take();
    desk.client.find({ topics: ['snow'] });
    desk.client.find({ topics: ['fog'] });
    assert.deepEqual(desk.socket.take(), []);
    desk.socket.say({ t: 'waiting' });
    assert.deepEqual(desk.socket.take(), [{ t: 'find', topics: ['fog'], reliable: true }]);
  });

  test('a refused search is repeated when the node says', () => {
    const desk = new Desk();
    desk.client.find();
    desk.socket.open().say({ t: 'error', code: 'rate_limited', message: '', retry_ms: 3000 });
    desk.socket.take();
    desk.clock.advance(2999);
    assert.deepEqual(desk.socket.take(), []);
    desk.clock.advance(1);
    assert.deepEqual(kinds(desk.socket.take()), ['find']);
    desk.socket.say({ t: 'error', code: 'busy', message: '' });
    desk.clock.advance(1000);
    assert.deepEqual(kinds(desk.socket.take()), ['find']);
  });

  test('a search that no node would take is reported', () => {
    const desk = new Desk();
    desk.client.find();
    desk.socket.open().say({ t: 'error', code: 'bad_field', message: 'lang' });
    assert.deepEqual(desk.take(), [['refused', { what: 'find', code: 'bad_field', message: 'lang' }]]);
    assert.equal(desk.client.state, 'idle');
  });

  test('stopping while waiting leaves the line', () => {
    const desk = new Desk();
    desk.client.find();
    desk.socket.open().say({ t: 'waiting' });
    desk.socket.take();
    desk.client.leave();
    assert.equal(desk.client.state, 'idle');
    assert.deepEqual(desk.socket.take(), [{ t: 'leave' }]);
    desk.socket.say({ t: 'idle' });
    assert.deepEqual(desk.socket.take(), []);
  });

  test('a match that crosses the stop is left, unseen', () => {
    const desk = new Desk();
    desk.client.find();
    desk.socket.open().say({ t: 'waiting' });
    desk.take();
    desk.client.leave();
    desk.socket.take();
    desk.socket.say({ t: 'matched', chat: 'c1', topics: [], resume: 'token1', reliable: true });
    desk.socket.say({ t: 'msg', seq: 1, body: 'hello?' });
    assert.deepEqual(desk.take(), []);
    const socket = desk.reconnect();
    assert.deepEqual(socket.take(), [{ t: 'resume', token: 'token1' }]);
    socket.say({ ...RESUMED });
    assert.deepEqual(socket.take(), [{ t: 'leave' }]);
    socket.say({ t: 'ended', reason: 'you_left' });
    assert.deepEqual(desk.take(), []);
    assert.equal(desk.client.state, 'idle');
  });

  test('a match that answers a search already given up is left, unseen', () => {
    const desk = new Desk();
    desk.client.find();
    desk.socket.open();
    desk.client.leave();
    desk.socket.take();
    desk.socket.say({ t: 'matched', chat: 'c1', topics: [], resume: 'token1', reliable: true });
    assert.deepEqual(desk.socket.take(), [{ t: 'leave' }]);
    assert.deepEqual(desk.take(), []);
  });

  test('new criteria that cross a match end that chat and wait on', () => {
    const desk = new Desk();
    desk.client.find({ topics: ['rain'] });
    desk.socket.open().say({ t: 'waiting' });
    desk.client.find({ topics: ['snow'] });
    desk.take();
    desk.socket.say({ t: 'matched', chat: 'c1', topics: [], resume: 'token1', reliable: true });
    desk.socket.say({ t: 'ended', reason: 'you_left' }, { t: 'waiting' });
    assert.deepEqual(desk.takeTypes(), ['matched', 'ended', 'waiting']);
    assert.equal(desk.client.state, 'waiting');
    assert.ok(desk.client.queued);
  });
});

describe('leaving (rule 5)', () => {
  test('leave ends the chat at once; nothing more is sent or heard of it', () => {
    const desk = new Desk();
    const socket = desk.talk();
    desk.client.say('a');
    desk.client.typing(true);
    socket.take();
    desk.take();
    desk.client.leave();
    assert.deepEqual(desk.take(), [['ended', { reason: 'you_left', unsent: [{ seq: 1, body: 'a' }] }]]);
    assert.deepEqual(socket.take(), [{ t: 'leave' }]);
    socket.say({ t: 'msg', seq: 1, body: 'x' }, { t: 'sync' }, { t: 'back' }, { t: 'typing', on: true });
    desk.client.typing(false);
    desk.clock.advance(15_000);
    assert.deepEqual(socket.take(), []);
    socket.say({ t: 'ended', reason: 'you_left' });
    assert.deepEqual(desk.take(), []);
    assert.deepEqual(desk.logged, []);
  });

  test('a drop before the answer: resume, and repeat it', () => {
    const desk = new Desk();
    desk.talk();
    desk.client.say('a');
    desk.client.leave();
    const socket = desk.reconnect();
    assert.deepEqual(socket.take(), [{ t: 'resume', token: 'token1' }]);
    socket.say(RESUMED);
    assert.deepEqual(socket.take(), [{ t: 'leave' }]);
    const again = desk.reconnect();
    assert.deepEqual(again.take(), [{ t: 'resume', token: 'token2' }]);
    again.say({ t: 'ended', reason: 'expired' });
    assert.deepEqual(again.take(), []);
    assert.deepEqual(desk.take().slice(-1), [['ended', { reason: 'you_left', unsent: [{ seq: 1, body: 'a' }] }]]);
  });

  test('next: find ends the chat; a drop before the answer resumes and repeats it', () => {
    const desk = new Desk();
    const socket = desk.talk();
    desk.client.find({ topics: ['rain'] });
    assert.deepEqual(kinds(socket.take()), ['find']);
    assert.equal(desk.client.state, 'waiting');
    const again = desk.reconnect();
    assert.deepEqual(kinds(again.take()), ['resume']);
    again.say(RESUMED);
    assert.deepEqual(again.take(), [{ t: 'find', topics: ['rain'], reliable: true }]);
    again.say({ t: 'ended', reason: 'you_left' });
    assert.deepEqual(desk.reconnect().take(), [{ t: 'find', topics: ['rain'], reliable: true }]);
  });

  test('next, and the chat turns out to be over already: the search goes on', () => {
    const desk = new Desk();
    desk.talk();
    desk.client.find();
    const again = desk.reconnect().say({ t: 'ended', reason: 'left' });
    assert.deepEqual(kinds(again.take()), ['resume', 'find']);
    again.say({ t: 'matched', chat: 'c2', topics: [], resume: 'token9', reliable: true });
    assert.equal(desk.client.chat.id, 'c2');
  });

  test('next, but searches are limited: the stranger is let go at once', () => {
    const desk = new Desk();
    const socket = desk.talk();
    desk.client.find();
    socket.take();
    socket.say({ t: 'error', code: 'rate_limited', message: '', retry_ms: 4000 });
    assert.deepEqual(socket.take(), [{ t: 'leave' }]);
    socket.say({ t: 'ended', reason: 'you_left' });
    assert.deepEqual(socket.take(), []);
    desk.clock.advance(4000);
    assert.deepEqual(kinds(socket.take()), ['find']);
  });

  test('the stranger leaves at the same moment: idle answers, and is not taken for more', () => {
    const desk = new Desk();
    const socket = desk.talk();
    desk.client.leave();
    desk.client.find();
    socket.take();
    socket.say({ t: 'ended', reason: 'left' });
    assert.deepEqual(socket.take(), [], 'leave is not answered yet');
    socket.say({ t: 'idle' });
    assert.deepEqual(kinds(socket.take()), ['find']);
    socket.say({ t: 'waiting' });
    assert.equal(desk.client.state, 'waiting');
  });

  test('leave right after next waits for its turn', () => {
    const desk = new Desk();
    const socket = desk.talk();
    desk.client.find();
    desk.client.leave();
    assert.deepEqual(kinds(socket.take()), ['find']);
    socket.say({ t: 'ended', reason: 'you_left' }, { t: 'waiting' });
    assert.deepEqual(kinds(socket.take()), ['leave']);
    socket.say({ t: 'idle' });
    assert.deepEqual(desk.takeTypes(), ['ended']);
    assert.equal(desk.client.state, 'idle');
  });

  test('leaving without a connection is told when there is one', () => {
    const desk = new Desk();
    desk.talk();
    desk.socket.drop();
    desk.client.leave();
    desk.clock.advance(20_000);
    const socket = desk.socket.open();
    assert.deepEqual(kinds(socket.take()), ['resume']);
    socket.say(RESUMED);
    assert.deepEqual(kinds(socket.take()), ['leave']);
  });

  test('ended by the stranger: what was unacknowledged is reported, nothing is shown after', () => {
    for (const reason of ['left', 'lost', 'expired']) {
      const desk = new Desk();
      const socket = desk.talk();
      desk.client.say('a');
      desk.client.say('b');
      socket.say({ t: 'ack', seq: 1 });
      desk.take();
      socket.say({ t: 'ended', reason }, { t: 'msg', seq: 1, body: 'late' });
      assert.deepEqual(desk.take(), [['ended', { reason, unsent: [{ seq: 2, body: 'b' }] }]]);
      assert.equal(desk.client.state, 'idle');
    }
  });

  test('a listener may call the client', () => {
    const desk = new Desk();
    const socket = desk.talk();
    desk.client.on('ended', () => desk.client.find());
    desk.client.on('message', () => desk.client.say('reply'));
    socket.say({ t: 'msg', seq: 1, body: 'x' });
    assert.deepEqual(bodies(socket.take()), ['1:reply']);
    socket.say({ t: 'ended', reason: 'left' });
    assert.deepEqual(kinds(socket.take()), ['find']);
  });
});
