/* store.js - what outlives a reload: the conversation for this tab, the preferences for this browser.
 *
 * Fails: where storage is blocked or full the page works on, and forgets on reload; storageWorks() says so. */

const CONVERSATION = 'passerby.conversation';
const DRAFT = 'passerby.draft';
const PREFERENCES = 'passerby.preferences';

/**
 * @param {() => Storage} storage touching it may throw where it is blocked
 * @param {string} key
 * @returns {any} what was stored, or null
 */
function read(storage, key) {
  try {
    return JSON.parse(storage().getItem(key) ?? 'null');
  } catch {
    return null;
  }
}

/**
 * @param {() => Storage} storage
 * @param {string} key
 * @param {unknown} value null removes
 * @returns {boolean} whether it is stored
 */
function write(storage, key, value) {
  try {
    if (value === null) {
      storage().removeItem(key);
    } else {
      storage().setItem(key, JSON.stringify(value));
    }
    return true;
  } catch {
    return false;
  }
}

const tab = () => sessionStorage;
const browser = () => localStorage;

/** @returns {{ client: import('../passerby.js').Saved, page: any } | null} */
export function loadConversation() {
  const saved = read(tab, CONVERSATION);
  return saved?.v === 1 ? saved : null;
}

/**
 * Both in one piece: a message that the client counts as received is in the log that is stored with it.
 * @param {import('../passerby.js').Saved} client
 * @param {unknown} page
 */
export function saveConversation(client, page) {
  return write(tab, CONVERSATION, { v: 1, client, page });
}

/** @returns {string} */
export const loadDraft = () => String(read(tab, DRAFT) ?? '');
/** @param {string} text */
export const saveDraft = (text) => write(tab, DRAFT, text === '' ? null : text);

/**
 * @typedef {object} Preferences
 * @property {string[]} [topics] of the last search
 * @property {string[]} [recent] topics of earlier ones, the newest first
 * @property {string} [lang] that a stranger should speak; '' for any
 * @property {string} [language] of the page
 * @property {boolean} [sound]
 * @property {boolean} [notify]
 * @property {boolean} [times]
 */

/** @returns {Preferences} */
export function loadPreferences() {
  const stored = read(browser, PREFERENCES);
  return typeof stored === 'object' && stored !== null ? stored : {};
}

/** @param {Preferences} changed those that have */
export const savePreferences = (changed) => write(browser, PREFERENCES, { ...loadPreferences(), ...changed });

/** Whether a reload will find what is stored. */
export const storageWorks = () => write(tab, 'passerby.test', 1) && write(tab, 'passerby.test', null);
