/* timers.js - timers with names: setting one replaces it, and all can be stopped at once. */

/**
 * @typedef {object} Clock Where time comes from; tests bring their own.
 * @property {() => number} now milliseconds
 * @property {(fire: () => void, ms: number) => unknown} setTimeout
 * @property {(handle: any) => void} clearTimeout
 */

/** @type {Clock} */
export const systemClock = {
  now: () => Date.now(),
  setTimeout: (fire, ms) => setTimeout(fire, ms),
  clearTimeout: (handle) => clearTimeout(handle),
};

export class Timers {
  /** @type {Map<string, unknown>} */
  #handles = new Map();
  #clock;

  /** @param {Clock} clock */
  constructor(clock) {
    this.#clock = clock;
  }

  /**
   * @param {string} name
   * @param {number} ms
   * @param {() => void} fire
   */
  set(name, ms, fire) {
    this.clear(name);
    const handle = this.#clock.setTimeout(
      () => {
        this.#handles.delete(name);
        fire();
      },
      Math.max(0, ms),
    );
    this.#handles.set(name, handle);
  }

  /** @param {string} name */
  has(name) {
    return this.#handles.has(name);
  }

  /** @param {string[]} names */
  clear(...names) {
    for (const name of names) {
      if (this.#handles.has(name)) {
        this.#clock.clearTimeout(this.#handles.get(name));
        this.#handles.delete(name);
      }
    }
  }

  clearAll() {
    this.clear(...this.#handles.keys());
  }
}
