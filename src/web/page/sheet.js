/* sheet.js - a dialog in front of the page: the browser keeps the focus in it, and Esc, its buttons, or a click beside it
 * close it. */

import { byId } from './dom.js';

export class Sheet {
  #dialog;

  /** @param {string} id */
  constructor(id) {
    /** @type {HTMLDialogElement} */
    this.#dialog = byId(id);
    this.#dialog.addEventListener('click', (/** @type {MouseEvent} */ event) => {
      const target = /** @type {Element} */ (event.target);
      if (target === this.#dialog || target.closest('[data-close]')) {
        this.close();
      }
    });
  }

  open() {
    if (!this.#dialog.open) {
      this.#dialog.showModal();
    }
  }

  close() {
    this.#dialog.close();
  }
}

/** Whether one is open: then keys are meant for it. */
export const sheetIsOpen = () => document.querySelector('dialog[open]') !== null;
