// ws.mjs - the relay on Node and the npm package ws, which unmasks by bufferutil where that is installed. Prints the port it listens on.
//
// What one read brings for a person who is reliable, mostly a message and an ack, leaves in one write, as a careful author would have
// it. To who is not, each read brings one message: there corking would cost a seventh, and is left out.

import { WebSocketServer } from 'ws';
import { HELLO, Rules } from './rules.mjs';

const rules = new Rules();
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, path: '/ws', perMessageDeflate: false, backlog: 4096 });

/** Sends; to a reliable person, what more is sent in this turn goes with it. */
function teller(socket, person) {
  const connection = socket._socket;
  let corked = false;
  const uncork = () => {
    corked = false;
    connection.uncork();
  };
  return (message) => {
    if (person.reliable && !corked) {
      corked = true;
      connection.cork();
      process.nextTick(uncork);
    }
    socket.send(JSON.stringify(message));
  };
}

server.on('connection', (socket) => {
  const person = { stranger: null, seq: 0, reliable: false };
  person.tell = teller(socket, person);
  socket.on('message', (data) => rules.take(person, JSON.parse(data.toString())));
  socket.on('close', () => {
    person.tell = () => {};
    rules.leave(person);
  });
  socket.on('error', () => socket.terminate());
  person.tell(HELLO);
});

server.on('listening', () => console.log(server.address().port));
