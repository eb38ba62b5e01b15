// languages.test.mjs - the page in every language: nothing missing, nothing out of view, nothing that axe-core minds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LANGUAGES, PHONE, startStreet, TEXTS } from './pages.mjs';

/** Words that stand in the page and that its language does not have: another language's, or the key of none. */
async function foreignWords(person, tag) {
  return person.page.evaluate(async (language) => {
    const [own, english] = await Promise.all([language, 'en'].map(async (name) => (await import(`/i18n/${name}.js`)).default));
    const shown = document.body.innerText;
    return Object.entries(english).flatMap(([key, text]) => [
      ...(shown.includes(key) ? [key] : []),
      ...(typeof text === 'string' && text !== own[key] && /^\p{Lu}.{6,}[^}]$/u.test(text) && shown.includes(text) ? [text] : []),
    ]);
  }, tag);
}

for (const tag of LANGUAGES) {
  test(`a conversation in "${tag}", on a phone`, async (t) => {
    const street = await startStreet(t);
    const ann = await street.person({ ...PHONE, locale: tag });
    const language = (await import(`${TEXTS}${tag}.js`)).default;
    await ann.page.waitForFunction((wanted) => document.getElementById('page-language').value === wanted, tag); // English stands there before
    await ann.reads('go', language['start.go']);
    const html = ann.page.locator('html');
    assert.equal(await html.getAttribute('lang'), tag);
    assert.equal(await html.getAttribute('dir'), tag === 'ar' ? 'rtl' : 'ltr');
    const states = {
      start: () => ann.sees('online'),
      waiting: () => ann.start('rain'),
      talk: async () => {
        const bob = await street.person({ locale: 'en' });
        await bob.start('Rain');
        await bob.sees('composer');
        await bob.say('hello');
        await ann.countsEntries(1);
        assert.ok((await ann.element('log').textContent()).includes('rain'));
      },
      ended: async () => {
        await ann.element('stop').click();
        await ann.reads('stop', language['talk.really']);
        await ann.element('stop').click();
      },
    };
    for (const [state, arrive] of Object.entries(states)) {
      await arrive();
      await ann.sees(state);
      await ann.fitsTheWindow();
      assert.deepEqual(await foreignWords(ann, tag), [], state);
      await ann.isAccessible();
    }
  });
}

test('the language of the page can be switched at any time, and is remembered', async (t) => {
  const street = await startStreet(t);
  const ann = await street.person();
  await ann.addTopics('rain');
  await ann.element('page-language').selectOption('ar');
  await ann.reads('start-title', 'أحدهم يمرّ من هنا.');
  assert.equal(await ann.page.locator('html').getAttribute('dir'), 'rtl');
  await ann.page.getByRole('button', { name: 'إزالة rain' }).waitFor();
  await ann.fitsTheWindow();
  await ann.page.reload();
  await ann.reads('start-title', 'أحدهم يمرّ من هنا.');
  await ann.element('page-language').selectOption('ja');
  await ann.reads('start-title', '誰かが通りかかる。');
  const loaded = await ann.page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name).filter((name) => name.includes('/i18n/')));
  assert.deepEqual(loaded.map((name) => name.slice(-5)), ['ar.js', 'ja.js'], 'one at a time, and no other');
});
