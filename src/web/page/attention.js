/* attention.js - tells somebody who looks elsewhere that something has come: by the tab's title and icon, and, for those
 * who want that, by a sound and a notification. */

import { byId } from './dom.js';
import { t } from './i18n.js';
import { clearNotifications, notify } from './notifications.js';
import { playSound } from './sound.js';

export class Attention {
  #unread = 0;
  #icon = byId('icon');
  #settings;

  /** @param {{ sound: boolean, notify: boolean }} settings as they are now, at any time */
  constructor(settings) {
    this.#settings = settings;
    document.addEventListener('visibilitychange', () => !document.hidden && this.#seen());
  }

  /**
   * Something has come that wants to be seen.
   * @param {'matched' | 'message' | 'ended'} kind
   */
  call(kind) {
    if (this.#settings.sound && (document.hidden || !document.hasFocus() || kind === 'matched')) {
      playSound(kind);
    }
    if (document.hidden) {
      this.#unread += 1;
      this.render();
      if (this.#settings.notify) {
        notify(t('app.name'), t(`notify.${kind}`)).catch(() => {}); // forbidden meanwhile: the title tells as well
      }
    }
  }

  render() {
    const { href } = new URL(this.#unread > 0 ? 'favicon-unread.svg' : 'favicon.svg', document.baseURI);
    if (this.#icon.href !== href) {
      this.#icon.href = href;
    }
    document.title = this.#unread > 0 ? t('app.unread', { n: this.#unread }) : t('app.name');
  }

  #seen() {
    if (this.#unread > 0) {
      this.#unread = 0;
      this.render();
      clearNotifications().catch(() => {});
    }
  }
}
