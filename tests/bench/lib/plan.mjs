// plan.mjs - what a run is to measure, from the command line; and whether what it measured is the whole.

import { counted, scenarios } from './scenarios.mjs';

const ENOUGH_ROUNDS = 7;
const REDIS_MATCH = 'redis-match'; // of no contender
const MOST_SEED = 2 ** 31; // it and the rounds after it fit in 32 bits
const SIZES = [1000, 10000, 100000, 1000000]; // that the documents show

const namesOf = (list) => list.map(({ name }) => name);

function chosen(option, text, known) {
  if (text === undefined) return null;
  const names = text.split(',');
  for (const name of names) if (!known.includes(name)) throw new Error(`--${option}: there is no "${name}"; there are ${known.join(', ')}`);
  return names;
}

function seedOf(text) {
  const seed = wholeNumber('seed', text, 0);
  if (seed > MOST_SEED) throw new Error(`--seed: ${text} is more than ${MOST_SEED}`);
  return seed;
}

function wholeNumber(option, text, least) {
  if (!/^\d+$/.test(text) || Number(text) < least) throw new Error(`--${option}: "${text}" is no number from ${least} on`);
  return Number(text);
}

/** A tenth of the people, the messages, the rate, and half a second. */
function quicken(scenario) {
  const load = [...scenario.load];
  const change = (option, to) => { if (load.includes(option)) load[load.indexOf(option) + 1] = to(load[load.indexOf(option) + 1]); };
  for (const option of ['--people', '--talkers', '--rate', '--messages', '--at-once']) change(option, (value) => Math.max(100, value / 10));
  for (const option of ['--warm', '--seconds']) change(option, (value) => Math.min(0.5, value));
  return { ...scenario, load };
}

/** Throws a sentence where an option makes no sense. */
export function planOf({ rounds, quick, only, of, seed }) {
  const everybody = [...new Set([...scenarios, ...counted].flatMap((scenario) => scenario.of))];
  const plan = {
    rounds: wholeNumber('rounds', rounds ?? (quick ? '1' : String(ENOUGH_ROUNDS)), 1), quick, seed: seedOf(seed ?? String(Math.floor(Math.random() * MOST_SEED))),
    only: chosen('only', only, [...namesOf([...scenarios, ...counted]), REDIS_MATCH]), of: chosen('of', of, everybody),
  };
  const choose = (all) => all.filter(({ name }) => !plan.only || plan.only.includes(name))
    .map((scenario) => ({ ...scenario, of: scenario.of.filter((name) => !plan.of || plan.of.includes(name)) }))
    .filter((scenario) => scenario.of.length > 0)
    .map((scenario) => (quick ? quicken(scenario) : scenario));
  const redisMatch = plan.only ? plan.only.includes(REDIS_MATCH) : !plan.of;
  const work = { scenarios: choose(scenarios), counted: choose(counted), redisMatch };
  if (work.scenarios.length + work.counted.length === 0 && !redisMatch) throw new Error('--only, --of: none of those contenders does any of those scenarios');
  return { plan, ...work };
}

/** --scale 1000,10000: how many people; always pairs. */
export const sizesOf = (text) => text.split(',').map((size) => 2 * Math.round(wholeNumber('scale', size, 2) / 2));

/** Figures are to be of something that can be had again. */
function lackingOfSource({ commit, dirty } = {}) {
  if (!commit) return 'it does not say of which commit it is';
  return dirty ? `it is of ${commit} with changes that are not committed` : '';
}

/** What the results lack to stand for the whole, as a sentence; '' = nothing. */
export function lacking({ machine, plan, scenarios: measured, counted: calls }) {
  const { quick, only, of, rounds } = plan ?? {};
  if (quick) return 'it is of --quick, a tenth of what its headings say';
  if (only || of) return `it is of --${only ? 'only' : 'of'} ${(only ?? of).join(',')}`;
  if (!(rounds >= ENOUGH_ROUNDS)) return `it has ${rounds ?? 'not said how many'} rounds, and ${ENOUGH_ROUNDS} are the least`;
  for (const { name, of: those } of scenarios) {
    const runs = measured.find(({ scenario }) => scenario.name === name)?.runs ?? {};
    const short = those.find((who) => !(runs[who]?.length >= rounds));
    if (short) return `${short} has ${runs[short]?.length ?? 0} of ${rounds} rounds of ${name}`;
  }
  for (const { name, of: those } of counted) {
    const results = calls.find(({ scenario }) => scenario.name === name)?.results ?? {};
    const missing = those.find((who) => !results[who]);
    if (missing) return `${missing} lacks ${name}`;
  }
  return lackingOfSource(machine);
}

/** The same of --scale. */
export function lackingOfScale({ machine, results }) {
  const missing = SIZES.filter((size) => !results?.some(({ people }) => people === size));
  return missing.length > 0 ? `--scale lacks ${missing.join(',')} people` : lackingOfSource(machine);
}
