// watch.mjs - watches Redis while people talk: each key has a time to live, and what people say is in PUBLISH alone.
//
// Flow:  MONITOR all the time; SCAN with PTTL every now and then. What is wrong is kept in `faults`.
// Fails: a Redis that is gone is no fault; it is watched again as soon as it answers.

import { delay } from '../../lib/wait.mjs';
import { MARK } from './crowd.mjs';
import { Resp } from './resp.mjs';

const SAMPLE_EVERY_MS = 500;
const AGAIN_MS = 100;
const KEPT = 200_000; // commands, at most
/* The first word of a command in a line of MONITOR, behind the time and where it came from. */
const OURS = /^[\d.]+ \[[^\]]*\] "(PTTL|TYPE|SCAN|PING)"/;
const COMMAND = /^[\d.]+ \[[^\]]*\] "(\w+)"/;

export class Watch {
  faults = new Set();
  published = 0; // with words of people in them
  samples = 0;
  #servers;
  #stopped = false;
  #lines = [];
  #clients = new Set();

  /** `servers`: all that may hold the data (a failover moves it). */
  constructor(servers) {
    this.#servers = servers;
    this.ended = Promise.all(servers.flatMap((server) => [this.#monitor(server), this.#sample(server)]));
  }

  async #monitor(server) {
    while (!this.#stopped) {
      const client = await Resp.connect(server.port).catch(() => undefined);
      if (!client) {
        await delay(AGAIN_MS);
        continue;
      }
      this.#clients.add(client);
      if (this.#stopped) client.close();
      client.monitor((line) => this.#see(server, line)).catch(() => {});
      await client.closed;
      this.#clients.delete(client);
    }
  }

  #see(server, line) {
    if (OURS.test(line)) return;
    if (!line.includes(MARK)) {
      if (this.#lines.length === KEPT) this.#lines.splice(0, KEPT / 2);
      this.#lines.push(`${server.port} ${line}`);
      return;
    }
    const command = COMMAND.exec(line)?.[1];
    if (command?.toUpperCase() === 'PUBLISH') this.published++;
    else this.faults.add(`words in Redis: ${line.slice(0, 200)}`);
  }

  /** The last commands that concerned a chat, each with the port of the server; `key` is the chat's. */
  history(key) {
    const id = key.split(':').at(-1);
    return this.#lines.filter((line) => line.includes(id)).slice(-30).map((line) => line.slice(0, 400));
  }

  async #sample(server) {
    while (!this.#stopped) {
      const keys = await server.keys().catch(() => []);
      for (const { key, ttlMs } of keys) if (ttlMs < 0) this.faults.add(`${key} has no time to live`);
      if (keys.length > 0) this.samples++;
      await delay(SAMPLE_EVERY_MS);
    }
  }

  async stop() {
    this.#stopped = true;
    for (const client of this.#clients) client.close();
    await this.ended;
  }
}
