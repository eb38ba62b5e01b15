/* links.js - addresses in what people write: shown as links, but followed only after a question.
 *
 * Fails: what only looks like an address, or hides characters, stays text. */

import { byId, make, setText, withNode } from './dom.js';
import { t } from './i18n.js';
import { Sheet } from './sheet.js';

/** Ends at spaces, quotes, and whatever is not seen (controls, marks of direction): what is shown is what is opened. */
const ADDRESS = /\bhttps?:\/\/[^\s<>"'`\p{Cc}\p{Cf}]+/giu;
const CLOSING = /[.,;:!?\u2026\u3002\uFF0C\u00BB\u201D\u2019)\]}]$/u;
/** Neither learns about the other: no opener, no referrer, nothing for search engines. */
const REL = 'noopener noreferrer nofollow';

/**
 * Leaves out what belongs to the sentence rather than to the address: a full stop, a bracket that was opened before it.
 * @param {string} text
 */
function trimmed(text) {
  while (CLOSING.test(text) && !(text.endsWith(')') && text.includes('('))) {
    text = text.slice(0, -1);
  }
  return text;
}

/**
 * @param {string} address
 * @returns {string | null} null: it only looks like one
 */
function hrefOf(address) {
  try {
    return new URL(address).href; // URL.canParse() is younger than many a phone
  } catch {
    return null;
  }
}

/**
 * The text, with links where there are addresses in it.
 * @param {string} text
 * @returns {(Node | string)[]}
 */
export function withLinks(text) {
  const parts = [];
  let end = 0;
  for (const { 0: found, index } of text.matchAll(ADDRESS)) {
    const address = trimmed(found);
    const href = hrefOf(address);
    if (href !== null) {
      parts.push(text.slice(end, index), make('a', { class: 'link', href, rel: REL, target: '_blank' }, address));
      end = index + address.length;
    }
  }
  return [...parts, text.slice(end)];
}

/** The question. */
export class LinkQuestion {
  #sheet = new Sheet('link-sheet');
  #open = byId('link-open');

  /** @param {HTMLElement} within where links are not followed at once */
  constructor(within) {
    for (const type of ['click', 'auxclick']) {
      within.addEventListener(type, (event) => this.#asked(event));
    }
    this.#open.rel = REL;
    this.#open.addEventListener('click', () => this.#sheet.close());
  }

  /** @param {Event} event */
  #asked(event) {
    const link = /** @type {Element} */ (event.target).closest('a.link');
    if (link instanceof HTMLAnchorElement) {
      event.preventDefault();
      this.#open.href = link.href;
      byId('link-text').replaceChildren(...withNode(t('link.text'), 'host', make('bdi', {}, link.host)));
      setText(byId('link-address'), link.href);
      this.#sheet.open();
    }
  }
}
