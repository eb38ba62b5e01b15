// cutter.mjs - a TCP proxy on 127.0.0.1 whose connections can be cut, and which can refuse new ones.

import { once } from 'node:events';
import net from 'node:net';

export class Cutter {
  accepted = 0;
  refusing = false;
  #server;
  #pairs = new Set();
  #target;

  constructor(target) { this.#target = target; }

  async start() {
    this.#server = net.createServer((socket) => this.#join(socket)).listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.port = this.#server.address().port;
    this.url = `ws://127.0.0.1:${this.port}/ws`;
    return this;
  }

  #join(near) {
    if (this.refusing) {
      near.resetAndDestroy();
      return;
    }
    this.accepted++;
    const far = net.connect(this.#target, '127.0.0.1');
    const pair = [near, far];
    this.#pairs.add(pair);
    for (const [from, to] of [[near, far], [far, near]]) {
      from.pipe(to);
      from.on('error', () => {});
      from.on('close', () => {
        this.#pairs.delete(pair);
        to.destroy();
      });
    }
  }

  /** Resets every connection that goes through it. */
  cut() {
    for (const pair of this.#pairs) for (const socket of pair) socket.resetAndDestroy();
    this.#pairs.clear();
  }

  stop() {
    this.cut();
    this.#server.close();
  }
}

/** A proxy in front of the port, which stops at the end of the test. */
export async function startCutter(t, port) {
  const cutter = await new Cutter(port).start();
  t.after(() => cutter.stop());
  return cutter;
}
