/* online.js - how many people are connected: as a node said in `hello`, and then as it says every 15 seconds. */

import { byId, setText } from './dom.js';
import { t } from './i18n.js';

const EVERY_MS = 15_000;

export class Online {
  #element = byId('online');
  #wanted;
  #changed;
  /** the last number heard, or null */
  count = /** @type {number | null} */ (null);

  /**
   * @param {() => boolean} wanted whether the number is on show now
   * @param {() => void} changed
   */
  constructor(wanted, changed) {
    this.#wanted = wanted;
    this.#changed = changed;
    setInterval(() => this.refresh(), EVERY_MS);
  }

  /** @param {number} count */
  show(count) {
    this.count = count;
    setText(this.#element, count <= 1 ? t('online.alone') : t('online.people', { n: count }));
  }

  /** Asks for the number, if it is on show. */
  async refresh() {
    if (document.hidden || !navigator.onLine || !this.#wanted()) {
      return;
    }
    try {
      const response = await fetch('api/stats', { headers: { accept: 'application/json' } });
      const { online } = await response.json();
      if (Number.isSafeInteger(online) && online >= 0) {
        this.show(online);
        this.#changed();
      }
    } catch {
      // The number stays as it was; the connection has its own way to tell that it is gone.
    }
  }
}
