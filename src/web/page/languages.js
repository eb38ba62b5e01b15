/* languages.js - the two choices of a language: the one a stranger should speak, and the one the page speaks. Each language
 * is named in itself, by the browser. */

import { LANGUAGES } from './i18n.js';

const TAGS = (
  'ar bg bn ca cs da de el en es et fa fi fr gu he hi hr hu id it ja kn ko lt lv ml mr ms nb nl pa pl pt ro ru sk sl sr sv sw ta te ' +
  'th tl tr uk ur vi zh'
).split(' ');

/**
 * @param {HTMLSelectElement} select gets an option for each
 * @param {readonly string[]} tags
 */
function fill(select, tags) {
  const named = tags.map((tag) => ({ tag, name: new Intl.DisplayNames([tag], { type: 'language' }).of(tag) ?? tag }));
  named.sort((a, b) => a.name.localeCompare(b.name));
  for (const { tag, name } of named) {
    const option = new Option(name, tag);
    option.lang = tag;
    select.add(option);
  }
}

/**
 * Offers the languages that one may ask a stranger to speak.
 * @param {HTMLSelectElement} select it holds "any" already
 * @param {string} chosen a tag, or '' for any
 */
export function offerLanguages(select, chosen) {
  fill(select, TAGS);
  select.value = TAGS.includes(chosen) ? chosen : '';
}

/**
 * Offers the languages of the page.
 * @param {HTMLSelectElement} select
 * @param {string} current
 * @param {(tag: string) => void} choose
 */
export function offerPageLanguages(select, current, choose) {
  fill(select, LANGUAGES);
  select.value = current;
  select.addEventListener('change', () => choose(select.value));
}

/** The browser's own language, if it can be asked for. */
export function ownLanguage() {
  const tag = navigator.language.toLowerCase().split('-')[0];
  return TAGS.includes(tag) ? tag : '';
}
