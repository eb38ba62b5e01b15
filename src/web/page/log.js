/* log.js - the conversation on the page: who said what, what became of it, and keeping the newest in view.
 *
 * Owns: the list of entries that is stored with the client's state. The list and the page are capped, so that a flood
 *       costs no more than a long talk. */

import { byId, icon, make, setText } from './dom.js';
import { clockTime, fullDate, t } from './i18n.js';

const MAX_ENTRIES = 400;
/** After such a pause an entry gets a new heading. */
const GROUP_MS = 5 * 60_000;
/** So near to its end the log counts as being read there. */
const NEAR_PX = 80;

/**
 * @typedef {{ who: 'me' | 'them', body: string, at: number, seq: number }} Entry
 * @typedef {{ entries: Entry[], trimmed: boolean, topics: string[], sent: number, delivered: number, over: boolean }}
 * SavedLog
 */

export class ChatLog {
  #scroller = byId('scroller');
  #list = byId('log');
  #newer = byId('newer');
  /** @type {Entry[]} */
  #entries = [];
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
    if (this.#entries.length > MAX_ENTRIES) {
      this.#trim();
    }
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
    const lines = this.#entries.map(({ who, body, at }) => `[${clockTime(at)}] ${this.#name(who)}: ${body}`);
    return [t('ended.saved_by', { date: fullDate(this.#entries[0]?.at ?? Date.now()) }), '', ...lines, ''].join('\n');
  }

  #distance() {
    return this.#scroller.scrollHeight - this.#scroller.scrollTop - this.#scroller.clientHeight;
  }

  /** @param {'me' | 'them'} who */
  #name(who) {
    return who === 'me' ? t('talk.you') : t('talk.stranger');
  }

  /** @param {string} text */
  #note(text) {
    return make('p', { class: 'note' }, text);
  }

  /** @param {string[]} topics */
  #shared(topics) {
    const note = this.#note('');
    // The topics are people's texts: each is isolated from the sentence around it.
    t('talk.common')
      .split('{topics}')
      .forEach((part, index) => {
        if (index > 0) {
          topics.forEach((topic, place) => note.append(place > 0 ? ', ' : '', make('bdi', {}, topic)));
        }
        note.append(part);
      });
    return note;
  }

  /** @param {Entry} entry */
  #append(entry) {
    const before = this.#entries.at(-1);
    const first = !before || before.who !== entry.who || entry.at - before.at > GROUP_MS;
    const time = make('time', { datetime: new Date(entry.at).toISOString() }, clockTime(entry.at));
    const who = make('span', { class: 'who' }, make('b', {}, this.#name(entry.who)), ' ', time);
    const body = make(
      'div',
      { class: 'body', dir: 'auto' },
      entry.body.replace(/\r\n?/g, '\n').replace(/\n{4,}/g, '\n\n\n'),
    );
    const item = make(
      'div',
      { class: `entry ${entry.who}${first ? ' first' : ''}` },
      who,
      make('div', { class: 'bubble' }, body),
    );
    if (entry.who === 'me') {
      item.dataset.seq = String(entry.seq);
      item.append(make('span', { class: 'fate' }));
      this.#markOne(item);
    }
    this.#entries.push(entry);
    this.#list.append(item);
  }

  #trim() {
    this.#entries.splice(0, this.#entries.length - MAX_ENTRIES);
    this.#trimmed = true;
    const items = this.#list.querySelectorAll('.entry');
    for (let i = 0; i < items.length - MAX_ENTRIES; i += 1) {
      items[i].remove();
    }
    setText(this.#list.querySelector('.note'), t('talk.trimmed'));
  }

  /** @param {number} seq */
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
      this.#markOne(items[i]);
    }
  }

  /** @param {any} item */
  #markOne(item) {
    const fate = this.#fate(Number(item.dataset.seq));
    if (item.dataset.fate !== fate) {
      item.dataset.fate = fate;
      item
        .querySelector('.fate')
        .replaceChildren(icon(`mark-${fate}`), make('span', { class: 'fate-text' }, t(`mark.${fate}`)));
    }
  }
}
