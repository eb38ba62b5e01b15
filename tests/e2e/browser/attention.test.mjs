// attention.test.mjs - somebody who looks elsewhere is told: by title and icon, and by sound and notification if they asked.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startStreet } from './pages.mjs';

/** Makes the page think that it is hidden, or not: a headless browser shows all its tabs. */
async function hide(person, hidden) {
  await person.page.evaluate((value) => {
    Object.defineProperty(document, 'hidden', { value, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);
}

/** Writes down what the page would show or sound. */
async function watch(person) {
  await person.page.evaluate(() => {
    window.told = [];
    window.Notification = class {
      static permission = 'granted';
      static requestPermission = async () => window.answer;
      constructor(title, { body }) { window.told.push(`${title}: ${body}`); }
      close() { window.told.push('closed'); }
    };
    Object.defineProperty(navigator, 'serviceWorker', { value: undefined });
    Object.defineProperty(AudioContext.prototype, 'state', { value: 'running' }); // where there is no sound card, it never is
    const { start } = OscillatorNode.prototype;
    OscillatorNode.prototype.start = function (...when) {
      window.told.push('tone');
      return start.apply(this, when);
    };
  });
}

const told = (person) => person.page.evaluate(() => window.told.splice(0));
const icon = (person) => person.page.evaluate(() => new URL(document.getElementById('icon').href).pathname);

test('a hidden tab counts in its title what came, and changes its icon', async (t) => {
  const street = await startStreet(t);
  const [ann, bob] = await street.couple();
  await watch(bob);
  await hide(bob, true);
  for (const text of ['one', 'two']) await ann.say(text);
  await bob.countsEntries(2);
  assert.equal(await bob.page.title(), '(2) Passerby');
  assert.equal(await icon(bob), '/favicon-unread.svg');
  await hide(bob, false);
  assert.equal(await bob.page.title(), 'Passerby');
  assert.equal(await icon(bob), '/favicon.svg');
  assert.deepEqual(await told(bob), [], 'and nothing else, unless it is asked for');
});

test('sound and notifications are there for who wants them, and never tell what was written', async (t) => {
  const street = await startStreet(t);
  const [ann, bob] = await street.couple();
  await watch(bob);
  await bob.element('settings-open').click();
  await bob.page.evaluate(() => (window.answer = 'denied'));
  await bob.element('set-notify').click();
  await bob.reads('set-notify-hint', 'The browser refuses');
  assert.ok(!(await bob.element('set-notify').isChecked()));
  await bob.page.evaluate(() => (window.answer = 'granted'));
  await bob.element('set-notify').check();
  await bob.element('set-sound').check();
  await bob.page.waitForFunction(() => window.told.includes('tone')); // a sample
  await bob.page.keyboard.press('Escape');
  await told(bob);
  await hide(bob, true);
  await ann.say('secret');
  await bob.countsEntries(1);
  assert.deepEqual(await told(bob), ['tone', 'Passerby: Somebody wrote to you.']);
  await hide(bob, false);
  assert.deepEqual(await told(bob), ['closed']);
  await hide(bob, true);
  await ann.pressTwice('stop');
  await bob.sees('ended');
  assert.deepEqual(await told(bob), ['tone', 'tone', 'Passerby: Your conversation has ended.']);
  await bob.page.reload();
  await bob.sees('ended');
  assert.ok(await bob.element('set-sound').isChecked(), 'remembered');
});
