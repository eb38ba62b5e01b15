// preferences.test.mjs - what people have asked their system for: colours of its own, no motion; and the dialogs, in either theme.
//
// Chromium only, whatever BROWSER says: WebDriver BiDi sets no media features.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startStreet } from './pages.mjs';

const CHROMIUM = { browser: 'chromium' };

/** How many animations and transitions run. */
const motions = (person) => person.page.evaluate(() => document.getAnimations().length);

for (const colorScheme of ['light', 'dark']) {
  test(`axe-core finds nothing in the dialogs, ${colorScheme}`, async (t) => {
    const street = await startStreet(t);
    // Without motion: a colour halfway between two is neither.
    const [ann, bob] = await street.couple({ ...CHROMIUM, colorScheme, reducedMotion: 'reduce' });
    await bob.say('https://example.org/');
    await ann.countsEntries(1);
    await ann.element('settings-open').click();
    await ann.sees('settings');
    await ann.element('set-times').check();
    await ann.isAccessible();
    await ann.page.keyboard.press('Escape');
    await ann.page.locator('#log a').click();
    await ann.sees('link-sheet');
    await ann.isAccessible();
  });
}

for (const reducedMotion of ['reduce', 'no-preference']) {
  test(`motion: ${reducedMotion}`, async (t) => {
    const street = await startStreet(t);
    const ann = await street.person({ ...CHROMIUM, reducedMotion });
    const moves = async (where) => assert.equal((await motions(ann)) > 0, reducedMotion !== 'reduce', where);
    await ann.start();
    await ann.sees('waiting');
    await moves('the two who pass each other');
    const bob = await street.person(CHROMIUM);
    await bob.start();
    await bob.sees('composer');
    await Promise.all([ann.sees('typing').then(() => moves('the dots of who types')), bob.element('message').pressSequentially('hm')]);
  });
}

test('forced colours: who said what, where to write and what is on can be told without ours', async (t) => {
  const street = await startStreet(t);
  const [ann, bob] = await street.couple({ ...CHROMIUM, forcedColors: 'active', reducedMotion: 'reduce' });
  await ann.say('hello');
  await bob.say('hi');
  await ann.countsEntries(2);
  const style = (selector, property, pseudo) =>
    ann.page.locator(selector).first().evaluate((element, [name, part]) => getComputedStyle(element, part)[name], [property, pseudo]);
  const hasFrame = async (selector) => {
    assert.equal(await style(selector, 'borderTopStyle'), 'solid', selector);
    assert.notEqual(await style(selector, 'borderTopColor'), await style('body', 'backgroundColor'), selector);
  };
  for (const selector of ['.me .bubble', '.them .bubble', '.field', '#send-button', '#stop']) await hasFrame(selector);
  await ann.isAccessible();
  await ann.element('settings-open').click();
  await hasFrame('#set-times');
  const track = () => style('#set-times', 'backgroundColor');
  const knob = () => style('#set-times', 'backgroundColor', '::before');
  const off = await track();
  assert.notEqual(await knob(), off);
  await ann.element('set-times').check();
  assert.notEqual(await track(), off);
  assert.notEqual(await knob(), await track());
  await ann.page.keyboard.press('Escape');
  await ann.pressTwice('stop');
  await ann.element('home').click();
  await ann.addTopics('rain');
  for (const selector of ['#topics', '#chips .chip', '#go']) await hasFrame(selector);
  assert.equal(await style('#topic', 'opacity', '::placeholder'), '0', 'no examples beside topics');
});
