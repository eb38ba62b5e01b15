// charts.mjs - which charts the results make.

import { barChart, dotChart, lineChart } from './chart.mjs';
import { contenders } from './contenders.mjs';
import { mark, shortfall } from './report.mjs';
import { summary } from './statistics.mjs';

const ACROSS = ['across', 'rate']; // those with Socket.IO: beside it all others would be a line
const ours = (name) => name.startsWith('passerby');

/** Of the scenarios that have it, the figure of each contender. */
function groupsOf(scenarios, figure, chosen = () => true) {
  return scenarios.filter(({ scenario }) => chosen(scenario)).map(({ scenario, results }) => ({
    label: scenario.title,
    bars: Object.entries(results).filter(([, figures]) => figures[figure]).map(([name, figures]) => ({
      label: contenders[name].title + mark(scenario, figures), least: figures[figure].least, most: figures[figure].most, ours: ours(name),
    })),
  })).filter(({ bars }) => bars.length > 1);
}

/** What Redis does for a message counts as well. */
function withRedis({ scenario, runs, results }) {
  const all = Object.entries(results).map(([name, figures]) => [name, figures.message_us_redis
    ? { ...figures, message_us: summary(runs[name].map((run) => run.message_us + run.message_us_redis)) } : figures]);
  return { scenario, runs, results: Object.fromEntries(all) };
}

function latencies({ scenario, results }) {
  return Object.entries(results).filter(([, figures]) => figures.p50_ms).map(([name, figures]) => ({
    label: contenders[name].title, note: mark(scenario, figures) && `did ${shortfall(scenario, figures)}`, ours: ours(name),
    points: ['p50', 'p99', 'p99.9'].map((point) => [point, figures[`${point}_ms`]]),
  }));
}

/** File name → SVG, of what was measured. */
export function charts(scenarios) {
  const all = {};
  const bars = (file, title, unit, groups) => {
    const legend = groups.some((group) => group.bars.some(({ label }) => label.endsWith('†'))) ? '; † did less than was asked' : '';
    if (groups.length > 0) all[file] = barChart(title, unit, groups, legend);
  };
  bars('cpu.svg', 'What a message costs the relay', 'CPU in µs', groupsOf(scenarios, 'message_us', ({ name }) => !ACROSS.includes(name)));
  bars('across.svg', 'The same across two nodes, and with little to do', 'CPU in µs, Redis’ included',
    groupsOf(scenarios.map(withRedis), 'message_us', ({ name }) => ACROSS.includes(name)));
  bars('connect.svg', 'What a connection costs the relay', 'CPU in µs', groupsOf(scenarios, 'connect_us', ({ name }) => name === 'idle'));
  bars('memory.svg', 'The relay’s own memory', 'bytes a person', [
    ...groupsOf(scenarios, 'memory_connected', ({ name }) => name === 'idle'), ...groupsOf(scenarios, 'memory', ({ name }) => name === 'rate'),
  ]);
  const rate = scenarios.find(({ scenario }) => scenario.name === 'rate');
  const rows = rate ? latencies(rate) : [];
  if (rows.length > 0) all['latency.svg'] = dotChart('From one person to the other, at 10,000 messages a second', 'ms', rows);
  return all;
}

const SCALE = {
  memory: ['node_bytes', 'bytes of a node, for each person'], cpu: ['message_us', 'CPU µs of the nodes, for each message'],
  redis: ['message_redis_us', 'CPU µs of Redis, for each message'], latency: ['p99_ms', 'p99 latency, ms', true],
};

/** The same of --scale: how costs grow with the number of people. */
export function scaleCharts({ rate, results }) {
  const conditions = `${rate.toLocaleString('en')} messages a second in all at each size, one run each`;
  return Object.fromEntries(Object.entries(results.length > 1 ? SCALE : {}).map(([name, [figure, title, logarithmic]]) => [`scale-${name}.svg`,
    lineChart(title, conditions, results.map((figures) => [figures.people, figures[figure], `${figures.processes} nodes`]), logarithmic)]));
}
