// report.mjs - the results as tables, for people.

import { contenders } from './contenders.mjs';
import { figureRows } from './figures.mjs';
import { machineLine, sourceLine } from './machine.mjs';
import { kindOf, optionOf, unmeasured } from './scenarios.mjs';
import { keeps, ratio } from './statistics.mjs';

const number = (value) => (value === undefined ? '' : value >= 999.5 ? Math.round(value).toLocaleString('en') : value.toPrecision(3));
const times = (value) => (value ? `${value.least.toFixed(2)} (${value.median.toFixed(2)})` : '');
const rounds = (value) => (value?.rounds ? `${value.rounds.median.toFixed(2)} (${value.rounds.least.toFixed(2)} to ${value.rounds.most.toFixed(2)})` : '');
const spread = (value) => (value ? `${number(value.least)} (${number(value.median)}, to ${number(value.most)})` : '');

const MEMORY = [['memory', 'bytes a person'], ['memory_net', 'without the empty process']];
const LOAD = [['load_us', 'the load’s CPU µs']];

/** The columns of a kind of scenario: [figure, heading]. The first is compared with the floor. */
const COLUMNS = {
  message: [
    ['message_us', 'CPU µs a message'], ['message_us_redis', 'Redis CPU µs'], ['per_s', 'messages/s'], ['p50_ms', 'p50 ms'],
    ['p99_ms', 'p99 ms'], ['p99.9_ms', 'p99.9 ms'], ...MEMORY, ...LOAD,
  ],
  match: [
    ['match_us', 'CPU µs a match'], ['match_us_redis', 'Redis CPU µs'], ['per_s', 'matches/s'], ['p50_ms', 'p50 ms'], ['p99_ms', 'p99 ms'],
    ['p99.9_ms', 'p99.9 ms'], ...MEMORY, ...LOAD, ['across', 'of them across nodes'],
  ],
  connect: [
    ['connect_us', 'CPU µs to open one'], ['connect_us_redis', 'Redis CPU µs'], ['connect_first_us', 'the first 1,000'],
    ['connect_last_us', 'the last 1,000'], ['connect_flat', 'last ÷ first'], ['close_said_us', 'CPU µs to close one, with a Close'],
    ['close_cut_us', 'without'], ['life_us', 'of its whole life'], ['connects_per_s', 'opened/s, as fast as the load does it'],
    ['memory_connected', 'bytes a connection'], ['memory_connected_net', 'without the empty process'], ['load_us', 'the load’s CPU µs to open one'],
  ],
};

const keeping = (scenario, runs) => runs.filter((run) => keeps(run, optionOf(scenario, '--rate'))).length;

/** † at a contender that in some rounds did less a second than was asked of it. */
export const mark = (scenario, runs = []) => (keeping(scenario, runs) < runs.length ? ' †' : '');

/** The same in few words, for charts. */
export function inShort(scenario, runs) {
  const kept = keeping(scenario, runs);
  return kept > 0 ? `kept the rate in ${kept} of ${runs.length} rounds` : 'never kept the rate: no latency';
}

/** What it did instead, and of which rounds its latency is. */
function shortfall(scenario, runs, figures) {
  const kept = keeping(scenario, runs);
  return `kept the rate in ${kept} of ${runs.length} rounds (in the median one ${number(figures.per_s.median)} of ${number(optionOf(scenario, '--rate'))} a second): `
    + (kept > 0 ? 'its latency is of those' : 'it has no latency');
}

function footnotes(those) {
  return those.flatMap(({ scenario, runs, results }) => Object.entries(results).filter(([name]) => mark(scenario, runs[name]))
    .map(([name, figures]) => `† ${contenders[name].title} ${shortfall(scenario, runs[name], figures)}.`));
}

export function table(head, rows) {
  return [`| ${head.join(' | ')} |`, `|${head.map(() => ' --- |').join('')}`, ...rows.map((row) => `| ${row.join(' | ')} |`)].join('\n');
}

