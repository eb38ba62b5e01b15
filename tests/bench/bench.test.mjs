// bench.test.mjs - the load notices every lie, and ./dev bench runs from end to end.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { contenders, startLiar } from './lib/contenders.mjs';
import { barChart, dotChart, lineChart } from './lib/chart.mjs';
import { charts } from './lib/charts.mjs';
import { planOf, sizesOf } from './lib/plan.mjs';
import { ROOT, runLoad, says, start, stop } from './lib/processes.mjs';
import { fill, publish } from './lib/publish.mjs';
import { figureRows } from './lib/figures.mjs';
import { messageTable, report } from './lib/report.mjs';
import { cpuSeconds, raiseConntrack } from './lib/scale.mjs';
import { counted, scenarios } from './lib/scenarios.mjs';
import { fallsShort, ratio, summary } from './lib/statistics.mjs';

const FEW = ['--people', '20', '--do', 'talk', '--warm', '0', '--messages', '500', '--stall', '3'];

/* Longer than --prefer: the last two may have just left each other. */
const MATCHES = ['--people', '20', '--do', 'match', '--warm', '0', '--messages', '500', '--stall', '30'];

const run = (...options) => promisify(execFile)(process.execPath, ['tests/bench/bench.mjs', ...options], { cwd: ROOT });

async function talk(started, options = FEW) {
  try {
    return await runLoad(['--target', started.ports.map((port) => `127.0.0.1:${port}`).join(','), ...options]);
  } finally {
    await started.end();
  }
}

const LIES = {
  alter: /message \d+ is ".*!", where ".*" was said/s,
  reword: /message \d+ is ".*\\n", where ".*" was said/s,
  drop: /nothing for 3 s/,
  repeat: /message (\d+) came where \d+ was due|, which nobody has said/,
  renumber: /which nobody has said/,
  invent: /which nobody has said/,
  ack: /an ack of \d+, which nobody has given/,
  marry: /was matched without having asked/,
  close: /closed by the relay|the connection is gone/,
};

for (const [lie, complaint] of Object.entries(LIES)) {
  test(`the load notices a relay that lies: ${lie}`, async () => {
    await assert.rejects(talk(await startLiar(lie)), complaint);
  });
}

test('the load notices two messages in the wrong order', async () => {
  const many = ['--people', '20', '--do', 'rate', '--rate', '2000', '--warm', '0', '--messages', '500', '--stall', '3'];
  await assert.rejects(talk(await startLiar('swap'), many), /message \d+ came where \d+ was due/);
});

test('the same relay, honest, passes', async () => {
  const { total } = await talk(await startLiar('none'));
  assert.ok(total.heard >= 500);
  assert.equal(total.heard, total.said);
});

