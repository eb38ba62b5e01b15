// figures.mjs - the figures that were to be reached, from the results: [what, goal, measured].

import { optionOf } from './scenarios.mjs';
import { fallsShort, ratio } from './statistics.mjs';

const two = (value) => value.toFixed(value < 10 ? 2 : 1);
const pair = (value, unit = '') => value && `${two(value.least)}${unit} (${two(value.median)}${unit})`;

/** What was measured in this run; a row whose scenarios were left out is left out. */
export function figureRows({ machine, scenarios, counted }) {
  const find = (name) => scenarios.find(({ scenario }) => scenario.name === name);
  const of = (name) => find(name)?.results ?? {};
  const calls = (name) => counted.find(({ scenario }) => scenario.name === name)?.results ?? {};
  const toFloor = (name, figure, who = 'passerby') => pair(ratio(of(name)[who]?.[figure], of(name).floor?.[figure]), ' ×');
  const kib = (value) => value && { least: value.least / 1024, median: value.median / 1024 };
  /* Latency at a rate says nothing of who did not keep it, nor of who is compared with such a one. */
  const latency = (name, who, text) => {
    const late = ['floor', who].filter((one) => fallsShort(of(name)[one], find(name) && optionOf(find(name).scenario, '--rate')));
    return late.length > 0 ? `${late.join(' and ')} did not keep the rate` : text;
  };
  const p99 = (who) => latency('rate', who, toFloor('rate', 'p99_ms', who));
  const both = (...texts) => texts.every(Boolean) ? texts.join('; ') : undefined;
  const memory = pair(kib(of('rate').passerby?.memory), ' KiB');
  const memoryOn = (release) => memory && (machine.system.includes(`GNU/Linux ${release}`) ? memory : 'not run here: `./dev bench` there');
  const rows = [
    ['CPU of a message to the floor’s: 1,000 people all talking', '≤ 1.10 ×', toFloor('talk', 'message_us')],
    ['the same, 10,000 people, 200 pairs talking', '≤ 1.10 ×', toFloor('few', 'message_us')],
    ['the same, 10,000 people all talking', '≤ 1.10 ×', toFloor('all', 'message_us')],
    ['the same, 1,000 people, 1 KB each time', '≤ 1.0 ×', toFloor('talk-1k', 'message_us')],
    ['system calls of a frame, people without acks: saturated', '≤ 2.05', calls('calls').passerby?.total.toFixed(2)],
    ['the same, at 2,000 a second', '≤ 3.05', calls('calls-rate').passerby?.total.toFixed(2)],
    ['CPU of a message with 10,000 connections, to that with 1,000, 200 pairs talking', '≤ 1.10 ×',
      pair(ratio(of('few').passerby?.message_us, of('few-of-1000').passerby?.message_us), ' ×')],
    ['memory of one of 10,000 people in chats, on Debian 12', '≤ 2.0 KiB', memoryOn('12')],
    ['the same, on Debian 13', '≤ 2.5 KiB', memoryOn('13')],
    ['CPU of a connection to the floor’s: all 19,000', '≤ 1.4 ×', toFloor('idle', 'connect_us')],
    ['the same: the first 1,000; the last', '≤ 1.4 ×', both(toFloor('idle', 'connect_first_us'), toFloor('idle', 'connect_last_us'))],
    ['p99 latency at 10,000 messages a second, to the floor’s: one node', '≤ 1.3 ×', p99('passerby')],
    ['the same, across two', '≤ 3 ×', p99('passerby-redis')],
    ['CPU of a message across two nodes, of both, to that within one', '≤ 1.3 ×',
      pair(ratio(of('across')['passerby-redis']?.message_us, of('across').passerby?.message_us), ' ×')],
    ['Redis’ CPU of a message with its ack, across, saturated', '≤ 0.3 µs', pair(of('across')['passerby-redis']?.message_us_redis, ' µs')],
    ['Redis’ CPU of a match, all its messages included, saturated', '≤ 12 µs', pair(of('match-once')['passerby-redis']?.match_us_redis, ' µs')],
    ['the same, with the end of the chat before', '', pair(of('match')['passerby-redis']?.match_us_redis, ' µs')],
    ['from find to matched, p99, at 1,000 matches a second over three nodes', '≤ 10 ms', 
      latency('match-rate', 'passerby-3', pair(of('match-rate')['passerby-3']?.p99_ms, ' ms'))],
  ];
  return rows.filter(([, , measured]) => measured !== undefined);
}
