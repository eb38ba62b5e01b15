// contenders.mjs - what is measured. Each start(scenario) gives { ports, watch: { name: pid }, end() }.

import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { ROOT, says, start, startRedis, stop } from './processes.mjs';

const BENCH = 'tests/bench/contenders';

async function ofChildren(children, ports, redis) {
  const watch = Object.fromEntries(children.map((child, i) => [`node${i + 1}`, child.pid]));
  if (redis) watch.redis = redis.pid;
  const end = async () => {
    await Promise.all(children.map((child) => stop(child)));
    await redis?.end();
  };
  return { ports, watch, redis, end };
}

async function single(command, args, pattern = /^(\d+)\n/) {
  const child = start(command, args);
  const [, port] = await says(child, pattern);
  return ofChildren([child], [Number(port)]);
}

const PASSERBY = ['--listen', '127.0.0.1:0', '--internal-listen', '127.0.0.1:0'];
// At saturation each person says more than the 10 messages a second that people are allowed, and searches more than once.
const limits = ({ limited = false } = {}) => (limited ? [] : ['--rate-limits', 'off']);
const LISTENING = /listening.* port=(\d+)/;

/** Nodes joined by a Redis. */
export async function passerbyNodes(count, options = []) {
  const redis = await startRedis();
  const env = { ...process.env, PASSERBY_SECRET: randomBytes(32).toString('hex') };
  const children = [];
  const ports = [];
  for (let i = 0; i < count; i++) {
    const child = start('build/passerby', [...PASSERBY, '--redis', `unix:${redis.socket}`, ...options], { env });
    children.push(child);
    const [[, port]] = await Promise.all([says(child, LISTENING), says(child, /redis is reached/)]);
    ports.push(Number(port));
  }
  return ofChildren(children, ports, redis);
}

async function socketio() {
  const redis = await startRedis();
  const children = [];
  const ports = [];
  for (let i = 0; i < 2; i++) {
    const child = start(process.execPath, [`${ROOT}/${BENCH}/socketio.mjs`, redis.socket]);
    children.push(child);
    ports.push(Number((await says(child, /^(\d+)\n/))[1]));
  }
  return ofChildren(children, ports, redis);
}

export const contenders = {
  floor: { title: 'floor: epoll by hand, jansson', start: () => single('build/tests/bench_floor', []) },
  passerby: { title: 'passerby, one node', start: (scenario) => single('build/passerby', [...PASSERBY, ...limits(scenario)], LISTENING) },
  'passerby-redis': { title: 'passerby, two nodes and Redis', start: (scenario) => passerbyNodes(2, limits(scenario)), across: true },
  'passerby-3': { title: 'passerby, three nodes and Redis', start: (scenario) => passerbyNodes(3, limits(scenario)), across: true },
  ws: { title: 'Node, ws', start: () => single(process.execPath, [`${ROOT}/${BENCH}/ws.mjs`]) },
  socketio: { title: 'Socket.IO, two processes and Redis', start: socketio, across: true, dialect: 'socketio' },
};

/** `listen(take)`: each line that it says from then on. */
export async function startLiar(lie) {
  const child = start(process.execPath, [`${ROOT}/${BENCH}/liar.mjs`, lie]);
  const [, port] = await says(child, /^(\d+)\n/);
  return { ...await ofChildren([child], [Number(port)]), listen: (take) => createInterface(child.stdout).on('line', take) };
}
