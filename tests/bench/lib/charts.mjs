// charts.mjs - which charts the results make.

import { barChart, dotChart } from './chart.mjs';
import { contenders } from './contenders.mjs';
import { mark, shortfall } from './report.mjs';

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

function latencies({ scenario, results }) {
  return Object.entries(results).map(([name, figures]) => ({
    label: contenders[name].title, note: mark(scenario, figures) && `did ${shortfall(scenario, figures)}`, ours: ours(name),
    points: ['p50', 'p99', 'p99.9'].map((point) => [point, Math.max(0.001, figures[`${point}_ms`].least)]),
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
  bars('across.svg', 'The same across two nodes, and with little to do', 'CPU in µs, without Redis',
    groupsOf(scenarios, 'message_us', ({ name }) => ACROSS.includes(name)));
  bars('connect.svg', 'What a connection costs the relay', 'CPU in µs', groupsOf(scenarios, 'connect_us', ({ name }) => name === 'idle'));
  bars('memory.svg', 'The relay’s own memory', 'bytes a person', [
    ...groupsOf(scenarios, 'memory_connected', ({ name }) => name === 'idle'), ...groupsOf(scenarios, 'memory', ({ name }) => name === 'rate'),
  ]);
  const rate = scenarios.find(({ scenario }) => scenario.name === 'rate');
  if (rate) all['latency.svg'] = dotChart('From one person to the other, at 10,000 messages a second', 'ms', latencies(rate));
  return all;
}
