// connection.test.mjs - the connection breaks, the page is reloaded or opened twice: the conversation goes on.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startStreet } from './pages.mjs';

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
  await ann.reads('presence-text', 'out of reach'); // nobody knows more of the stranger now
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
  await ann.reads('notice', /Their place is kept for (1 minute|[1-5]?\d seconds?);/);
  await ann.say('still there?');
  await ann.allMarked('sent');
  await bob.page.goBack();
  await ann.reads('presence-text', 'is here');
  await bob.showsLog(['them: still there?']);
  await ann.allMarked('delivered');
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

test('the same conversation in a second tab: the newer one has it, and they do not fight', async (t) => {
  const street = await startStreet(t);
  const [ann, bob] = await street.couple();
  await ann.say('one');
  await ann.allMarked('delivered');
  const twin = await street.twin(ann);
  await twin.sees('composer');
  await ann.reads('ended-title', 'goes on in another tab');
  assert.equal(await ann.element('presence-text').textContent(), 'is out of reach'); // from this tab, not gone
  await twin.say('two');
  await bob.showsLog(['them: one', 'them: two']);
  assert.ok(await ann.element('ended').isVisible());
  street.assertNoComplaints();
});
