/* text.test.mjs - what people wrote, made harmless: to look at, in a line of other text, in a file. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { harmless, isolated, plain } from '../../../src/web/page/text.js';

test('control characters become pictures, and line ends alike', () => {
  for (const [text, shown] of [
    ['plain\ttext', 'plain\ttext'],
    ['\u0000\u0007\u001b[31m\u007f', '\u2400\u2407\u241b[31m\u2421'],
    ['\u009b31m', '\uFFFD31m'],
    ['a\r\nb\rc\u2028d\u2029e\u0085f', 'a\nb\nc\nd\ne\nf'],
    ['a\n\n\n\n\n\nb', 'a\n\n\nb'],
    ['مرحبا 👩‍👩‍👧', 'مرحبا 👩‍👩‍👧'],
  ]) {
    assert.equal(harmless(text), shown);
  }
});

test('what is opened in a text is closed in it, and marks stand only where they are needed', () => {
  assert.equal(isolated('a'), '\u2068a\u2069');
  assert.equal(plain('hello'), 'hello');
  assert.equal(plain('\u202Eabc'), '\u2068\u202Eabc\u2069');
  assert.equal(plain('\u2067\u2066abc'), '\u2068\u2067\u2066abc\u2069\u2069\u2069');
});
