// redis-health.test.mjs - what a node says of its Redis: on /readyz, in its metrics, in its log.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RedisServer } from './cluster/lib/redis.mjs';
import { startServer } from './lib/server.mjs';
import { eventually } from './lib/wait.mjs';

const ENVIRONMENT = { PASSERBY_SECRET: 'one for all of the cluster' };

const startNode = (t, ...flags) => startServer(t, flags, { environment: ENVIRONMENT });
const startRedis = async (t) => {
  const redis = await RedisServer.start();
  t.after(() => redis.stop());
  return redis;
};
const readiness = (node) => node.request('/readyz', { internal: true });
const isReady = async (node) => (await readiness(node)).status === 200;
const errors = (node, reason) => node.metric('passerby_redis_errors_total', { reason });
const linesWith = (node, text) => node.log.split('\n').filter((line) => line.includes(text)).length;

describe('a Redis that is not there yet', () => {
  it('is waited for, and /readyz says so', async (t) => {
    const redis = await startRedis(t);
    await redis.halt();
    const node = await startNode(t, '--redis', redis.url, '--workers', '2');
    await eventually(async () => await errors(node, 'unreachable') >= 8, 'several attempts');
    const { status, text } = await readiness(node);
    assert.equal(status, 503);
    assert.equal(text, "Redis can't be reached\n");
    assert.equal((await node.request('/livez', { internal: true })).status, 200);
    assert.equal(await node.metric('passerby_redis_up'), 0);
    assert.equal(linesWith(node, "Redis can't be reached"), 2, 'one line for each worker');
    await redis.run();
    await eventually(() => isReady(node), 'readiness');
    assert.equal(await node.metric('passerby_redis_up'), 1);
    assert.equal(await node.metric('passerby_redis_reconnects_total'), 0);
  });

  it('whose password is wrong is told apart, and no password is logged', async (t) => {
    const redis = await startRedis(t);
    await redis.call('CONFIG', 'SET', 'requirepass', 'right');
    const node = await startNode(t, '--redis', redis.url.replace('//', '//:hushhush@'));
    await eventually(async () => await errors(node, 'auth') >= 4, 'several attempts');
    assert.equal((await readiness(node)).text, 'Redis refuses the user or the password\n');
    assert.equal(linesWith(node, 'refuses the user'), 1);
    assert.doesNotMatch(node.log, /hushhush/);
    await redis.call('CONFIG', 'SET', 'requirepass', 'hushhush');
    await eventually(() => isReady(node), 'readiness');
  });
});

describe('a Redis that goes away', () => {
  it('leaves the node ready, as all of its chats would be lost without it', async (t) => {
    const redis = await startRedis(t);
    const node = await startNode(t, '--redis', redis.url);
    await eventually(() => isReady(node), 'readiness');
    await redis.halt();
    await eventually(async () => await node.metric('passerby_redis_up') === 0, 'the metric to say so');
    assert.ok(await isReady(node));
    await redis.run();
    await eventually(async () => await node.metric('passerby_redis_up') === 1, 'the metric to say so');
    assert.equal(await node.metric('passerby_redis_reconnects_total'), 1);
    assert.ok(await isReady(node));
  });
});

describe('relays', () => {
  it('need not be there for the node to be ready', async (t) => {
    const [redis, relay, other] = [await startRedis(t), await startRedis(t), await startRedis(t)];
    await relay.halt();
    const node = await startNode(t, '--redis', redis.url, '--redis-relay', relay.url, '--redis-relay', other.url);
    await eventually(() => isReady(node), 'readiness');
    await eventually(async () => await node.metric('passerby_relays_down') === 1, 'the other relay to be reached');
    await relay.run();
    await eventually(async () => await node.metric('passerby_relays_down') === 0, 'the relay to be reached');
    assert.equal(await node.metric('passerby_redis_up'), 1);
  });
});
