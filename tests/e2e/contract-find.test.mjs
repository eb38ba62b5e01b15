// contract-find.test.mjs - PROTOCOL.md on `hello`, `find`, `waiting`, `matched`: who meets whom, and when.
//
// With --prefer 10m nobody's preferences relax during a test: "not these two" is proved by what happens instead, not by
// waiting.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assertTalking, connect, connectPair, match } from './lib/client.mjs';
import { startServer } from './lib/server.mjs';
import { delay } from './lib/wait.mjs';

const PICKY = ['--prefer', '10m', '--rate-limits', 'off'];
const TIMER_SLACK_MS = 50;

/** Puts a client into the waiting list. */
async function wait(t, server, criteria = {}) {
  const client = await connect(t, server);
  client.send({ t: 'find', ...criteria });
  await client.expect('waiting');
  return client;
}

/** Asserts that a client with these criteria gets the waiting `partner`, and returns it. */
async function meets(t, server, partner, criteria = {}) {
  const client = await connect(t, server);
  client.send({ t: 'find', ...criteria });
  client.match = await client.matched();
  partner.match = await partner.expect('matched', { chat: client.match.chat });
  return client;
}

/** Asserts that a waiting client has been offered nobody so far. It no longer waits then. */
async function assertStillWaiting(client) {
  client.send({ t: 'leave' });
  await client.expect('idle');
}

const ascending = (topics) => topics.map((topic) => topic.trim()).sort();

describe('hello', { concurrency: 4 }, () => {
  it('comes first, with the documented defaults', async (t) => {
    const server = await startServer(t);
    const { hello } = await connect(t, server);
    assert.ok(Number.isInteger(hello.online) && hello.online >= 1, `online: ${hello.online}`);
    const { online, ...rest } = hello;
    assert.deepEqual(rest, {
      t: 'hello', v: 1, max_body: 2000, max_frame: 16384, window: 32, grace_ms: 60000, prefer_ms: 8000,
      again_ms: 86400000,
    });
  });

  it('says what the operator configured', async (t) => {
    const server = await startServer(t, [
      '--max-body', '100', '--max-frame', '4k', '--window', '5', '--grace', '7s', '--prefer', '1500ms',
    ]);
    const { hello } = await connect(t, server);
    assert.equal(hello.max_body, 100);
    assert.equal(hello.max_frame, 4096);
    assert.equal(hello.window, 5);
    assert.equal(hello.grace_ms, 7000);
    assert.equal(hello.prefer_ms, 1500);
  });

  it('counts the people online', async (t) => {
    const server = await startServer(t);
    for (let others = 0; others < 5; others++) await connect(t, server);
    let online = 0;
    for (let tries = 0; tries < 100 && online < 6; tries++) {
      const client = await connect(t, server);
      online = client.hello.online;
      client.drop();
      await delay(20);
    }
    assert.ok(online >= 6, `five others and this one, but online is ${online}`);
  });
});

