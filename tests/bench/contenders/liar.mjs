// liar.mjs - a relay that lies: what the load must notice, or its figures mean nothing. Usage: liar.mjs LIE. Prints the port.

import { WebSocketServer } from 'ws';
import { HELLO, Rules } from './rules.mjs';

const LIE_AT = 20; // messages that are passed on well before the lie
let passed = 0;

/** Each takes a message to a person, and says which are sent. */
const lies = {
  none: (message) => [message],
  alter: (message) => [{ ...message, body: `${message.body.slice(0, -1)}!` }],
  reword: (message) => [{ ...message, body: `${message.body.slice(0, -1)}\n` }],
  tell: (message, to) => { // no lie, but what is said and to whom, who is known once they have said something
    to.stranger.name = message.body.slice(0, 8);
    console.log(JSON.stringify({ body: message.body, to: to.name ?? null }));
    return [message];
  },
  drop: () => [],
  repeat: (message) => [message, message],
  renumber: (message) => [{ ...message, seq: message.seq + 1 }],
  invent: (message) => [message, { ...message, seq: message.seq + 1 }],
  swap: (message, to) => {
    const held = to.held;
    to.held = held ? null : message;
    return held ? [message, held] : [];
  },
  ack: (message) => [{ t: 'ack', seq: message.seq + 100 }, message],
  marry: (message) => [message, { t: 'matched', chat: 'another', topics: [], resume: '', reliable: true }],
  close: (message, to) => { to.socket.close(); return []; },
  pause: (message) => {
    if (passed === LIE_AT + 1) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000); // all stands still for a second
    return [message];
  },
};

lies.halt = lies.pause; // in the midst of messages, not of matches

/** What they do with a Close, instead of answering it and ending the connection. */
const partings = { mute: (connection) => connection.end(), cling: () => {} };

const lie = lies[process.argv[2]] ?? lies.none;
const parting = partings[process.argv[2]];
const about = process.argv[2] === 'pause' ? 'matched' : 'msg';
const rules = new Rules();
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, path: '/ws', perMessageDeflate: false });

server.on('connection', (socket) => {
  const person = { socket, stranger: null, seq: 0, reliable: false };
  person.tell = (message) => {
    const messages = message.t === about && ++passed > LIE_AT ? lie(message, person) : [message];
    for (const one of messages) socket.send(JSON.stringify(one));
  };
  socket.on('message', (data) => rules.take(person, JSON.parse(data.toString())));
  socket.on('error', () => socket.terminate());
  if (parting) socket._receiver.removeAllListeners('conclude').on('conclude', () => parting(socket._socket));
  person.tell(HELLO);
});

server.on('listening', () => console.log(server.address().port));
