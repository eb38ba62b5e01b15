// cluster.test.mjs - processes joined by a Redis: strangers meet, talk, move and leave across them (faults: cluster/).

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RedisServer } from './cluster/lib/redis.mjs';
import { assertTalking, connect, match, resume } from './lib/client.mjs';
import { startServer } from './lib/server.mjs';
import { eventually } from './lib/wait.mjs';

const SECRET = { PASSERBY_SECRET: 'one for all of the cluster' };

async function startNode(t, url) {
  const node = await startServer(t, ['--redis', url], { environment: SECRET });
  await eventually(async () => (await node.request('/readyz', { internal: true })).status === 200, 'readiness');
  return node;
}

/** Two nodes, and a pair of reliable strangers, one on each. */
async function startCluster(t) {
  const redis = await RedisServer.start();
  t.after(() => redis.stop());
  const nodes = [await startNode(t, redis.url), await startNode(t, redis.url)];
  const people = [await connect(t, nodes[0]), await connect(t, nodes[1])];
  await match(...people, { reliable: true });
  return { redis, nodes, people };
}

describe('three nodes', () => {
  it('let strangers find each other again on whichever they are by then', async (t) => {
    const { redis, nodes, people: [a, b] } = await startCluster(t);
    const third = await startNode(t, redis.url);
    a.send({ t: 'leave' });
    await b.expectSkipping(['ack', 'typing'], 'ended', { reason: 'left' });
    const moved = await connect(t, third);
    moved.send({ t: 'find', again: a.match.resume, reliable: true });
    await moved.expect('waiting', { again: true });
    const other = await connect(t, nodes[0]);
    other.send({ t: 'find' });
    await other.expect('waiting');
    b.send({ t: 'find', again: b.match.resume, reliable: true });
    b.match = await b.matched();
    await moved.expect('matched', { chat: b.match.chat, topics: [] });
    await assertTalking(moved, b);
  });
});

describe('two nodes', () => {
  it('pair their people, who talk and leave', async (t) => {
    const { people: [a, b] } = await startCluster(t);
    assert.equal(a.match.chat, b.match.chat);
    await assertTalking(a, b);
    a.send({ t: 'leave' });
    await b.expectSkipping(['ack', 'typing'], 'ended', { reason: 'left' });
  });

  it('let people resume on the other one', async (t) => {
    const { nodes, people: [a, b] } = await startCluster(t);
    await assertTalking(a, b);
    a.drop();
    await b.expectSkipping(['ack', 'typing'], 'away');
    const again = await resume(t, nodes[1], a.match.resume);
    await again.expect('resumed', { chat: a.match.chat, peer: 'here' });
    await b.expect('back');
    b.send({ t: 'msg', seq: 2, body: 'there you are' });
    await again.expect('msg', { body: 'there you are' });
  });
});
