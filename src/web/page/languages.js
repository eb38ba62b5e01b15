/* languages.js - the languages one may ask a stranger to speak. Each is named in itself, by the browser. */

const TAGS = (
  'ar bg bn ca cs da de el en es et fa fi fr gu he hi hr hu id it ja kn ko lt lv ml mr ms nb nl pa pl pt ro ru sk sl sr sv sw ta te ' +
  'th tl tr uk ur vi zh'
).split(' ');

/**
 * Fills the choice, and chooses.
 * @param {HTMLSelectElement} select it holds "any" already
 * @param {string} chosen a tag, or '' for any
 */
export function offerLanguages(select, chosen) {
  const named = TAGS.map((tag) => ({ tag, name: new Intl.DisplayNames([tag], { type: 'language' }).of(tag) ?? tag }));
  named.sort((a, b) => a.name.localeCompare(b.name));
  for (const { tag, name } of named) {
    const option = new Option(name, tag);
    option.lang = tag;
    select.add(option);
  }
  select.value = TAGS.includes(chosen) ? chosen : '';
}

/** The browser's own language, if it can be asked for. */
export function ownLanguage() {
  const tag = navigator.language.toLowerCase().split('-')[0];
  return TAGS.includes(tag) ? tag : '';
}
