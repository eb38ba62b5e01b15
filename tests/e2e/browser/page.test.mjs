// page.test.mjs - strangers in Chromium: they meet, talk, lose and regain the connection, leave, and misbehave.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { startStreet } from './pages.mjs';

test('two strangers find each other by topic and talk, with typing and delivered marks', async (t) => {
  const street = await startStreet(t);
  const ann = await street.person();
  await ann.sees('online');
  await ann.start('Night Trains', 'rain');
  await ann.reads('waiting-title', 'Looking for somebody');
  await ann.reads('elapsed', 'for 1 second');
  const bob = await street.person();
  await bob.reads('online', 'people here');
  await bob.start('chess', 'night trains');
  await Promise.all([ann.sees('composer'), bob.sees('composer')]);
  await ann.reads('log', 'You both like Night Trains.');
  await bob.reads('log', 'You both like night trains.');

  await ann.element('message').pressSequentially('Hel');
  await bob.reads('presence-text', 'is typing');
  await bob.sees('typing');
  await ann.say('Hello');
  await bob.showsLog(['them: Hello']);
  await bob.reads('presence-text', 'is here');
  await bob.say('Hi\nthere');
  await ann.showsLog(['me: Hello', 'them: Hi\nthere']);
  await Promise.all([ann.allMarked('delivered'), bob.allMarked('delivered')]);
  assert.equal(await ann.element('message').inputValue(), '');
  street.assertNoComplaints();
});

test('a reload in the middle goes on: log, draft and conversation', async (t) => {
  const street = await startStreet(t);
  const [ann, bob] = await street.couple();
  await ann.say('one');
  await bob.showsLog(['them: one']);
  await bob.say('two');
  await ann.showsLog(['me: one', 'them: two']);
  await ann.element('message').fill('a draft');
  await ann.page.reload();
  await ann.sees('composer');
  await ann.showsLog(['me: one', 'them: two']);
  assert.equal(await ann.element('message').inputValue(), 'a draft');
  await bob.say('three');
  await ann.showsLog(['me: one', 'them: two', 'them: three']);
  await ann.say('four');
  await bob.showsLog(['them: one', 'me: two', 'me: three', 'them: four']);
  await Promise.all([ann.allMarked('delivered'), bob.allMarked('delivered')]);
  street.assertNoComplaints();
});

test('a reload while waiting goes on waiting; one after the end still shows the end', async (t) => {
  const street = await startStreet(t);
  const ann = await street.person();
  await ann.start('rain');
  await ann.reads('waiting-title', 'Looking for somebody');
  await ann.page.reload();
  await ann.reads('waiting-title', 'Looking for somebody');
  const bob = await street.person();
  await bob.start();
  await Promise.all([ann.sees('composer'), bob.sees('composer')]);
  await bob.say('bye');
  await ann.showsLog(['them: bye']);
  await bob.pressTwice('stop');
  await ann.reads('ended-title', 'The stranger left.');
  await ann.page.reload();
  await ann.reads('ended-title', 'The stranger left.');
  await ann.showsLog(['them: bye']);
  street.assertNoComplaints();
});

test('a pulled cable: both write on, and everything arrives exactly once and in order', async (t) => {
  const street = await startStreet(t, { pulls: true });
  const [ann, bob] = await street.couple();
  await ann.say('before');
  await bob.showsLog(['them: before']);
  street.cable.pull();
  await ann.reads('notice', 'The connection is lost');
  for (const text of ['a1', 'a2', 'a3']) await ann.say(text);
  await ann.allMarkedAfter('waiting', 1);
  await bob.say('b1');
  street.cable.plug();
  await ann.page.reload(); // what was not sent yet survives that, too
  await ann.sees('composer');
  const bodies = (log, who) => log.filter((line) => line.startsWith(who)).map((line) => line.slice(who.length + 2));
  await ann.countsEntries(5);
  await bob.countsEntries(5);
  assert.deepEqual(bodies(await ann.log(), 'me'), ['before', 'a1', 'a2', 'a3']);
  assert.deepEqual(bodies(await bob.log(), 'them'), ['before', 'a1', 'a2', 'a3']);
  assert.deepEqual(bodies(await ann.log(), 'them'), ['b1']);
  await Promise.all([ann.allMarked('delivered'), bob.allMarked('delivered')]);
  await Promise.all([ann.reads('presence-text', 'is here'), bob.reads('presence-text', 'is here')]);
  street.assertNoComplaints();
});

test('offline for a while: what is written meanwhile arrives exactly once', async (t) => {
  const street = await startStreet(t, { pulls: true });
  const [ann, bob] = await street.couple();
  await ann.context.setOffline(true);
  await ann.reads('notice', 'You are offline');
  for (const text of ['a1', 'a2']) await ann.say(text);
  await bob.say('b1');
  await ann.context.setOffline(false);
  await ann.element('notice').waitFor({ state: 'hidden' });
  await ann.countsEntries(3);
  await bob.countsEntries(3);
  await ann.say('a3');
  await bob.countsEntries(4);
  assert.deepEqual((await bob.log()).filter((line) => line.startsWith('them')), ['them: a1', 'them: a2', 'them: a3']);
  await Promise.all([ann.allMarked('delivered'), bob.allMarked('delivered')]);
  street.assertNoComplaints();
});

