/* i18n.js - the page's texts in the person's language, and numbers, times and lists as that language writes them.
 *
 * Extending: a new language is a file i18n/XX.js with every key of i18n/en.js, and a row in `loaders`. */

import english from '../i18n/en.js';

/** @typedef {Record<string, string | Record<string, string>>} Texts */

/** @type {Record<string, () => Promise<Texts>>} */
const loaders = {
  en: async () => english,
};

/** Languages written from right to left. */
const RIGHT_TO_LEFT = ['ar', 'fa', 'he', 'ur'];

let language = 'en';
/** @type {Texts} */
let texts = english;

/**
 * Takes the first of these languages that there are texts in, and English otherwise.
 * @param {readonly string[]} wanted BCP 47 tags, the favourite first
 */
export async function chooseLanguage(wanted) {
  language = wanted.map((tag) => tag.toLowerCase().split('-')[0]).find((tag) => tag in loaders) ?? 'en';
  texts = await loaders[language]();
  document.documentElement.lang = language;
  document.documentElement.dir = RIGHT_TO_LEFT.includes(language) ? 'rtl' : 'ltr';
}

/**
 * The text with that key.
 * @param {string} key
 * @param {Record<string, string | number>} [values] for the {names} in it; {n} also chooses the plural
 * @returns {string}
 */
export function t(key, values = {}) {
  const entry = texts[key] ?? english[/** @type {keyof typeof english} */ (key)] ?? key;
  const plural =
    typeof entry === 'string' ? entry : (entry[new Intl.PluralRules(language).select(Number(values.n))] ?? entry.other);
  return plural.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    return typeof value === 'number' ? new Intl.NumberFormat(language).format(value) : (value ?? whole);
  });
}

/** Writes the texts into the document: data-t for an element's text, data-t-NAME for an attribute. */
export function applyTexts() {
  for (const element of document.querySelectorAll('[data-t]')) {
    element.textContent = t(/** @type {HTMLElement} */ (element).dataset.t ?? '');
  }
  const attributes = { 'data-t-content': 'content', 'data-t-label': 'aria-label', 'data-t-placeholder': 'placeholder' };
  for (const [source, attribute] of Object.entries(attributes)) {
    for (const element of document.querySelectorAll(`[${source}]`)) {
      element.setAttribute(attribute, t(element.getAttribute(source) ?? ''));
    }
  }
}

/** @param {number} ms a point in time */
export function clockTime(ms) {
  return new Intl.DateTimeFormat(language, { hour: 'numeric', minute: '2-digit' }).format(ms);
}

/** @param {number} ms a point in time */
export function fullDate(ms) {
  return new Intl.DateTimeFormat(language, { dateStyle: 'long', timeStyle: 'short' }).format(ms);
}

/** @param {number} ms a span of time */
export function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const unit = (/** @type {number} */ value, /** @type {string} */ name) =>
    new Intl.NumberFormat(language, { style: 'unit', unit: name, unitDisplay: 'long' }).format(value);
  if (seconds < 60) {
    return unit(seconds, 'second');
  }
  const rest = seconds % 60;
  return rest === 0
    ? unit(seconds / 60, 'minute')
    : `${unit(Math.floor(seconds / 60), 'minute')} ${unit(rest, 'second')}`;
}

/** @param {string[]} items */
export function list(items) {
  return new Intl.ListFormat(language, { type: 'conjunction' }).format(items);
}
