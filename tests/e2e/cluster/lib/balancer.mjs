// balancer.mjs - one address for all nodes: a TCP load balancer in miniature.
//
// Flow:  connections go round robin to the nodes whose /readyz answers 200, asked all the time.
// Fails: a node that refuses is passed over; without any node the client's connection is closed, and it tries again.

import net from 'node:net';
import http from 'node:http';
import { once } from 'node:events';

const ASK_EVERY_MS = 200;
const ASK_TIMEOUT_MS = 1000;

function join(one, other) {
  one.pipe(other);
  one.on('error', () => {});
  one.on('close', () => other.destroySoon());
}

export class Balancer {
  #server;
  #members = []; // { node, ready }
  #turn = 0;
  #timer;
  #sockets = new Set();

  static async start() {
    const balancer = new Balancer();
    balancer.#server = net.createServer((socket) => balancer.#accept(socket)).listen(0, '127.0.0.1', 1024);
    await once(balancer.#server, 'listening');
    balancer.#timer = setInterval(() => balancer.#members.forEach((member) => balancer.#ask(member)), ASK_EVERY_MS);
    return balancer;
  }

  get url() { return `ws://127.0.0.1:${this.#server.address().port}/ws`; }
  /** How many nodes get connections. */
  get ready() { return this.#members.filter(({ ready }) => ready).length; }

  isReady(node) { return this.#members.some((member) => member.node === node && member.ready); }

  add(node) {
    const member = { node, ready: false };
    this.#members.push(member);
    this.#ask(member);
  }

  remove(node) { this.#members = this.#members.filter((member) => member.node !== node); }

  #ask(member) {
    const request = http.get({
      host: '127.0.0.1', port: member.node.internalPort, path: '/readyz', agent: false, timeout: ASK_TIMEOUT_MS,
    });
    request.on('response', (response) => { member.ready = response.statusCode === 200; response.resume(); });
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', () => { member.ready = false; });
  }

  #accept(socket) {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    const ready = this.#members.filter((member) => member.ready);
    const first = this.#turn++;
    this.#connect(socket, ready.map((_, at) => ready[(first + at) % ready.length]));
  }

  #connect(socket, [member, ...others]) {
    if (!member || socket.destroyed) {
      socket.destroy();
      return;
    }
    const upstream = net.connect(member.node.port, '127.0.0.1');
    upstream.setNoDelay(true);
    const refused = () => this.#connect(socket, others);
    upstream.once('error', refused);
    upstream.once('connect', () => {
      upstream.off('error', refused);
      join(upstream, socket);
      join(socket, upstream);
      if (socket.destroyed) upstream.destroy();
    });
  }

  stop() {
    clearInterval(this.#timer);
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}
