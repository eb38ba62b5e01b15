/* keys.js - Esc and Enter, as on the classic sites: Esc stops, asks before it ends a conversation, and begins anew after
 * one; Enter begins anew, too. */

import { sheetIsOpen } from './sheet.js';

/** After the stranger has ended it, keys meant for the conversation do nothing for so long. */
const SETTLE_MS = 1_000;

/**
 * @typedef {object} KeysHost
 * @property {() => string} screen
 * @property {() => number} endedAt when the stranger ended it; 0: it was not the stranger
 * @property {() => void} pressStop
 * @property {() => void} stop
 * @property {() => void} find
 */

/** @param {KeyboardEvent} event */
const isChord = (event) => event.isComposing || event.repeat || event.ctrlKey || event.altKey || event.metaKey;

/** @param {KeysHost} host */
export function listenToKeys(host) {
  document.addEventListener('keydown', (event) => {
    if ((event.key !== 'Escape' && event.key !== 'Enter') || isChord(event) || sheetIsOpen()) {
      return;
    }
    const act = meaningOf(event, host);
    if (act) {
      event.preventDefault();
      act();
    }
  });
}

/**
 * @param {KeyboardEvent} event
 * @param {KeysHost} host
 * @returns {(() => void) | null}
 */
function meaningOf(event, host) {
  const escape = event.key === 'Escape';
  const onControl = /** @type {Element} */ (event.target).closest?.('button, a, input, select, textarea') != null;
  switch (host.screen()) {
    case 'talk':
      return escape ? host.pressStop : null;
    case 'waiting':
      return escape ? host.stop : null;
    case 'ended':
      if (!escape && onControl) {
        return null;
      }
      return Date.now() - host.endedAt() >= SETTLE_MS ? host.find : () => {};
    default:
      return null;
  }
}
