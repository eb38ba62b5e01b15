/* clock.mjs - time that stands still until it is moved, and random numbers that come again. */

export class FakeClock {
  #now = 1_000_000;
  #timers = [];
  #order = 0;

  now = () => this.#now;

  setTimeout = (fire, ms) => {
    const timer = { at: this.#now + ms, order: (this.#order += 1), fire };
    this.#timers.push(timer);
    return timer;
  };

  clearTimeout = (timer) => {
    this.#timers = this.#timers.filter((other) => other !== timer);
  };

  /** How many timers are set. */
  get pending() {
    return this.#timers.length;
  }

  /** Fires the next timer that is due by `until`, at its time; says whether there was one. */
  step(until = Infinity) {
    this.#timers.sort((a, b) => a.at - b.at || a.order - b.order);
    if (this.#timers.length === 0 || this.#timers[0].at > until) {
      return false;
    }
    const timer = this.#timers.shift();
    this.#now = Math.max(this.#now, timer.at);
    timer.fire();
    return true;
  }

  /** Lets time pass. */
  advance(ms) {
    const until = this.#now + ms;
    while (this.step(until));
    this.#now = until;
  }
}

/** A generator of numbers from 0 to 1 (mulberry32): the same seed gives the same numbers. */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
