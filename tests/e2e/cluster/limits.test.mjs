// limits.test.mjs - the limit of connections per address holds over the nodes of a cluster, softly: they tell each other every second.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { connectRaw, handshake } from '../lib/raw.mjs';
import { startServer } from '../lib/server.mjs';
import { eventually } from '../lib/wait.mjs';
import { RedisServer } from './lib/redis.mjs';

const ENVIRONMENT = { PASSERBY_SECRET: 'one for all of the cluster' };

async function startNode(t, redis) {
  const node = await startServer(t, ['--redis', redis.url, '--max-connections-per-ip', '3'], { environment: ENVIRONMENT });
  await eventually(async () => (await node.request('/readyz', { internal: true })).status === 200, 'readiness');
  return node;
}

/** Whether somebody more is let in; who is, leaves at once. */
async function isOpen(node) {
  return (await handshake(node)).status === 101;
}

it('an address has its connections over all nodes', async (t) => {
  const redis = await RedisServer.start();
  t.after(() => redis.stop());
  const nodes = [await startNode(t, redis), await startNode(t, redis)];
  const [first] = [await connectRaw(t, nodes[0]), await connectRaw(t, nodes[0])];
  await connectRaw(t, nodes[1]);
  await eventually(async () => !await isOpen(nodes[1]), 'the third of three to be the last');
  await eventually(async () => !await isOpen(nodes[0]), 'the other node to know as well');

  const keys = await redis.call('KEYS', '{pb}:a:*');
  assert.equal(keys.length, 1);
  assert.match(keys[0], /^\{pb\}:a:[0-9a-f]{16}$/);
  assert.doesNotMatch(keys[0], /7f000001/i, 'an address that is not hidden');
  assert.ok(await redis.call('PTTL', keys[0]) > 0);

  first.socket.destroy();
  await eventually(() => isOpen(nodes[1]), 'a place that was given up to be free');

  await redis.halt();
  await connectRaw(t, nodes[1]);
  await eventually(() => isOpen(nodes[1]), 'a node without Redis to count for itself');
  await connectRaw(t, nodes[1]);
  assert.equal(await isOpen(nodes[1]), false);
});