describe('find', { concurrency: 4 }, () => {
  it('puts the first in the waiting list and matches the second with them', async (t) => {
    const server = await startServer(t);
    const [a, b] = await connectPair(t, server);
    for (const { match: heard } of [a, b]) {
      assert.match(heard.chat, /^.{1,32}$/u);
      assert.deepEqual(heard.topics, []);
      assert.equal(heard.reliable, false);
      assert.ok(typeof heard.resume === 'string' && heard.resume.length > 0);
    }
    assert.notEqual(a.match.resume, b.match.resume, 'each side has its own token');
    await assertTalking(a, b);
  });

  it('gives each chat another id', async (t) => {
    const server = await startServer(t, ['--prefer', '0s']);
    const [a, b] = await connectPair(t, server);
    const [c] = await connectPair(t, server);
    assert.notEqual(a.match.chat, c.match.chat);
    a.send({ t: 'leave' });
    await a.expect('ended', { reason: 'you_left' });
    await b.expect('ended', { reason: 'left' });
    const before = a.match.chat;
    await match(a, b);
    assert.notEqual(a.match.chat, before);
  });

  it('tells each whether the stranger is reliable', async (t) => {
    const server = await startServer(t);
    const [a, b] = await connectPair(t, server, { left: { reliable: true }, right: { reliable: false } });
    assert.equal(a.match.reliable, false);
    assert.equal(b.match.reliable, true);
  });

  it('pairs nobody with themselves, and answers `waiting` again while waiting', async (t) => {
    const server = await startServer(t, ['--prefer', '0s', '--rate-limits', 'off']);
    const a = await wait(t, server);
    for (let again = 0; again < 20; again++) {
      a.send({ t: 'find' });
      await a.expect('waiting');
    }
    await assertStillWaiting(a);
  });

  it('ignores unknown fields and the order of fields', async (t) => {
    const server = await startServer(t);
    const [a, b] = [await connect(t, server), await connect(t, server)];
    a.send('{"mood":{"is":["good",1e3,null]},"topics":["x"],"t":"find","reliable":true,"v":9}');
    await a.expect('waiting');
    b.send(' {\n"reliable" : true , "topics" : [ "x" ] ,\t"t" : "\\u0066ind" } ');
    await b.matched({ topics: ['x'], reliable: true });
    await a.expect('matched', { topics: ['x'], reliable: true });
  });

  it('refuses a value that is out of range or of the wrong kind, naming the field', async (t) => {
    const server = await startServer(t);
    const bad = {
      topics: [
        'music', { 0: 'music' }, [1], [null], [['music']], [''], ['  \t '], ['ok', ''],
        Array.from({ length: 9 }, (_, n) => `topic ${n}`), ['x'.repeat(33)], ['\u{1f600}'.repeat(33)],
      ],
      reliable: ['yes', 1, {}],
      lang: [5, ['en'], {}, '!!', ''],
    };
    for (const [field, values] of Object.entries(bad)) {
      for (const value of values) {
        const client = await connect(t, server);
        client.send({ t: 'find', [field]: value });
        const error = await client.expectError('bad_field');
        assert.ok(error.message.includes(field), `"${error.message}" names '${field}'`);
        await assertStillWaiting(client); // and it does not wait: the answer is `idle` either way
        client.drop();
      }
    }
  });

  it('takes topics up to the limits', async (t) => {
    const server = await startServer(t, PICKY);
    const astral = '\u{1f600}'.repeat(32);
    const topics = [astral, ...Array.from({ length: 7 }, (_, n) => `${n}`.repeat(32))];
    const [a] = await connectPair(t, server, { topics });
    assert.deepEqual(ascending(a.match.topics), ascending(topics));
    const padded = [`  ${'y'.repeat(32)}\t`];
    const [c] = await connectPair(t, server, { topics: padded });
    assert.deepEqual(ascending(c.match.topics), ascending(padded), '32 code points after trimming');
  });
});

describe('topics', { concurrency: 4 }, () => {
  it('are compared after trimming and Unicode case folding, and returned as each wrote them', async (t) => {
    const server = await startServer(t, PICKY);
    for (const [left, right] of [
      [['Music', 'tea'], ['COFFEE', 'mUSIC']],
      [['  chess '], ['Chess']],
      [['МУЗЫКА'], ['музыка']],
      [['ΟΔΥΣΣΕΥΣ'], ['οδυσσευς']],
      [['Straße'], ['STRASSE']],
      [['\u{10400}\u{10401}'], ['\u{10428}\u{10429}']],
    ]) {
      const [a, b] = await connectPair(t, server, { left: { topics: left }, right: { topics: right } });
      assert.deepEqual(a.match.topics.map((topic) => topic.trim()), [left[0].trim()]);
      assert.deepEqual(b.match.topics.map((topic) => topic.trim()), [right.at(-1).trim()]);
    }
  });

  it('in common make a pair, and others wait', async (t) => {
    const server = await startServer(t, PICKY);
    const a = await wait(t, server, { topics: ['x', 'y'] });
    const b = await wait(t, server, { topics: ['z'] });
    const c = await meets(t, server, a, { topics: ['y', 'w'] });
    assert.deepEqual(c.match.topics, ['y']);
    assert.deepEqual(a.match.topics, ['y']);
    await assertStillWaiting(b);
  });

  it('named by one only keep the two apart while that one prefers', async (t) => {
    const server = await startServer(t, PICKY);
    const a = await wait(t, server, { topics: ['x'] });
    const b = await wait(t, server);
    await meets(t, server, b);
    await assertStillWaiting(a);
  });

  it('more in common come first', async (t) => {
    const server = await startServer(t, PICKY);
    const one = await wait(t, server, { topics: ['a'] });
    await delay(20); // the longer wait must be longer by the clock
    const two = await wait(t, server, { topics: ['b', 'c'] });
    const seeker = await meets(t, server, two, { topics: ['a', 'b', 'c'] });
    assert.deepEqual(ascending(seeker.match.topics), ['b', 'c']);
    await assertStillWaiting(one);
  });

  it('equally many in common: the longest wait comes first', async (t) => {
    const server = await startServer(t, PICKY);
    const first = await wait(t, server, { topics: ['a'] });
    await delay(20);
    const second = await wait(t, server, { topics: ['b'] });
    await meets(t, server, first, { topics: ['b', 'a'] });
    await assertStillWaiting(second);
  });
});

