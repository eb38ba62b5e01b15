// sentinel.mjs - a master, two replicas, and three Sentinels that watch them.

import { eventually } from '../../lib/wait.mjs';
import { RedisServer } from './redis.mjs';

const NAME = 'strangers';
const SENTINELS = 3;
const QUORUM = 2;

export class Sentinels {
  stores = [];
  #sentinels = [];

  static async start() {
    const group = new Sentinels();
    const master = await RedisServer.start();
    group.stores.push(master);
    for (let count = 0; count < 2; count++) {
      group.stores.push(await RedisServer.start({ flags: ['--replicaof', '127.0.0.1', `${master.port}`] }));
    }
    for (let count = 0; count < SENTINELS; count++) {
      group.#sentinels.push(await RedisServer.start({
        sentinel: [
          `sentinel monitor ${NAME} 127.0.0.1 ${master.port} ${QUORUM}`,
          `sentinel down-after-milliseconds ${NAME} 1000`,
          `sentinel failover-timeout ${NAME} 10000`,
        ],
      }));
    }
    await eventually(() => group.#isWhole(), 'the Sentinels to know each other and the replicas');
    return group;
  }

  get url() {
    return `redis+sentinel://${this.#sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/${NAME}`;
  }

  /** What a Sentinel says about the master, as an object. */
  async #says(sentinel) {
    const words = await sentinel.call('SENTINEL', 'MASTER', NAME);
    return Object.fromEntries(words.flatMap((word, at) => (at % 2 === 0 ? [[word, words[at + 1]]] : [])));
  }

  async #isWhole() {
    const all = await Promise.all(this.#sentinels.map((sentinel) => this.#says(sentinel)));
    const states = await Promise.all(this.stores.slice(1).map((store) => store.call('INFO', 'replication')));
    return all.every((said) => said['num-slaves'] === '2' && said['num-other-sentinels'] === `${SENTINELS - 1}`)
      && states.every((info) => info.includes('master_link_status:up'));
  }

  /** The master, as all Sentinels see it. */
  async master() {
    const ports = await Promise.all(this.#sentinels.map(async (sentinel) => (await this.#says(sentinel)).port));
    if (ports.some((port) => port !== ports[0])) return undefined;
    return this.stores.find(({ port }) => `${port}` === ports[0]);
  }

  /** Waits until another is the master, and says so itself, and all nodes listen there. Returns how long that took. */
  async #moved(old, nodes) {
    const began = Date.now();
    await eventually(async () => {
      const master = await this.master();
      if (!master || master === old || (await master.call('ROLE'))[0] !== 'master') return false;
      return (await master.call('PUBSUB', 'CHANNELS', '{pb}:i:*')).length >= nodes;
    }, 'another master, and all nodes there');
    return `the nodes had followed after ${Date.now() - began} ms`;
  }

  /** Has another made the master, and waits for that many nodes to follow. Returns how long that took, in words. */
  async failOver(nodes) {
    const old = await this.master();
    await this.#sentinels[0].call('SENTINEL', 'FAILOVER', NAME);
    return this.#moved(old, nodes);
  }

  /** Kills the master, and leaves it dead; otherwise the same. */
  async killMaster(nodes) {
    const old = await this.master();
    await old.halt();
    const followed = await this.#moved(old, nodes);
    this.stores = this.stores.filter((store) => store !== old);
    await old.stop();
    return followed;
  }

  async stop() {
    for (const server of [...this.#sentinels, ...this.stores]) await server.stop();
  }
}
