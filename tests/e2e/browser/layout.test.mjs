// layout.test.mjs - nothing is out of view, and nothing weighs too much.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PHONE, startStreet } from './pages.mjs';

test('one who reads further up is not torn away, but told', async (t) => {
  const street = await startStreet(t);
  const [ann, bob] = await street.couple({ viewport: { width: 360, height: 640 } });
  for (let i = 1; i <= 20; i += 1) await ann.say(`message ${i}`);
  await bob.countsEntries(20);
  await ann.allMarked('delivered');
  await bob.element('scroller').evaluate((box) => new Promise((scrolled) => {
    box.addEventListener('scroll', scrolled, { once: true });
    box.scrollTop = 0;
  }));
  await ann.say('new');
  await bob.sees('newer');
  assert.equal(await bob.element('scroller').evaluate((box) => box.scrollTop), 0);
  await bob.element('newer').click();
  await bob.element('newer').waitFor({ state: 'hidden' });
  street.assertNoComplaints();
});

test('a phone is never scrolled sideways, in any state', async (t) => {
  const street = await startStreet(t);
  const ann = await street.person(PHONE);
  await ann.fitsTheWindow();
  await ann.start('some topic', 'another topic', 'a'.repeat(32));
  await ann.sees('waiting');
  await ann.fitsTheWindow();
  const bob = await street.person(PHONE);
  await bob.start();
  await ann.sees('composer');
  await bob.say('word '.repeat(100));
  await ann.countsEntries(1);
  await ann.fitsTheWindow();
  await ann.tap('stop');
  await ann.fitsTheWindow();
  await ann.tap('stop');
  await ann.sees('ended');
  await ann.fitsTheWindow();
  street.assertNoComplaints();
});

test('everything together weighs less than 60 KB on the wire, and comes from here', async (t) => {
  const street = await startStreet(t);
  const ann = await street.person();
  await ann.sees('online');
  const loads = await ann.loads();
  const weight = loads.reduce((sum, { bytes }) => sum + bytes, 0);
  assert.ok(loads.length > 10 && weight > 10_000, `${loads.length} files of ${weight} bytes`);
  assert.ok(weight < 60_000, `${weight} bytes`);
  for (const { name } of loads) assert.ok(name.startsWith(street.url), name);
  street.assertNoComplaints();
});
