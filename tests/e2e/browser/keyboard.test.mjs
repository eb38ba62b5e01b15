// keyboard.test.mjs - everything without a mouse.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startStreet } from './pages.mjs';

test('keyboard alone: Enter starts, Esc asks, stops, begins anew, and gives up', async (t) => {
  const street = await startStreet(t);
  const ann = await street.person();
  const bob = await street.person();
  for (const person of [ann, bob]) {
    for (const id of ['settings-open', 'topic']) {
      await person.page.keyboard.press('Tab');
      assert.equal(await person.focused(), id);
    }
    await person.page.keyboard.type('rain');
    await person.page.keyboard.press('Enter');
    await person.page.keyboard.press('Enter');
  }
  await Promise.all([ann.sees('composer'), bob.sees('composer')]);
  assert.equal(await ann.focused(), 'message');
  await ann.page.keyboard.type('hi');
  await ann.page.keyboard.press('Enter');
  await bob.showsLog(['them: hi']);
  await ann.allMarked('delivered');
  await ann.page.keyboard.press('Escape');
  await ann.reads('stop', 'Really?');
  await ann.page.keyboard.press('Escape');
  await ann.reads('ended-title', 'You left.');
  assert.ok(!(await ann.element('ended-unsent').isVisible()));
  await bob.reads('ended-title', 'The stranger left.');
  await ann.page.keyboard.press('Escape');
  await ann.sees('waiting');
  await ann.page.keyboard.press('Escape');
  await ann.sees('start');
  street.assertNoComplaints();
});

test('an end that comes while one types takes no key for a wish to go on', async (t) => {
  const street = await startStreet(t);
  const [ann, bob] = await street.couple();
  await bob.element('stop').click();
  await bob.element('stop').click();
  await ann.sees('ended');
  await ann.page.keyboard.press('Enter');
  assert.ok(await ann.element('ended').isVisible());
  await ann.page.waitForFunction(() => {
    document.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true }));
    return !document.getElementById('waiting').hidden;
  });
  street.assertNoComplaints();
});