/* What is said is to be of several lengths, about --body, and to have letters of all widths, and escapes. */
test('bodies have their length on average, and several scripts; so for each seed, and others for another', async () => {
  const said = async (seed, bytes) => {
    const started = await startLiar('tell');
    const bodies = [];
    started.listen((line) => bodies.push(JSON.parse(line)));
    await talk(started, ['--people', '20', '--do', 'talk', '--warm', '0', '--messages', '2000', '--body', bytes, '--seed', seed]);
    return bodies;
  };
  const bodies = await said('1', '23');
  const lengths = bodies.map((body) => Buffer.byteLength(JSON.stringify(body)) - 2);
  const mean = lengths.reduce((a, b) => a + b) / lengths.length;
  assert.ok(Math.abs(mean - 23) < 0.5, `${mean} bytes`);
  assert.deepEqual([Math.min(...lengths), Math.max(...lengths)], [17, 29]);
  for (const [pattern, share] of [[/^[ -~]*$/, 5 / 8], [/[\u0400-\u04ff]/, 1 / 8], [/[\u3040-\u30ff\u4e00-\u9fff]/, 1 / 8], [/\p{Emoji_Presentation}|\u{1f327}/u, 1 / 8], [/["\\]/, 1 / 8]]) {
    const found = bodies.filter((body) => pattern.test(body)).length / bodies.length;
    assert.ok(Math.abs(found - share) < 0.06, `${pattern}: ${found} where ${share} were due`);
  }
  const words = (list) => new Set(list.map((body) => `${body.slice(0, 16)} ${body.length}`));
  const again = words(await said('1', '23'));
  assert.ok([...words(bodies)].filter((one) => again.has(one)).length > 1500);
  const other = words(await said('2', '23'));
  assert.ok([...words(bodies)].filter((one) => other.has(one)).length < 500);
});

test('neighbours are not partners, nor is it their turn one after the other', async () => {
  const started = await startLiar('tell');
  const senders = [];
  started.listen((line) => senders.push(parseInt(JSON.parse(line).slice(0, 8), 16)));
  const { total } = await talk(started, ['--people', '200', '--do', 'rate', '--rate', '2000', '--warm', '0', '--messages', '400']);
  const steps = senders.slice(1).map((sender, i) => Math.abs(sender - senders[i]));
  assert.ok(steps.filter((step) => step > 2).length > 0.9 * steps.length, `${steps}`);
  assert.equal(total.matches, 100);
});

test('messages that were under way when the measured part ended count with all others', async () => {
  const { total, latency_us: latency } = await talk(await startLiar('none'));
  assert.equal(latency.count, total.said);
  assert.equal(latency.buckets.reduce((sum, [, count]) => sum + count, 0), total.said);
});

const CLOSE = ['--people', '200', '--do', 'close', '--stall', '3'];

for (const name of ['floor', 'passerby', 'ws']) {
  test(`everybody goes, and ${name} closes all of the connections`, async () => {
    const started = await contenders[name].start();
    const { close_said: said, close_cut: cut } = await talk(started, [...CLOSE, '--watch', `node1=${started.watch.node1}`]);
    assert.ok(said.cpu_us.node1 > 0 && cut.cpu_us.node1 > 0);
  });
}

test('the load notices that Close is not answered, or a connection not closed', async () => {
  await assert.rejects(talk(await startLiar('mute'), CLOSE), /the connection is gone/);
  await assert.rejects(talk(await startLiar('cling'), CLOSE), /nothing for 3 s/);
});

/* Of 1,000 searches due meanwhile, only those of eight people could be made. */
test('searches that were due while the relay stood still are charged for all of that time', async () => {
  const few = ['--people', '8', '--do', 'match', '--rate', '1000', '--warm', '0', '--seconds', '2', '--stall', '30'];
  const { latency_us: latency } = await talk(await startLiar('pause'), few);
  assert.ok(latency.p99 >= 500_000, `p99 ${latency.p99} µs`);
});

test('a child has ended when all is read that it and its children said', async () => {
  const child = start('sh', ['-c', '(sleep 0.3; echo late) & echo early']);
  let text = '';
  child.stdout.on('data', (more) => { text += more; });
  await child.ended;
  assert.equal(text, 'early\nlate\n');
});

for (const name of ['floor', 'passerby', 'ws']) {
  for (const options of [FEW, [...FEW, '--plain'], MATCHES]) {
    test(`${name} passes: ${options.join(' ')}`, async () => {
      const { total } = await talk(await contenders[name].start(), options);
      assert.ok(total.heard >= 500 || total.matches >= 500);
    });
  }
}

test('the bench, quick, from end to end: a report, JSON, charts', { timeout: 300000 }, async () => {
  const out = await mkdtemp(`${tmpdir()}/passerby-bench-`);
  const only = 'talk,across,idle,match-once,match-rate,calls,calls-connect';
  for (const name of ['old.svg', 'scale-old.svg']) await writeFile(`${out}/${name}`, '');
  const { stdout } = await run('--quick', '--only', only, '--out', out);
  const { plan, scenarios: all, counted: calls } = JSON.parse(await readFile(`${out}/results.json`, 'utf8'));
  for (const { results } of all) {
    for (const figures of Object.values(results)) {
      for (const [name, { least, median, most }] of Object.entries(figures)) {
        assert.ok(least <= median && median <= most, `${name}: ${least}, ${median}, ${most}`);
        // Of so few people, what they take may be less than what a garbage collector has given back meanwhile.
        assert.ok(name.startsWith('memory') || least >= 0, `${name}: ${least}`);
      }
    }
  }
  assert.deepEqual(plan, { rounds: 1, quick: true, only: only.split(','), of: null });
  const of = Object.fromEntries(all.map(({ scenario, results }) => [scenario.name, results]));
  assert.deepEqual(Object.keys(of), ['talk', 'across', 'idle', 'match-once', 'match-rate']);
  assert.equal(of.across['passerby-redis'].across.least, 1);
  assert.ok(of['match-rate']['passerby-3'].across.least > 0);
  assert.ok(of['match-once']['passerby-redis'].match_us_redis.least > 0 && of['match-once'].floor.memory);
  assert.ok(calls[0].results.floor.total > 1.9, 'a message costs the floor a read and a write');
  const connection = calls[1].results.floor.calls;
  assert.ok(connection.sendto < 1.1 && !connection.setsockopt, `a connection costs the floor one send: ${JSON.stringify(connection)}`);
  assert.deepEqual((await readdir(out)).sort(), ['across.svg', 'connect.svg', 'cpu.svg', 'memory.svg', 'report.md', 'results.json', 'scale-old.svg']);
  assert.equal(await readFile(`${out}/report.md`, 'utf8'), stdout.trimEnd() + '\n');
  await assert.rejects(publish(out, out, []), /--quick/);
  await rm(out, { recursive: true });
});

test('what a run has found is there before it ends', { timeout: 300000 }, async () => {
  const out = await mkdtemp(`${tmpdir()}/passerby-bench-`);
  const bench = start(process.execPath, ['tests/bench/bench.mjs', '--quick', '--rounds', '3', '--only', 'talk', '--of', 'floor', '--out', out]);
  await says(bench, /round 2 of 3/);
  const { plan, scenarios: [talk] } = JSON.parse(await readFile(`${out}/results.json`, 'utf8'));
  assert.equal(plan.rounds, 3);
  assert.ok([1, 2].includes(talk.runs.floor.length)); // the second is written just after it is told
  await stop(bench, 'SIGTERM');
  await assert.rejects(run('--scale', '200,100000000', '--out', out), /100000000 people take .* GiB of memory/);
  assert.equal(JSON.parse(await readFile(`${out}/scale.json`, 'utf8')).results.length, 1);
  await rm(out, { recursive: true });
});

test('what makes no sense on the command line is said', () => {
  assert.throws(() => planOf({ only: 'talk,tlak' }), /--only: there is no "tlak"; there are talk, /);
  assert.throws(() => planOf({ of: 'flor' }), /--of: there is no "flor"; there are floor, /);
  assert.throws(() => planOf({ only: 'match-rate', of: 'ws' }), /none of those contenders/);
  for (const rounds of ['0', 'x', '-1', '1.5', '']) assert.throws(() => planOf({ rounds }), /--rounds: ".*" is no number from 1 on/);
  for (const sizes of ['abc', '1000,', '1', '1e3']) assert.throws(() => sizesOf(sizes), /--scale: ".*" is no number from 2 on/);
  assert.deepEqual(sizesOf('999,1000'), [1000, 1000]);
  assert.equal(planOf({}).plan.rounds, 5);
});

test('people on several nodes, by --scale: nothing is lost', { timeout: 300000 }, async () => {
  const out = await mkdtemp(`${tmpdir()}/passerby-bench-`);
  await writeFile(`${out}/scale-old.svg`, '');
  await run('--scale', '200,400', '--out', out);
  const { sizes, results } = JSON.parse(await readFile(`${out}/scale.json`, 'utf8'));
  assert.deepEqual(sizes, [200, 400]);
  assert.deepEqual(results.map(({ people }) => people), [200, 400]);
  for (const { people, messages, message_us: cost, gaps, aways } of results) {
    assert.ok(messages >= people, 'everybody has said something');
    assert.ok(cost > 0 && gaps === 0 && aways === 0);
  }
  assert.equal((await readdir(out)).filter((name) => name.endsWith('.svg')).length, 4);
  assert.match(await readFile(`${out}/scale-cpu.svg`, 'utf8'), /5,000 messages a second in all at each size, one run each<.*2 nodes/s);
  await assert.rejects(publish(out, out, []), /--scale lacks 1000,10000,100000,1000000 people/);
  await rm(out, { recursive: true });
});

test('statistics: least, median, most; ratios of both', () => {
  assert.deepEqual(summary([3, 1, 2]), { least: 1, median: 2, most: 3 });
  assert.deepEqual(summary([4, 1, 2, 3]), { least: 1, median: 2.5, most: 4 });
  assert.deepEqual(ratio(summary([3, 4, 5]), summary([1, 2, 3])), { least: 3, median: 2 });
});

test('CPU time is not counted in ticks', () => {
  const before = cpuSeconds(process.pid);
  const begun = process.cpuUsage();
  while (process.cpuUsage(begun).user < 50_000);
  const spent = cpuSeconds(process.pid) - before;
  assert.ok(spent > 0 && Math.abs((spent * 100) % 1) > 1e-6, `${spent} s`);
});

test('who did less than was asked is marked, in tables and charts', () => {
  const value = (least) => ({ least, median: least, most: least });
  const figures = (perSecond) => ({ per_s: value(perSecond), message_us: value(10), p50_ms: value(1), p99_ms: value(2), 'p99.9_ms': value(3) });
  const rate = { scenario: { name: 'rate', title: 'R', load: ['--do', 'rate', '--rate', 1000] }, results: { floor: figures(991), socketio: figures(989) } };
  assert.ok(!fallsShort(figures(500), undefined));
  const text = report({ machine: { system: 'S', versions: {} }, plan: { rounds: 5 }, scenarios: [rate], counted: [] });
  assert.match(text, /Redis † \|.*\n\n† Socket\.IO, two processes and Redis did 989 of 1,000 a second/);
  assert.doesNotMatch(text, /jansson †/);
  const { 'latency.svg': dots, 'across.svg': bars } = charts([rate]);
  assert.match(dots, /did 989 of 1,000 a second/);
  assert.match(bars, /Socket\.IO, two processes and Redis †.*/);
  const passerby = { ...rate, results: { ...rate.results, passerby: figures(900) } };
  assert.match(report({ machine: { system: 'S', versions: {} }, plan: { rounds: 5 }, scenarios: [passerby], counted: [] }), /passerby did not keep the rate \|/);
});

test('bars are drawn from zero, texts escaped, and the values are there to be read', () => {
  const bars = [{ label: 'x & y', least: 10, most: 20, ours: true }, { label: 'z', least: 20, most: 20 }];
  const svg = barChart('a < b', 'µs', [{ label: 'who', bars }]);
  const widths = [...svg.matchAll(/<rect x="\d+" y="\d+" width="([\d.]+)"/g)].map(([, width]) => Number(width));
  assert.equal(widths[1], 2 * widths[0]);
  assert.match(svg, /<title id="title">a &lt; b</);
  assert.match(svg, /<desc id="text">who: x &amp; y 10\.0 to 20\.0, z 20\.0\.</);
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
  const log = lineChart('t', 'c', [[1000, 1], [10000, 10], [100000, 100]], true);
  const heights = [...log.matchAll(/<circle cx="[\d.]+" cy="([\d.]+)"/g)].map(([, y]) => 220 - Number(y));
  assert.ok(heights[0] === 0 && Math.abs(heights[2] - 2 * heights[1]) < 0.3);
});

test('figures go into the blocks that documents have for them, and nowhere else', () => {
  const text = 'a\n<!-- figures: goals -->\nold\n<!-- /figures -->\nb\n<!-- figures: scale -->\nstays\n<!-- /figures -->\n';
  assert.equal(fill(text, { goals: '| $& |' }), text.replace('old', () => '| $& |'));
});

/** Results as of a whole run, with figures where `known` has them. */
function wholeResults(known) {
  const value = (least) => ({ least, median: least, most: least });
  const machine = {
    cpu: 'C', cpus: 2, memory_bytes: 2 ** 34, kernel: 'K', system: 'Debian GNU/Linux 12 (bookworm)', huge_pages: 'madvise', versions: { jansson: '2.14' },
  };
  const every = (of, what) => Object.fromEntries(of.map((name) => [name, what(name)]));
  return {
    machine, plan: { rounds: 5, quick: false, only: null, of: null },
    scenarios: scenarios.map((scenario) => ({
      scenario, runs: every(scenario.of, () => Array(5).fill({})),
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
  await mkdir(`${out}/results`);
  for (const name of ['old.svg', 'scale-cpu.svg', 'scale.json']) await writeFile(`${out}/results/${name}`, '');
  await writeFile(`${out}/page.md`, ['machine', 'goals', 'messages'].map((name) => `<!-- figures: ${name} -->\n<!-- /figures -->\n`).join(''));
  await publish(out, `${out}/results`, [`${out}/page.md`]);
  const page = await readFile(`${out}/page.md`, 'utf8');
  assert.match(page, /2 cores \(C\), 16 GiB, Debian GNU\/Linux 12 \(bookworm\), Linux K, transparent huge pages "madvise", jansson 2\.14, in turn; .* there were 5\./);
  assert.match(page, /1,000 people all talking \| ≤ 1\.1 × \| 0\.900 × \(0\.900 ×\) \| yes/);
  assert.match(page, /on Debian 12 \| ≤ 2 KiB \| 2\.000 KiB \(2\.000 KiB\) \| yes/);
  assert.match(page, /\| 1,000 people, all talking \| 10\.0 \| 9\.00 \(0\.90 ×\) \|/);
  assert.deepEqual((await readdir(`${out}/results`)).sort(), ['cpu.svg', 'report.md', 'results.json', 'scale-cpu.svg', 'scale.json']);
  await assert.rejects(publish(`${out}/results/none`, out, []), /run \.\/dev bench first/);
  await rm(out, { recursive: true });
});

test('a goal is kept by what was measured, not by what is shown', () => {
  const figures = (least, median) => ({ message_us: { least, median, most: median } });
  const verdict = (least, median) => figureRows({
    machine: { system: 'S' }, counted: [],
    scenarios: [{ scenario: scenarios.find(({ name }) => name === 'talk'), results: { floor: figures(1, 1), passerby: figures(least, median) } }],
  })[0].slice(2);
  assert.deepEqual(verdict(1.1, 1.1), ['1.100 × (1.100 ×)', 'yes']);
  assert.deepEqual(verdict(1.0999, 1.1004), ['1.100 × (1.100 ×)', 'by the least']);
  assert.deepEqual(verdict(1.1004, 1.09), ['1.100 × (1.090 ×)', 'no']);
});

test('Redis’ part of a message is shown', () => {
  const value = (least) => ({ least, median: least, most: least });
  const scenario = scenarios.find(({ name }) => name === 'across');
  const runs = { floor: [{ message_us: 8 }], 'passerby-redis': [{ message_us: 7, message_us_redis: 2 }, { message_us: 6, message_us_redis: 4 }] };
  const results = { floor: { message_us: value(8) }, 'passerby-redis': { message_us: value(6), message_us_redis: value(2) } };
  assert.match(messageTable([{ scenario, runs, results }]), /\| 6\.00 \(0\.75 ×\) and 2\.00 of Redis \|/);
  assert.match(charts([{ scenario, runs, results }])['across.svg'], /two nodes and Redis 9\.00 to 10\.0\./);
});

test('what is not the whole is not published', async () => {
  const out = await mkdtemp(`${tmpdir()}/passerby-bench-`);
  const refused = async (change, why) => {
    const results = wholeResults({});
    change(results);
    await writeFile(`${out}/results.json`, JSON.stringify(results));
    await assert.rejects(publish(out, `${out}/results`, []), why);
  };
  await refused(({ plan }) => { plan.quick = true; }, /--quick/);
  await refused(({ plan }) => { plan.only = ['talk']; }, /--only talk/);
  await refused(({ plan }) => { plan.of = ['floor']; }, /--of floor/);
  await refused(({ plan }) => { plan.rounds = 4; }, /4 rounds, and 5 are the least/);
  await refused((results) => { delete results.plan; }, /rounds/);
  await refused((results) => { results.scenarios.pop(); }, /passerby-3 has 0 of 5 rounds of match-rate/);
  await refused((results) => { results.scenarios[0].runs.ws.pop(); }, /ws has 4 of 5 rounds of talk/);
  await refused((results) => { delete results.counted[0].results.floor; }, /floor lacks calls/);
  await rm(out, { recursive: true });
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
