/* view.js - what the page shows: one of four screens, the stranger's presence, the waiting clock.
 *
 * render() is given the whole state each time, and changes only what differs. */

import { byId, setText } from './dom.js';
import { duration, t } from './i18n.js';
import { Notices } from './notices.js';
import { isolated } from './text.js';

/**
 * @typedef {{ reason: string, unsent: number }} Ending
 * @typedef {object} State
 * @property {'idle' | 'waiting' | 'talking'} doing
 * @property {{ state: string, failures: number }} link
 * @property {{ here: boolean, typing: boolean, attached: boolean } | null} chat
 * @property {Ending | null} ending how the conversation on show ended
 * @property {boolean} online the browser thinks that it has a network
 * @property {boolean} reachable the server answers, if only over HTTP
 * @property {boolean} stored a reload finds everything again
 * @property {boolean} queued a node has said that it looks
 * @property {boolean} again it is the last stranger that is waited for
 * @property {boolean} canMeetAgain
 * @property {number} graceUntil when the stranger's place is given up
 * @property {number} waitingSince
 * @property {number} unsent messages of the chat just left that may not have arrived
 * @property {string[]} topics searched for
 * @property {number | null} people how many are connected
 * @property {string} complaint the key of a notice that stands until something is done about it, or ''
 */

/** The ends that a reload of the page may help against. */
const RELOAD_HELPS = ['version'];

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

/** @param {State} state */
function presenceOf({ chat, ending }) {
  if (!chat) {
    return ending?.reason === 'superseded' ? 'unknown' : 'gone';
  }
  if (!chat.attached) {
    return 'unknown'; // what was last heard of them may hold no more
  }
  if (!chat.here) {
    return 'away';
  }
  return chat.typing ? 'typing' : 'here';
}

/** @param {State} state */
function waitingHint({ again, queued, people, topics }) {
  if (again) {
    return t('waiting.same_hint');
  }
  if (queued && people !== null && people <= 1) {
    return t('waiting.alone');
  }
  return topics.length > 0 ? t('waiting.topics', { topics: topics.map(isolated).join(', ') }) : '';
}

/**
 * @param {string} id
 * @param {number} unsent
 */
function renderUnsent(id, unsent) {
  byId(id).hidden = unsent === 0;
  setText(byId(id), unsent === 0 ? '' : t('ended.unsent', { n: unsent }));
}

export class View {
  #notices;
  #arrived;
  /** @type {State | null} */
  #state = null;

  /**
   * @param {(screen: string) => void} arrived hears of each change of screen
   * @param {(text: string) => void} announce
   */
  constructor(arrived, announce) {
    this.#arrived = arrived;
    this.#notices = new Notices(announce);
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
    this.#renderWaiting(state);
    this.#renderPresence(presenceOf(state));
    this.#renderEnding(state);
    if (before !== screen) {
      this.#arrived(screen);
    }
    this.#tick();
  }

  /** @param {State} state */
  #renderWaiting(state) {
    const searching = state.again ? 'waiting.same' : 'waiting.title';
    setText(byId('waiting-title'), t(state.queued ? searching : 'waiting.connecting'));
    renderUnsent('waiting-unsent', state.unsent);
    setText(byId('waiting-hint'), waitingHint(state));
    byId('waiting-other').hidden = !state.again;
  }

  /** @param {string} presence */
  #renderPresence(presence) {
    byId('presence').dataset.presence = presence;
    setText(byId('presence-text'), t(`talk.${presence}`));
    byId('typing').hidden = presence !== 'typing';
  }

  /** @param {State} state */
  #renderEnding({ ending, canMeetAgain }) {
    setText(byId('ended-title'), ending ? t(`ended.${ending.reason}`) : '');
    renderUnsent('ended-unsent', ending?.unsent ?? 0);
    byId('same').hidden = !canMeetAgain;
    byId('reload').hidden = !ending || !RELOAD_HELPS.includes(ending.reason);
  }

  /** What changes with time alone. */
  #tick() {
    if (this.#state) {
      this.#notices.render(this.#state);
      if (this.#state.doing === 'waiting') {
        setText(byId('elapsed'), t('waiting.since', { time: duration(Date.now() - this.#state.waitingSince) }));
      }
    }
  }
}
