/* entry.js - one message on the page: who, what, when, and what became of it. */

import { icon, make } from './dom.js';
import { clockTime, t } from './i18n.js';
import { withLinks } from './links.js';
import { harmless, plain } from './text.js';

/** @typedef {{ who: 'me' | 'them', body: string, at: number, seq: number }} Entry */
/** @typedef {'waiting' | 'sent' | 'delivered' | 'lost'} Fate */

/** @param {'me' | 'them'} who */
const nameOf = (who) => (who === 'me' ? t('talk.you') : t('talk.stranger'));

/**
 * @param {Entry} entry
 * @param {boolean} first whether the one above is somebody else's, or long ago
 * @returns {HTMLElement}
 */
export function makeEntry({ who, body, at, seq }, first) {
  const item = make(
    'div',
    { class: `entry ${who}${first ? ' first' : ''}`, 'data-seq': String(seq) },
    make('span', { class: 'who' }, nameOf(who)),
    make('div', { class: 'bubble' }, make('div', { class: 'body', dir: 'auto' }, ...withLinks(harmless(body)))),
    make('time', { class: 'when', datetime: new Date(at).toISOString() }, clockTime(at)),
  );
  if (who === 'me') {
    item.append(make('span', { class: 'fate', 'aria-live': 'off' }));
  }
  return item;
}

/**
 * @param {any} item one of the person's own
 * @param {Fate} fate
 */
export function markEntry(item, fate) {
  if (item.dataset.fate !== fate) {
    item.dataset.fate = fate;
    const text = make('span', { class: 'fate-text' }, t(`mark.${fate}`));
    item.querySelector('.fate').replaceChildren(icon(`mark-${fate}`), text);
  }
}

/**
 * A line of the conversation as plain text.
 * @param {Entry} entry
 */
export const entryText = ({ who, body, at }) => `[${clockTime(at)}] ${nameOf(who)}: ${plain(body)}`;
