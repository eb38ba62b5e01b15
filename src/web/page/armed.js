/* armed.js - a button that asks "really?": the first press arms it, the second, within a few seconds, does it. */

import { setText } from './dom.js';
import { t } from './i18n.js';

const ARMED_MS = 4_000;

export class ArmedButton {
  #button;
  #label;
  #question;
  #fire;
  #announce;
  /** @type {number | undefined} */
  #timer;

  /**
   * @param {HTMLButtonElement} button
   * @param {{ label: string, question: string }} texts keys of what stands on it and of what the first press says
   * @param {() => void} fire
   * @param {(text: string) => void} announce
   */
  constructor(button, { label, question }, fire, announce) {
    this.#button = button;
    this.#label = label;
    this.#question = question;
    this.#fire = fire;
    this.#announce = announce;
    button.addEventListener('click', () => this.press());
  }

  press() {
    if (this.#timer === undefined) {
      this.#timer = setTimeout(() => this.disarm(), ARMED_MS);
      this.#button.classList.add('armed');
      setText(this.#button, t('talk.really'));
      this.#announce(t(this.#question));
    } else {
      this.disarm();
      this.#fire();
    }
  }

  disarm() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#button.classList.remove('armed');
    setText(this.#button, t(this.#label));
  }
}
