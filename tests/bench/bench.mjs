// bench.mjs - ./dev bench: measures every contender in every scenario, round after round, and writes what it found to build/bench.
//
// Usage: bench.mjs [--quick] [--rounds N] [--seed N] [--only SCENARIO,...] [--of CONTENDER,...] [--out FOLDER]
//        bench.mjs --scale PEOPLE,... [--out FOLDER]      so many people, in as many nodes as that takes: lib/scale.mjs
//        bench.mjs --publish [--out FOLDER]               what was found, into the documents: lib/publish.mjs
//
// Flow:  in each round each scenario, in each scenario each contender, in an order drawn anew each time (--seed), so that whatever
//        else the machine does meanwhile meets all alike, and nobody always follows the same other; each run with fresh processes, and
//        after a pause. Of a round, all have the same people, who say the same. Then the system calls, and what a match costs Redis
//        alone (`--only redis-match`), once. Written after each round, and at the end. --quick: one round, a tenth of the people.
// Fails: with status 1 as soon as anything a contender says is not what it should be.

import { execFile } from 'node:child_process';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { charts } from './lib/charts.mjs';
import { watchRound } from './lib/conditions.mjs';
import { machine } from './lib/machine.mjs';
import { countCalls, measure } from './lib/measure.mjs';
import { planOf, sizesOf } from './lib/plan.mjs';
import { ROOT } from './lib/processes.mjs';
import { publish, isOfScale } from './lib/publish.mjs';
import { randomOf, shuffled } from './lib/random.mjs';
import { report } from './lib/report.mjs';
import { scaleUp } from './lib/scale.mjs';
import { optionOf } from './lib/scenarios.mjs';
import { summarise } from './lib/statistics.mjs';

const PAUSE_MS = 300; // what a run leaves behind (memory to be freed, connections to be forgotten) is not to be the next one's cost
const tell = (text) => process.stderr.write(`${text}\n`);

/** The folder, without what an earlier run of the same kind has left there. */
async function clear(out, ofScale) {
  await mkdir(out, { recursive: true });
  for (const name of await readdir(out)) {
    if (/\.(svg|json|md|new)$/.test(name) && isOfScale(name) === ofScale) await rm(`${out}/${name}`);
  }
}

async function round(result, count, random) {
  const ended = watchRound();
  for (const { scenario, runs, results } of result.scenarios) {
    for (const name of shuffled(scenario.of, random)) {
      const figures = await measure(name, scenario, result.plan.seed + count);
      await sleep(PAUSE_MS);
      (runs[name] ??= []).push(figures);
      tell(`round ${count + 1} of ${result.plan.rounds}: ${scenario.name}: ${name}: ${
        (figures.message_us ?? figures.match_us ?? figures.connect_us).toFixed(2)} µs`);
    }
    for (const name of scenario.of) results[name] = summarise(runs[name], optionOf(scenario, '--rate'));
  }
  result.rounds.push(ended());
}

async function count(scenario) {
  const results = {};
  for (const name of scenario.of) results[name] = await countCalls(name, scenario);
  tell(`${scenario.name}: ${Object.entries(results).map(([name, { total }]) => `${name} ${total.toFixed(2)}`).join(', ')}`);
  return { scenario, results };
}

/** What a match costs Redis when brokers alone ask it (redis_match.c): its own table. */
async function matchRedis(out, quick) {
  const { stdout } = await promisify(execFile)('build/tests/bench_redis_match', quick ? ['4000'] : [], { cwd: ROOT });
  await writeFile(`${out}/redis_match.md`, stdout);
  tell(stdout);
}

async function bench(options) {
  const { plan, scenarios, counted, redisMatch } = planOf(options);
  const random = randomOf(plan.seed);
  const result = { machine: machine(), plan, rounds: [], scenarios: scenarios.map((scenario) => ({ scenario, runs: {}, results: {} })), counted: [] };
  const write = async () => { // whole at each moment
    await writeFile(`${options.out}/results.new`, `${JSON.stringify(result, null, 1)}\n`);
    await rename(`${options.out}/results.new`, `${options.out}/results.json`);
  };
  await clear(options.out, false);
  tell(`--seed ${plan.seed}`);
  for (let done = 0; done < plan.rounds; done++) {
    await round(result, done, random);
    await write();
  }
  for (const scenario of counted) result.counted.push(await count(scenario));
  await write();
  if (redisMatch) await matchRedis(options.out, plan.quick);
  for (const [name, svg] of Object.entries(charts(result.scenarios))) await writeFile(`${options.out}/${name}`, svg);
  const text = report(result);
  await writeFile(`${options.out}/report.md`, text);
  console.log(text);
}

async function scale(options) {
  const sizes = sizesOf(options.scale);
  await clear(options.out, true);
  await scaleUp(sizes, options.out);
}

function optionsOf() {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false }, rounds: { type: 'string' }, seed: { type: 'string' }, only: { type: 'string' }, of: { type: 'string' },
      out: { type: 'string', default: 'build/bench' }, scale: { type: 'string' }, publish: { type: 'boolean', default: false },
    },
  });
  return values;
}

try {
  const options = optionsOf();
  if (options.publish) await publish(options.out, 'tests/bench/results', ['README.md', 'OPERATIONS.md']);
  else if (options.scale !== undefined) await scale(options);
  else await bench(options);
} catch (error) {
  tell(error.message);
  process.exit(1);
}
process.exit(0);
