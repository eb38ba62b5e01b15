/* log.js - the conversation on the page: who said what, what became of it, and keeping the newest in view.
 *
 * Owns: the list of entries that is stored with the client's state. The list and the page are capped, so that a flood
 *       costs no more than a long talk. */

import { byId, make, setText, withNode } from './dom.js';
import { entryText, makeEntry, markEntry } from './entry.js';
import { fullDate, listed, t } from './i18n.js';
import { LinkQuestion } from './links.js';

const MAX_ENTRIES = 400;
/** The whole of it, too: it is stored with every message. */
const MAX_CHARS = 200_000;
/** After such a pause an entry gets a new heading. */
const GROUP_MS = 5 * 60_000;
/** So near to its end the log counts as being read there. */
const NEAR_PX = 80;

/**
 * @typedef {import('./entry.js').Entry} Entry
 * @typedef {{ entries: Entry[], trimmed: boolean, topics: string[], sent: number, delivered: number, over: boolean }}
 * SavedLog
 */

export class ChatLog {
  #scroller = byId('scroller');
  #list = byId('log');
  #newer = byId('newer');
  /** @type {Entry[]} */
  #entries = [];
  #chars = 0;
  #trimmed = false;
  /** @type {string[]} */
  #topics = [];
  #sent = 0;
  #delivered = 0;
  #over = false;
  #following = true;

  constructor() {
    this.#scroller.addEventListener('scroll', () => {
      this.#following = this.#distance() < NEAR_PX;
      this.#newer.hidden = this.#newer.hidden || this.#following;
    });
    this.#newer.addEventListener('click', () => this.follow(true));
    new ResizeObserver(() => this.follow()).observe(this.#scroller);
    new LinkQuestion(this.#list);
    this.#list.addEventListener('click', (/** @type {Event} */ event) => this.#toggleTime(event));
  }

  /**
   * Starts a conversation.
   * @param {string[]} topics those in common
   */
  begin(topics) {
    this.restore({ entries: [], trimmed: false, topics, sent: 0, delivered: 0, over: false });
  }

  /** @returns {SavedLog} as plain data, for JSON */
  export() {
    return {
      entries: this.#entries,
      trimmed: this.#trimmed,
      topics: this.#topics,
      sent: this.#sent,
      delivered: this.#delivered,
      over: this.#over,
    };
  }

  /** @param {SavedLog} saved */
  restore(saved) {
    this.#entries = [];
    this.#chars = 0;
    this.#topics = saved.topics;
    this.#sent = saved.sent;
    this.#delivered = saved.delivered;
    this.#over = saved.over;
    this.#trimmed = saved.trimmed;
    this.#list.replaceChildren(this.#note(saved.trimmed ? t('talk.trimmed') : t('talk.began')));
    if (saved.topics.length > 0) {
      this.#list.append(this.#shared(saved.topics));
    }
    for (const entry of saved.entries) {
      this.#append(entry);
    }
    this.follow(true);
  }

  /**
   * Adds what somebody said just now.
   * @param {'me' | 'them'} who
   * @param {number} seq
   * @param {string} body
   */
  add(who, seq, body) {
    this.#append({ who, body, at: Date.now(), seq });
    this.#trim();
    if (who === 'them' && !this.#following) {
      this.#newer.hidden = false;
    }
    this.follow(who === 'me');
  }

  /** @param {number} seq own messages up to it are on their way */
  sent(seq) {
    this.#sent = Math.max(this.#sent, seq);
    this.#mark();
  }

  /** @param {number} seq own messages up to it have arrived */
  delivered(seq) {
    this.#delivered = Math.max(this.#delivered, seq);
    this.#mark();
  }

  /** The conversation is over: what has not arrived may never be shown. */
  over() {
    this.#over = true;
    this.#mark();
  }

  /**
   * Keeps the newest in view, if it was.
   * @param {boolean} [anyway] even if it was not
   */
  follow(anyway = false) {
    if (anyway || this.#following) {
      this.#scroller.scrollTop = this.#scroller.scrollHeight;
      this.#following = true;
      this.#newer.hidden = true;
    }
  }

  /** The conversation as plain text. */
  toText() {
    const date = fullDate(this.#entries[0]?.at ?? Date.now());
    return [t('ended.saved_by', { date }), '', ...this.#entries.map(entryText), ''].join('\n');
  }

  #distance() {
    return this.#scroller.scrollHeight - this.#scroller.scrollTop - this.#scroller.clientHeight;
  }

  /** @param {string} text */
  #note(text) {
    return make('p', { class: 'note' }, text);
  }

  /** @param {string[]} topics */
  #shared(topics) {
    const note = this.#note('');
    note.append(...withNode(t('talk.common'), 'topics', ...listed(topics.map((topic) => make('bdi', {}, topic)))));
    return note;
  }

  /** @param {Entry} entry */
  #append(entry) {
    const before = this.#entries.at(-1);
    const first = !before || before.who !== entry.who || entry.at - before.at > GROUP_MS;
    const item = makeEntry(entry, first);
    if (entry.who === 'me') {
      markEntry(item, this.#fate(entry.seq));
    }
    this.#entries.push(entry);
    this.#chars += entry.body.length;
    this.#list.append(item);
  }

  #trim() {
    while (this.#entries.length > MAX_ENTRIES || this.#chars > MAX_CHARS) {
      this.#chars -= this.#entries.shift()?.body.length ?? 0;
      this.#list.querySelector('.entry').remove();
      this.#trimmed = true;
    }
    if (this.#trimmed) {
      setText(this.#list.querySelector('.note'), t('talk.trimmed'));
    }
  }

  /**
   * A click on a message shows when it came, and another hides that again; not one that ends a selection.
   * @param {Event} event
   */
  #toggleTime(event) {
    const target = /** @type {Element} */ (event.target);
    if (getSelection()?.isCollapsed !== false && !target.closest('a')) {
      target.closest('.bubble')?.parentElement?.classList.toggle('timed');
    }
  }

  /**
   * @param {number} seq
   * @returns {import('./entry.js').Fate}
   */
  #fate(seq) {
    if (seq <= this.#delivered) {
      return 'delivered';
    }
    if (this.#over) {
      return 'lost';
    }
    return seq <= this.#sent ? 'sent' : 'waiting';
  }

  #mark() {
    // From the newest back: what is delivered stays so.
    const items = this.#list.querySelectorAll('.me');
    for (let i = items.length - 1; i >= 0 && items[i].dataset.fate !== 'delivered'; i -= 1) {
      markEntry(items[i], this.#fate(Number(items[i].dataset.seq)));
    }
  }
}
