/* notices.js - the sentence about the connection, and what to do about it: which one goes with the state, and showing it.
 *
 * It is spoken once when it comes; a clock in it may then run without being spoken each second. */

import { byId, setText } from './dom.js';
import { duration, t } from './i18n.js';

/** A notice that is gone again within this time is not shown. */
const SHOWN_AFTER_MS = 600;
/** From so many failed attempts on, the server counts as unreachable. */
const UNREACHABLE_AFTER = 4;

/** @typedef {import('./view.js').State} State */

/** @param {State} state */
const isTrying = ({ link }) => link.state === 'pausing' || link.state === 'connecting';

/**
 * What stands between this side and the server, or ''.
 * @param {State} state
 */
function connectionNotice(state) {
  if (!state.online) {
    return state.doing === 'talking' ? 'notice.offline' : 'notice.offline_idle';
  }
  if (isTrying(state) && state.link.failures >= UNREACHABLE_AFTER) {
    return state.reachable ? 'notice.blocked' : 'notice.unreachable';
  }
  if (state.chat && isTrying(state)) {
    return 'notice.lost';
  }
  return state.chat && !state.chat.attached ? 'notice.resuming' : '';
}

/**
 * The key of the notice that goes with the state, or ''.
 * @param {State} state
 */
export function noticeOf(state) {
  const connection = connectionNotice(state);
  if (connection) {
    return connection;
  }
  if (state.chat && !state.chat.here) {
    return 'notice.away';
  }
  return state.complaint || (state.chat || state.stored ? '' : 'notice.storage');
}

export class Notices {
  #element = byId('notice');
  #announce;
  #key = '';
  /** @type {number | undefined} */
  #timer;

  /** @param {(text: string) => void} announce */
  constructor(announce) {
    this.#announce = announce;
  }

  /** @param {State} state */
  render(state) {
    const key = noticeOf(state);
    const text = key && t(key, { time: duration(state.graceUntil - Date.now()) });
    if (key === this.#key) {
      if (this.#timer === undefined) {
        setText(this.#element, text);
      }
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const wait = key !== '' && this.#key === '';
    this.#key = key;
    if (wait) {
      this.#timer = setTimeout(() => this.#show(text), SHOWN_AFTER_MS);
    } else {
      this.#show(text);
    }
  }

  /** @param {string} text */
  #show(text) {
    this.#timer = undefined;
    setText(this.#element, text);
    this.#announce(text);
  }
}
