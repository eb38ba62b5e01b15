// cluster.mjs - three nodes, the Redis that joins them, and one address for all.
//
// Owns: the processes, until stop(). One node may have its Redis behind a proxy, which the test cuts.

import assert from 'node:assert/strict';
import { startServer } from '../../lib/server.mjs';
import { delay, eventually, WAIT_MS } from '../../lib/wait.mjs';
import { Balancer } from './balancer.mjs';
import { RedisServer } from './redis.mjs';
import { TcpProxy } from './tcp-proxy.mjs';
import { Watch } from './watch.mjs';

const NODES = 3;
const SECRET = { PASSERBY_SECRET: 'one for all of the cluster' };
const FLAGS = ['--prefer', '1s', '--drain-delay', '600ms', '--drain-spread', '1s', '--drain-timeout', '3s'];
/* How long the register remembers how a chat ended, at most. */
const TOMBSTONE_MS = 15 * 60_000;
/* A chat whose two people lost their connections before they could read `matched` is held for its grace, and ended then. */
const EMPTY_MS = WAIT_MS + 75_000;
const CHAT = /^\{pb\}:c:/;
const BOOKKEEPING = /^\{pb\}:[ns]$/; // the nodes, and those that are suspected

export class Cluster {
  nodes = [];
  #ends = [];
  #killed = new Set();
  #endsAreLost = false;
  #break;
  /** Rejects when a node has crashed by itself. */
  intact = new Promise((_, reject) => { this.#break = reject; });

  constructor() { this.intact.catch(() => {}); }

  /** `t` of startServer(): what is started is stopped by this cluster, last first. */
  after(end) { this.#ends.unshift(end); }

  /**
   * `redis`: `url` for the nodes, `stores` that may hold the data; without it, a Redis of the cluster's own. `proxied`:
   * how many of the nodes reach that through the proxy.
   */
  static async start({ redis, proxied = 0 } = {}) {
    const cluster = new Cluster();
    try {
      await cluster.#startRedis(redis);
      cluster.balancer = await Balancer.start();
      cluster.after(() => cluster.balancer.stop());
      for (let number = 0; number < NODES; number++) await cluster.add({ proxied: number < proxied });
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  async #startRedis(redis) {
    this.redis = redis;
    if (!redis) {
      this.redis = await RedisServer.start();
      this.after(() => this.redis.stop());
      this.proxy = await TcpProxy.start(this.redis.port);
      this.after(() => this.proxy.stop());
    }
    this.watch = new Watch(this.#stores);
    this.after(() => this.watch.stop());
  }

  get #stores() { return this.redis.stores ?? [this.redis]; }
  /** What the clients connect to. */
  get address() { return this.balancer.url; }

  /** One more node; it gets connections from now on. `proxied`: the test can cut it off. */
  async add({ proxied = false } = {}) {
    const { url } = proxied ? this.proxy : this.redis;
    const node = await startServer(this, [...FLAGS, '--redis', url], { environment: SECRET });
    node.isProxied = proxied;
    node.exited.then((end) => {
      if (end.code === 0 || this.#killed.has(node)) return;
      this.#break(new Error(`a node crashed: ${JSON.stringify(end)}\n${node.log}`));
    });
    this.balancer.add(node);
    await eventually(() => this.balancer.isReady(node), () => `a new node to be ready; its log:\n${node.log}`);
    this.nodes.push(node);
    return node;
  }

  /** Takes a node off the list that has ended, or is ending. */
  remove(node) {
    this.balancer.remove(node);
    this.nodes = this.nodes.filter((other) => other !== node);
  }

  /** The ends of chats that a node could not tell Redis are lost with it. */
  #noteGoing(node) {
    if (node.isProxied && !this.proxy.isPassing) this.#endsAreLost = true;
  }

  async kill(node) {
    this.#noteGoing(node);
    this.#killed.add(node);
    await node.kill();
    this.remove(node);
  }

  /** A node that has been told to drain ends by itself, with status 0. */
  async drained(node) {
    this.#noteGoing(node);
    await node.ended();
    this.remove(node);
  }

  /** Redis is gone for so long, and has forgotten everything. */
  async restartEmpty(ms) {
    await this.redis.halt();
    await delay(ms);
    await this.redis.run();
  }

  async freeze(node, ms) {
    node.signal('SIGSTOP');
    await delay(ms);
    node.signal('SIGCONT');
  }

  /** Every node knows how many people are connected to all of them. */
  async assertOnline(count) {
    for (const node of this.nodes) {
      await eventually(async () => (await node.online()) === count, `a node to count ${count} people in the cluster`);
    }
  }

  /**
   * What is in Redis when everybody has left: how chats ended, for a while, and the nodes' own. A chat whose end was lost
   * lasts until its lease is over.
   */
  async assertEmpty(records) {
    const longest = this.#endsAreLost ? Infinity : TOMBSTONE_MS;
    const isLeft = ({ key, ttlMs }) => (CHAT.test(key) ? ttlMs > longest : !BOOKKEEPING.test(key)) || ttlMs < 0;
    for (const store of this.#stores) {
      let left;
      await eventually(async () => {
        left = (await store.keys()).filter(isLeft);
        return left.length === 0;
      }, 'Redis to be empty', EMPTY_MS).catch(() => {});
      const words = left?.map(({ key, ttlMs, type }) => `${records.describe(key)}: ${type}, expires in ${ttlMs} ms`);
      if (left?.length > 0) words.push(...this.watch.history(left[0].key));
      assert.equal(words?.join('\n'), '', 'what is left in Redis');
    }
  }

  /** The last that each node has logged. */
  logs(lines = 12) {
    const last = (log) => log.trimEnd().split('\n').slice(-lines).join('\n');
    return this.nodes.map((node) => `node ${node.pid} (${node.host}):\n${last(node.log)}`);
  }

  async stop() {
    const failures = [];
    for (const end of this.#ends.splice(0)) {
      await Promise.resolve().then(end).catch((failure) => failures.push(failure));
    }
    if (failures.length > 0) throw failures[0];
  }
}
