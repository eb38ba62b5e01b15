// bench.test.mjs - ./dev bench runs from end to end.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { contenders } from './lib/contenders.mjs';
import { planOf, sizesOf } from './lib/plan.mjs';
import { ROOT, says, start, stop } from './lib/processes.mjs';
import { publish } from './lib/publish.mjs';
import { randomOf, shuffled } from './lib/random.mjs';
import { cpuSeconds, raiseConntrack } from './lib/scale.mjs';
import { counted, optionOf, scenarios } from './lib/scenarios.mjs';

const run = (...options) => promisify(execFile)(process.execPath, ['tests/bench/bench.mjs', ...options], { cwd: ROOT });

test('the bench, quick, from end to end: a report, JSON, charts', { timeout: 300000 }, async () => {
  const out = await mkdtemp(`${tmpdir()}/passerby-bench-`);
  const only = 'talk,across,idle,match-once,match-rate,calls,calls-connect,redis-match';
  for (const name of ['old.svg', 'scale-old.svg']) await writeFile(`${out}/${name}`, '');
  const { stdout, stderr } = await run('--quick', '--seed', '5', '--only', only, '--out', out);
  const { machine, plan, rounds, scenarios: all, counted: calls } = JSON.parse(await readFile(`${out}/results.json`, 'utf8'));
  for (const { results } of all) {
    for (const figures of Object.values(results)) {
      for (const [name, { least, median, most }] of Object.entries(figures)) {
        assert.ok(least <= median && median <= most, `${name}: ${least}, ${median}, ${most}`);
        // Of so few people, what they take may be less than what a garbage collector has given back meanwhile.
        assert.ok(name.startsWith('memory') || least >= 0, `${name}: ${least}`);
      }
    }
  }
  assert.deepEqual(plan, { rounds: 1, quick: true, seed: 5, only: only.split(','), of: null });
  const random = randomOf(5);
  assert.deepEqual([...stderr.matchAll(/^round 1 of 1: .*: (\S+): /gm)].map(([, name]) => name), all.flatMap(({ scenario }) => shuffled(scenario.of, random)));
  assert.equal(machine.commit, (await promisify(execFile)('git', ['rev-parse', 'HEAD'], { cwd: ROOT })).stdout.trim());
  assert.equal(typeof machine.dirty, 'boolean');
  assert.ok(rounds.length === 1 && rounds[0].steal_percent >= 0 && rounds[0].steal_percent <= 100 && rounds[0].load_after > 0);
  const of = Object.fromEntries(all.map(({ scenario, results }) => [scenario.name, results]));
  assert.deepEqual(Object.keys(of), ['talk', 'across', 'idle', 'match-once', 'match-rate']);
  assert.equal(of.across['passerby-redis'].across.least, 1);
  for (const figures of Object.values(of.idle)) {
    assert.ok(figures.close_said_us.least > 0 && figures.close_cut_us.least > 0 && figures.life_us.least > figures.connect_us.least);
  }
  for (const { memory, memory_net: net } of Object.values(of.talk)) assert.ok(memory.least > net.least, 'the empty process has memory too');
  assert.ok(of['match-rate']['passerby-3'].across.least > 0);
  assert.ok(of['match-once']['passerby-redis'].match_us_redis.least > 0 && of['match-once'].floor.memory);
  assert.ok(calls[0].results.floor.total > 1.9, 'a message costs the floor a read and a write');
  const connection = calls[1].results.floor.calls;
  assert.ok(connection.sendto < 1.1 && !connection.setsockopt, `a connection costs the floor one send: ${JSON.stringify(connection)}`);
  assert.deepEqual((await readdir(out)).sort(), ['across.svg', 'connect.svg', 'cpu.svg', 'memory.svg', 'redis_match.md', 'report.md', 'results.json', 'scale-old.svg']);
  assert.equal(await readFile(`${out}/report.md`, 'utf8'), stdout.trimEnd() + '\n');
  const matches = [...(await readFile(`${out}/redis_match.md`, 'utf8')).matchAll(/^\| [a-z].* \|$/gm)].map(([row]) => row.split('|').slice(2, -1).map(Number));
  assert.equal(matches.length, 9);
  for (const [wait, found, commit, , , match, median] of matches) {
    assert.ok(Math.abs(wait + found + commit - match) < 0.02 && match <= median, 'a match is its three steps, at its least');
  }
  await assert.rejects(publish(out, out, []), /--quick/);
  await rm(out, { recursive: true });
});

test('what a run has found is there before it ends', { timeout: 300000 }, async () => {
  const out = await mkdtemp(`${tmpdir()}/passerby-bench-`);
  const bench = start(process.execPath, ['tests/bench/bench.mjs', '--quick', '--rounds', '3', '--only', 'talk', '--of', 'floor', '--out', out]);
  await says(bench, /round 2 of 3/);
  const { plan, rounds, scenarios: [talk] } = JSON.parse(await readFile(`${out}/results.json`, 'utf8'));
  assert.equal(plan.rounds, 3);
  assert.equal(rounds.length, talk.runs.floor.length);
  assert.ok([1, 2].includes(talk.runs.floor.length)); // the second is written just after it is told
  await stop(bench, 'SIGTERM');
  await assert.rejects(run('--scale', '600,100000000', '--out', out), /100000000 people take .* GiB of memory/);
  assert.equal(JSON.parse(await readFile(`${out}/scale.json`, 'utf8')).results.length, 1);
  await rm(out, { recursive: true });
});

