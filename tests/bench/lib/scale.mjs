// scale.mjs - ./dev bench --scale N: N people on this machine, every pair on two nodes, and all of them talk.
//
// Flow:  a Redis, as many nodes as hold N people (a process may have so many files open), as many loads; all connect → all find their
//        stranger → all talk, until everybody has said something and for LEAST_SECONDS → nothing is lost. The phases of the loads begin
//        together. All together say RATE messages a second whatever their number, so that from size to size people alone grow (and
//        nodes, beyond what one process can hold): the same rate for each would let packs to Redis grow with them.
// Fails: when anything is lost or altered, when a pair is not on two nodes, and when a node or a load ends early. Repeated messages, and what nodes ask to be repeated,
//        are counted: a machine so full stands still now and then.
// Owns:  nf_conntrack_max, raised while more people than it allows are connected, and put back.

import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { scaleCharts } from './charts.mjs';
import { passerbyNodes } from './contenders.mjs';
import { machine } from './machine.mjs';
import { askRedis, says, start, stop } from './processes.mjs';
import { scaleTable } from './report.mjs';

const MOST_PEOPLE = 18000; // of a process: 20,000 files, less what it needs itself and what connects again
const PER_ADDRESS = 250; // as load/socket.c has it
const RATE = 5000;
const LEAST_SECONDS = 10;
const PERSON_BYTES = 12 << 10; // both ends of the connection, the kernel and Redis included
/* Passerby has its limits on: at 5,000 messages a second a thousand people don't reach them.
 * People and nodes share a few cores here, and a process may wait long for its turn: nobody is taken for dead because of that. */
const PATIENT = ['--handshake-timeout', '60s', '--ping-interval', '2m', '--dead-after', '6m'];
const CONNTRACK = '/proc/sys/net/netfilter/nf_conntrack_max';

/** Room for N connections in the kernel's table of them; what it returns puts back what was there. */
export function raiseConntrack(people, path = CONNTRACK) {
  if (!existsSync(path)) return () => {};
  const before = readFileSync(path, 'utf8').trim();
  const needed = 2 * people + 50000;
  if (Number(before) >= needed) return () => {};
  try {
    writeFileSync(path, String(needed));
  } catch (error) {
    throw new Error(`${people} people are more connections than the kernel keeps track of, and this could not be raised (${error.code}). `
      + `As root: echo ${needed} > ${path}`);
  }
  const putBack = () => writeFileSync(path, before);
  process.on('exit', putBack);
  return () => {
    process.off('exit', putBack);
    putBack();
  };
}

function needMemory(people) {
  const needed = people * PERSON_BYTES;
  const there = availableBytes();
  if (there < needed) throw new Error(`${people} people take ${(needed / 2 ** 30).toFixed(1)} GiB of memory, and ${(there / 2 ** 30).toFixed(1)} are free`);
}

/** Of all threads, as the scheduler counts it: in nanoseconds, where /proc/PID/stat has ticks of 10 ms. */
export const cpuSeconds = (pid) => sum(readdirSync(`/proc/${pid}/task`)
  .map((thread) => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]))) / 1e9;
const kib = (text, name) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(text)[1]);
const anonymousBytes = (pid) => 1024 * kib(readFileSync(`/proc/${pid}/status`, 'utf8'), 'RssAnon');
const availableBytes = () => 1024 * kib(readFileSync('/proc/meminfo', 'utf8'), 'MemAvailable');
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

/** One of the processes that play people; .phase(name) waits until it is about to begin that, .go() lets it. */
function startLoad(args) {
  const child = start('build/tests/bench_load', args, { stdin: 'pipe' });
  let text = '';
  child.stdout.on('data', (more) => { text += more; });
  child.stdin.on('error', () => {});
  return {
    child,
    phase: (name) => (text.includes(`${name}\n`) ? null : says(child, new RegExp(`${name}\n`))),
    go: () => child.stdin.write('\n'),
    result: async () => {
      const [code] = await child.ended;
      if (code !== 0) throw new Error(child.said.trim());
      return JSON.parse(text.slice(text.indexOf('{')));
    },
  };
}

function startLoads(people, ports) {
  const count = ports.length;
  const loads = [];
  for (let i = 0; i < count; i++) {
    const share = 2 * (Math.floor(people / 2 / count) + (i < (people / 2) % count ? 1 : 0));
    loads.push(startLoad(['--target', `127.0.0.1:${ports[i]},127.0.0.1:${ports[(i + 1) % count]}`, '--people', share, '--do', 'rate',
      '--rate', Math.ceil(RATE / count), '--messages', Math.max(share, Math.ceil((RATE * LEAST_SECONDS) / count)), '--warm', 0, '--topics', '--tolerant', '--gate', '--at-once', 32,
      '--stall', 120, '--sources', i * Math.ceil(MOST_PEOPLE / PER_ADDRESS)].map(String)));
  }
  return loads;
}