function scenarioTable({ scenario, runs, results }) {
  const columns = COLUMNS[kindOf(scenario)].filter(([name]) => Object.values(results).some((figures) => figures[name]));
  const first = columns[0]?.[0];
  const rows = Object.entries(results).map(([name, figures]) => [
    contenders[name].title + mark(scenario, runs[name]), times(ratio(runs[name], runs.floor, first)), rounds(ratio(runs[name], runs.floor, first)),
    ...columns.map(([figure]) => spread(figures[figure])),
  ]);
  return [table(['', '× floor', 'round by round', ...columns.map(([, heading]) => heading)], rows), ...footnotes([{ scenario, runs, results }])].join('\n\n');
}

function callsTable(scenario, results) {
  const rows = Object.entries(results).map(([name, { total, calls }]) => {
    const parts = Object.entries(calls).filter(([, count]) => count >= 0.01).sort(([, a], [, b]) => b - a);
    return [contenders[name].title, total.toFixed(2), parts.map(([call, count]) => `${call} ${count.toFixed(2)}`).join(', ')];
  });
  return table(['', 'calls', 'of these'], rows);
}

/** CPU of a message: a row for each scenario, a column for each contender; the least, its ratio to the floor's least, the median of the ratios round by
 * round, and Redis' beside it. */
export function messageTable(scenarios) {
  const those = scenarios.filter(({ scenario }) => kindOf(scenario) === 'message');
  const names = Object.keys(contenders).filter((name) => those.some(({ results }) => results[name]));
  const cell = ({ scenario, runs, results }, name) => {
    const figure = results[name]?.message_us;
    const times = ratio(runs[name], runs.floor, 'message_us');
    const redis = results[name]?.message_us_redis;
    const parts = figure && [number(figure.least), name !== 'floor' && times && `(${times.least.toFixed(2)} ×; ${times.rounds.median.toFixed(2)} ×)`, redis && `and ${number(redis.least)} of Redis`];
    return figure ? parts.filter(Boolean).join(' ') + mark(scenario, runs[name]) : '';
  };
  return [table(['CPU µs a message', ...names.map((name) => contenders[name].title)],
    those.map((one) => [one.scenario.title, ...names.map((name) => cell(one, name))])), ...footnotes(those)].join('\n\n');
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

export const goalTable = (result) => table(['', 'goal', 'measured: least (median)', 'round by round: median (least to most)', 'kept'], figureRows(result));

const roundTable = (those) => table(['round', 'began', 'seconds', 'load average before', 'after', 'stolen by other machines, %'],
  those.map(({ began, seconds, load_before: before, load_after: after, steal_percent: steal }, i) => [i + 1, began, seconds, before, after, steal.toFixed(2)]));

export function report({ machine, plan, rounds: those, scenarios, counted }) {
  const parts = [
    '# What ./dev bench found',
    `Measured on ${machineLine(machine)}. Of ${sourceLine(machine)}.`,
    `Of ${plan.rounds} rounds, in an order drawn for each (--seed ${plan.seed}): the least (the median, to the most). × floor: ratio of the least (of the medians); round by round: the median (the least to the most) of each round’s own ratio. “Bytes a person” are all of RssAnon.`,
  ];
  if (plan.quick) parts.push('Of --quick: a tenth of the people, the messages and the rates that the headings say.');
  for (const one of scenarios) parts.push(`### ${one.scenario.title}`, scenarioTable(one));
  for (const { scenario, results } of counted) parts.push(`### ${scenario.title}`, callsTable(scenario, results));
  parts.push('### Goals', goalTable({ machine, scenarios, counted }));
  parts.push('### The rounds', 'The load averages have this benchmark’s own processes in them.', roundTable(those));
  parts.push('### Not measured', unmeasured.map((what) => `- ${what}`).join('\n'));
  return `${parts.join('\n\n')}\n`;
}
