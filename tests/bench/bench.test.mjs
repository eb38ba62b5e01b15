// bench.test.mjs - the load notices every lie, and ./dev bench runs from end to end.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { contenders, startLiar } from './lib/contenders.mjs';
import { barChart, dotChart, lineChart } from './lib/chart.mjs';
import { ROOT, runLoad } from './lib/processes.mjs';
import { fill, publish } from './lib/publish.mjs';
import { raiseConntrack } from './lib/scale.mjs';
import { ratio, summary } from './lib/statistics.mjs';

const FEW = ['--people', '20', '--do', 'talk', '--warm', '0', '--messages', '500', '--stall', '3'];

/* Longer than --prefer: the last two may have just left each other. */
const MATCHES = ['--people', '20', '--do', 'match', '--warm', '0', '--messages', '500', '--stall', '30'];

async function talk(started, options = FEW) {
  try {
    return await runLoad(['--target', started.ports.map((port) => `127.0.0.1:${port}`).join(','), ...options]);
  } finally {
    await started.end();
  }
}

const LIES = {
  alter: /message \d+ is "[^"]*!", where "[^"]*" was said/,
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
  const only = 'talk,across,idle,match-rate,calls';
  const { stdout } = await promisify(execFile)(process.execPath, ['tests/bench/bench.mjs', '--quick', '--only', only, '--out', out], { cwd: ROOT });
  const { scenarios, counted } = JSON.parse(await readFile(`${out}/results.json`, 'utf8'));
  for (const { results } of scenarios) {
    for (const figures of Object.values(results)) {
      for (const [name, { least, median, most }] of Object.entries(figures)) {
        assert.ok(least <= median && median <= most, `${name}: ${least}, ${median}, ${most}`);
        // Of so few people, what they take may be less than what a garbage collector has given back meanwhile.
        assert.ok(name.startsWith('memory') || least >= 0, `${name}: ${least}`);
      }
    }
  }
  assert.deepEqual(scenarios.map(({ scenario }) => scenario.name), ['talk', 'across', 'idle', 'match-rate']);
  assert.ok(counted[0].results.floor.total > 1.9, 'a message costs the floor a read and a write');
  assert.deepEqual((await readdir(out)).sort(), ['across.svg', 'connect.svg', 'cpu.svg', 'memory.svg', 'report.md', 'results.json']);
  assert.equal(await readFile(`${out}/report.md`, 'utf8'), stdout.trimEnd() + '\n');
  await assert.rejects(publish(out, out, []), /--quick/);
  await rm(out, { recursive: true });
});

test('people on several nodes, by --scale: nothing is lost', { timeout: 300000 }, async () => {
  const out = await mkdtemp(`${tmpdir()}/passerby-bench-`);
  await promisify(execFile)(process.execPath, ['tests/bench/bench.mjs', '--scale', '200,400', '--out', out], { cwd: ROOT });
  const results = JSON.parse(await readFile(`${out}/scale.json`, 'utf8'));
  assert.deepEqual(results.map(({ people }) => people), [200, 400]);
  for (const { people, messages, across, node_bytes: bytes } of results) {
    assert.ok(messages >= people, 'everybody has said something');
    assert.equal(across, 1);
    assert.ok(bytes > 0);
  }
  assert.equal((await readdir(out)).filter((name) => name.endsWith('.svg')).length, 4);
  await rm(out, { recursive: true });
});

test('statistics: least, median, most; ratios of both', () => {
  assert.deepEqual(summary([3, 1, 2]), { least: 1, median: 2, most: 3 });
  assert.deepEqual(summary([4, 1, 2, 3]), { least: 1, median: 2.5, most: 4 });
  assert.deepEqual(ratio(summary([3, 4, 5]), summary([1, 2, 3])), { least: 3, median: 2 });
});

test('bars are drawn from zero, texts escaped, and the values are there to be read', () => {
  const bars = [{ label: 'x & y', least: 10, most: 20, ours: true }, { label: 'z', least: 20, most: 20 }];
  const svg = barChart('a < b', 'µs', [{ label: 'who', bars }]);
  const widths = [...svg.matchAll(/<rect x="\d+" y="\d+" width="([\d.]+)"/g)].map(([, width]) => Number(width));
  assert.equal(widths[1], 2 * widths[0]);
  assert.match(svg, /<title id="title">a &lt; b</);
  assert.match(svg, /<desc id="text">who: x &amp; y 10\.0, z 20\.0\.</);
});

test('dots lie on a logarithmic scale', () => {
  const svg = dotChart('t', 'ms', [{ label: 'a', points: [['p50', 1], ['p99', 10], ['p99.9', 100]] }]);
  const [first, second, third] = [...svg.matchAll(/<circle cx="([\d.]+)"/g)].map(([, x]) => Number(x));
  assert.ok(Math.abs((second - first) - (third - second)) < 0.2);
  assert.match(svg, /a: p50 1\.00, p99 10\.0, p99\.9 100\./);
});

test('a line rises with its values, from zero', () => {
  const svg = lineChart('t', [[1000, 1], [10000, 2], [100000, 4]]);
  const [one, two, four] = [...svg.matchAll(/<circle cx="[\d.]+" cy="([\d.]+)"/g)].map(([, y]) => 220 - Number(y));
  assert.ok(Math.abs(two - 2 * one) < 0.3 && Math.abs(four - 4 * one) < 0.3);
  assert.match(svg, /100,000 people: 4\.00\./);
});

test('figures go into the blocks that documents have for them, and nowhere else', () => {
  const text = 'a\n<!-- figures: goals -->\nold\n<!-- /figures -->\nb\n<!-- figures: scale -->\nstays\n<!-- /figures -->\n';
  assert.equal(fill(text, { goals: '| $& |' }), text.replace('old', () => '| $& |'));
});

test('what is published: charts, JSON, and the tables in the documents', async () => {
  const out = await mkdtemp(`${tmpdir()}/passerby-bench-`);
  const value = (least) => ({ least, median: least, most: least });
  const talk = { scenario: { name: 'talk', title: 'T', load: ['--do', 'talk'] }, results: { floor: { message_us: value(10) }, passerby: { message_us: value(9) } } };
  const machine = { cpu: 'C', cpus: 2, memory_bytes: 2 ** 34, kernel: 'K', node: 'N' };
  await writeFile(`${out}/results.json`, JSON.stringify({ machine, rounds: 3, quick: false, scenarios: [talk], counted: [] }));
  await writeFile(`${out}/cpu.svg`, '<svg/>');
  await writeFile(`${out}/page.md`, ['machine', 'goals', 'messages'].map((name) => `<!-- figures: ${name} -->\n<!-- /figures -->\n`).join(''));
  await publish(out, `${out}/results`, [`${out}/page.md`]);
  const page = await readFile(`${out}/page.md`, 'utf8');
  assert.match(page, /2 cores \(C\), 16 GiB, Linux K, Node N, in turn; .* there were 3\./);
  assert.match(page, /1,000 people all talking \| ≤ 1\.10 × \| 0\.90 × \(0\.90 ×\)/);
  assert.match(page, /\| T \| 10\.0 \| 9\.00 \(0\.90 ×\) \|/);
  assert.deepEqual((await readdir(`${out}/results`)).sort(), ['cpu.svg', 'results.json']);
  await assert.rejects(publish(`${out}/results/none`, out, []), /run \.\/dev bench first/);
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
