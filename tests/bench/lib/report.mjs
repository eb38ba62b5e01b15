// report.mjs - the results as tables, for people.

import { contenders } from './contenders.mjs';
import { figureRows } from './figures.mjs';
import { machineLine } from './machine.mjs';
import { kindOf, optionOf } from './scenarios.mjs';
import { fallsShort, ratio } from './statistics.mjs';

const number = (value) => (value === undefined ? '' : value >= 1000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3));
const times = (value) => (value ? `${value.least.toFixed(2)} (${value.median.toFixed(2)})` : '');
const spread = (value) => (value ? `${number(value.least)} (${number(value.median)}, to ${number(value.most)})` : '');

/** The columns of a kind of scenario: [figure, heading]. The first is compared with the floor. */
const COLUMNS = {
  message: [
    ['message_us', 'CPU µs a message'], ['message_us_redis', 'Redis CPU µs'], ['per_s', 'messages/s'], ['p50_ms', 'p50 ms'],
    ['p99_ms', 'p99 ms'], ['p99.9_ms', 'p99.9 ms'], ['memory', 'bytes a person'],
  ],
  match: [
    ['match_us', 'CPU µs a match'], ['match_us_redis', 'Redis CPU µs'], ['per_s', 'matches/s'], ['p50_ms', 'p50 ms'], ['p99_ms', 'p99 ms'],
    ['p99.9_ms', 'p99.9 ms'], ['memory', 'bytes a person'], ['across', 'of them across nodes'],
  ],
  connect: [
    ['connect_us', 'CPU µs a connection'], ['connect_first_us', 'the first 1,000'], ['connect_last_us', 'the last 1,000'],
    ['connects_per_s', 'connections/s, as fast as the load makes them'], ['memory_connected', 'bytes a connection'],
  ],
};

/** † at a contender that did less a second than was asked of it. */
export const mark = (scenario, figures) => (fallsShort(figures, optionOf(scenario, '--rate')) ? ' †' : '');

/** What it did instead. */
export const shortfall = (scenario, figures) => `${number(figures.per_s.median)} of ${number(optionOf(scenario, '--rate'))} a second`;

function footnotes(those) {
  return those.flatMap(({ scenario, results }) => Object.entries(results).filter(([, figures]) => mark(scenario, figures))
    .map(([name, figures]) => `† ${contenders[name].title} did ${shortfall(scenario, figures)} in the median round: its latency is that of a growing backlog.`));
}

export function table(head, rows) {
  return [`| ${head.join(' | ')} |`, `|${head.map(() => ' --- |').join('')}`, ...rows.map((row) => `| ${row.join(' | ')} |`)].join('\n');
}

function scenarioTable(scenario, results) {
  const columns = COLUMNS[kindOf(scenario)].filter(([name]) => Object.values(results).some((figures) => figures[name]));
  const first = columns[0]?.[0];
  const rows = Object.entries(results).map(([name, figures]) => [
    contenders[name].title + mark(scenario, figures), times(ratio(figures[first], results.floor?.[first])), ...columns.map(([figure]) => spread(figures[figure])),
  ]);
  return [table(['', '× floor', ...columns.map(([, heading]) => heading)], rows), ...footnotes([{ scenario, results }])].join('\n\n');
}

function callsTable(scenario, results) {
  const rows = Object.entries(results).map(([name, { total, calls }]) => {
    const parts = Object.entries(calls).filter(([, count]) => count >= 0.01).sort(([, a], [, b]) => b - a);
    return [contenders[name].title, total.toFixed(2), parts.map(([call, count]) => `${call} ${count.toFixed(2)}`).join(', ')];
  });
  return table(['', 'calls', 'of these'], rows);
}

/** CPU of a message: a row for each scenario, a column for each contender; of the least, its ratio to the floor's, and Redis' beside it. */
export function messageTable(scenarios) {
  const those = scenarios.filter(({ scenario }) => kindOf(scenario) === 'message');
  const names = Object.keys(contenders).filter((name) => those.some(({ results }) => results[name]));
  const cell = (scenario, results, name) => {
    const figure = results[name]?.message_us;
    const times = ratio(figure, results.floor?.message_us);
    const redis = results[name]?.message_us_redis;
    const parts = figure && [number(figure.least), name !== 'floor' && times && `(${times.least.toFixed(2)} ×)`, redis && `and ${number(redis.least)} of Redis`];
    return figure ? parts.filter(Boolean).join(' ') + mark(scenario, results[name]) : '';
  };
  return [table(['CPU µs a message', ...names.map((name) => contenders[name].title)],
    those.map(({ scenario, results }) => [scenario.title, ...names.map((name) => cell(scenario, results, name))])), ...footnotes(those)].join('\n\n');
}

const SCALE = [
  ['people', 'people'], ['processes', 'nodes'], ['connects_per_s', 'connections/s'], ['connect_us', 'CPU µs each'], ['match_us', 'CPU µs a match'],
  ['match_redis_us', 'Redis'], ['messages', 'messages'], ['messages_per_s', 'a second'], ['message_us', 'CPU µs each'], ['message_redis_us', 'Redis'],
  ['p50_ms', 'p50 ms'], ['p99_ms', 'p99 ms'], ['node_bytes', 'node bytes a person'], ['redis_bytes', 'Redis bytes'],
  ['all_bytes', 'all bytes, both ends and the kernel'], ['kernel_bytes', 'the kernel’s, of each end'], ['syncs', 'sync'], ['repeated', 'repeated'], ['gaps', 'gaps'], ['aways', 'away'],
];

/* What the whole machine has less: of few people that is lost in what else it does meanwhile. */
const isLost = (name, { people }) => ['all_bytes', 'kernel_bytes'].includes(name) && people < 10_000;
const scaleCell = (name, figures) => {
  if (isLost(name, figures)) return '–';
  return Number.isInteger(figures[name]) ? figures[name].toLocaleString('en') : number(figures[name]);
};

export const scaleTable = (results) => table(SCALE.map(([, heading]) => heading),
  results.map((figures) => SCALE.map(([name]) => scaleCell(name, figures))));

export const goalTable = (result) => table(['', 'goal', 'measured: least (median)', 'kept'], figureRows(result));

export function report({ machine, plan, scenarios, counted }) {
  const parts = [
    '# What ./dev bench found',
    `Measured on ${machineLine(machine)}.`,
    `Of ${plan.rounds} rounds, in turn: the least (the median, to the most). × floor: ratio of the least (of the medians).`,
  ];
  if (plan.quick) parts.push('Of --quick: a tenth of the people, the messages and the rates that the headings say.');
  for (const { scenario, results } of scenarios) parts.push(`### ${scenario.title}`, scenarioTable(scenario, results));
  for (const { scenario, results } of counted) parts.push(`### ${scenario.title}`, callsTable(scenario, results));
  parts.push('### Goals', goalTable({ machine, scenarios, counted }));
  return `${parts.join('\n\n')}\n`;
}
