/* delivery.test.mjs - numbering, window, acknowledgement and acceptance, without connections. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Delivery } from '../../../src/web/client/delivery.js';

const seqs = (messages) => messages.map(({ seq }) => seq);

function withMessages(count) {
  const delivery = new Delivery();
  for (let i = 1; i <= count; i += 1) {
    assert.equal(delivery.say(`m${i}`), i);
  }
  return delivery;
}

test('messages are numbered from 1 and handed out once', () => {
  const delivery = withMessages(3);
  assert.deepEqual(delivery.due(32), [
    { seq: 1, body: 'm1' },
    { seq: 2, body: 'm2' },
    { seq: 3, body: 'm3' },
  ]);
  assert.deepEqual(delivery.due(32), []);
  delivery.say('m4');
  assert.deepEqual(seqs(delivery.due(32)), [4]);
});

test('the window bounds what is unacknowledged', () => {
  const delivery = withMessages(5);
  assert.deepEqual(seqs(delivery.due(2)), [1, 2]);
  assert.deepEqual(seqs(delivery.due(2)), []);
  assert.ok(delivery.acknowledged(1));
  assert.deepEqual(seqs(delivery.due(2)), [3]);
  assert.ok(delivery.acknowledged(3));
  assert.deepEqual(seqs(delivery.due(2)), [4, 5]);
});

test('a smaller window than before takes nothing back', () => {
  const delivery = withMessages(5);
  assert.deepEqual(seqs(delivery.due(4)), [1, 2, 3, 4]);
  assert.deepEqual(seqs(delivery.due(2)), []);
  delivery.rewind();
  assert.deepEqual(seqs(delivery.due(2)), [1, 2]);
});

test('acknowledgements are cumulative, and old or impossible ones are no news', () => {
  const delivery = withMessages(4);
  delivery.due(32);
  assert.ok(delivery.acknowledged(2));
  assert.ok(!delivery.acknowledged(2));
  assert.ok(!delivery.acknowledged(1));
  assert.ok(!delivery.acknowledged(0));
  assert.ok(!delivery.acknowledged(5));
  assert.equal(delivery.oldest, 3);
  delivery.rewind();
  assert.deepEqual(seqs(delivery.due(32)), [3, 4]);
});

test('an acknowledgement of what was only sent by an earlier life counts', () => {
  const delivery = new Delivery({ next: 4, received: 0, kept: [{ seq: 3, body: 'x' }] });
  assert.ok(delivery.acknowledged(3));
  assert.deepEqual(delivery.due(32), []);
  assert.equal(delivery.say('y'), 4);
});

test('rewind goes back, never forward', () => {
  const delivery = withMessages(5);
  delivery.due(2);
  delivery.rewind(4);
  assert.deepEqual(seqs(delivery.due(32)), [3, 4, 5]);
  delivery.rewind(4);
  assert.deepEqual(seqs(delivery.due(32)), [4, 5]);
  delivery.rewind(0);
  assert.deepEqual(seqs(delivery.due(32)), [1, 2, 3, 4, 5]);
});

test('careful means one at a time until the node has shown that it knows the numbers', () => {
  const delivery = withMessages(3);
  delivery.careful = true;
  assert.deepEqual(seqs(delivery.due(32)), [1]);
  assert.deepEqual(seqs(delivery.due(32)), []);
  delivery.acknowledged(1);
  assert.deepEqual(seqs(delivery.due(32)), [2, 3]);
});

test('only the next number is accepted', () => {
  const delivery = new Delivery();
  assert.deepEqual(
    [2, 1, 1, 3, 2, 3].map((seq) => delivery.accept(seq)),
    [false, true, false, false, true, true],
  );
  assert.equal(delivery.received, 3);
});

test('a refused message keeps its number, with another body', () => {
  const delivery = withMessages(3);
  delivery.due(32);
  assert.deepEqual(delivery.refuse(2), { seq: 2, body: 'm2' });
  assert.deepEqual(delivery.due(32), [
    { seq: 2, body: '\u2026' },
    { seq: 3, body: 'm3' },
  ]);
  assert.equal(delivery.refuse(2), null);
  assert.equal(delivery.refuse(9), null);
});

test('what is exported and imported sends again what was not acknowledged, and goes on counting', () => {
  const before = withMessages(3);
  before.due(32);
  before.acknowledged(1);
  before.accept(1);
  const after = new Delivery(JSON.parse(JSON.stringify(before.export())));
  assert.deepEqual(seqs(after.due(32)), [2, 3]);
  assert.equal(after.say('m4'), 4);
  assert.ok(!after.accept(1));
  assert.ok(after.accept(2));
});
