/* topics.js - the field for topics: each becomes a chip that can be taken away again. */

import { byId, icon, make, setText } from './dom.js';
import { t } from './i18n.js';

const MAX_TOPICS = 8;
const MAX_CODE_POINTS = 32;

export class Topics {
  #input = byId('topic');
  #chips = byId('chips');
  #hint = byId('topics-hint');
  /** @type {string[]} */
  #topics = [];

  /** @param {string[]} topics */
  constructor(topics) {
    for (const topic of topics) {
      this.#add(String(topic));
    }
    this.#input.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => this.#key(event));
    this.#input.addEventListener('input', () => this.#split());
    byId('topics').addEventListener('click', (/** @type {Event} */ event) => {
      if (event.target === event.currentTarget || event.target === this.#chips) {
        this.#input.focus();
      }
    });
  }

  /** The topics, with the one that stands in the field. */
  take() {
    this.#commit();
    return [...this.#topics];
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.isComposing) {
      return;
    }
    if (event.key === 'Enter' && this.#input.value.trim() !== '') {
      event.preventDefault(); // a second Enter, in the empty field, starts
      this.#commit();
    } else if (event.key === 'Backspace' && this.#input.value === '' && this.#topics.length > 0) {
      this.#remove(this.#topics.length - 1);
    }
  }

  /** A comma ends a topic. */
  #split() {
    setText(this.#hint, t('start.topics_hint'));
    const parts = this.#input.value.split(/[,;\n]/);
    if (parts.length > 1) {
      const rest = parts.pop();
      parts.forEach((/** @type {string} */ part) => this.#add(part));
      this.#input.value = rest;
    }
  }

  #commit() {
    if (this.#add(this.#input.value)) {
      this.#input.value = '';
    }
  }

  /**
   * @param {string} text
   * @returns {boolean} false: the text has to be changed, the hint says how
   */
  #add(text) {
    const topic = text.trim().replace(/\s+/g, ' ');
    if ([...topic].length > MAX_CODE_POINTS) {
      setText(this.#hint, t('start.topic_long'));
      return false;
    }
    const known = this.#topics.some((other) => other.toLowerCase() === topic.toLowerCase());
    if (topic === '' || known) {
      return true;
    }
    if (this.#topics.length >= MAX_TOPICS) {
      setText(this.#hint, t('start.topics_full'));
      return false;
    }
    this.#topics.push(topic);
    this.#render();
    return true;
  }

  /** @param {number} index */
  #remove(index) {
    this.#topics.splice(index, 1);
    this.#render();
    this.#input.focus();
  }

  #render() {
    const chips = this.#topics.map((topic, index) => {
      const button = make(
        'button',
        { type: 'button', 'aria-label': t('start.topic_remove', { topic }) },
        icon('cross'),
      );
      button.addEventListener('click', () => this.#remove(index));
      return make('li', { class: 'chip' }, make('bdi', {}, topic), button);
    });
    this.#chips.replaceChildren(...chips);
    this.#input.classList.toggle('beside-chips', chips.length > 0);
  }
}
