// browsers.test.mjs - strangers in two kinds of browser, and what the tests of the page rely on: axe-core and the
// content security policy are seen to complain.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startStreet } from './pages.mjs';

test('one in Chromium and one in Firefox talk, reload, and lose the network', async (t) => {
  const street = await startStreet(t, { pulls: true });
  const [ann, bob] = await street.couple({ browser: 'chromium' }, { browser: 'firefox' });
  assert.match(await ann.page.evaluate(() => navigator.userAgent), /Chrome/);
  assert.match(await bob.page.evaluate(() => navigator.userAgent), /Firefox/);
  await ann.say('one');
  await bob.showsLog(['them: one']);
  await Promise.all([ann.reads('presence-text', 'is typing'), bob.element('message').pressSequentially('tw')]);
  await bob.say('two\nlines');
  await ann.showsLog(['me: one', 'them: two\nlines']);

  await bob.page.reload();
  await bob.sees('composer');
  await ann.context.setOffline(true);
  await ann.reads('notice', 'You are offline');
  await ann.say('three');
  await bob.say('four');
  await ann.context.setOffline(false);
  await bob.showsLog(['them: one', 'me: two\nlines', 'me: four', 'them: three']);
  await ann.countsEntries(4);
  await Promise.all([ann.allMarked('delivered'), bob.allMarked('delivered')]);
});

test('axe-core sees what is wrong', async (t) => {
  const street = await startStreet(t);
  const ann = await street.person();
  await ann.sees('online');
  await ann.isAccessible();
  await ann.element('go').evaluate((button) => button.after(new Image()));
  await assert.rejects(ann.isAccessible(), /image-alt/);
});

test('a violation of the content security policy fails a test', async () => {
  const ends = [];
  const street = await startStreet({ after: (end) => ends.push(end) });
  try {
    const ann = await street.person();
    await ann.page.evaluate(() => new Promise((blocked) => {
      document.addEventListener('securitypolicyviolation', blocked, { once: true });
      document.body.append(Object.assign(new Image(), { src: 'http://127.0.0.2/elsewhere.png' }));
    }));
  } finally {
    const judge = ends.pop();
    for (const end of ends) await end();
    assert.throws(judge, /blocked by the content security policy: img-src http:\/\/127.0.0.2\/elsewhere.png/);
  }
});
