// comforts.test.mjs - links that ask first, topics remembered, times on demand, the conversation on the clipboard.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startStreet } from './pages.mjs';

test('a link is shown, and followed only after a question, without telling who asks', async (t) => {
  const street = await startStreet(t);
  const [ann, bob] = await street.couple();
  await ann.say('see (https://user@example.org/a?b=c#d), javascript:alert(1) and http://\u202Egro.live');
  await bob.countsEntries(1);
  const links = bob.page.locator('#log a');
  assert.equal(await links.count(), 1, 'only what is an address, and shows all of itself');
  const link = links.first();
  assert.equal(await link.textContent(), 'https://user@example.org/a?b=c#d');
  assert.equal(await link.getAttribute('rel'), 'noopener noreferrer nofollow');
  const asked = [];
  await bob.context.route('https://user@example.org/**', (route) => {
    asked.push(route.request().headers());
    return route.fulfill({ body: 'there' });
  });
  for (const options of [{}, { button: 'middle' }, { modifiers: ['Control'] }]) {
    await link.click(options);
    await bob.sees('link-sheet');
    await bob.reads('link-text', 'This link leads to example.org.');
    await bob.reads('link-address', 'https://user@example.org/a?b=c#d');
    await bob.page.keyboard.press('Escape');
    await bob.element('link-sheet').waitFor({ state: 'hidden' });
  }
  await bob.reads('stop', 'Stop'); // that Esc was the dialog's
  assert.equal(bob.context.pages().length, 1);
  await link.focus();
  await bob.page.keyboard.press('Enter');
  const [opened] = await Promise.all([bob.context.waitForEvent('page'), bob.element('link-open').click()]);
  await opened.waitForLoadState();
  assert.equal(await opened.evaluate(() => `${window.opener} ${document.referrer}`), 'null ');
  assert.equal(asked.length, 1);
  assert.equal(asked[0].referer, undefined);
  await ann.page.locator('#log a').click(); // one's own is no other
  await ann.sees('link-sheet');
});

test('topics of earlier searches are offered again, until they are to be forgotten', async (t) => {
  const street = await startStreet(t);
  const ann = await street.person();
  assert.ok(!(await ann.element('recent').isVisible()));
  await ann.start('rain', '<b>chess</b>');
  await ann.sees('waiting');
  await ann.element('waiting-stop').click();
  await ann.page.getByRole('button', { name: 'Remove rain' }).click();
  await ann.page.getByRole('button', { name: 'Add rain' }).waitFor();
  const twin = await street.person({ context: ann.context }); // of the browser, not of the tab
  await twin.page.locator('#chips .chip').nth(1).waitFor();
  await ann.page.getByRole('button', { name: 'Add rain' }).click();
  assert.deepEqual(await ann.page.locator('#chips bdi').allTextContents(), ['<b>chess</b>', 'rain']);
  assert.ok(!(await ann.element('recent').isVisible()));
  await ann.page.getByRole('button', { name: 'Remove rain' }).click();
  await ann.element('recent-forget').click();
  await ann.element('recent').waitFor({ state: 'hidden' });
  await ann.page.reload();
  await ann.reads('online', 'here');
  assert.ok(!(await ann.element('recent').isVisible()));
  assert.equal(await ann.page.locator('#chips .chip').count(), 0);
});

test('times are shown for one message, or for all, when one wants them', async (t) => {
  const street = await startStreet(t);
  const [ann, bob] = await street.couple();
  for (const text of ['one', 'two']) await ann.say(text);
  await bob.countsEntries(2);
  await bob.page.mouse.move(0, 0);
  const times = bob.page.locator('#log time');
  const shown = () => times.evaluateAll((items) => items.map((item) => getComputedStyle(item).visibility === 'visible'));
  assert.deepEqual(await shown(), [false, false]);
  await bob.page.locator('#log .bubble').nth(1).click();
  await bob.page.mouse.move(0, 0);
  assert.deepEqual(await shown(), [false, true]);
  assert.match(await times.first().textContent(), /^\d\d?:\d\d$/);
  await bob.element('settings-open').click();
  await bob.element('set-times').check();
  await bob.page.keyboard.press('Escape');
  assert.deepEqual(await shown(), [true, true]);
  await bob.page.reload();
  await bob.countsEntries(2);
  assert.deepEqual(await shown(), [true, true]);
});

test('the conversation goes to the clipboard or into a file, harmless in both', async (t) => {
  const street = await startStreet(t);
  const [ann, bob] = await street.couple();
  await bob.page.evaluate(() => { // not every browser lets a test read the clipboard
    const write = navigator.clipboard.writeText.bind(navigator.clipboard);
    navigator.clipboard.writeText = (text) => write(text).then(() => { window.copied = text; });
  });
  await ann.say('hello');
  await ann.say('\u001b[2J\u202Ereversed\u2067');
  await bob.countsEntries(2);
  await bob.pressTwice('stop');
  await bob.element('copy').click();
  await bob.reads('kept', 'Copied.');
  await bob.fitsTheWindow();
  const copied = await bob.page.evaluate(() => window.copied);
  const saved = await bob.saves('save');
  const hostile = '\u2068\u241b[2J\u202Ereversed\u2067\u2069\u2069';
  for (const text of [copied, saved]) {
    assert.match(text, /^A conversation on Passerby, .*\n\n\[\d\d?:\d\d\] Stranger: hello\n\[.*\] Stranger: .*\n$/);
    assert.ok(text.endsWith(`Stranger: ${hostile}\n`), JSON.stringify(text));
  }
});

test('without a Clipboard API the conversation is copied the old way', async (t) => {
  const street = await startStreet(t);
  const [ann, bob] = await street.couple();
  await ann.say('hello');
  await bob.countsEntries(1);
  await bob.page.evaluate(() => {
    Object.defineProperty(navigator, 'clipboard', { value: undefined });
    document.addEventListener('copy', () => (window.copied = document.activeElement.value));
  });
  await bob.pressTwice('stop');
  await bob.element('copy').click();
  await bob.page.waitForFunction(() => window.copied?.includes('Stranger: hello'));
  assert.equal(await bob.focused(), 'copy');
  await bob.page.evaluate(() => { document.execCommand = () => false; });
  await bob.element('copy').click();
  await bob.reads('kept', 'Save it as text instead.');
  await bob.element('again').click();
  await bob.sees('waiting');
  assert.equal(await bob.element('kept').textContent(), '');
});
