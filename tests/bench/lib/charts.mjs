// charts.mjs - which charts the results make.

import { barChart, dotChart, lineChart } from './chart.mjs';
import { contenders } from './contenders.mjs';
import { inShort, mark } from './report.mjs';
import { summary } from './statistics.mjs';

const ACROSS = ['across', 'rate', 'rate-30000']; // those with Socket.IO: beside it all others would be a line
const ours = (name) => name.startsWith('passerby');

/** Of the scenarios that have it, the figure of each contender. */
function groupsOf(scenarios, figure, chosen = () => true, label = undefined) {
  return scenarios.filter(({ scenario }) => chosen(scenario)).map(({ scenario, runs, results }) => ({
    label: label ?? scenario.title,
    bars: Object.entries(results).filter(([, figures]) => figures[figure]).map(([name, figures]) => ({
      label: contenders[name].title + mark(scenario, runs[name]), ...figures[figure], ours: ours(name),
    })),
  })).filter(({ bars }) => bars.length > 1);
}

/** What Redis does for a message counts as well. */
function withRedis({ scenario, runs, results }) {
  const all = Object.entries(results).map(([name, figures]) => [name, figures.message_us_redis
    ? { ...figures, message_us: summary(runs[name].map((run) => run.message_us + run.message_us_redis)) } : figures]);
  return { scenario, runs, results: Object.fromEntries(all) };
}

function latencies({ scenario, runs, results }) {
  return Object.entries(results).map(([name, figures]) => ({
    label: contenders[name].title, note: mark(scenario, runs[name]) && inShort(scenario, runs[name]), ours: ours(name),
    points: ['p50', 'p99', 'p99.9'].filter((point) => figures[`${point}_ms`]).map((point) => [point, figures[`${point}_ms`]]),
  }));
}

/** File name → SVG, of what was measured. */
export function charts(scenarios) {
  const all = {};
  const bars = (file, title, unit, groups) => {
    const legend = groups.some((group) => group.bars.some(({ label }) => label.endsWith('†'))) ? '; † was too slow' : '';
    if (groups.length > 0) all[file] = barChart(title, unit, groups, legend);
  };
  bars('cpu.svg', 'What a message costs the relay', 'CPU in µs', groupsOf(scenarios, 'message_us', ({ name }) => !ACROSS.includes(name)));
  bars('across.svg', 'The same across two nodes, and with little to do', 'CPU in µs, Redis’ included',
    groupsOf(scenarios.map(withRedis), 'message_us', ({ name }) => ACROSS.includes(name)));
  const isIdle = ({ name }) => name === 'idle';
  bars('connect.svg', 'What a connection costs the relay', 'CPU in µs, without Redis’', [
    ...groupsOf(scenarios, 'connect_us', isIdle, 'to open it'), ...groupsOf(scenarios, 'close_said_us', isIdle, 'to close it, with a Close'),
    ...groupsOf(scenarios, 'close_cut_us', isIdle, 'to close it, without'),
  ]);
  bars('memory.svg', 'The relay’s own memory', 'bytes a person', [
    ...groupsOf(scenarios, 'memory_connected', isIdle), ...groupsOf(scenarios, 'memory', ({ name }) => name === 'rate'),
  ]);
  for (const [name, file, rate] of [['rate', 'latency.svg', '10,000'], ['rate-30000', 'latency-30000.svg', '30,000']]) {
    const one = scenarios.find(({ scenario }) => scenario.name === name);
    const rows = one ? latencies(one) : [];
    if (rows.some(({ points }) => points.length > 0)) all[file] = dotChart(`From one person to the other, at ${rate} messages a second`, 'ms', rows);
  }
  return all;
}

const PINGS = 'Pings, one in 2 minutes, are in the million alone: it takes so long that everybody says something.';
const SCALE = {
  memory: ['node_bytes', 'bytes of a node, for each person'],
  cpu: ['message_us', 'CPU µs of the nodes, for each message', PINGS],
  redis: ['message_redis_us', 'CPU µs of Redis, for each message', 'It falls as the cores are short of time: frames wait for them, and more go into one PUBLISH.'],
  latency: ['p99_ms', 'p99 latency, ms', 'Nodes, loads and Redis share the cores: at a million it is the wait for them.', true],
};

/** The same of --scale: how costs grow with the number of people. */
export function scaleCharts({ rate, results }) {
  const conditions = `${rate.toLocaleString('en')} messages a second in all at each size, one run each`;
  return Object.fromEntries(Object.entries(results.length > 1 ? SCALE : {}).map(([name, [figure, title, note, logarithmic]]) => [`scale-${name}.svg`,
    lineChart(title, conditions, results.map((figures) => [figures.people, figures[figure], `${figures.processes} nodes`]), { logarithmic, note })]));
}
