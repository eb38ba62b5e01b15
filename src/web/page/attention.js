/* attention.js - while the tab is hidden, its title and icon tell of messages that have not been seen. */

import { byId } from './dom.js';
import { t } from './i18n.js';

export class Attention {
  #unread = 0;
  #icon = byId('icon');

  constructor() {
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) {
        this.#show(0);
      }
    });
  }

  /** Something has come that wants to be seen. */
  call() {
    if (document.hidden) {
      this.#show(this.#unread + 1);
    }
  }

  /** @param {number} unread */
  #show(unread) {
    if (this.#unread !== unread) {
      this.#unread = unread;
      this.#icon.href = unread > 0 ? 'favicon-unread.svg' : 'favicon.svg';
      document.title = unread > 0 ? t('app.unread', { n: unread }) : t('app.name');
    }
  }
}
