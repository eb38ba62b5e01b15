/* view.js - what the page shows: one of three screens, the stranger's presence, notices about the connection, the
 * waiting clock.
 *
 * render() is given the whole state each time, and changes only what differs. */

import { byId, setText } from './dom.js';
import { duration, t } from './i18n.js';

/** A notice that is gone again within this time is not shown. */
const NOTICE_AFTER_MS = 600;
/** From so many failed attempts on, the server counts as unreachable. */
const UNREACHABLE_AFTER = 4;

/**
 * @typedef {{ reason: string, unsent: number }} Ending
 * @typedef {object} State
 * @property {'idle' | 'waiting' | 'talking'} doing
 * @property {{ state: string, failures: number }} link
 * @property {{ here: boolean, typing: boolean, attached: boolean } | null} chat
 * @property {Ending | null} ending how the conversation on show ended
 * @property {boolean} online the browser thinks that it has a network
 * @property {boolean} queued
 * @property {number} graceMs for which the stranger's place is kept
 * @property {number} waitingSince
 * @property {number} unsent messages of the chat just left that may not have arrived
 * @property {string[]} topics searched for
 * @property {number | null} people how many are connected
 * @property {string} complaint a notice that stands until something is done about it
 */

/**
 * The screen that goes with the state.
 * @param {State} state
 * @returns {'start' | 'waiting' | 'talk' | 'ended'}
 */
export function screenOf(state) {
  if (state.doing === 'talking') {
    return 'talk';
  }
  if (state.doing === 'waiting') {
    return 'waiting';
  }
  return state.ending ? 'ended' : 'start';
}

/**
 * The notice that goes with the state, or ''.
 * @param {State} state
 */
export function noticeOf(state) {
  const { link, chat } = state;
  const trying = link.state === 'pausing' || link.state === 'connecting';
  if (!state.online) {
    return t('notice.offline');
  }
  if (trying && link.failures >= UNREACHABLE_AFTER) {
    return t('notice.unreachable');
  }
  if (chat && trying) {
    return t('notice.lost');
  }
  if (chat && !chat.attached) {
    return t('notice.resuming');
  }
  if (chat && !chat.here) {
    return t('notice.away', { time: duration(state.graceMs) });
  }
  return state.complaint;
}

/** @param {State} state */
function presenceOf({ chat }) {
  if (!chat) {
    return 'gone';
  }
  if (!chat.here) {
    return 'away';
  }
  return chat.typing ? 'typing' : 'here';
}

export class View {
  #notice = byId('notice');
  #elapsed = byId('elapsed');
  /** @type {State | null} */
  #state = null;
  /** @type {number | undefined} */
  #noticeTimer;

  /** @param {(screen: string) => void} arrived hears of each change of screen */
  constructor(arrived) {
    this.arrived = arrived;
    setInterval(() => this.#tick(), 1000);
  }

  /** @param {State} state */
  render(state) {
    const before = this.#state && screenOf(this.#state);
    const screen = screenOf(state);
    this.#state = state;
    document.body.dataset.screen = screen;
    byId('start').hidden = screen !== 'start';
    byId('waiting').hidden = screen !== 'waiting';
    byId('talk').hidden = screen !== 'talk' && screen !== 'ended';
    byId('ended').hidden = screen !== 'ended';
    this.#renderNotice(noticeOf(state));
    this.#renderWaiting(state);
    this.#renderPresence(presenceOf(state));
    this.#renderEnding(state.ending);
    this.#tick();
    if (before !== screen) {
      this.arrived(screen);
    }
  }

  /** @param {string} text */
  #renderNotice(text) {
    clearTimeout(this.#noticeTimer);
    if (text === '' || this.#notice.textContent !== '') {
      setText(this.#notice, text);
    } else {
      this.#noticeTimer = setTimeout(() => setText(this.#notice, text), NOTICE_AFTER_MS);
    }
  }

  /** @param {State} state */
  #renderWaiting(state) {
    setText(byId('waiting-title'), t(state.queued ? 'waiting.title' : 'waiting.connecting'));
    const unsent = byId('waiting-unsent');
    unsent.hidden = state.unsent === 0;
    setText(unsent, state.unsent === 0 ? '' : t('ended.unsent', { n: state.unsent }));
    let hint = '';
    if (state.people !== null && state.people <= 1) {
      hint = t('waiting.alone');
    } else if (state.topics.length > 0) {
      // First strong isolates (U+2068, U+2069): topics are people's texts and may be written in either direction.
      hint = t('waiting.topics', { topics: state.topics.map((topic) => `\u2068${topic}\u2069`).join(', ') });
    }
    setText(byId('waiting-hint'), hint);
  }

  /** @param {string} presence */
  #renderPresence(presence) {
    byId('presence').dataset.presence = presence;
    setText(byId('presence-text'), t(`talk.${presence}`));
    byId('typing').hidden = presence !== 'typing';
  }

  /** @param {Ending | null} ending */
  #renderEnding(ending) {
    setText(byId('ended-title'), ending ? t(`ended.${ending.reason}`) : '');
    const unsent = byId('ended-unsent');
    unsent.hidden = !ending || ending.unsent === 0;
    setText(unsent, ending && ending.unsent > 0 ? t('ended.unsent', { n: ending.unsent }) : '');
  }

  #tick() {
    if (this.#state?.doing === 'waiting') {
      setText(this.#elapsed, t('waiting.since', { time: duration(Date.now() - this.#state.waitingSince) }));
    }
  }
}
