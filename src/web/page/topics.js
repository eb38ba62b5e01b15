/* topics.js - the field for topics: each becomes a chip that can be taken away again; those of earlier searches are
 * offered beneath it. */

import { byId, icon, make, setText } from './dom.js';
import { t } from './i18n.js';
import { loadPreferences, savePreferences } from './store.js';

const MAX_TOPICS = 8;
const MAX_CODE_POINTS = 32;
/** No list of topics is longer than this. */
const MAX_INPUT = MAX_TOPICS * (MAX_CODE_POINTS + 2) * 2;
/** So many are remembered. */
const MAX_RECENT = 12;

/**
 * @param {string} topic
 * @param {string[]} topics
 */
const isAmong = (topic, topics) => topics.some((other) => other.toLowerCase() === topic.toLowerCase());

export class Topics {
  #input = byId('topic');
  #chips = byId('chips');
  #hint = byId('topics-hint');
  #recent = byId('recent');
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
    byId('recent-forget').addEventListener('click', () => this.#forget());
    this.render();
  }

  /** The topics, with the one that stands in the field; they are remembered. */
  take() {
    this.#commit();
    const recent = this.#remembered().filter((topic) => !isAmong(topic, this.#topics));
    savePreferences({ recent: [...this.#topics, ...recent].slice(0, MAX_RECENT) });
    this.render();
    return [...this.#topics];
  }

  render() {
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
    this.#renderRecent();
  }

  #renderRecent() {
    const offered = this.#remembered().filter((topic) => !isAmong(topic, this.#topics));
    const buttons = offered.map((topic) => {
      const label = t('start.topic_add', { topic });
      const button = make('button', { type: 'button', class: 'chip', 'aria-label': label }, make('bdi', {}, topic));
      button.addEventListener('click', () => {
        this.#add(topic);
        this.#input.focus();
      });
      return make('li', {}, button);
    });
    byId('recent-topics').replaceChildren(...buttons);
    this.#recent.hidden = buttons.length === 0;
  }

  /** @returns {string[]} */
  #remembered() {
    const { recent } = loadPreferences();
    return Array.isArray(recent) ? recent.filter((topic) => typeof topic === 'string') : [];
  }

  #forget() {
    savePreferences({ recent: [], topics: [] });
    this.#renderRecent();
    this.#input.focus();
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
    if (this.#input.value.length > MAX_INPUT) {
      this.#input.value = '';
      setText(this.#hint, t('start.topic_long'));
      return;
    }
    const parts = this.#input.value.split(/[,;\n\u060c\u3001\uff0c]/);
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
    const topic = text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
    if ([...topic].length > MAX_CODE_POINTS) {
      setText(this.#hint, t('start.topic_long'));
      return false;
    }
    if (topic === '' || isAmong(topic, this.#topics)) {
      return true;
    }
    if (this.#topics.length >= MAX_TOPICS) {
      setText(this.#hint, t('start.topics_full'));
      return false;
    }
    this.#topics.push(topic);
    this.render();
    return true;
  }

  /** @param {number} index */
  #remove(index) {
    this.#topics.splice(index, 1);
    this.render();
    this.#input.focus();
  }
}