test('the stranger is seen to be away, and back', async (t) => {
  const street = await startStreet(t, { pulls: true });
  const [ann, bob] = await street.couple();
  await bob.page.goto('about:blank');
  await ann.reads('presence-text', 'is away');
  await ann.reads('notice', 'Their place is kept for 1 minute');
  await ann.say('still there?');
  await ann.allMarked('sent');
  await bob.page.goBack();
  await ann.reads('presence-text', 'is here');
  await bob.showsLog(['them: still there?']);
  await ann.allMarked('delivered');
  street.assertNoComplaints();
});

test('Next asks, then finds another; the one who was left may meet somebody else', async (t) => {
  const street = await startStreet(t);
  const [ann, bob] = await street.couple();
  await ann.say('hello');
  await bob.showsLog(['them: hello']);
  await ann.element('next').click();
  await ann.reads('next', 'Really?');
  await ann.reads('announcer', 'Press again to leave');
  await ann.sees('composer');
  await ann.element('next').click();
  await ann.sees('waiting');
  await bob.reads('ended-title', 'The stranger left.');
  await bob.element('again').click();
  await Promise.all([ann.sees('composer'), bob.sees('composer')]);
  await ann.showsLog([]);
  await bob.say('again you');
  await ann.showsLog(['them: again you']);
  street.assertNoComplaints();
});

test('keyboard alone: Enter starts, Esc asks, stops, begins anew, and gives up', async (t) => {
  const street = await startStreet(t);
  const ann = await street.person();
  const bob = await street.person();
  for (const person of [ann, bob]) {
    await person.page.keyboard.press('Tab');
    assert.equal(await person.focused(), 'topic');
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

test('what could not be delivered before the end is said to be so', async (t) => {
  const street = await startStreet(t, { pulls: true });
  const [ann, bob] = await street.couple();
  await ann.say('first');
  await bob.showsLog(['them: first']);
  await ann.allMarked('delivered');
  street.cable.pull();
  await ann.reads('notice', 'The connection is lost');
  await ann.say('second');
  await ann.say('third');
  await ann.pressTwice('stop');
  await ann.reads('ended-unsent', '2 of your messages may not have reached them.');
  assert.deepEqual(
    await ann.page.locator('#log .me').evaluateAll((items) => items.map((item) => item.dataset.fate)),
    ['delivered', 'lost', 'lost'],
  );
  street.cable.plug();
  await bob.reads('ended-title', 'The stranger left.');
  street.assertNoComplaints();
});

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

test('the same conversation in a second tab: the newer one has it, and they do not fight', async (t) => {
  const street = await startStreet(t);
  const [ann, bob] = await street.couple();
  await ann.say('one');
  await ann.allMarked('delivered');
  const stored = await ann.page.evaluate(() => ({ ...sessionStorage }));
  await ann.context.addInitScript((items) => {
    for (const [key, value] of Object.entries(items)) sessionStorage.setItem(key, value);
  }, stored);
  const twin = await street.person({ context: ann.context });
  await twin.sees('composer');
  await ann.reads('ended-title', 'goes on in another tab');
  await twin.say('two');
  await bob.showsLog(['them: one', 'them: two']);
  assert.ok(await ann.element('ended').isVisible());
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

test('the conversation can be saved as text, here', async (t) => {
  const street = await startStreet(t);
  const [ann, bob] = await street.couple();
  await ann.say('hello');
  await bob.showsLog(['them: hello']);
  await bob.pressTwice('stop');
  const [download] = await Promise.all([bob.page.waitForEvent('download'), bob.element('save').click()]);
  assert.match(await readFile(await download.path(), 'utf8'), /^A conversation on Passerby, .*\n\n\[.*\] Stranger: hello\n$/);
  street.assertNoComplaints();
});

test('a phone is never scrolled sideways, in any state', async (t) => {
  const street = await startStreet(t);
  const phone = { viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true };
  const ann = await street.person(phone);
  await ann.fitsTheWindow();
  await ann.start('some topic', 'another topic', 'a'.repeat(32));
  await ann.sees('waiting');
  await ann.fitsTheWindow();
  const bob = await street.person(phone);
  await bob.start();
  await ann.sees('composer');
  await bob.say('word '.repeat(100));
  await ann.countsEntries(1);
  await ann.fitsTheWindow();
  await ann.element('stop').tap();
  await ann.fitsTheWindow();
  await ann.element('stop').tap();
  await ann.sees('ended');
  await ann.fitsTheWindow();
  street.assertNoComplaints();
});

test('everything together weighs less than 60 KB on the wire, and comes from here', async (t) => {
  const street = await startStreet(t);
  const ann = await street.person();
  await ann.sees('online');
  const loads = await ann.page.evaluate(() =>
    [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].map(({ name, encodedBodySize }) =>
      ({ name, encodedBodySize })));
  const weight = loads.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0);
  assert.ok(loads.length > 10 && weight > 10_000, `${loads.length} files of ${weight} bytes`);
  assert.ok(weight < 60_000, `${weight} bytes`);
  for (const { name } of loads) assert.ok(name.startsWith(street.url), name);
  street.assertNoComplaints();
});