describe('lang', { concurrency: 4 }, () => {
  it('of the same primary subtag makes a pair', async (t) => {
    const server = await startServer(t, PICKY);
    for (const [left, right] of [['en-US', 'en-GB'], ['DE', 'de-CH-1996'], ['zh-Hant-TW', 'zh'], ['gsw', 'gsw']]) {
      await connectPair(t, server, { left: { lang: left }, right: { lang: right } });
    }
  });

  it('of another primary subtag keeps the two apart, none named does not', async (t) => {
    const server = await startServer(t, PICKY);
    const english = await wait(t, server, { lang: 'en' });
    const german = await wait(t, server, { lang: 'de' });
    await meets(t, server, german, { lang: 'de-AT' });
    await meets(t, server, english);
  });
});

describe('preferences', { concurrency: 4 }, () => {
  it('relax after prefer_ms, not before', async (t) => {
    const server = await startServer(t, ['--prefer', '700ms']);
    for (const [left, right] of [
      [{ topics: ['x'] }, { topics: ['y'] }], [{ lang: 'en' }, { lang: 'fr' }], [{}, { topics: ['x'] }],
    ]) {
      const [a, b] = [await connect(t, server), await connect(t, server)];
      a.send({ t: 'find', ...left });
      await a.expect('waiting');
      const asked = Date.now();
      b.send({ t: 'find', ...right });
      await b.expect('waiting');
      await b.expect('matched', { topics: [] });
      const waited = Date.now() - asked;
      assert.ok(waited >= 700 - TIMER_SLACK_MS, `matched ${waited} ms after the later \`find\``);
      await a.expect('matched', { topics: [] });
      a.drop();
      b.drop();
    }
  });

  it('`find` while waiting replaces the criteria', async (t) => {
    const server = await startServer(t, PICKY);
    const a = await wait(t, server, { topics: ['x'] });
    const b = await wait(t, server, { topics: ['y'] });
    a.send({ t: 'find', topics: ['z'] });
    await a.expect('waiting');
    const c = await wait(t, server, { topics: ['x'] });
    b.send({ t: 'find', topics: ['Z'] });
    await b.matched({ topics: ['Z'] });
    await a.expect('matched', { topics: ['z'] });
    await assertStillWaiting(c);
  });

  it('`find` is answered each time, even when many come in one segment', async (t) => {
    const server = await startServer(t, PICKY);
    const a = await connect(t, server);
    a.sendAll([...Array.from({ length: 10 }, () => ({ t: 'find' })), { t: 'leave' }]);
    await a.expectSkipping(['waiting'], 'idle');
    assert.equal(a.heard.filter(({ t: type }) => type === 'waiting').length, 10);
  });

  it('`find` while waiting keeps the place in the line', async (t) => {
    const server = await startServer(t, PICKY);
    const first = await wait(t, server, { topics: ['a'] });
    await delay(20);
    const second = await wait(t, server, { topics: ['b'] });
    await delay(20);
    first.send({ t: 'find', topics: ['c'] });
    await first.expect('waiting');
    await meets(t, server, first, { topics: ['b', 'c'] });
    await assertStillWaiting(second);
  });

  it('`find` while waiting keeps the clock', async (t) => {
    const server = await startServer(t, ['--prefer', '2s', '--rate-limits', 'off']);
    const a = await wait(t, server, { topics: ['x'] });
    await wait(t, server);
    // If each `find` started the clock anew, the preference would never relax.
    for (let again = 0; a.heard.at(-1).t !== 'matched'; again++) {
      assert.ok(again < 60, 'still not relaxed after 30 s of asking again');
      await delay(500);
      if (a.heard.at(-1).t !== 'matched') a.send({ t: 'find', topics: ['x'] });
    }
  });
});

