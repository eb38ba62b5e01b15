// report.test.mjs - what was measured, as statistics, tables and charts; and what of it is published.

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { barChart, dotChart, lineChart } from './lib/chart.mjs';
import { charts, scaleCharts } from './lib/charts.mjs';
import { figureRows } from './lib/figures.mjs';
import { figuresOf } from './lib/measure.mjs';
import { fill, publish } from './lib/publish.mjs';
import { messageTable, report } from './lib/report.mjs';
import { counted, scenarios } from './lib/scenarios.mjs';
import { ratio, summarise, summary } from './lib/statistics.mjs';

test('statistics: least, median, most; ratios of both', () => {
  assert.deepEqual(summary([3, 1, 2]), { least: 1, median: 2, most: 3 });
  assert.deepEqual(summary([4, 1, 2, 3]), { least: 1, median: 2.5, most: 4 });
  const runs = (...values) => values.map((cost) => ({ cost }));
  assert.deepEqual(ratio(runs(3, 4, 5), runs(3, 2, 1), 'cost'), { least: 3, median: 2, rounds: { least: 1, median: 2, most: 5 } });
  assert.equal(ratio(runs(3), [], 'cost'), undefined);
});

test('latency is of the rounds that kept the rate, all else of all', () => {
  const runs = [{ per_s: 1000, p99_ms: 5, cost: 1 }, { per_s: 995, p99_ms: 7, cost: 3 }, { per_s: 989, p99_ms: 1, cost: 2 }];
  assert.deepEqual(summarise(runs, 1000).p99_ms, { least: 5, median: 6, most: 7 });
  assert.deepEqual(summarise(runs, 1000).cost, { least: 1, median: 2, most: 3 });
  assert.equal(summarise(runs, 2000).p99_ms, undefined);
  assert.equal(summarise(runs).p99_ms.least, 1);
});

test('the figures of a connection: opened, closed in two ways, and all of its life; and what a process has, with and without what it had', () => {
  const part = (us) => ({ seconds: 1, load_us: 30, cpu_us: { node1: us, node2: us } });
  const figures = figuresOf({
    people: 10, connect: part(100), connect_first: part(2000), connect_last: part(3000), close_said: part(50), close_cut: part(25),
    memory_empty: { node1: 1000, node2: 1000, redis: 9 }, memory_connected: { node1: 2000, node2: 3000, redis: 9 },
  }, { load: ['--do', 'close'] });
  assert.deepEqual(figures, {
    connect_us: 20, connect_first_us: 4, connect_last_us: 6, connect_flat: 1.5, close_said_us: 20, close_cut_us: 10, life_us: 35,
    memory_connected: 500, memory_connected_net: 300, connects_per_s: 10, load_us: 3,
  });
});

const MACHINE = { system: 'S', versions: {} };
const value = (least) => ({ least, median: least, most: least });

test('who did less than was asked in some rounds is marked, in tables and charts', () => {
  const run = (perSecond) => ({ per_s: perSecond, message_us: 10, p50_ms: 1, p99_ms: 2, 'p99.9_ms': 3 });
  const scenario = { name: 'rate', title: 'R', load: ['--do', 'rate', '--rate', 1000] };
  const rateOf = (runs) => ({ scenario, runs, results: Object.fromEntries(Object.entries(runs).map(([name, those]) => [name, summarise(those, 1000)])) });
  const reportOf = (rate) => report({ machine: MACHINE, plan: { rounds: 3, seed: 1 }, rounds: [], scenarios: [rate], counted: [] });
  const rate = rateOf({ floor: [run(991), run(999), run(999)], socketio: [run(989), run(980), run(999)] });
  const text = reportOf(rate);
  assert.match(text, /Redis † \|.*\n\n† Socket\.IO, two processes and Redis kept the rate in 1 of 3 rounds \(in the median one 989 of 1,000 a second\): its latency is of those/);
  assert.doesNotMatch(text, /jansson †/);
  const { 'latency.svg': dots, 'across.svg': bars } = charts([rate]);
  assert.match(dots, /kept the rate in 1 of 3 rounds/);
  assert.match(bars, /Socket\.IO, two processes and Redis †.*/);
  const never = rateOf({ floor: [run(999)], socketio: [run(500)] });
  assert.match(reportOf(never), /0 of 1 rounds .*: it has no latency/);
  assert.match(charts([never])['latency.svg'], /never kept the rate: no latency/);
  const some = (...runs) => reportOf(rateOf({ floor: [run(999), run(999)], passerby: runs }));
  assert.match(some(run(999), run(900)), /one node, of the 1 of 2 rounds that kept the rate \| ≤ 1\.3 × \| 1\.000 × \(1\.000 ×\) \| .* \| yes \|/);
  assert.match(some(run(900), run(900)), /one node \| ≤ 1\.3 × \| no round kept the rate \|  \| no \|/);
});

