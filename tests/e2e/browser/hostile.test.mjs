// hostile.test.mjs - what is meant to hurt is text, or is refused kindly.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startStreet } from './pages.mjs';

test('hostile text is text, and leaves the page as it is', async (t) => {
  const street = await startStreet(t);
  const [ann, bob] = await street.couple({ viewport: { width: 360, height: 640 } });
  const hostile = [
    '<img src=x onerror="document.title=1"><script>document.title=2</script>',
    '\u202Egnp.exe \u2066\u2067 ltr',
    `Z${'\u0315\u0301\u0489\u0334\u0321'.repeat(80)}algo`,
    'x'.repeat(1900),
    `\u0000\u0007\u001b[31m\u2028${'\u200b'.repeat(50)}end`,
    'مرحبا',
  ];
  for (const text of hostile) {
    await ann.say(text);
  }
  await bob.countsEntries(hostile.length);
  assert.equal(await bob.page.locator('#log img, #log script').count(), 0);
  assert.equal(await bob.page.title(), 'Passerby');
  await bob.fitsTheWindow();
  const outside = await bob.page.locator('#log .bubble').evaluateAll((bubbles) =>
    bubbles.filter((bubble) => bubble.getBoundingClientRect().right > innerWidth).length);
  assert.equal(outside, 0);
  const { height } = await bob.page.locator('#log .bubble').nth(2).boundingBox();
  assert.ok(height < 100, `the tower is cut off, at ${height} pixels`);
  street.assertNoComplaints();
});

test('hostile topics are text, and too many or too long ones are refused kindly', async (t) => {
  const street = await startStreet(t);
  const ann = await street.person({ viewport: { width: 360, height: 640 } });
  await ann.addTopics('<b>bold</b>', '\u202Ereversed', 'w'.repeat(32), 'Rain', 'rain');
  assert.equal(await ann.page.locator('.chip').count(), 4);
  await ann.addTopics('w'.repeat(33));
  await ann.reads('topics-hint', 'at most 32 characters');
  assert.equal(await ann.element('topic').inputValue(), 'w'.repeat(33));
  await ann.addTopics('5', '6', '7', '8', '9');
  await ann.reads('topics-hint', 'Eight topics are enough.');
  await ann.fitsTheWindow();
  await ann.page.getByRole('button', { name: 'Remove Rain' }).click();
  assert.equal(await ann.page.locator('.chip').count(), 7);
  street.assertNoComplaints();
});

test('what is too long is refused before it is sent, and stays in the field', async (t) => {
  const street = await startStreet(t);
  const [ann, bob] = await street.couple();
  const long = 'é'.repeat(1001);
  await ann.say(long);
  await ann.reads('composer-hint', '2,002 of at most 2,000 bytes');
  assert.equal(await ann.element('message').inputValue(), long);
  await ann.say('é'.repeat(1000));
  await bob.showsLog([`them: ${'é'.repeat(1000)}`]);
  await ann.paste('p'.repeat(3_000_000));
  await ann.reads('composer-hint', 'far too long');
  assert.equal(await ann.element('message').inputValue(), '');
  await ann.say('fine');
  await bob.countsEntries(2);
  street.assertNoComplaints();
});

test('a flood is capped on the page', async (t) => {
  const street = await startStreet(t);
  const [ann, bob] = await street.couple();
  await ann.page.evaluate(() => {
    const field = document.getElementById('message');
    for (let i = 1; i <= 450; i += 1) {
      field.value = `message ${i}`;
      field.form.requestSubmit();
    }
  });
  await bob.page.waitForFunction(() => document.getElementById('log').lastElementChild.textContent.includes('message 450'));
  assert.equal(await bob.page.locator('#log .entry').count(), 400);
  await bob.reads('log', 'Older messages are no longer shown.');
  assert.equal((await bob.log())[0], 'them: message 51');
  const distance = await bob.element('scroller').evaluate((box) => box.scrollHeight - box.scrollTop - box.clientHeight);
  assert.ok(distance < 2, 'the newest is in view');
  await ann.allMarked('delivered');
  street.assertNoComplaints();
});
