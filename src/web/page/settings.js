/* settings.js - what the person has chosen for this browser: sound, notifications, times. All of it off until they do. */

import { byId, setText } from './dom.js';
import { t } from './i18n.js';
import { allowNotifications, notificationsAllowed } from './notifications.js';
import { Sheet } from './sheet.js';
import { allowSound, playSound } from './sound.js';
import { loadPreferences, savePreferences } from './store.js';

export class Settings {
  #sheet = new Sheet('settings');
  #sound = byId('set-sound');
  #notify = byId('set-notify');
  #times = byId('set-times');
  #hint = byId('set-notify-hint');

  constructor() {
    const chosen = loadPreferences();
    this.#sound.checked = chosen.sound === true;
    this.#notify.checked = chosen.notify === true && notificationsAllowed();
    this.#times.checked = chosen.times === true;
    byId('settings-open').addEventListener('click', () => this.#sheet.open());
    this.#sound.addEventListener('change', () => this.#changeSound());
    this.#notify.addEventListener('change', () => this.#changeNotify());
    this.#times.addEventListener('change', () => this.#changed());
    if (this.sound) {
      addEventListener('pointerdown', allowSound, { once: true });
      addEventListener('keydown', allowSound, { once: true });
    }
    this.#render();
  }

  /** @returns {boolean} */
  get sound() {
    return this.#sound.checked;
  }

  /** @returns {boolean} */
  get notify() {
    return this.#notify.checked;
  }

  #changeSound() {
    if (this.sound) {
      allowSound();
      setTimeout(() => playSound('message'), 100); // a sample, as soon as the browser has let it sound
    }
    this.#changed();
  }

  async #changeNotify() {
    const refused = this.notify && !(await allowNotifications());
    if (refused) {
      this.#notify.checked = false;
    }
    setText(this.#hint, t(refused ? 'settings.notify_refused' : 'settings.notify_hint'));
    this.#changed();
  }

  #changed() {
    savePreferences({ sound: this.sound, notify: this.notify, times: this.#times.checked });
    this.#render();
  }

  #render() {
    document.body.classList.toggle('times', this.#times.checked);
  }
}
