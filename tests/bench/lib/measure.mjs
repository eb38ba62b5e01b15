// measure.mjs - one contender does one scenario once: its figures.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { tmpdir } from 'node:os';
import { contenders } from './contenders.mjs';
import { runLoad, start, stop } from './processes.mjs';
import { kindOf } from './scenarios.mjs';

function loadArguments(contender, started, scenario, seed) {
  const args = ['--target', started.ports.map((port) => `127.0.0.1:${port}`).join(','), '--seed', String(seed), ...scenario.load.map(String)];
  for (const [name, pid] of Object.entries(started.watch)) args.push('--watch', `${name}=${pid}`);
  if (contender.dialect) args.push('--dialect', contender.dialect);
  // People of a pair are on different nodes: a topic of their own brings them together.
  if (contender.across && kindOf(scenario) === 'message') args.push('--topics');
  return args;
}

const isNode = (name) => name.startsWith('node');
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
const ofNodes = (byName) => sum(Object.keys(byName).filter(isNode).map((name) => byName[name]));

/** What a part of the run cost, for each of `count`. */
function costs(part, count, figures, name) {
  if (!part || count === 0) return;
  figures[name] = ofNodes(part.cpu_us) / count;
  if ('redis' in part.cpu_us) figures[`${name}_redis`] = part.cpu_us.redis / count;
}

/** What it costs to close a connection: for who says Close, for who just ends it; and with what it cost to open one. */
function partings({ close_said: said, close_cut: cut }, people, figures) {
  if (!said) return;
  const first = Math.floor(people / 2);
  costs(said, first, figures, 'close_said_us');
  costs(cut, people - first, figures, 'close_cut_us');
  figures.life_us = figures.connect_us + (ofNodes(said.cpu_us) + ofNodes(cut.cpu_us)) / people;
}

/** RssAnon for each person: of the whole process, and (`_net`) without what it had before anybody came. */
function memories(now, empty, people, figures, name) {
  figures[name] = ofNodes(now) / people;
  figures[`${name}_net`] = (ofNodes(now) - ofNodes(empty)) / people;
}

/** The figures of a run; `_us` are microseconds of CPU of the relay, `_ms` of time. */
export function figuresOf(result, scenario) {
  const figures = {};
  const people = result.people;
  costs(result.connect, people, figures, 'connect_us');
  costs(result.connect_first, 1000, figures, 'connect_first_us');
  costs(result.connect_last, 1000, figures, 'connect_last_us');
  if (result.connect_last) figures.connect_flat = figures.connect_last_us / figures.connect_first_us;
  partings(result, people, figures);
  memories(result.memory_connected, result.memory_empty, people, figures, 'memory_connected');
  if (result.connect.seconds > 0) figures.connects_per_s = people / result.connect.seconds;
  const kind = kindOf(scenario);
  if (kind === 'connect') {
    figures.load_us = result.connect.load_us / people;
    return figures;
  }
  const part = result.work ?? result.find;
  const count = kind === 'match' ? part.matches : part.heard;
  costs(part, count, figures, `${kind}_us`);
  figures.load_us = part.load_us / count;
  memories(result.memory_talked ?? result.memory_matched, result.memory_empty, people, figures, 'memory');
  figures.per_s = count / part.seconds;
  figures.across = result.total.across / result.total.matches;
  for (const point of result.work ? ['p50', 'p99', 'p99.9'] : []) figures[`${point}_ms`] = result.latency_us[point] / 1000;
  return figures;
}

function check(contender, scenario, result) {
  const { across, matches } = result.total;
  if (contender.across && kindOf(scenario) === 'message' && across !== matches) {
    throw new Error(`only ${across} of ${matches} pairs were on two nodes`);
  }
}

export async function measure(name, scenario, seed) {
  const contender = contenders[name];
  const started = await contender.start(scenario);
  try {
    const result = await runLoad(loadArguments(contender, started, scenario, seed));
    check(contender, scenario, result);
    return figuresOf(result, scenario);
  } catch (error) {
    throw new Error(`${name}, ${scenario.title}: ${error.message}`);
  } finally {
    await started.end();
  }
}

const NEXT = { connect: 'find', work: 'end' };

/** strace -c attached for a phase, from before its first connection or message until its last: calls for each of them, by name. */
export async function countCalls(name, scenario) {
  const contender = contenders[name];
  const started = await contender.start(scenario);
  const folder = await mkdtemp(`${tmpdir()}/passerby-strace-`);
  const counting = scenario.phase ?? 'work';
  let strace;
  const onPhase = async (phase) => {
    if (phase === counting) {
      strace = start('strace', ['-f', '-c', '-o', `${folder}/calls`, '-p', String(started.watch.node1)]);
      await new Promise((resolve, reject) => {
        strace.stderr.on('data', (text) => { if (String(text).includes('attached')) resolve(); });
        strace.ended.then(() => reject(new Error(`strace: ${strace.said}`)));
      });
      await sleep(300); // all threads
    } else if (phase === NEXT[counting]) {
      await stop(strace, 'SIGINT');
    }
  };
  try {
    const result = await runLoad(loadArguments(contender, started, scenario, 1), onPhase);
    const count = counting === 'work' ? result.total.heard : result.people;
    const calls = {};
    for (const line of (await readFile(`${folder}/calls`, 'utf8')).split('\n')) {
      const words = line.trim().split(/\s+/);
      if (/^\d/.test(words[0]) && words.at(-1) !== 'total') calls[words.at(-1)] = Number(words[3]) / count;
    }
    return { total: sum(Object.values(calls)), calls };
  } catch (error) {
    throw new Error(`${name}, ${scenario.title}: ${error.message}`);
  } finally {
    await started.end();
    await rm(folder, { recursive: true });
  }
}
