/* keep.js - hands a text to the person, as a file or on the clipboard; it goes nowhere else. */

import { make } from './dom.js';

/** How long a download may take to begin. */
const DOWNLOAD_MS = 10_000;

/**
 * @param {string} text
 * @param {string} name of the file
 */
export function saveText(text, name) {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain;charset=utf-8' }));
  make('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), DOWNLOAD_MS);
}

/**
 * Over plain http there is no Clipboard API, and the old way has to do.
 * @param {string} text
 * @returns {Promise<boolean>} whether it is on the clipboard
 */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelected(text);
  }
}

/** @param {string} text */
function copySelected(text) {
  const focused = /** @type {HTMLElement | null} */ (document.activeElement);
  const field = make('textarea', { class: 'hidden-text', readonly: '', tabindex: '-1' });
  field.value = text;
  document.body.append(field);
  field.select();
  const copied = document.execCommand('copy');
  field.remove();
  focused?.focus();
  return copied;
}
