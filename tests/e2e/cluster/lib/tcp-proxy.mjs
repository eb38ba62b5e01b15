// tcp-proxy.mjs - a TCP proxy that can be cut or stalled: the network between a node and its Redis.
//
// Flow:  pass() carries bytes both ways. stall() carries nothing and closes nothing, as a network that drops packets;
//        what was to be carried comes later, in order, on pass(). cut() resets what stands and refuses what comes.

import net from 'node:net';
import { once } from 'node:events';

/** One direction. A `null` among what is held back is the end. */
class Pipe {
  #to;
  #held = [];

  constructor(proxy, from, to) {
    this.#to = to;
    const carry = (chunk) => (proxy.stalled ? this.#held.push(chunk) : this.#write(chunk));
    from.on('data', carry);
    from.on('error', () => {});
    from.on('close', () => carry(null));
  }

  #write(chunk) {
    if (chunk === null) this.#to.destroySoon();
    else if (!this.#to.destroyed) this.#to.write(chunk);
  }

  release() {
    for (const chunk of this.#held.splice(0)) this.#write(chunk);
  }
}

export class TcpProxy {
  stalled = false;
  #cut = false;
  #target;
  #server;
  #sockets = new Set();
  #pipes = new Set();

  static async start(target) {
    const proxy = new TcpProxy();
    proxy.#target = target;
    proxy.#server = net.createServer((socket) => proxy.#accept(socket)).listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get isPassing() { return !this.stalled && !this.#cut; }
  get port() { return this.#server.address().port; }
  get url() { return `redis://127.0.0.1:${this.port}`; }

  #accept(socket) {
    if (this.#cut) {
      socket.resetAndDestroy();
      return;
    }
    const upstream = net.connect(this.#target, '127.0.0.1');
    const pipes = [new Pipe(this, socket, upstream), new Pipe(this, upstream, socket)];
    for (const pipe of pipes) this.#pipes.add(pipe);
    for (const end of [socket, upstream]) {
      end.setNoDelay(true);
      this.#sockets.add(end);
      end.on('close', () => this.#sockets.delete(end));
    }
    upstream.on('close', () => { if (!this.stalled) pipes.forEach((pipe) => this.#pipes.delete(pipe)); });
  }

  stall() { this.stalled = true; }

  cut() {
    this.#cut = true;
    for (const socket of this.#sockets) socket.resetAndDestroy();
    this.#pipes.clear();
  }

  pass() {
    this.#cut = this.stalled = false;
    for (const pipe of this.#pipes) pipe.release();
  }

  stop() {
    this.cut();
    this.#server.close();
  }
}
