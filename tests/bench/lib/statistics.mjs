// statistics.mjs - of the rounds: least, median, most; ratios to the floor, of these and round by round.
//
// Whatever else runs on the machine only ever adds to a cost, so the least of several rounds is the best estimate of what the work
// itself costs. But the least of two contenders may be of two different moments: so beside it stands what each round says by itself, where
// both had the same neighbours, and how far the rounds are apart.

export function summary(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { least: sorted[0], median, most: sorted.at(-1) };
}

/** Whether a round did as much a second as was asked; if not, its latencies are those of a growing backlog. */
export const keeps = (run, rate) => rate === undefined || run.per_s === undefined || run.per_s >= 0.99 * rate;

/** Runs → for each figure its summary; latencies (`_ms`) of those rounds alone that kept the rate, if any. */
export function summarise(runs, rate) {
  const names = new Set(runs.flatMap(Object.keys));
  const all = {};
  for (const name of names) {
    const values = runs.filter((run) => run[name] !== undefined && (!name.endsWith('_ms') || keeps(run, rate))).map((run) => run[name]);
    if (values.length > 0) all[name] = summary(values);
  }
  return all;
}

/** Of the least, of the medians, and of each round (`rounds`: a summary): of `figure` in the runs of the one and of the other. */
export function ratio(mine = [], base = [], figure, other = figure) {
  const [above, below] = [summarise(mine)[figure], summarise(base)[other]];
  if (!above || !below || !(below.least > 0)) return undefined;
  const rounds = mine.map((run, i) => run[figure] / base[i]?.[other]).filter(Number.isFinite);
  return { least: above.least / below.least, median: above.median / below.median, rounds: rounds.length > 0 ? summary(rounds) : undefined };
}
