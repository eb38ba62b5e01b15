/* frames.test.mjs - what a node says is believed only if it is what the contract promises. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byteLength, fits, readFrame, wellFormed } from '../../../src/web/client/frames.js';

const read = (value) => readFrame(JSON.stringify(value));

test('a frame keeps the fields of the contract and no others', () => {
  assert.deepEqual(read({ t: 'msg', seq: 3, body: 'hi', extra: 1 }), { t: 'msg', seq: 3, body: 'hi' });
  assert.deepEqual(read({ t: 'sync', seq: 3 }), { t: 'sync' });
});

test('optional fields have their defaults, also when they are of the wrong kind', () => {
  const hello = {
    t: 'hello',
    v: 1,
    online: 0,
    max_body: 2000,
    max_frame: 16384,
    window: 32,
    grace_ms: 60000,
    prefer_ms: 8000,
    again_ms: 0,
  };
  assert.deepEqual(read({ t: 'hello', v: 1 }), hello);
  assert.deepEqual(read({ t: 'hello', v: 1, online: 'many', window: 0, max_body: -1 }), hello);
  assert.deepEqual(read({ t: 'error', code: 'busy', seq: -4 }), {
    t: 'error',
    code: 'busy',
    message: '',
    seq: 0,
    retry_ms: 0,
  });
});

const nonsense = [
  ['binary', new ArrayBuffer(3)],
  ['no JSON', '{'],
  ['null', 'null'],
  ['array', '[]'],
  ['number', '7'],
  ['no t', '{}'],
  ['unknown t', '{"t":"dance"}'],
  ['t of the prototype', '{"t":"constructor"}'],
  ['t is no string', '{"t":["msg"],"seq":1,"body":"x"}'],
  ['msg without seq', '{"t":"msg","body":"x"}'],
  ['msg with seq 0', '{"t":"msg","seq":0,"body":"x"}'],
  ['msg with a fraction', '{"t":"msg","seq":1.5,"body":"x"}'],
  ['msg with seq above 2^53-1', '{"t":"msg","seq":9007199254740993,"body":"x"}'],
  ['msg whose body is no text', '{"t":"msg","seq":1,"body":{}}'],
  ['ack below 0', '{"t":"ack","seq":-1}'],
  ['typing without on', '{"t":"typing"}'],
  ['matched without token', '{"t":"matched","chat":"c","reliable":true}'],
  ['resumed with a strange peer', '{"t":"resumed","chat":"c","peer":"gone","resume":"x","reliable":true}'],
  ['ended without reason', '{"t":"ended"}'],
];
for (const [name, data] of nonsense) {
  test(`nonsense is no frame: ${name}`, () => assert.equal(typeof readFrame(data), 'string'));
}

test('lone surrogates become U+FFFD, pairs stay', () => {
  assert.equal(wellFormed('a\uD83D\uDE00b'), 'a\uD83D\uDE00b');
  assert.equal(wellFormed('\uD83Dx\uDE00'), '\uFFFDx\uFFFD');
  assert.equal(wellFormed('\uDE00\uD83D'), '\uFFFD\uFFFD');
});

test('a body fits by its bytes, and by those of its frame', () => {
  assert.equal(byteLength('é😀'), 6);
  const limits = { max_body: 10, max_frame: 90 };
  assert.ok(fits('0123456789', limits));
  assert.ok(!fits('01234567890', limits));
  assert.ok(fits('ééééé', limits));
  assert.ok(!fits('éééééé', limits));
  assert.ok(!fits('\u0001'.repeat(10), { max_body: 10, max_frame: 70 }), 'escapes lengthen the frame');
});
