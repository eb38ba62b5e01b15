/* emitter.js - listeners by event name. */

/** @typedef {(detail: any, type: string) => void} Listener */

export class Emitter {
  /** @type {Map<string, Set<Listener>>} */
  #listeners = new Map();

  /**
   * Calls `listener` on every event of that type; `*` stands for all.
   * @param {string} type
   * @param {Listener} listener
   * @returns {() => void} call it to stop
   */
  on(type, listener) {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /**
   * @param {string} type
   * @param {unknown} detail
   * @param {(error: unknown) => void} failed what a listener threw ends here, so that the others still hear
   */
  emit(type, detail, failed) {
    for (const name of [type, '*']) {
      for (const listener of [...(this.#listeners.get(name) ?? [])]) {
        try {
          listener(detail, type);
        } catch (error) {
          failed(error);
        }
      }
    }
  }
}
