// cable.mjs - a TCP relay between the browsers and the server: a network cable that a test can pull.

import net from 'node:net';
import { once } from 'node:events';

/** What a browser says when its network is gone. */
export const CABLE_COMPLAINT = new RegExp([
  'WebSocket connection to .* failed', 'net::ERR_\\w+', // Chromium
  'NS_ERROR_(NET_\\w+|CONNECTION_REFUSED|OFFLINE|ABORT)', 'The connection to ws\\S+ was interrupted', // Firefox
  "can’t establish a connection to the server at ws",
].join('|'));

export class Cable {
  #sockets = new Set();
  #pulled = false;
  #server;

  /** Returns the port that leads to the server. */
  async lay(host, port) {
    this.#server = net.createServer((socket) => this.#join(socket, net.connect(port, host)));
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this.#server.address().port;
  }

  #join(near, far) {
    if (this.#pulled) {
      near.destroy();
      far.destroy();
      return;
    }
    for (const [socket, other] of [[near, far], [far, near]]) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  }

  /** Breaks every connection, and refuses new ones. */
  pull() {
    this.#pulled = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  plug() { this.#pulled = false; }

  /** Pulls it for good. */
  cut() {
    this.pull();
    this.#server.close();
  }
}
