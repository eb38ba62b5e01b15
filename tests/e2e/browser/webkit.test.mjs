// webkit.test.mjs - a stranger in WebKit, and one in another browser.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startStreet } from './pages.mjs';
import { openWebKit } from './webkit.mjs';

test('one in WebKit meets somebody, talks, reloads, and leaves by keyboard', async (t) => {
  const street = await startStreet(t);
  const bob = await street.person();
  const ann = await openWebKit(t, street.url);
  assert.match(await ann.run('return navigator.userAgent'), /AppleWebKit.*Safari/);
  await ann.sees('start');
  await ann.isAccessible();
  await ann.type('topic', 'rain\uE007\uE007');
  await ann.sees('waiting');
  await bob.start('Rain');
  await ann.sees('composer');
  await bob.reads('log', 'You both like Rain.');

  // The other way round it could have been seen and gone.
  await Promise.all([bob.reads('presence-text', 'is typing'), ann.type('message', 'Hel')]);
  await ann.type('message', 'lo\uE007');
  await bob.showsLog(['them: Hello']);
  await bob.say('two\nlines');
  await ann.showsLog(['me: Hello', 'them: two\nlines']);
  await ann.isAccessible();

  await ann.reload();
  await ann.sees('composer');
  await ann.showsLog(['me: Hello', 'them: two\nlines']);
  await ann.type('message', 'again\uE007');
  await bob.showsLog(['them: Hello', 'me: two\nlines', 'them: again']);
  await Promise.all([ann.allMarked('delivered'), bob.allMarked('delivered')]);

  await ann.type('message', '\uE00C\uE00C'); // Esc, twice
  await ann.sees('ended');
  await ann.isAccessible();
  await bob.sees('ended');
});
