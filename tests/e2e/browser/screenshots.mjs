// screenshots.mjs - makes the README's pictures of the page, in Chromium: node tests/e2e/browser/screenshots.mjs
//
// After a change of looks or words run it, look at them, and commit them with the change.

import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { PHONE, startStreet } from './pages.mjs';

const FOLDER = fileURLToPath(new URL('screenshots/', import.meta.url));
const TALL = { ...PHONE, browser: 'chromium', viewport: { width: 360, height: 740 } };

const ENGLISH = [
  ['them', 'hey'],
  ['them', 'night trains? which one was your last?'],
  ['me', 'Vienna to Venice, in the top bunk'],
  ['me', 'woke up at the lagoon, water on both sides of the tracks'],
  ['them', 'I have only ever done Stockholm – Narvik: https://example.org/arctic-circle-train. Nineteen hours, and it never got dark.'],
  ['me', 'Worth it?'],
];
const ARABIC = [
  ['them', 'مرحبًا'],
  ['them', 'قطارات الليل؟ ما آخر رحلة لك؟'],
  ['me', 'من القاهرة إلى أسوان، في السرير العلوي'],
  ['me', 'استيقظت والنيل على يميننا'],
  ['them', 'لم أجرّب هذا الخط بعد: https://example.org/aswan-train. كم ساعة تستغرق الرحلة؟'],
  ['me', 'أربع عشرة، وتستحق كل دقيقة'],
];

/** Two who have met over a topic; the first is the one whose page is shown. */
async function meet(t, options, topic) {
  const street = await startStreet(t);
  const [me, them] = [await street.person(options), await street.person({ browser: 'chromium' })];
  await me.start(topic);
  await me.sees('waiting');
  await them.start(topic);
  await Promise.all([me.sees('composer'), them.sees('composer')]);
  return { me, them };
}

async function talk({ me, them }, lines) {
  for (const [index, [who, text]] of lines.entries()) {
    await (who === 'me' ? me : them).say(text);
    await Promise.all([me.countsEntries(index + 1), them.countsEntries(index + 1)]);
  }
  await me.allMarked('delivered');
}

/** The stranger begins to type, and the picture is taken. */
async function pictureOfTyping({ me, them }, name) {
  await Promise.all([me.sees('typing'), them.element('message').pressSequentially('Oh')]);
  await picture(me, name);
}

async function picture(person, name) {
  await person.page.mouse.move(0, 0); // off the messages: they would show their time
  await person.page.screenshot({ path: `${FOLDER}${name}.png` });
}

test('start-360-light', async (t) => {
  const street = await startStreet(t);
  const others = await Promise.all(Array.from({ length: 6 }, () => street.person({ browser: 'chromium' })));
  await Promise.all(others.map((other) => other.reads('online', 'here')));
  const me = await street.person({ ...TALL, colorScheme: 'light' });
  await me.reads('online', '7 people here');
  await picture(me, 'start-360-light');
});

test('talk-1440-light', async (t) => {
  const people = await meet(t, { browser: 'chromium', viewport: { width: 1440, height: 900 }, colorScheme: 'light' }, 'night trains');
  await talk(people, ENGLISH);
  await pictureOfTyping(people, 'talk-1440-light');
});

test('talk-360-ar-dark', async (t) => {
  const people = await meet(t, { ...TALL, locale: 'ar', colorScheme: 'dark' }, 'قطارات الليل');
  await talk(people, ARABIC);
  await pictureOfTyping(people, 'talk-360-ar-dark');
});

test('ended-360-dark', async (t) => {
  const people = await meet(t, { ...TALL, colorScheme: 'dark' }, 'night trains');
  await talk(people, ENGLISH);
  await people.them.pressTwice('stop');
  await people.me.sees('ended');
  await picture(people.me, 'ended-360-dark');
});
