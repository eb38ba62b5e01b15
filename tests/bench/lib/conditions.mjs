// conditions.mjs - how quiet the machine was during a round.

import { readFileSync } from 'node:fs';

const STEAL = 7; // the column of /proc/stat: time in which the hypervisor ran somebody else

function ticks() {
  const [, ...columns] = /^cpu .*$/m.exec(readFileSync('/proc/stat', 'utf8'))[0].split(/\s+/);
  const numbers = columns.slice(0, 8).map(Number);
  return { all: numbers.reduce((a, b) => a + b, 0), steal: numbers[STEAL] };
}

const average = () => Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0]);

/** Begins a round; what it returns ends it: { began, seconds, load_before, load_after, steal_percent }. */
export function watchRound() {
  const before = { at: Date.now(), load: average(), ...ticks() };
  return () => {
    const after = ticks();
    return {
      began: new Date(before.at).toISOString(), seconds: Math.round((Date.now() - before.at) / 1000), load_before: before.load, load_after: average(),
      steal_percent: (100 * (after.steal - before.steal)) / Math.max(1, after.all - before.all),
    };
  };
}