describe('recent strangers', { concurrency: 4 }, () => {
  it('are not met again while others are preferred', async (t) => {
    const server = await startServer(t, PICKY);
    const [a, b] = await connectPair(t, server);
    a.send({ t: 'leave' });
    await a.expect('ended', { reason: 'you_left' });
    await b.expect('ended', { reason: 'left' });
    a.send({ t: 'find' });
    await a.expect('waiting');
    await delay(20);
    b.send({ t: 'find' });
    await b.expect('waiting');
    await meets(t, server, a);
    await assertStillWaiting(b);
  });

  it('may be met again after prefer_ms', async (t) => {
    const server = await startServer(t, ['--prefer', '700ms']);
    const [a, b] = await connectPair(t, server);
    a.send({ t: 'leave' });
    await a.expect('ended');
    await b.expect('ended');
    const asked = Date.now();
    a.send({ t: 'find' });
    await a.expect('waiting');
    b.send({ t: 'find' });
    await b.matched();
    assert.ok(Date.now() - asked >= 700 - TIMER_SLACK_MS);
    await a.expect('matched');
  });

  it('are the last five', async (t) => {
    const server = await startServer(t, PICKY);
    const [a, b] = await connectPair(t, server);
    const part = async (leaver, other) => {
      leaver.send({ t: 'leave' });
      await leaver.expect('ended', { reason: 'you_left' });
      await other.expect('ended', { reason: 'left' });
    };
    await part(a, b);
    for (let others = 0; others < 5; others++) {
      for (const client of [a, b]) {
        client.send({ t: 'find' });
        await client.expect('waiting');
      }
      await assertStillWaiting(a);
      await assertStillWaiting(b);
      const other = await connect(t, server);
      await match(a, other);
      await part(other, a);
      await match(b, other);
      await part(other, b);
    }
    await match(a, b);
  });
});

describe('next and leave', { concurrency: 4 }, () => {
  it('`find` in a chat ends it and searches', async (t) => {
    const server = await startServer(t, PICKY);
    const [a, b] = await connectPair(t, server);
    a.send({ t: 'find' });
    await b.expect('ended', { reason: 'left' });
    await a.expect('ended', { reason: 'you_left' });
    await a.expect('waiting');
    const c = await meets(t, server, a);
    await assertTalking(a, c);
    assert.equal(b.unread, 0, 'nothing comes after `ended`');
  });

  it('`find` in a chat may match at once', async (t) => {
    const server = await startServer(t, PICKY);
    const [a] = await connectPair(t, server);
    const c = await wait(t, server, { topics: ['x'] });
    a.send({ t: 'find', topics: ['x'] });
    await a.expect('ended', { reason: 'you_left' });
    await a.matched({ topics: ['x'] });
    await c.expect('matched');
  });

  it('`leave` while waiting leaves the list', async (t) => {
    const server = await startServer(t, PICKY);
    const a = await wait(t, server);
    a.send({ t: 'leave' });
    await a.expect('idle');
    const b = await wait(t, server);
    await meets(t, server, b);
    assert.equal(a.unread, 0);
  });

  it('`leave` without a chat is answered `idle`', async (t) => {
    const server = await startServer(t);
    const a = await connect(t, server);
    for (let again = 0; again < 3; again++) {
      a.send({ t: 'leave' });
      await a.expect('idle');
    }
  });

  it('`leave` in a chat ends it for both, and both are idle then', async (t) => {
    const server = await startServer(t);
    const [a, b] = await connectPair(t, server);
    b.send({ t: 'leave' });
    await b.expect('ended', { reason: 'you_left' });
    await a.expect('ended', { reason: 'left' });
    for (const client of [a, b]) {
      client.send({ t: 'msg', body: 'anybody there?' });
      await client.expectError('not_in_chat');
      client.send({ t: 'leave' });
      await client.expect('idle');
    }
  });

  it('a drop while waiting leaves the list', async (t) => {
    const server = await startServer(t, PICKY);
    const a = await wait(t, server);
    a.close(1000);
    await a.closed(1000);
    const b = await wait(t, server);
    await meets(t, server, b);
  });
});
