// talk.test.mjs - strangers meet, talk, part, and take the conversation with them.

import assert from 'node:assert/strict';
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

  await Promise.all([bob.reads('presence-text', 'is typing'), bob.sees('typing'), ann.element('message').pressSequentially('Hel')]);
  await ann.say('Hello');
  await bob.showsLog(['them: Hello']);
  await bob.reads('presence-text', 'is here');
  await bob.say('Hi\nthere');
  await ann.showsLog(['me: Hello', 'them: Hi\nthere']);
  await Promise.all([ann.allMarked('delivered'), bob.allMarked('delivered')]);
  assert.equal(await ann.element('message').inputValue(), '');
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

test('the same stranger again, if both want that; who waits for them meets nobody else, until they would rather', async (t) => {
  const street = await startStreet(t);
  const [ann, bob] = await street.couple();
  await ann.say('hello');
  await bob.showsLog(['them: hello']);
  await ann.pressTwice('stop');
  await ann.element('same').click();
  await ann.reads('waiting-title', 'Waiting for the same stranger');
  const carl = await street.person();
  await carl.start();
  await carl.sees('waiting');
  await ann.page.reload();
  await ann.reads('waiting-title', 'Waiting for the same stranger');
  await bob.element('same').click();
  await Promise.all([ann.sees('composer'), bob.sees('composer')]);
  await bob.say('you again');
  await ann.showsLog(['them: you again']);
  assert.ok(await carl.element('waiting').isVisible());

  await bob.pressTwice('stop');
  await ann.element('same').click();
  await ann.element('waiting-other').click();
  await Promise.all([ann.sees('composer'), carl.sees('composer')]);
  await carl.say('at last');
  await ann.showsLog(['them: at last']);
  assert.ok(await bob.element('ended').isVisible());
});

test('the conversation can be saved as text, here', async (t) => {
  const street = await startStreet(t);
  const [ann, bob] = await street.couple();
  await ann.say('hello');
  await bob.showsLog(['them: hello']);
  await bob.pressTwice('stop');
  assert.match(await bob.saves('save'), /^A conversation on Passerby, .*\n\n\[.*\] Stranger: hello\n$/);
  street.assertNoComplaints();
});
