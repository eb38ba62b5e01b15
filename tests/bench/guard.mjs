// guard.mjs - how many instructions a message, a match and a connection cost the server, compared with what is committed.
//
// Usage: guard.mjs [--accept]      (build/passerby and build/tests/bench_load are built; ends with "N passed, N failed")
//
// Flow:  the server runs in callgrind, which counts exactly, while the load does so much and then more of the same: the difference of
//        the two counts, for each more that was done, is the figure. What a start costs is in both, and drops out. The server is
//        ended once it has closed all that the load left. Kernel time is not in it: that is ./dev bench.
// Same:  processors differ in what they can do, and libraries then take other ways: those are switched off. Compilers and libraries
//        differ from release to release of Debian: each has its own figures.
// Fails: more than TOLERANCE above the committed figure, and where there is none for this release.

import { readFile, readdir, readlink, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { runLoad, says, start, stop } from './lib/processes.mjs';

const TOLERANCE = 0.05;
const PATIENCE_MS = 120_000; // callgrind takes fifty times as long
const FIGURES = new URL('guard.json', import.meta.url);
const ENV = {
  ...process.env,
  GLIBC_TUNABLES: 'glibc.cpu.hwcaps=-AVX,-AVX2,-AVX512F,-AVX512VL,-AVX512BW,-ERMS,-FSRM,-SSE4_1,-SSE4_2,-SSSE3,-BMI1,-BMI2,-LZCNT,-MOVBE,-RTM',
  OPENSSL_ia32cap: '0:0',
};

/** What is counted: the load's options, and how much of it is done in the shorter and in the longer run. */
const units = [
  { name: 'message', title: 'a message and its ack', load: (count) => ['--people', 2, '--do', 'talk', '--messages', count], counts: [2000, 12000] },
  { name: 'message_1k', title: 'the same with 1 KB',
    load: (count) => ['--people', 2, '--do', 'talk', '--body', 1000, '--messages', count], counts: [1000, 6000] },
  { name: 'message_plain', title: 'a message between people who acknowledge nothing',
    load: (count) => ['--people', 2, '--plain', '--do', 'talk', '--messages', count], counts: [2000, 12000] },
  { name: 'match', title: 'a match', load: (count) => ['--people', 100, '--do', 'match', '--messages', count], counts: [1000, 6000] },
  { name: 'connect', title: 'a connection that comes and goes', load: (count) => ['--people', count, '--do', 'idle'], counts: [200, 1200] },
];

async function socketsOf(pid) {
  const files = await readdir(`/proc/${pid}/fd`);
  const targets = await Promise.all(files.map((file) => readlink(`/proc/${pid}/fd/${file}`).catch(() => '')));
  return targets.filter((target) => target.startsWith('socket:')).length;
}

async function closed(pid, before) {
  const until = performance.now() + PATIENCE_MS;
  while (await socketsOf(pid) > before) {
    if (performance.now() > until) throw new Error('connections that have been reset are not closed');
    await sleep(20);
  }
}

async function instructions(load) {
  const server = start('valgrind', ['--tool=callgrind', '--callgrind-out-file=/dev/null', 'build/passerby', '--listen', '127.0.0.1:0',
    '--internal-listen', 'off', '--rate-limits', 'off'], { env: ENV });
  const [, port] = await says(server, /listening.* port=(\d+)/);
  const before = await socketsOf(server.pid);
  await runLoad(['--target', `127.0.0.1:${port}`, '--warm', '0', '--at-once', '2', ...load.map(String)]);
  await closed(server.pid, before);
  await stop(server, 'SIGINT');
  const collected = /Collected : (\d+)/.exec(server.said);
  if (!collected) throw new Error(`callgrind says no count:\n${server.said}`);
  return Number(collected[1]);
}

async function figureOf({ load, counts: [few, many] }) {
  const less = await instructions(load(few));
  const more = await instructions(load(many));
  return Math.round((more - less) / (many - few));
}

async function release() {
  const text = await readFile('/etc/os-release', 'utf8');
  const value = (name) => new RegExp(`^${name}="?([^"\n]*)`, 'm').exec(text)?.[1] ?? '';
  return `${value('ID')} ${value('VERSION_ID')} ${process.arch}`;
}

function judge({ name, title }, figure, accepted) {
  const change = accepted ? figure / accepted - 1 : NaN;
  const good = change <= TOLERANCE;
  const compared = accepted ? `${change >= 0 ? '+' : ''}${(change * 100).toFixed(1)} % against ${accepted}` : 'no figure is committed';
  console.log(`${good ? 'ok' : 'FAILED'} - ${name}: ${title}: ${figure} instructions (${compared})`);
  return good;
}

const { values: { accept } } = parseArgs({ options: { accept: { type: 'boolean', default: false } } });
const all = JSON.parse(await readFile(FIGURES, 'utf8'));
const key = await release();
const accepted = all[key] ?? {};
const figures = {};
let failed = 0;
for (const unit of units) {
  figures[unit.name] = await figureOf(unit);
  if (!judge(unit, figures[unit.name], accepted[unit.name])) failed++;
}
if (accept) {
  await writeFile(FIGURES, `${JSON.stringify({ ...all, [key]: figures }, null, 2)}\n`);
  console.log('accepted: commit tests/bench/guard.json, and say why');
} else if (failed > 0) {
  console.log(`If ${key} is to cost so much from now on: ./dev guard --accept, and commit tests/bench/guard.json with the reason.`);
}
console.log(`${units.length - failed} passed, ${failed} failed`);
process.exit(failed > 0 && !accept ? 1 : 0);
