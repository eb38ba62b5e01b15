// socketio.mjs - the relay on Socket.IO with its Redis adapter, as one of several processes. Usage: socketio.mjs REDIS_SOCKET. Prints the
// port it listens on.
//
// A person is told by the room that each socket has to itself, wherever that socket is; who waits is in a Redis list for each topic.
// A search that finds nobody waits.

import { createServer } from 'node:http';
import { randomUUID } from 'node:crypto';
import { createAdapter } from '@socket.io/redis-adapter';
import { createClient } from 'redis';
import { Server } from 'socket.io';
import { HELLO } from './rules.mjs';

const redis = createClient({ socket: { path: process.argv[2] } });
const subscriber = redis.duplicate();
await Promise.all([redis.connect(), subscriber.connect()]);

const http = createServer();
const io = new Server(http, {
  transports: ['websocket'], perMessageDeflate: false, serveClient: false, adapter: createAdapter(redis, subscriber),
});

// In one step, or two who search at once on two processes would both wait.
const POP_OR_PUSH = `
  local other = redis.call('LPOP', KEYS[1])
  if not other then redis.call('RPUSH', KEYS[1], ARGV[1]) end
  return other`;

/** One side hears of its match: here, or on the other process. */
function matched(id, stranger, chat, reliable) {
  const socket = io.sockets.sockets.get(id);
  if (!socket) return;
  socket.data.stranger = stranger;
  socket.emit('m', { t: 'matched', chat, topics: [], resume: chat, reliable });
}
io.on('matched', matched);

async function find(socket, { reliable = false, topics = [] }) {
  socket.data.reliable = reliable;
  socket.data.seq = 0;
  const line = `waiting:${topics[0] ?? ''}`;
  const me = JSON.stringify([socket.id, reliable]);
  const other = await redis.eval(POP_OR_PUSH, { keys: [line], arguments: [me] });
  if (other === null) {
    socket.emit('m', { t: 'waiting' });
    return;
  }
  const [id, theirs] = JSON.parse(other);
  const chat = randomUUID().slice(0, 32);
  if (io.sockets.sockets.has(id)) matched(id, socket.id, chat, reliable);
  else io.serverSideEmit('matched', id, socket.id, chat, reliable);
  matched(socket.id, id, chat, theirs);
}

io.on('connection', (socket) => {
  socket.on('m', (message) => {
    const { stranger } = socket.data;
    if (message.t === 'find') {
      find(socket, message);
    } else if (stranger && message.t === 'msg') {
      const seq = socket.data.reliable ? message.seq : ++socket.data.seq;
      io.to(stranger).emit('m', { t: 'msg', seq, body: message.body });
    } else if (stranger && message.t === 'ack') {
      io.to(stranger).emit('m', { t: 'ack', seq: message.seq });
    }
  });
  socket.emit('m', HELLO);
});

http.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => console.log(http.address().port));
