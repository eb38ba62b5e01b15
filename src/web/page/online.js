/* online.js - how many people are connected: as a node said in `hello`, and then as it says every 15 seconds; and, from
 * that, whether the server can be reached at all. */

import { byId, setText } from './dom.js';
import { t } from './i18n.js';

const EVERY_MS = 15_000;

export class Online {
  #element = byId('online');
  #wanted;
  #changed;
  #link = 'closed';
  /** the last number heard, or null */
  count = /** @type {number | null} */ (null);
  /** whether the last question was answered */
  reachable = true;

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
    this.render(this.#link);
  }

  /** @param {string} link the state of the connection that is to carry messages */
  render(link) {
    this.#link = link;
    this.#element.dataset.state = link === 'open' ? 'here' : 'away';
    setText(this.#element, this.#text());
  }

  #text() {
    if (this.#link === 'closed') {
      return '';
    }
    if (this.#link !== 'open' || this.count === null) {
      return t('online.connecting');
    }
    return this.count <= 1 ? t('online.alone') : t('online.people', { n: this.count });
  }

  /** Asks for the number, if it is on show. */
  async refresh() {
    if (document.hidden || !navigator.onLine || !this.#wanted()) {
      return;
    }
    try {
      const response = await fetch('api/stats', { headers: { accept: 'application/json' } });
      const { online } = await response.json();
      this.reachable = response.ok;
      if (Number.isSafeInteger(online) && online >= 0) {
        this.show(online);
      }
    } catch {
      this.reachable = false; // the number stays as it was
    }
    this.#changed();
  }
}
