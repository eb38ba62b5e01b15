// layout.test.mjs - nothing is out of view, and nothing weighs too much.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LANGUAGES, PHONE, startStreet } from './pages.mjs';

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

test('no word of the bar breaks in the narrowest of windows, in any language', async (t) => {
  const street = await startStreet(t);
  const [ann] = await street.couple({ viewport: { width: 320, height: 480 } }); // WCAG 2.2, 1.4.10
  const broken = await ann.page.evaluate(async (languages) => {
    const lines = (id) => {
      const range = document.createRange();
      range.selectNodeContents(document.getElementById(id));
      return new Set([...range.getClientRects()].map(({ bottom }) => Math.round(bottom))).size;
    };
    const found = [];
    const note = (language, what) => {
      for (const id of ['next', 'stop', 'presence-text']) if (lines(id) > 1) found.push(`${language}: ${what}: ${id}`);
      if (document.documentElement.scrollWidth > innerWidth) found.push(`${language}: ${what}: too wide`);
    };
    const select = document.getElementById('page-language');
    for (const language of languages) {
      const { default: texts } = await import(`/i18n/${language}.js`);
      select.value = language;
      select.dispatchEvent(new Event('change'));
      while (document.getElementById('next').textContent !== texts['talk.next']) await new Promise(requestAnimationFrame);
      note(language, 'talking');
      document.getElementById('presence-text').textContent = texts['talk.unknown'];
      document.getElementById('stop').textContent = texts['talk.really'];
      note(language, 'asked');
    }
    return found;
  }, LANGUAGES);
  assert.deepEqual(broken, []);
});

test('everything together weighs less than 60 KB on the wire, and comes from here', async (t) => {
  const street = await startStreet(t);
  const ann = await street.person();
  await ann.sees('online');
  const loads = await ann.loads();
  const weight = loads.reduce((sum, { bytes }) => sum + bytes, 0);
  t.diagnostic(`${weight} bytes in ${loads.length} files`);
  assert.ok(loads.length > 10 && weight > 10_000, `${loads.length} files of ${weight} bytes`);
  assert.ok(weight < 60_000, `${weight} bytes`);
  for (const { name } of loads) assert.ok(name.startsWith(street.url), name);
  street.assertNoComplaints();
});