test('a report says of which commit it is, how quiet the rounds were, and what it lacks', () => {
  const machine = { ...MACHINE, commit: '0123456789abcdef', dirty: true, date: '2030-01-02T03:04:05Z' };
  const rounds = [{ began: 'B', seconds: 9, load_before: 0.5, load_after: 1.5, steal_percent: 2.5 }];
  const text = report({ machine, plan: { rounds: 1, seed: 77 }, rounds, scenarios: [], counted: [] });
  assert.match(text, /Of commit 0123456789ab with changes that are not committed, 2030-01-02\./);
  assert.match(text, /--seed 77/);
  assert.match(text, /\| 1 \| B \| 9 \| 0\.5 \| 1\.5 \| 2\.50 \|/);
  assert.match(text, /### Not measured\n\n- /);
});

test('bars are drawn from zero, texts escaped, and the values are there to be read', () => {
  const bars = [{ label: 'x & y', least: 10, median: 15, most: 20, ours: true }, { label: 'z', least: 20, median: 20, most: 20 }];
  const svg = barChart('a < b', 'µs', [{ label: 'who', bars }]);
  const widths = [...svg.matchAll(/<rect x="\d+" y="\d+" width="([\d.]+)"/g)].map(([, width]) => Number(width));
  assert.equal(widths[1], 2 * widths[0]);
  assert.match(svg, /<title id="title">a &lt; b</);
  assert.match(svg, /<desc id="text">who: x &amp; y 10\.0 \(15\.0, to 20\.0\), z 20\.0\.</);
  const [[, from, to], [, tick]] = [/M([\d.]+) \d+H([\d.]+)/, /M([\d.]+) \d+V/].map((pattern) => pattern.exec(svg).map(Number));
  assert.ok(Math.abs((from + to) / 2 - tick) < 0.2, 'the tick is at the median');
});

test('dots lie on a logarithmic scale', () => {
  const point = (median) => ({ least: median / 2, median, most: median * 2 });
  const svg = dotChart('t', 'ms', [{ label: 'a', points: [['p50', point(1)], ['p99', point(10)], ['p99.9', point(100)]] }]);
  const [first, second, third] = [...svg.matchAll(/<circle cx="([\d.]+)"/g)].map(([, x]) => Number(x));
  assert.ok(Math.abs((second - first) - (third - second)) < 0.2);
  assert.match(svg, /a: p50 1\.00 \(0\.500 to 2\.00\), p99 10\.0 \(5\.00 to 20\.0\), p99\.9 100 \(50\.0 to 200\)\./);
});

test('a line rises with its values, from zero', () => {
  const svg = lineChart('t', 'c', [[1000, 1], [10000, 2], [100000, 4]]);
  const [one, two, four] = [...svg.matchAll(/<circle cx="[\d.]+" cy="([\d.]+)"/g)].map(([, y]) => 220 - Number(y));
  assert.ok(Math.abs(two - 2 * one) < 0.3 && Math.abs(four - 4 * one) < 0.3);
  assert.match(svg, /100,000 people: 4\.00\./);
  const log = lineChart('t', 'c', [[1000, 1], [10000, 10], [100000, 100]], { logarithmic: true, note: 'but <' });
  assert.match(log, />but &lt;</);
  const heights = [...log.matchAll(/<circle cx="[\d.]+" cy="([\d.]+)"/g)].map(([, y]) => 220 - Number(y));
  assert.ok(heights[0] === 0 && Math.abs(heights[2] - 2 * heights[1]) < 0.3);
});

test('what differs between the sizes stands beside the charts', () => {
  const all = scaleCharts({ rate: 5000, results: [1000, 10000].map((people) => ({ people, processes: 2, node_bytes: 1, message_us: 1, message_redis_us: 1, p99_ms: 1 })) });
  assert.match(all['scale-redis.svg'], /falls as the cores are short of time/);
  assert.match(all['scale-cpu.svg'], /Pings.* are in the million alone/);
});

test('figures go into the blocks that documents have for them, and nowhere else', () => {
  const text = 'a\n<!-- figures: goals -->\nold\n<!-- /figures -->\nb\n<!-- figures: scale -->\nstays\n<!-- /figures -->\n';
  assert.equal(fill(text, { goals: '| $& |' }), text.replace('old', () => '| $& |'));
});

/** Results as of a whole run, with figures where `known` has them. */
function wholeResults(known) {
  const machine = {
    commit: '0123456789abcdef', dirty: false, date: '2030-01-02T03:04:05Z', open_files: 20000, cpu: 'C', cpus: 2, memory_bytes: 2 ** 34, kernel: 'K', system: 'Debian GNU/Linux 12 (bookworm)', huge_pages: 'madvise', versions: { jansson: '2.14' },
  };
  const every = (of, what) => Object.fromEntries(of.map((name) => [name, what(name)]));
  return {
    machine, plan: { rounds: 7, seed: 1, quick: false, only: null, of: null }, rounds: [],
    scenarios: scenarios.map((scenario) => ({
      scenario, runs: every(scenario.of, (name) => Array(7).fill(known[scenario.name]?.[name] ?? {})),
      results: every(scenario.of, (name) => Object.fromEntries(Object.entries(known[scenario.name]?.[name] ?? {}).map(([figure, least]) => [figure, value(least)]))),
    })),
    counted: counted.map((scenario) => ({ scenario, results: every(scenario.of, () => ({ total: 2, calls: {} })) })),
  };
}

test('what is published: charts, JSON, the report, and the tables in the documents', async () => {
  const out = await mkdtemp(`${tmpdir()}/passerby-bench-`);
  const results = wholeResults({ talk: { floor: { message_us: 10 }, passerby: { message_us: 9 } }, rate: { passerby: { memory: 2048 } } });
  await writeFile(`${out}/results.json`, JSON.stringify(results));
  await writeFile(`${out}/cpu.svg`, '<svg/>');
  await writeFile(`${out}/report.md`, 'R');
  await writeFile(`${out}/redis_match.md`, 'R\n');
  await mkdir(`${out}/results`);
  for (const name of ['old.svg', 'scale-cpu.svg', 'scale.json']) await writeFile(`${out}/results/${name}`, '');
  await writeFile(`${out}/page.md`, ['machine', 'goals', 'messages', 'redis', 'busy'].map((name) => `<!-- figures: ${name} -->\n<!-- /figures -->\n`).join(''));
  await publish(out, `${out}/results`, [`${out}/page.md`]);
  const page = await readFile(`${out}/page.md`, 'utf8');
  assert.match(page, /2 cores \(C\), 16 GiB, Debian GNU\/Linux 12 \(bookworm\), Linux K, transparent huge pages "madvise", at most 20000 open files, jansson 2\.14, of commit 0123456789ab, 2030-01-02, in 7 rounds\./);
  assert.match(page, /<!-- figures: redis -->\nR\n<!-- /);
  assert.match(page, /<!-- figures: busy -->\n!\[.*\]\(tests\/bench\/results\/latency-30000\.svg\)\n/);
  assert.match(page, /1,000 people all talking \| ≤ 1\.1 × \| 0\.900 × \(0\.900 ×\) \| 0\.900 \(0\.900 to 0\.900\) \| yes/);
  assert.match(page, /on Debian 12: all that the process has \| ≤ 2 KiB \| 2\.000 KiB \(2\.000 KiB\) \| 2\.000 \(2\.000 to 2\.000\) \| yes/);
  assert.match(page, /\| 1,000 people, all talking \| 10\.0 \| 9\.00 \(0\.90 ×; 0\.90 ×\) \|/);
  assert.deepEqual((await readdir(`${out}/results`)).sort(), ['cpu.svg', 'redis_match.md', 'report.md', 'results.json', 'scale-cpu.svg', 'scale.json']);
  await assert.rejects(publish(`${out}/results/none`, out, []), /run \.\/dev bench first/);
  await rm(out, { recursive: true });
});

test('a goal is kept by what was measured, not by what is shown; by the least, the median, and round by round', () => {
  const runs = (...costs) => costs.map((cost) => ({ message_us: cost }));
  const verdict = (mine, floor = [1, 1, 1]) => figureRows({
    machine: { system: 'S' }, counted: [],
    scenarios: [{ scenario: scenarios.find(({ name }) => name === 'talk'), runs: { floor: runs(...floor), passerby: runs(...mine) } }],
  })[0].slice(2);
  assert.deepEqual(verdict([1.1, 1.1, 1.1]), ['1.100 × (1.100 ×)', '1.100 (1.100 to 1.100)', 'yes']);
  assert.equal(verdict([1.0999, 1.1004, 1.2])[2], 'by the least');
  assert.equal(verdict([1.1004, 1.1004, 1.2])[2], 'no');
  // Of the least and of the medians the goal is kept; but in most rounds it was not.
  assert.deepEqual(verdict([1, 2, 3], [2, 1, 2.5]).slice(1), ['1.200 (0.500 to 2.000)', 'by the least']);
});

test('Redis’ part of a message is shown', () => {
  const scenario = scenarios.find(({ name }) => name === 'across');
  const runs = { floor: [{ message_us: 8 }], 'passerby-redis': [{ message_us: 7, message_us_redis: 2 }, { message_us: 6, message_us_redis: 4 }] };
  const results = { floor: { message_us: value(8) }, 'passerby-redis': { message_us: value(6), message_us_redis: value(2) } };
  assert.match(messageTable([{ scenario, runs, results }]), /\| 6\.00 \(0\.75 ×; 0\.88 ×\) and 2\.00 of Redis \|/);
  assert.match(charts([{ scenario, runs, results }])['across.svg'], /two nodes and Redis 9\.00 \(9\.50, to 10\.0\)\./);
});

test('what is not the whole is not published', async () => {
  const out = await mkdtemp(`${tmpdir()}/passerby-bench-`);
  const refused = async (change, why) => {
    const results = wholeResults({});
    change(results);
    await writeFile(`${out}/results.json`, JSON.stringify(results));
    await assert.rejects(publish(out, `${out}/results`, []), why);
  };
  await refused(() => {}, /it lacks redis_match\.md/);
  await writeFile(`${out}/redis_match.md`, 'R\n');
  await refused(({ plan }) => { plan.quick = true; }, /--quick/);
  await refused(({ plan }) => { plan.only = ['talk']; }, /--only talk/);
  await refused(({ plan }) => { plan.of = ['floor']; }, /--of floor/);
  await refused(({ plan }) => { plan.rounds = 6; }, /6 rounds, and 7 are the least/);
  await refused((results) => { delete results.plan; }, /rounds/);
  await refused((results) => { results.scenarios.pop(); }, /passerby-3 has 0 of 7 rounds of match-rate/);
  await refused((results) => { results.scenarios[0].runs.ws.pop(); }, /ws has 6 of 7 rounds of talk/);
  await refused((results) => { delete results.counted[0].results.floor; }, /floor lacks calls/);
  await refused(({ machine }) => { machine.dirty = true; }, /of 0123456789abcdef with changes that are not committed/);
  await refused(({ machine }) => { machine.commit = null; }, /does not say of which commit/);
  await rm(`${out}/results.json`);
  const scaled = { machine: { commit: 'c', dirty: true }, results: [1000, 10000, 100000, 1000000].map((people) => ({ people })) };
  await writeFile(`${out}/scale.json`, JSON.stringify(scaled));
  await assert.rejects(publish(out, `${out}/results`, []), /of c with changes that are not committed/);
  await rm(out, { recursive: true });
});
