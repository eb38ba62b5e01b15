/* composer.js - where one writes: grows with the text, sends on Enter, tells when one types, refuses kindly what is too
 * long. */

import { byteLength } from '../client/frames.js';
import { byId, setText } from './dom.js';
import { t } from './i18n.js';
import { loadDraft, saveDraft } from './store.js';

/** Without a key for so long, one has stopped typing. */
const IDLE_MS = 4_000;
/** From this share of the limit on, the size is shown. */
const NEAR_LIMIT = 0.8;
/** A paste of so many times the limit does not even enter the field. */
const HUGE_PASTE = 8;

/**
 * @typedef {object} ComposerHost
 * @property {(body: string) => void} say
 * @property {(on: boolean) => void} typing
 * @property {(body: string) => string | null} objection why the text can't be sent
 * @property {() => number} maxBody bytes
 */

export class Composer {
  #host;
  #form = byId('composer');
  #field = byId('message');
  #hint = byId('composer-hint');
  #draft = loadDraft();
  /** @type {number | undefined} */
  #idle;

  /** @param {ComposerHost} host */
  constructor(host) {
    this.#host = host;
    this.#field.value = this.#draft;
    this.#form.addEventListener('submit', (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#field.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
      if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.#submit();
      }
    });
    this.#field.addEventListener('input', () => this.#changed());
    this.#field.addEventListener('paste', (/** @type {ClipboardEvent} */ event) => this.#pasted(event));
    this.#grow();
  }

  /** Lets one write, or not. */
  set enabled(/** @type {boolean} */ on) {
    this.#form.hidden = !on;
    if (on) {
      this.#grow();
    } else {
      clearTimeout(this.#idle);
      setText(this.#hint, '');
    }
  }

  /** Empties the field: a new conversation begins. */
  clear() {
    this.#field.value = '';
    this.#keep('');
    this.#grow();
    setText(this.#hint, '');
  }

  focus() {
    this.#field.focus();
  }

  #submit() {
    const body = this.#field.value.trim();
    const objection = this.#host.objection(body);
    if (objection === null) {
      this.clear();
      clearTimeout(this.#idle);
      this.#host.say(body);
    } else if (objection === 'too_long') {
      this.#refuse(body);
    }
    this.focus();
  }

  #changed() {
    if (this.#isHuge(this.#field.value)) {
      this.#field.value = this.#draft; // dropped on it, or put there by a program
      setText(this.#hint, t('talk.paste_too_long'));
      return;
    }
    const body = this.#field.value;
    this.#keep(body);
    this.#grow();
    this.#host.typing(body.trim() !== '');
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#host.typing(false), IDLE_MS);
    const max = this.#host.maxBody();
    const size = byteLength(body.trim());
    this.#form.classList.toggle('over', size > max);
    setText(this.#hint, size > max * NEAR_LIMIT ? t('talk.size', { size, max }) : '');
  }

  /** @param {ClipboardEvent} event */
  #pasted(event) {
    const text = event.clipboardData?.getData('text/plain') ?? '';
    if (this.#isHuge(text)) {
      event.preventDefault();
      setText(this.#hint, t('talk.paste_too_long'));
    }
  }

  /** @param {string} draft */
  #keep(draft) {
    this.#draft = draft;
    saveDraft(draft);
  }

  /** @param {string} text */
  #isHuge(text) {
    return text.length > HUGE_PASTE * this.#host.maxBody();
  }

  /** @param {string} body */
  #refuse(body) {
    this.#form.classList.add('over');
    setText(this.#hint, t('talk.too_long', { size: byteLength(body), max: this.#host.maxBody() }));
  }

  #grow() {
    this.#field.style.blockSize = 'auto';
    this.#field.style.blockSize = `${this.#field.scrollHeight}px`;
  }
}
