/* client_again.test.mjs - both agree: the same stranger again. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Desk, HELLO, RESUMED } from './support/desk.mjs';

const KNOWS = { ...HELLO, again_ms: 60_000 };
const MATCHED = { t: 'matched', chat: 'c1', topics: [], resume: 'token1', reliable: true };
const AGAIN = { t: 'find', again: 'token1', reliable: true };

/** A client whose first chat has ended. */
function parted({ hello = KNOWS, ...options } = {}) {
  const desk = new Desk(options);
  desk.client.find();
  desk.socket.open(hello).say(MATCHED, { t: 'ended', reason: 'left' });
  desk.socket.take();
  desk.take();
  return desk;
}

describe('the same stranger again', () => {
  test('is looked for with the token, and nothing else', () => {
    const desk = parted();
    assert.ok(desk.client.canMeetAgain);
    desk.client.again();
    assert.equal(desk.client.state, 'waiting');
    assert.deepEqual(desk.socket.take(), [AGAIN]);
    desk.socket.say({ t: 'waiting', again: true }, { ...MATCHED, chat: 'c2', resume: 'token2' });
    assert.deepEqual(desk.take()[0], ['waiting', { again: true }]);
    assert.equal(desk.client.chat.id, 'c2');
    assert.ok(!desk.client.canMeetAgain);
    desk.client.leave();
    desk.socket.say({ t: 'ended', reason: 'you_left' });
    desk.socket.take();
    desk.client.again();
    assert.deepEqual(desk.socket.take(), [{ ...AGAIN, again: 'token2' }]);
  });

  test('waits for the answer to leaving', () => {
    const desk = new Desk();
    desk.client.find();
    desk.socket.open(KNOWS).say(MATCHED);
    desk.socket.take();
    desk.client.leave();
    desk.client.again();
    assert.deepEqual(desk.socket.take().map(({ t }) => t), ['leave']);
    desk.socket.say({ t: 'ended', reason: 'you_left' });
    assert.deepEqual(desk.socket.take(), [AGAIN]);
  });

  test('any token of the chat will do', () => {
    const desk = new Desk();
    desk.client.find();
    desk.socket.open(KNOWS).say(MATCHED);
    desk.reconnect(1006, KNOWS).say(RESUMED, { t: 'ended', reason: 'lost' });
    desk.socket.take();
    desk.client.again();
    assert.deepEqual(desk.socket.take(), [AGAIN]);
  });

  test('a search for anybody takes its place, and the other way round', () => {
    const desk = parted();
    desk.client.again();
    desk.socket.say({ t: 'waiting', again: true });
    desk.socket.take();
    desk.client.find({ topics: ['rain'] });
    assert.deepEqual(desk.socket.take(), [{ t: 'find', topics: ['rain'], reliable: true }]);
    desk.socket.say({ t: 'waiting' });
    assert.deepEqual(desk.take(), [
      ['waiting', { again: true }],
      ['waiting', { again: false }],
    ]);
    desk.client.again();
    assert.deepEqual(desk.socket.take(), [AGAIN]);
  });

  test('is not offered by a node that does not know how', () => {
    const desk = parted({ hello: HELLO });
    assert.ok(!desk.client.canMeetAgain);
    desk.client.again();
    assert.deepEqual(desk.socket.take(), []);
    assert.equal(desk.client.state, 'idle');
  });

  test('is given up on a node that does not know how, as it would look for anybody', () => {
    const desk = parted();
    desk.client.again();
    const socket = desk.reconnect();
    assert.deepEqual(socket.take(), []);
    assert.equal(desk.client.state, 'idle');
    assert.deepEqual(desk.takeTypes(), ['refused']);
  });

  test('is asked for again on another connection', () => {
    const desk = parted();
    desk.client.again();
    assert.deepEqual(desk.reconnect(1006, KNOWS).take(), [AGAIN]);
  });

  test('is over when its time is up, when the node refuses, and when it wants no more of us', () => {
    const late = parted();
    late.clock.advance(60_000);
    assert.ok(!late.client.canMeetAgain);

    const refused = parted();
    refused.client.again();
    refused.socket.say({ t: 'error', code: 'bad_field', message: 'too old' });
    assert.deepEqual(refused.takeTypes(), ['refused']);
    assert.equal(refused.client.state, 'idle');
    assert.ok(!refused.client.canMeetAgain);

    const superseded = parted();
    superseded.socket.drop(4501);
    assert.ok(!superseded.client.canMeetAgain);
  });

  test('outlives a reload, before and while it is looked for', () => {
    const before = parted();
    const saved = JSON.parse(JSON.stringify(before.client.export()));
    const after = new Desk({ saved, clock: before.clock });
    after.client.connect();
    after.socket.open(KNOWS);
    assert.ok(after.client.canMeetAgain);
    after.client.again();
    assert.deepEqual(after.socket.take(), [AGAIN]);

    const again = new Desk({ saved: JSON.parse(JSON.stringify(after.client.export())), clock: before.clock });
    again.client.connect();
    again.socket.open(KNOWS);
    assert.deepEqual(again.socket.take(), [AGAIN]);
  });

  test('what an earlier version saved is good', () => {
    const desk = new Desk({ saved: { v: 1, wanted: null, chat: null, parting: null } });
    desk.client.connect();
    desk.socket.open(KNOWS);
    assert.ok(!desk.client.canMeetAgain);
  });
});
