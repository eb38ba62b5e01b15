// figures.mjs - the figures that were to be reached, from the results: what, goal, measured, round by round, and whether it was reached.

import { optionOf } from './scenarios.mjs';
import { keeps, ratio, summary } from './statistics.mjs';

/* So many digits that a figure near its goal shows on which side it is. */
const digits = (value) => value.toFixed(value < 10 ? 3 : 1);
const text = ({ least, median }, unit) => `${digits(least)}${unit} (${digits(median)}${unit})`;
const spread = (rounds) => (rounds ? `${digits(rounds.median)} (${digits(rounds.least)} to ${digits(rounds.most)})` : '');

/** "yes", "by the least" of the rounds alone, or "no"; as measured, not as shown. */
function kept({ least, median, rounds }, most) {
  if (least > most) return 'no';
  return median > most || rounds?.median > most ? 'by the least' : 'yes';
}

function summaryOf(runs, figure) {
  const values = runs.map((run) => run[figure]).filter(Number.isFinite);
  return values.length > 0 ? { ...summary(values), rounds: summary(values) } : undefined;
}

/** Reads the results: of a scenario, the rounds of a contender, and what they say. */
function reader(scenarios) {
  const find = (name) => scenarios.find(({ scenario }) => scenario.name === name);
  const runs = (name, who = 'passerby') => find(name)?.runs[who];
  return {
    runs, of: (name, figure, who) => summaryOf(runs(name, who) ?? [], figure),
    toFloor: (name, figure) => ratio(runs(name), runs(name, 'floor'), figure), rate: (name) => optionOf(find(name).scenario, '--rate'),
  };
}

/** Rows of what was measured in this run; what its scenarios don't have is left out. */
class Rows {
  rows = [];

  constructor({ machine, scenarios, counted }) {
    Object.assign(this, { machine, counted }, reader(scenarios));
  }

  add(what, most, unit, value) {
    if (value) this.rows.push([what, most ? `≤ ${most}${unit}` : '', text(value, unit), spread(value.rounds), most ? kept(value, most) : '']);
  }

  calls(what, most, name) {
    const total = this.counted.find(({ scenario }) => scenario.name === name)?.results.passerby?.total;
    if (total !== undefined) this.rows.push([what, most ? `≤ ${most}` : '', total.toFixed(2), '', most === 0 ? '' : total <= most ? 'yes' : 'no']);
  }

  /* Latency at a rate says nothing of rounds that did not keep it, nor of such as are compared with those. To `base`, or by itself. */
  latency(what, most, unit, name, who, base = who) {
    const [mine, theirs] = [this.runs(name, who), this.runs(name, base)];
    if (!mine || !theirs) return;
    const both = mine.map((_, i) => i).filter((i) => [mine[i], theirs[i]].every((run) => run && keeps(run, this.rate(name))));
    const [above, below] = [mine, theirs].map((runs) => both.map((i) => runs[i]));
    const which = both.length < mine.length ? `, of the ${both.length} of ${mine.length} rounds that kept the rate` : '';
    if (both.length === 0) this.rows.push([what, most ? `≤ ${most}${unit}` : '', 'no round kept the rate', '', most ? 'no' : '']);
    else this.add(what + which, most, unit, base === who ? summaryOf(above, 'p99_ms') : ratio(above, below, 'p99_ms'));
  }

  /* The goal is of everything that the process has; what it has before anybody comes, of few people, is a good part of that. */
  memory(what, name, who) {
    const [, system] = /GNU\/Linux (12|13)/.exec(this.machine.system) ?? [];
    const most = { 12: 2, 13: 2.5 }[system];
    const kib = (figure) => {
      const value = this.of(name, figure, who);
      const scaled = ({ least, median, most: top }) => ({ least: least / 1024, median: median / 1024, most: top / 1024 });
      return value && { ...scaled(value), rounds: scaled(value.rounds) };
    };
    if (most) this.add(`${what}, on Debian ${system}: all that the process has`, most, ' KiB', kib('memory'));
    if (most) this.add('without what it has before anybody comes', 0, ' KiB', kib('memory_net'));
  }
}

