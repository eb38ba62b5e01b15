// crowd.test.mjs - many people at once: each is paired, with one other, and what they say arrives once and in order.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { connect } from './lib/client.mjs';
import { SEED, below, seeded } from './lib/random.mjs';
import { ReliableClient } from './lib/reliable.mjs';
import { startServer } from './lib/server.mjs';
import { delay, eventually, within } from './lib/wait.mjs';

const CROWD_MS = 120_000;

/** A text that tells who wrote it, and that cannot have been altered unseen. */
function signed(author, number) {
  const text = `${author}/${number} ${'naïve 😀 '.repeat(number % 20)}`;
  return `${text}|${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
}

/** `count` people, connected in batches: a listen queue is finite. */
async function gather(t, server, count) {
  const people = [];
  while (people.length < count) {
    const batch = Math.min(100, count - people.length);
    people.push(...await Promise.all(Array.from({ length: batch }, () => connect(t, server))));
  }
  return people;
}

/** All search at once; asserts that chats are exclusive and symmetric, and returns them as pairs. */
async function pairUp(people) {
  for (const person of people) person.send({ t: 'find', reliable: true });
  const chats = new Map();
  for (const [at, person] of people.entries()) {
    person.name = at;
    person.match = await person.matched();
    chats.set(person.match.chat, [...chats.get(person.match.chat) ?? [], person]);
  }
  for (const [chat, both] of chats) assert.equal(both.length, 2, `chat ${chat} has ${both.length} people`);
  assert.equal(chats.size, people.length / 2);
  return [...chats.values()];
}

/** Everybody says `count` messages to their stranger, and acknowledges what they hear. */
async function converse(pairs, count) {
  const everybody = pairs.flatMap(([a, b]) => [[a, b], [b, a]]);
  for (let seq = 1; seq <= count; seq++) {
    for (const [person] of everybody) person.send({ t: 'msg', seq, body: signed(person.name, seq) });
  }
  for (const [person, stranger] of everybody) {
    for (let seq = 1; seq <= count; seq++) {
      await person.expectSkipping(['ack'], 'msg', { seq, body: signed(stranger.name, seq) });
    }
    person.send({ t: 'ack', seq: count });
  }
  for (const [person] of everybody) {
    while (person.heard.findLast(({ t }) => t === 'ack')?.seq !== count) await person.expect('ack');
    const others = person.heard.filter(({ t }) => !['hello', 'waiting', 'matched', 'msg', 'ack'].includes(t));
    assert.deepEqual(others, []);
    assert.equal(person.heard.filter(({ t }) => t === 'matched').length, 1);
    assert.equal(person.heard.filter(({ t }) => t === 'msg').length, count);
  }
}

describe('a crowd', () => {
  for (const workers of [1, 4]) {
    it(`of 400, ${workers} worker(s): all paired, 8,000 messages exactly`, async (t) => {
      const server = await startServer(t, ['--workers', `${workers}`]);
      const pairs = await pairUp(await gather(t, server, 400));
      await converse(pairs, 20);
      assert.equal(await server.metric('passerby_messages_total'), 8000);
    });

    it(`of 2,000, ${workers} worker(s): all paired, and all heard`, async (t) => {
      const server = await startServer(t, ['--workers', `${workers}`]);
      const people = await gather(t, server, 2000);
      const pairs = await pairUp(people);
      await converse(pairs, 2);
      await eventually(async () => (await server.online()) === 2000, 'all to be counted');
      for (const [leaver] of pairs) leaver.send({ t: 'leave' });
      for (const [leaver, left] of pairs) {
        await leaver.expectSkipping(['ack'], 'ended', { reason: 'you_left' });
        await left.expectSkipping(['ack'], 'ended', { reason: 'left' });
      }
    });
  }

  it('that comes and goes: next, next, next, and nobody is ever in two chats', async (t) => {
    const server = await startServer(t, ['--rate-limits', 'off', '--prefer', '0s', '--workers', '2']);
    const random = seeded();
    const people = await gather(t, server, 60);
    for (const person of people) person.send({ t: 'find' });
    for (let turns = 0; turns < 600; turns++) {
      people[below(random, people.length)].send({ t: below(random, 8) === 0 ? 'leave' : 'find' });
      if (turns % 20 === 0) await delay(5);
    }
    for (const person of people) person.send({ t: 'leave' });
    // The answer to the last `leave` is the last word; before it matched and ended must alternate.
    await delay(500);
    await eventually(() => people.every(({ heard }) => ['idle', 'ended'].includes(heard.at(-1).t)), 'all to have left');
    const sides = new Map();
    const stillborn = new Set(); // begun and over before the other could be told: it had gone on while the match was made
    for (const { heard } of people) {
      let chatting = false;
      let chat;
      for (const message of heard) {
        if (message.t === 'matched') {
          assert.ok(!chatting, 'matched while in a chat');
          chat = message.chat;
          sides.set(chat, (sides.get(chat) ?? 0) + 1);
        }
        if (message.t === 'ended') assert.ok(chatting, 'ended without a chat');
        if (message.reason === 'left') stillborn.add(chat);
        if (['matched', 'ended'].includes(message.t)) chatting = message.t === 'matched';
      }
      assert.ok(!chatting);
    }
    for (const [chat, count] of sides) assert.ok(count === 2 || (count === 1 && stillborn.has(chat)), `chat ${chat}`);
  });
});

/** Pairs of reliable clients, all matched. */
async function reliablePairs(t, server, count, random) {
  const people = Array.from({ length: count }, () => new ReliableClient(server.url, { random }));
  t.after(() => people.forEach((person) => person.stop()));
  for (const [at, person] of people.entries()) {
    person.name = at;
    person.start();
    if (at % 50 === 49) await delay(20);
  }
  await Promise.all(people.map((person) => within(person.when(() => person.chat), 'a match', CROWD_MS)));
  const chats = new Map();
  for (const person of people) {
    if (chats.has(person.chat)) [person.stranger, chats.get(person.chat).stranger] = [chats.get(person.chat), person];
    else chats.set(person.chat, person);
  }
  assert.ok(people.every(({ stranger }) => stranger), 'somebody has no stranger');
  return people;
}

describe('reliable clients over a bad network', () => {
  for (const workers of [1, 4]) {
    it(`200, ${workers} worker(s), dropped at random (seed ${SEED}): nothing lost, nothing doubled`, async (t) => {
      const server = await startServer(t, ['--workers', `${workers}`]);
      const random = seeded();
      const people = await reliablePairs(t, server, 200, random);
      const COUNT = 40;
      for (let seq = 1; seq <= COUNT; seq++) {
        for (const person of people) person.say(signed(person.name, seq));
        for (let drops = 0; drops < 10; drops++) people[below(random, people.length)].drop();
        await delay(50);
      }
      await Promise.all(people.map((person) => within(
        person.when(() => person.shown.length >= COUNT && person.unacknowledged === 0),
        () => `all; shown ${person.shown.length}, unacknowledged ${person.unacknowledged}, ended ${person.ended}`,
        CROWD_MS,
      )));
      for (const person of people) {
        assert.deepEqual(person.shown, Array.from({ length: COUNT }, (_, at) => signed(person.stranger.name, at + 1)));
        assert.deepEqual(person.errors, []);
        assert.equal(person.ended, undefined);
      }
      assert.ok(people.some(({ resumes }) => resumes > 1));
    });
  }
});
