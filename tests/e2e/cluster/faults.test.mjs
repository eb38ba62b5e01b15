// faults.test.mjs - nodes die, freeze, drain and are cut off, and Redis forgets: nobody loses a word, and no chat ends.

import { describe } from 'node:test';
import { delay } from '../lib/wait.mjs';
import { Cluster } from './lib/cluster.mjs';
import { stage } from './lib/scenario.mjs';
import { storm } from './lib/storm.mjs';

const FROZEN_MS = 8000;
const STALLED_MS = 5000;
const CUT_MS = 10_000;
const REDIS_GONE_MS = 2000;
const STORM = Number(process.env.E2E_STORM ?? 15);

const drain = (node) => node.request('/drain', { method: 'POST', internal: true });

/** A cluster of which one node reaches Redis through the proxy. */
const startProxied = () => Cluster.start({ proxied: 1 });

describe('a node', () => {
  const scenario = stage();

  scenario('is killed, and another started', async (cluster) => {
    await cluster.kill(cluster.nodes[0]);
    await cluster.add();
  });

  scenario('is frozen for 8 s', async (cluster) => {
    await cluster.freeze(cluster.nodes[0], FROZEN_MS);
  });

  scenario('is told to drain', async (cluster) => {
    const [node] = cluster.nodes;
    await drain(node);
    await cluster.drained(node);
    await cluster.add();
  });

  scenario('gets SIGTERM', async (cluster) => {
    const [node] = cluster.nodes;
    node.signal('SIGTERM');
    await cluster.drained(node);
    await cluster.add();
  });

  scenario('after the other is replaced, newest first', async (cluster) => {
    for (const node of [...cluster.nodes]) {
      await cluster.add();
      await drain(node);
      await cluster.drained(node);
    }
  });
});

describe('Redis', () => {
  const scenario = stage();

  scenario('is emptied', async ({ redis }) => { await redis.call('FLUSHALL'); });
  scenario('is gone for 2 s, and comes back empty', (cluster) => cluster.restartEmpty(REDIS_GONE_MS));
  scenario('drops its subscribers', async ({ redis }) => { await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub'); });
  scenario('drops its callers', async ({ redis }) => {
    await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'no').catch(() => {});
  });
});

describe('the network between Redis and a node', () => {
  const scenario = stage(startProxied);

  scenario('drops everything for 5 s', async ({ proxy }) => {
    proxy.stall();
    await delay(STALLED_MS);
    proxy.pass();
  });

  scenario('is cut for 10 s', async ({ proxy }) => {
    proxy.cut();
    await delay(CUT_MS);
    proxy.pass();
  });
});

describe('two faults at once:', () => {
  const scenario = stage();

  scenario('Redis is emptied, and a node killed', async (cluster) => {
    await cluster.redis.call('FLUSHALL');
    await cluster.kill(cluster.nodes[0]);
    await cluster.add();
  });

  scenario('two nodes are killed', async (cluster) => {
    await Promise.all([cluster.kill(cluster.nodes[0]), cluster.kill(cluster.nodes[1])]);
    await cluster.add();
    await cluster.add();
  });

  scenario('a node is frozen, and Redis emptied', async (cluster) => {
    const thawed = cluster.freeze(cluster.nodes[0], FROZEN_MS);
    await cluster.redis.call('FLUSHALL');
    await thawed;
  });

  scenario('Redis comes back empty, and a node is killed meanwhile', async (cluster) => {
    const restarted = cluster.restartEmpty(REDIS_GONE_MS);
    await cluster.kill(cluster.nodes[0]);
    await restarted;
    await cluster.add();
  });
});

describe('many faults, over each other', () => {
  const scenario = stage(startProxied);

  scenario(`${STORM} at random`, async (cluster, crowd, { random, log }) => {
    await storm({ cluster, crowd, random, log, count: STORM });
  });
});