/** All loads do a phase; how long the slowest took, and what the processes `pids` spent meanwhile, in seconds. */
async function phase(loads, next, pids) {
  const before = pids.map(cpuSeconds);
  const began = performance.now();
  for (const load of loads) load.go();
  await Promise.all(loads.map((load) => load.phase(next)));
  return { seconds: (performance.now() - began) / 1000, cpu: pids.map((pid, i) => cpuSeconds(pid) - before[i]) };
}

/** The loads' histograms as one: its percentiles in ms. */
function percentiles(results) {
  const buckets = new Map();
  for (const { latency_us: { buckets: list } } of results) for (const [end, count] of list) buckets.set(end, (buckets.get(end) ?? 0) + count);
  const sorted = [...buckets].sort(([a], [b]) => a - b);
  const total = sum(sorted.map(([, count]) => count));
  const at = (share) => {
    let seen = 0;
    return sorted.find(([, count]) => (seen += count) > share * total)[0] / 1000;
  };
  return { p50_ms: at(0.5), p99_ms: at(0.99), 'p99.9_ms': at(0.999) };
}

async function redisBytes(redis) {
  return Number(/used_memory:(\d+)/.exec(await askRedis(redis, 'INFO memory'))[1]);
}

/** Bytes in use now: of nodes, of loads, of Redis, and of the machine. */
async function memory(nodePids, loads, redis) {
  return {
    nodes: sum(nodePids.map(anonymousBytes)), loads: sum(loads.map(({ child }) => anonymousBytes(child.pid))),
    redis: await redisBytes(redis), all: -availableBytes(),
  };
}

async function run(people, nodes, loads) {
  const nodePids = Object.entries(nodes.watch).filter(([name]) => name !== 'redis').map(([, pid]) => pid);
  const pids = [...nodePids, nodes.redis.pid];
  const ofNodes = (part) => sum(part.cpu.slice(0, -1));
  await Promise.all(loads.map((load) => load.phase('connect')));
  const empty = await memory(nodePids, loads, nodes.redis);
  const connect = await phase(loads, 'find', pids);
  const find = await phase(loads, 'work', pids);
  const work = await phase(loads, 'end', pids);
  const full = await memory(nodePids, loads, nodes.redis);
  const bytes = (part) => (full[part] - empty[part]) / people;
  for (const load of loads) load.go();
  const results = await Promise.all(loads.map((load) => load.result()));
  const total = (name) => sum(results.map((result) => result.total[name]));
  if (total('said') !== total('heard')) throw new Error(`${total('said') - total('heard')} messages were lost`);
  if (total('across') !== total('matches')) throw new Error(`only ${total('across')} of ${total('matches')} pairs were on two nodes`);
  return {
    people, processes: nodePids.length, connects_per_s: people / connect.seconds, connect_us: (ofNodes(connect) / people) * 1e6,
    matches_per_s: people / 2 / find.seconds, match_us: (ofNodes(find) / (people / 2)) * 1e6,
    match_redis_us: (find.cpu.at(-1) / (people / 2)) * 1e6,
    messages: total('heard'), messages_per_s: total('heard') / work.seconds, message_us: (ofNodes(work) / total('heard')) * 1e6,
    message_redis_us: (work.cpu.at(-1) / total('heard')) * 1e6, ...percentiles(results),
    node_bytes: bytes('nodes'), redis_bytes: bytes('redis'), all_bytes: bytes('all'),
    kernel_bytes: (bytes('all') - bytes('nodes') - bytes('loads') - bytes('redis')) / 2, repeated: total('repeated'), gaps: total('gaps'), syncs: total('syncs'),
    aways: total('aways'),
  };
}

async function scaleTo(people) {
  needMemory(people);
  const putBack = raiseConntrack(people);
  const count = Math.max(2, Math.ceil(people / MOST_PEOPLE));
  const nodes = await passerbyNodes(count, PATIENT);
  const loads = startLoads(people, nodes.ports);
  try {
    return await run(people, nodes, loads);
  } finally {
    await Promise.all(loads.map(({ child }) => stop(child)));
    await nodes.end();
    await sleep(1000); // the kernel forgets the connections
    putBack();
  }
}

async function write(result, out) {
  await writeFile(`${out}/scale.json`, `${JSON.stringify(result, null, 1)}\n`);
  await writeFile(`${out}/scale.md`, `${scaleTable(result.results)}\n`);
  for (const [name, svg] of Object.entries(scaleCharts(result))) await writeFile(`${out}/${name}`, svg);
}

/** Written after each size: a later one may find the machine too small. */
export async function scaleUp(sizes, out) {
  const result = { machine: machine(), sizes, rate: RATE, results: [] };
  for (const people of sizes) {
    const figures = await scaleTo(people);
    process.stderr.write(`${JSON.stringify(figures)}\n`);
    result.results.push(figures);
    await write(result, out);
  }
  console.log(scaleTable(result.results));
}