test('passerby has its limits on where nobody does more than they allow', async () => {
  const limitless = [];
  for (const scenario of [...scenarios, ...counted].filter(({ of }) => of.includes('passerby'))) {
    const started = await contenders.passerby.start(scenario);
    const options = (await readFile(`/proc/${started.watch.node1}/cmdline`, 'utf8')).split('\0');
    await started.end();
    if (options.includes('--rate-limits')) limitless.push(scenario.name);
  }
  const [talk, match] = ['talk', 'match'].map((work) => [...scenarios, ...counted].filter((one) => one.of.includes('passerby') && optionOf(one, '--do') === work));
  assert.deepEqual(limitless.sort(), [...talk, ...match].map(({ name }) => name).sort());
});

test('what makes no sense on the command line is said', () => {
  assert.throws(() => planOf({ only: 'talk,tlak' }), /--only: there is no "tlak"; there are talk, /);
  assert.throws(() => planOf({ of: 'flor' }), /--of: there is no "flor"; there are floor, /);
  assert.throws(() => planOf({ only: 'match-rate', of: 'ws' }), /none of those contenders/);
  for (const rounds of ['0', 'x', '-1', '1.5', '']) assert.throws(() => planOf({ rounds }), /--rounds: ".*" is no number from 1 on/);
  for (const sizes of ['abc', '1000,', '1', '1e3']) assert.throws(() => sizesOf(sizes), /--scale: ".*" is no number from 2 on/);
  assert.deepEqual(sizesOf('999,1000'), [1000, 1000]);
  for (const seed of ['-1', 'x', '2147483649']) assert.throws(() => planOf({ seed }), /--seed/);
  assert.equal(planOf({}).plan.rounds, 7);
});

test('who follows whom is by chance, and the same for the same seed', () => {
  const people = ['a', 'b', 'c', 'd', 'e'];
  const random = randomOf(1);
  const before = { a: 0, b: 0, c: 0, d: 0 }; // how often each comes just before e
  for (let i = 0; i < 1000; i++) {
    const order = shuffled(people, random);
    assert.deepEqual([...order].sort(), people);
    if (order[0] !== 'e') before[order[order.indexOf('e') - 1]]++;
  }
  for (const [name, count] of Object.entries(before)) assert.ok(Math.abs(count - 200) < 50, `${name} comes ${count} times before e`);
  const [one, again, other] = [7, 7, 8].map((seed) => { const by = randomOf(seed); return [1, 2, 3, 4].map(() => shuffled(people, by)); });
  assert.deepEqual(one, again);
  assert.notDeepEqual(one, other);
});

test('people on several nodes, by --scale: nothing is lost', { timeout: 300000 }, async () => {
  const out = await mkdtemp(`${tmpdir()}/passerby-bench-`);
  await writeFile(`${out}/scale-old.svg`, '');
  await run('--scale', '600,800', '--out', out);
  const { sizes, results } = JSON.parse(await readFile(`${out}/scale.json`, 'utf8'));
  assert.deepEqual(sizes, [600, 800]);
  assert.deepEqual(results.map(({ people }) => people), [600, 800]);
  for (const { people, messages, message_us: cost, gaps, aways } of results) {
    assert.ok(messages >= people, 'everybody has said something');
    assert.ok(cost > 0 && gaps === 0 && aways === 0);
  }
  assert.equal((await readdir(out)).filter((name) => name.endsWith('.svg')).length, 4);
  assert.match(await readFile(`${out}/scale-cpu.svg`, 'utf8'), /5,000 messages a second in all at each size, one run each<.*2 nodes.*Pings, one in 2 minutes, are in the million alone/s);
  await assert.rejects(publish(out, out, []), /--scale lacks 1000,10000,100000,1000000 people/);
  await rm(out, { recursive: true });
});

test('CPU time is not counted in ticks', () => {
  const before = cpuSeconds(process.pid);
  const begun = process.cpuUsage();
  while (process.cpuUsage(begun).user < 50_000);
  const spent = cpuSeconds(process.pid) - before;
  assert.ok(spent > 0 && Math.abs((spent * 100) % 1) > 1e-6, `${spent} s`);
});

test('the kernel\'s table of connections is raised and put back; where it can\'t be, a sentence says what to do', async () => {
  const out = await mkdtemp(`${tmpdir()}/passerby-bench-`);
  const path = `${out}/nf_conntrack_max`;
  await writeFile(path, '262144\n');
  raiseConntrack(1000, path)();
  assert.equal(await readFile(path, 'utf8'), '262144\n', 'enough already');
  const putBack = raiseConntrack(1000000, path);
  assert.equal(await readFile(path, 'utf8'), '2050000');
  putBack();
  assert.equal(await readFile(path, 'utf8'), '262144');
  assert.throws(() => raiseConntrack(1000000, '/proc/version'), /could not be raised \(E[A-Z]+\)\. As root: echo 2050000 > \/proc\/version/);
  await rm(out, { recursive: true });
});
