// figures.mjs - the figures that were to be reached, from the results: what, goal, measured, and whether it was reached.

import { optionOf } from './scenarios.mjs';
import { fallsShort, ratio } from './statistics.mjs';

/* So many digits that a figure near its goal shows on which side it is. */
const digits = (value) => value.toFixed(value < 10 ? 3 : 1);
const text = ({ least, median }, unit) => `${digits(least)}${unit} (${digits(median)}${unit})`;

/** "yes", "by the least" of the rounds alone, or "no"; as measured, not as shown. */
function kept(value, most) {
  if (value.least > most) return 'no';
  return value.median > most ? 'by the least' : 'yes';
}

/** What was measured in this run; a row whose scenarios were left out is left out. */
export function figureRows({ machine, scenarios, counted }) {
  const rows = [];
  const find = (name) => scenarios.find(({ scenario }) => scenario.name === name);
  const of = (name, who = 'passerby') => find(name)?.results[who];
  const toFloor = (name, figure, who) => ratio(of(name, who)?.[figure], of(name, 'floor')?.[figure]);
  const times = (value, by) => value && { least: value.least * by, median: value.median * by };
  const add = (what, most, unit, value) => {
    if (value) rows.push([what, most ? `≤ ${most}${unit}` : '', text(value, unit), most ? kept(value, most) : '']);
  };
  const addCalls = (what, most, name) => {
    const total = counted.find(({ scenario }) => scenario.name === name)?.results.passerby?.total;
    if (total !== undefined) rows.push([what, `≤ ${most}`, total.toFixed(2), total <= most ? 'yes' : 'no']);
  };
  /* Latency at a rate says nothing of who did not keep it, nor of who is compared with such a one. */
  const addLatency = (what, most, unit, name, who, value) => {
    const late = ['floor', who].filter((one) => fallsShort(of(name, one), find(name) && optionOf(find(name).scenario, '--rate')));
    if (late.length > 0) rows.push([what, `≤ ${most}${unit}`, `${late.join(' and ')} did not keep the rate`, '']);
    else add(what, most, unit, value);
  };
  const addMemory = (what, name, who) => {
    const value = times(of(name, who)?.memory, 1 / 1024);
    if (machine.system.includes('GNU/Linux 12')) add(`${what}, on Debian 12`, 2, ' KiB', value);
    else if (machine.system.includes('GNU/Linux 13')) add(`${what}, on Debian 13`, 2.5, ' KiB', value);
  };

  add('CPU of a message to the floor’s: 1,000 people all talking', 1.1, ' ×', toFloor('talk', 'message_us'));
  add('the same, 10,000 people, 200 pairs talking', 1.1, ' ×', toFloor('few', 'message_us'));
  add('the same, 10,000 people all talking', 1.1, ' ×', toFloor('all', 'message_us'));
  add('the same, 1,000 people, 1 KB each time', 1, ' ×', toFloor('talk-1k', 'message_us'));
  addCalls('system calls of a frame, people without acks: saturated', 2.05, 'calls');
  addCalls('the same, at 2,000 a second', 3.05, 'calls-rate');
  add('CPU of a message with 10,000 connections, to that with 1,000, 200 pairs talking', 1.1, ' ×',
    ratio(of('few')?.message_us, of('few-of-1000')?.message_us));
  addMemory('memory of one of 10,000 people in chats', 'rate');
  addMemory('the same, across two nodes', 'rate', 'passerby-redis');
  addMemory('the same, of those who searched at once on one node', 'match-once');
  add('CPU of a connection to the floor’s: all 19,000', 1.4, ' ×', toFloor('idle', 'connect_us'));
  add('the same: the first 1,000', 1.4, ' ×', toFloor('idle', 'connect_first_us'));
  add('the same: the last', 1.4, ' ×', toFloor('idle', 'connect_last_us'));
  addLatency('p99 latency at 10,000 messages a second, to the floor’s: one node', 1.3, ' ×', 'rate', 'passerby', toFloor('rate', 'p99_ms'));
  addLatency('the same, across two', 3, ' ×', 'rate', 'passerby-redis', toFloor('rate', 'p99_ms', 'passerby-redis'));
  add('CPU of a message across two nodes, of both, to that within one: saturated', 1.3, ' ×',
    ratio(of('across', 'passerby-redis')?.message_us, of('across')?.message_us));
  add('the same, at 10,000 a second', 1.3, ' ×', ratio(of('rate', 'passerby-redis')?.message_us, of('rate')?.message_us));
  add('Redis’ CPU of a message with its ack, across: saturated', 0.3, ' µs', of('across', 'passerby-redis')?.message_us_redis);
  add('the same, at 10,000 a second', 0, ' µs', of('rate', 'passerby-redis')?.message_us_redis);
  add('Redis’ CPU of a match, all its messages included: all search at once', 12, ' µs', of('match-once', 'passerby-redis')?.match_us_redis);
  add('the same, with the end of the chat before', 0, ' µs', of('match', 'passerby-redis')?.match_us_redis);
  add('the same, at 1,000 matches a second over three nodes', 0, ' µs', of('match-rate', 'passerby-3')?.match_us_redis);
  addLatency('from find to matched, p99, at 1,000 matches a second over three nodes', 10, ' ms', 'match-rate', 'passerby-3',
    of('match-rate', 'passerby-3')?.p99_ms);
  return rows;
}
