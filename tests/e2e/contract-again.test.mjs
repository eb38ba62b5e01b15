// contract-again.test.mjs - PROTOCOL.md, "The same stranger again": both agree, and meet each other and nobody else.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assertTalking, connect, connectPair, resume } from './lib/client.mjs';
import { startServer } from './lib/server.mjs';

const OPTIONS = ['--prefer', '1s', '--rate-limits', 'off'];

/** Two whose chat has ended: each with the token of it. */
async function part(a, b) {
  a.send({ t: 'leave' });
  await a.expectSkipping(['ack', 'typing'], 'ended', { reason: 'you_left' });
  await b.expectSkipping(['ack', 'typing'], 'ended', { reason: 'left' });
}

async function waitAgain(client, token) {
  client.send({ t: 'find', again: token, reliable: true, topics: ['ignored'], lang: 'xx' });
  await client.expect('waiting', { again: true });
}

async function assertIdle(client) {
  client.send({ t: 'leave' });
  await client.expect('idle');
}

describe('the same stranger again', { concurrency: 4 }, () => {
  it('is announced, and found by both tokens', async (t) => {
    const server = await startServer(t, OPTIONS);
    const [a, b] = await connectPair(t, server, { reliable: true, topics: ['tea'] });
    assert.equal(a.hello.again_ms, 86_400_000);
    const first = a.match;
    await part(a, b);
    await waitAgain(a, first.resume);
    b.send({ t: 'find', again: b.match.resume, reliable: true });
    b.match = await b.matched();
    a.match = await a.expect('matched', { chat: b.match.chat, topics: [] });
    assert.deepEqual(b.match.topics, []);
    assert.notEqual(a.match.chat, first.chat);
    await assertTalking(a, b);
    await part(a, b);
    await waitAgain(b, b.match.resume);
    a.send({ t: 'find', again: a.match.resume });
    assert.equal((await a.matched()).chat, (await b.matched()).chat);
  });

  it('is found from another connection, by any token of the chat', async (t) => {
    const server = await startServer(t, OPTIONS);
    const [a, b] = await connectPair(t, server, { reliable: true });
    a.drop();
    await b.expect('away');
    const later = await resume(t, server, a.match.resume);
    const { resume: newest } = await later.expect('resumed');
    await b.expect('back');
    await part(later, b);
    const elsewhere = await connect(t, server);
    await waitAgain(elsewhere, a.match.resume);
    await waitAgain(later, newest); // the same side: not a stranger
    await assertIdle(elsewhere);
    b.send({ t: 'find', again: b.match.resume });
    assert.equal((await b.matched()).chat, (await later.matched()).chat);
  });

  it('is waited for, while anybody else is let pass, however long', async (t) => {
    const server = await startServer(t, OPTIONS);
    const [a, b] = await connectPair(t, server, { reliable: true });
    await part(a, b);
    await waitAgain(a, a.match.resume);
    const [c, d] = [await connect(t, server), await connect(t, server)];
    c.send({ t: 'find' });
    await c.expect('waiting');
    await new Promise((done) => setTimeout(done, 1500)); // both have waited for longer than --prefer
    d.send({ t: 'find', topics: ['ignored'], lang: 'xx' });
    assert.equal((await d.matched()).chat, (await c.matched()).chat);
    await assertIdle(a);
  });

  it('is left for a search for anybody, which keeps the place', async (t) => {
    const server = await startServer(t, OPTIONS);
    const [a, b] = await connectPair(t, server, { reliable: true });
    await part(a, b);
    await waitAgain(a, a.match.resume);
    a.send({ t: 'find' });
    assert.equal((await a.expect('waiting')).again, undefined);
    await waitAgain(b, b.match.resume);
    const c = await connect(t, server);
    c.send({ t: 'find' });
    assert.equal((await c.matched()).chat, (await a.matched()).chat);
    await assertIdle(b);
  });

  it('begins with the end of the chat that goes on, and not if the token is bad', async (t) => {
    const server = await startServer(t, OPTIONS);
    const [a, b] = await connectPair(t, server, { reliable: true });
    const token = a.match.resume;
    const forged = token.slice(0, 9) + (token[9] === 'A' ? 'B' : 'A') + token.slice(10);
    for (const again of [forged, '', 'AQ', 'x'.repeat(2000), 7, null]) {
      a.send({ t: 'find', again });
      await a.expect('error', { code: 'bad_field' });
    }
    await assertTalking(a, b);
    a.send({ t: 'find', again: a.match.resume });
    await a.expectSkipping(['ack', 'typing'], 'ended', { reason: 'you_left' });
    await a.expect('waiting', { again: true });
    await b.expectSkipping(['ack', 'typing'], 'ended', { reason: 'left' });
    b.send({ t: 'find', again: b.match.resume });
    assert.equal((await b.matched()).chat, (await a.matched()).chat);
  });
});