function messages(rows) {
  rows.add('CPU of a message to the floor’s: 1,000 people all talking', 1.1, ' ×', rows.toFloor('talk', 'message_us'));
  rows.add('the same, 10,000 people, 200 pairs talking', 1.1, ' ×', rows.toFloor('few', 'message_us'));
  rows.add('the same, 10,000 people all talking', 1.1, ' ×', rows.toFloor('all', 'message_us'));
  rows.add('the same, 1,000 people, 1 KB each time', 1, ' ×', rows.toFloor('talk-1k', 'message_us'));
  rows.calls('system calls of a frame, people without acks: saturated', 2.05, 'calls');
  rows.calls('the same, at 2,000 a second', 3.05, 'calls-rate');
  rows.calls('system calls of a message with its ack, at 2,000 a second', 0, 'calls-rate-acks');
  rows.add('CPU of a message with 10,000 connections, to that with 1,000, 200 pairs talking', 1.1, ' ×',
    ratio(rows.runs('few'), rows.runs('few-of-1000'), 'message_us'));
}

function connections(rows) {
  rows.memory('memory of one of 10,000 people in chats', 'rate');
  rows.memory('memory of one of them, across two nodes', 'rate', 'passerby-redis');
  rows.memory('memory of one of 10,000 who searched at once on one node', 'match-once');
  rows.add('CPU of a connection to the floor’s: all 19,000', 1.4, ' ×', rows.toFloor('idle', 'connect_us'));
  rows.add('the same: the first 1,000', 1.4, ' ×', rows.toFloor('idle', 'connect_first_us'));
  rows.add('the same: the last', 1.4, ' ×', rows.toFloor('idle', 'connect_last_us'));
  rows.add('CPU of a connection, the last thousand to the first', 1.1, ' ×', rows.of('idle', 'connect_flat'));
  rows.add('the same, the floor’s', 0, ' ×', rows.of('idle', 'connect_flat', 'floor'));
  rows.add('CPU of a connection that is closed with a Close, to the floor’s', 0, ' ×', rows.toFloor('idle', 'close_said_us'));
  rows.add('the same, closed without', 0, ' ×', rows.toFloor('idle', 'close_cut_us'));
  rows.add('CPU of a connection, opened and closed, to the floor’s', 0, ' ×', rows.toFloor('idle', 'life_us'));
}

function across(rows) {
  for (const [name, rate, one, two] of [['rate', '10,000', 1.3, 3], ['rate-30000', '30,000', 0, 0]]) {
    rows.latency(`p99 latency at ${rate} messages a second, to the floor’s: one node`, one, ' ×', name, 'passerby', 'floor');
    rows.latency('the same, across two', two, ' ×', name, 'passerby-redis', 'floor');
  }
  rows.add('CPU of a message across two nodes, of both, to that within one: saturated', 1.3, ' ×',
    ratio(rows.runs('across', 'passerby-redis'), rows.runs('across'), 'message_us'));
  for (const [name, rate, most] of [['rate', '10,000', 1.3], ['rate-30000', '30,000', 0]]) {
    rows.add(`the same, at ${rate} a second`, most, ' ×', ratio(rows.runs(name, 'passerby-redis'), rows.runs(name), 'message_us'));
  }
  rows.add('Redis’ CPU of a message with its ack, across: saturated', 0.3, ' µs', rows.of('across', 'message_us_redis', 'passerby-redis'));
  for (const [name, rate] of [['rate', '10,000'], ['rate-30000', '30,000']]) {
    rows.add(`the same, at ${rate} a second`, 0, ' µs', rows.of(name, 'message_us_redis', 'passerby-redis'));
  }
}

function matches(rows) {
  rows.add('Redis’ CPU of a match, all its messages included: all search at once', 12, ' µs', rows.of('match-once', 'match_us_redis', 'passerby-redis'));
  rows.add('the same, with the end of the chat before', 0, ' µs', rows.of('match', 'match_us_redis', 'passerby-redis'));
  rows.add('the same, at 1,000 matches a second over three nodes', 0, ' µs', rows.of('match-rate', 'match_us_redis', 'passerby-3'));
  rows.latency('from find to matched, p99, at 1,000 matches a second over three nodes', 10, ' ms', 'match-rate', 'passerby-3');
}

export function figureRows(results) {
  const rows = new Rows(results);
  for (const part of [messages, connections, across, matches]) part(rows);
  return rows.rows;
}
