// strangers.mjs - who the commands of the binary meet: strangers and nodes of the test's own, and nobody.

import { once } from 'node:events';
import net from 'node:net';
import { WebSocketServer } from 'ws';
import { connect } from './client.mjs';

/** A port of 127.0.0.1 on which nobody listens. */
export async function deadPort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** A stranger of the test's own, waiting for whoever comes. */
export async function waitingStranger(t, server, find = {}) {
  const stranger = await connect(t, server);
  stranger.send({ t: 'find', reliable: true, ...find });
  await stranger.expect('waiting');
  return stranger;
}

/** A node of the test's own: says hello, and hands each frame to `hear`, with the connection and its number. */
export async function startNode(t, hear, greet = (socket) => socket.send('{"t":"hello","v":1}')) {
  const node = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  t.after(() => node.close());
  await once(node, 'listening');
  let count = 0;
  node.on('connection', (socket) => {
    const number = ++count;
    socket.on('error', () => {});
    socket.on('message', (data) => hear(socket, JSON.parse(data), number));
    greet(socket);
  });
  return { url: `ws://127.0.0.1:${node.address().port}/ws` };
}
