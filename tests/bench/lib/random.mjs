// random.mjs - an order that nobody chose, and that can be had again: from a seed.

/** Numbers from 0 to 1 (mulberry32, public domain, by Tommy Ettinger). */
export function randomOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The same in another order (Fisher and Yates). */
export function shuffled(list, random) {
  const copy = [...list];
  for (let left = copy.length; left > 1; left--) {
    const chosen = Math.floor(random() * left);
    [copy[left - 1], copy[chosen]] = [copy[chosen], copy[left - 1]];
  }
  return copy;
}
