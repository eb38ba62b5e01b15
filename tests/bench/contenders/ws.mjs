// ws.mjs - the relay on Node and the npm package ws. Prints the port it listens on.

import { WebSocketServer } from 'ws';
import { HELLO, Rules } from './rules.mjs';

const rules = new Rules();
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, path: '/ws', perMessageDeflate: false, backlog: 4096 });

server.on('connection', (socket) => {
  const person = { tell: (message) => socket.send(JSON.stringify(message)), stranger: null, seq: 0, reliable: false };
  socket.on('message', (data) => rules.take(person, JSON.parse(data.toString())));
  socket.on('close', () => {
    person.tell = () => {};
    rules.leave(person);
  });
  socket.on('error', () => socket.terminate());
  person.tell(HELLO);
});

server.on('listening', () => console.log(server.address().port));
