// bench.mjs - ./dev bench: measures every contender in every scenario, round after round, and writes what it found to build/bench.
//
// Usage: bench.mjs [--quick] [--rounds N] [--only SCENARIO,...] [--of CONTENDER,...] [--out FOLDER]
//        bench.mjs --scale PEOPLE,... [--out FOLDER]      so many people, in as many nodes as that takes: lib/scale.mjs
//        bench.mjs --publish [--out FOLDER]               what was found, into the documents: lib/publish.mjs
//
// Flow:  in each round each scenario, in each scenario each contender, in an order that turns from round to round, so that whatever
//        else the machine does meanwhile meets all alike; each run with fresh processes. Then the system calls, once. --quick: one
//        round, a tenth of the people.
// Fails: with status 1 as soon as anything a contender says is not what it should be.

import { mkdir, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { cpus, release, totalmem } from 'node:os';
import { charts } from './lib/charts.mjs';
import { countCalls, measure } from './lib/measure.mjs';
import { publish } from './lib/publish.mjs';
import { report } from './lib/report.mjs';
import { scaleUp } from './lib/scale.mjs';
import { counted, scenarios } from './lib/scenarios.mjs';
import { summarise } from './lib/statistics.mjs';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false }, rounds: { type: 'string' }, only: { type: 'string' }, of: { type: 'string' },
    out: { type: 'string', default: 'build/bench' }, scale: { type: 'string' }, publish: { type: 'boolean', default: false },
  },
});
const rounds = Number(options.rounds ?? (options.quick ? 1 : 5));
const chosen = (name, list) => list === undefined || list.split(',').includes(name);

/** A tenth of the people, the messages, the rate, and half a second. */
function quicken(scenario) {
  const load = [...scenario.load];
  const change = (option, to) => { if (load.includes(option)) load[load.indexOf(option) + 1] = to(load[load.indexOf(option) + 1]); };
  for (const option of ['--people', '--talkers', '--rate', '--messages']) change(option, (value) => Math.max(100, value / 10));
  for (const option of ['--warm', '--seconds']) change(option, (value) => Math.min(0.5, value));
  return { ...scenario, load };
}

function choose(all) {
  return all.filter(({ name }) => chosen(name, options.only))
    .map((scenario) => ({ ...scenario, of: scenario.of.filter((name) => chosen(name, options.of)) }))
    .filter(({ of }) => of.length > 0)
    .map((scenario) => (options.quick ? quicken(scenario) : scenario));
}

const turned = (list, by) => list.map((_, i) => list[(i + by) % list.length]);
const tell = (text) => process.stderr.write(`${text}\n`);

async function rounded(chosenScenarios) {
  const runs = new Map(chosenScenarios.map((scenario) => [scenario, Object.fromEntries(scenario.of.map((name) => [name, []]))]));
  for (let round = 0; round < rounds; round++) {
    for (const scenario of chosenScenarios) {
      for (const name of turned(scenario.of, round)) {
        const figures = await measure(name, scenario);
        runs.get(scenario)[name].push(figures);
        tell(`round ${round + 1} of ${rounds}: ${scenario.name}: ${name}: ${
          (figures.message_us ?? figures.match_us ?? figures.connect_us).toFixed(2)} µs`);
      }
    }
  }
  return chosenScenarios.map((scenario) => ({
    scenario, runs: runs.get(scenario),
    results: Object.fromEntries(Object.entries(runs.get(scenario)).map(([name, list]) => [name, summarise(list)])),
  }));
}

async function counts(chosenScenarios) {
  const all = [];
  for (const scenario of chosenScenarios) {
    const results = {};
    for (const name of scenario.of) results[name] = await countCalls(name, scenario);
    tell(`${scenario.name}: ${Object.entries(results).map(([name, { total }]) => `${name} ${total.toFixed(2)}`).join(', ')}`);
    all.push({ scenario, results });
  }
  return all;
}

if (options.publish) {
  await publish(options.out, 'tests/bench/results', ['README.md', 'OPERATIONS.md']);
  process.exit(0);
}
await mkdir(options.out, { recursive: true });
if (options.scale) {
  try {
    await scaleUp(options.scale.split(',').map(Number), options.out);
  } catch (error) {
    tell(error.message);
    process.exit(1);
  }
  process.exit(0);
}

const machine = { cpu: cpus()[0].model, cpus: cpus().length, memory_bytes: totalmem(), kernel: release(), node: process.version };
const result = { machine, rounds, quick: options.quick, scenarios: await rounded(choose(scenarios)), counted: await counts(choose(counted)) };
await writeFile(`${options.out}/results.json`, `${JSON.stringify(result, null, 1)}\n`);
for (const [name, svg] of Object.entries(charts(result.scenarios))) await writeFile(`${options.out}/${name}`, svg);
const text = report(result);
await writeFile(`${options.out}/report.md`, text);
console.log(text);
process.exit(0);
