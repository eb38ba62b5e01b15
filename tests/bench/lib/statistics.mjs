// statistics.mjs - of the rounds: least, median, most; ratios to the floor.
//
// Whatever else runs on the machine only ever adds to a cost, so the least of several rounds is the best estimate of what the work
// itself costs. The median and the spread say how much to believe it.

export function summary(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { least: sorted[0], median, most: sorted.at(-1) };
}

/** Runs → for each figure its summary. */
export function summarise(runs) {
  const names = new Set(runs.flatMap(Object.keys));
  return Object.fromEntries([...names].map((name) => [name, summary(runs.map((run) => run[name]).filter((value) => value !== undefined))]));
}

/** Less was done a second, in the median round, than was asked: latencies are then those of a growing backlog. */
export const fallsShort = (figures, rate) => rate !== undefined && figures?.per_s !== undefined && figures.per_s.median < 0.99 * rate;

/** Of the least and of the medians. */
export function ratio(mine, base) {
  return mine && base && base.least > 0 ? { least: mine.least / base.least, median: mine.median / base.median } : undefined;
}
