// redis.mjs - Redis servers of the test's own: on a fixed port of 127.0.0.1, so that they can be stopped and started.
//
// Owns: the processes and their folders, until stop().

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, within } from '../../lib/wait.mjs';
import { Resp } from './resp.mjs';

/* Below the ports that Linux gives to outgoing connections: one that was freed by a stopped server stays free. */
const PORTS = { least: 20_000, count: 12_000 };

export async function freePort() {
  for (;;) {
    const port = PORTS.least + Math.floor(Math.random() * PORTS.count);
    const server = net.createServer().listen(port, '127.0.0.1');
    const free = once(server, 'listening').then(() => true, () => false);
    if (!await free) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

const USUAL_FLAGS = ['--bind', '127.0.0.1', '--logfile', 'log'];
const NOT_KEPT = ['--save', '', '--appendonly', 'no', '--repl-diskless-sync-delay', '0'];

export class RedisServer {
  #folder;
  #process;
  #client;
  #flags;

  /** `sentinel`: lines of a configuration file; with them it is a Sentinel. */
  static async start({ flags = [], sentinel } = {}) {
    const server = new RedisServer();
    server.port = await freePort();
    server.#folder = await mkdtemp(join(tmpdir(), 'passerby-redis-'));
    if (sentinel) {
      const file = join(server.#folder, 'sentinel.conf');
      await writeFile(file, `${sentinel.join('\n')}\n`);
      server.#flags = [file, '--sentinel'];
    } else {
      server.#flags = [...NOT_KEPT, ...flags];
    }
    await server.run();
    return server;
  }

  get url() { return `redis://127.0.0.1:${this.port}`; }

  /** Starts the process, empty, and waits until it answers. */
  async run() {
    const flags = [...this.#flags, ...USUAL_FLAGS, '--port', `${this.port}`, '--dir', this.#folder];
    this.#process = spawn('redis-server', flags, { stdio: 'ignore', cwd: this.#folder });
    await eventually(async () => (await this.call('PING')) === 'PONG', 'Redis to answer');
  }

  /** Ends the process and waits for that. */
  async halt(signal = 'SIGKILL') {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const closed = once(this.#process, 'close');
    this.#process.kill(signal);
    await within(closed, 'Redis to end');
    this.#client?.close();
    this.#client = undefined;
  }

  async stop() {
    await this.halt();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async call(...words) {
    let client = this.#client;
    if (!client) {
      client = await Resp.connect(this.port);
      this.#client = client;
      client.closed.then(() => { if (this.#client === client) this.#client = undefined; });
    }
    return client.call(...words);
  }

  /** All keys, as { key, type, ttlMs }; ttlMs -1: it never expires. Those that vanish meanwhile are left out. */
  async keys() {
    const names = new Set();
    let cursor = '0';
    do {
      const [next, some] = await this.call('SCAN', cursor, 'COUNT', '500');
      cursor = next;
      for (const name of some) names.add(name);
    } while (cursor !== '0');
    const found = [];
    for (const key of names) {
      const ttlMs = this.call('PTTL', key);
      const type = this.call('TYPE', key);
      found.push(Promise.all([ttlMs, type]).then(([ttl, kind]) => ({ key, type: kind, ttlMs: ttl })));
    }
    return (await Promise.all(found)).filter(({ ttlMs, type }) => ttlMs !== -2 && type !== 'none');
  }
}
