// bench.test.mjs - the load notices every lie, and ./dev bench runs from end to end.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { contenders, startLiar } from './lib/contenders.mjs';
import { chart } from './lib/chart.mjs';
import { ROOT, runLoad } from './lib/processes.mjs';
import { ratio, summary } from './lib/statistics.mjs';

const FEW = ['--people', '20', '--do', 'talk', '--warm', '0', '--messages', '500', '--stall', '3'];

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
  for (const options of [FEW, [...FEW, '--plain'], [...FEW.slice(0, 3), 'match', ...FEW.slice(4)]]) {
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
  assert.deepEqual((await readdir(out)).sort(), ['across.svg', 'idle.svg', 'report.md', 'results.json', 'talk.svg']);
  assert.equal(await readFile(`${out}/report.md`, 'utf8'), stdout.trimEnd() + '\n');
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

test('a chart draws bars from zero, and escapes its texts', () => {
  const svg = chart('a < b', 'µs', [{ label: 'x & y', least: 10, most: 20, ours: true }, { label: 'z', least: 20, most: 20 }]);
  const widths = [...svg.matchAll(/<rect x="\d+" y="\d+" width="([\d.]+)"/g)].map(([, width]) => Number(width));
  assert.equal(widths[1], 2 * widths[0]);
  assert.match(svg, /a &lt; b/);
  assert.match(svg, /x &amp; y/);
});
