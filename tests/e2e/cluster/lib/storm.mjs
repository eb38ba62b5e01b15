// storm.mjs - faults drawn at random, one after the other and over each other.
//
// Flow:  every GAP_MS or so another fault begins, whether the one before is over or not; all are over in the end.
//        A node that something is being done to is left alone until that is done.

import { below } from '../../lib/random.mjs';
import { delay } from '../../lib/wait.mjs';

const GAP_MS = { least: 200, spread: 3000 };
const FROZEN_MS = { least: 500, spread: 6000 };
const STALLED_MS = { least: 500, spread: 5000 };
const GONE_MS = { least: 200, spread: 2000 };
const DROPPED = 0.2; // of the people

/** Each takes the cluster, the crowd, a function that draws a time, and one that borrows a node. */
const FAULTS = {
  async kill({ cluster, borrow }) {
    await borrow(async (node) => {
      await cluster.kill(node);
      await cluster.add({ proxied: node.isProxied });
    });
  },
  async drain({ cluster, borrow }) {
    await borrow(async (node) => {
      node.signal('SIGTERM');
      await cluster.drained(node);
      await cluster.add({ proxied: node.isProxied });
    });
  },
  async freeze({ cluster, borrow, draw }) { await borrow((node) => cluster.freeze(node, draw(FROZEN_MS))); },
  async flush({ cluster }) { await cluster.redis.call('FLUSHALL').catch(() => {}); },
  async restart({ cluster, draw }) { await cluster.restartEmpty(draw(GONE_MS)); },
  async unsubscribe({ cluster }) { await cluster.redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub').catch(() => {}); },
  async disconnect({ cluster }) { await cluster.redis.call('CLIENT', 'KILL', 'TYPE', 'normal').catch(() => {}); },
  async stall({ cluster, draw }) {
    cluster.proxy.stall();
    await delay(draw(STALLED_MS));
    cluster.proxy.pass();
  },
  async cut({ cluster, draw }) {
    cluster.proxy.cut();
    await delay(draw(STALLED_MS));
    cluster.proxy.pass();
  },
  async drop({ crowd, random }) {
    for (const person of crowd.everybody) if (random() < DROPPED) person.drop();
  },
};

/** Lets so many faults happen. Calls `log` with the name of each as it begins. */
export async function storm({ cluster, crowd, random, count, log }) {
  const borrowed = new Set();
  let restarting = Promise.resolve();
  const draw = ({ least, spread }) => least + below(random, spread);
  async function borrow(use) {
    const free = cluster.nodes.filter((node) => !borrowed.has(node));
    if (free.length < 2) return; // one is left alone
    const node = free[below(random, free.length)];
    borrowed.add(node);
    await use(node);
    borrowed.delete(node);
  }
  const began = Date.now();
  const names = Object.keys(FAULTS);
  const going = [];
  for (let number = 0; number < count; number++) {
    const name = names[below(random, names.length)];
    log(`${Date.now() - began} ms: ${name}`);
    const happen = () => FAULTS[name]({ cluster, crowd, random, draw, borrow });
    if (name === 'restart') going.push(restarting = restarting.then(happen)); // one at a time
    else going.push(happen());
    await delay(draw(GAP_MS));
  }
  await Promise.all(going);
}
