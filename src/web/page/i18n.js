/* i18n.js - the page's texts in the person's language, and numbers, times and lists as that language writes them.
 *
 * Fails:     a language whose file does not come is replaced by English.
 * Extending: a new language is a file i18n/XX.js with every key of i18n/en.js, and a row in `loaders`. */

/** @typedef {Record<string, string | Record<string, string>>} Texts */

/** @type {Record<string, () => Promise<{ default: Texts }>>} one is loaded, of all */
const loaders = {
  ar: () => import('../i18n/ar.js'),
  de: () => import('../i18n/de.js'),
  en: () => import('../i18n/en.js'),
  es: () => import('../i18n/es.js'),
  fr: () => import('../i18n/fr.js'),
  hi: () => import('../i18n/hi.js'),
  ja: () => import('../i18n/ja.js'),
  pt: () => import('../i18n/pt.js'),
  ru: () => import('../i18n/ru.js'),
  zh: () => import('../i18n/zh.js'),
};

/** The languages that there are texts in. */
export const LANGUAGES = Object.keys(loaders);

/** Of those, the ones written from right to left. */
const RIGHT_TO_LEFT = ['ar'];

let language = 'en';
/** what dates and numbers follow: the language, in the person's region where the browser tells it */
let locale = 'en';
/** @type {Texts} */
let texts = {};

/** @param {string} tag BCP 47 */
const primary = (tag) => tag.toLowerCase().split('-')[0];

/** The language that the page speaks. */
export const currentLanguage = () => language;

/**
 * Takes the first of these languages that there are texts in, and English otherwise.
 * @param {readonly string[]} wanted BCP 47 tags, the favourite first
 */
export async function chooseLanguage(wanted) {
  language = wanted.map(primary).find((tag) => tag in loaders) ?? 'en';
  try {
    texts = (await loaders[language]()).default;
  } catch {
    language = 'en';
    texts = (await loaders.en()).default;
  }
  locale = navigator.languages.find((tag) => primary(tag) === language) ?? language;
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
  const entry = texts[key] ?? key;
  const plural =
    typeof entry === 'string' ? entry : (entry[new Intl.PluralRules(locale).select(Number(values.n))] ?? entry.other);
  return plural.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    return typeof value === 'number' ? new Intl.NumberFormat(locale).format(value) : (value ?? whole);
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
  return new Intl.DateTimeFormat(locale, { hour: 'numeric', minute: '2-digit' }).format(ms);
}

/** @param {number} ms a point in time */
export function fullDate(ms) {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeStyle: 'short' }).format(ms);
}

/** @param {number} ms a span of time */
export function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const unit = (/** @type {number} */ value, /** @type {string} */ name) =>
    new Intl.NumberFormat(locale, { style: 'unit', unit: name, unitDisplay: 'long' }).format(value);
  const parts = [unit(Math.floor(seconds / 60), 'minute'), unit(seconds % 60, 'second')];
  if (seconds < 60) {
    return parts[1];
  }
  return seconds % 60 === 0 ? parts[0] : new Intl.ListFormat(locale, { type: 'unit', style: 'narrow' }).format(parts);
}

/**
 * Joins nodes as the language joins words: with commas, and an "and".
 * @param {Node[]} nodes
 * @returns {(Node | string)[]}
 */
export function listed(nodes) {
  const parts = new Intl.ListFormat(locale, { type: 'conjunction' }).formatToParts(nodes.map((_, place) => `${place}`));
  return parts.map(({ type, value }) => (type === 'element' ? nodes[Number(value)] : value));
}
