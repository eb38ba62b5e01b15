/* app.js - the page: joins the client to the screens, the keyboard and what is stored.
 *
 * Flow:  what the person does → a call of the client → its events change the log and the state → render().
 * Fails: a reload or a crash finds in the tab's storage the client's state and the log that belongs to it, and goes on. */

import { ArmedButton } from './page/armed.js';
import { Attention } from './page/attention.js';
import { Composer } from './page/composer.js';
import { byId, make, setText } from './page/dom.js';
import { applyTexts, chooseLanguage, t } from './page/i18n.js';
import { offerLanguages, ownLanguage } from './page/languages.js';
import { ChatLog } from './page/log.js';
import { Online } from './page/online.js';
import { loadConversation, loadPreferences, saveConversation, savePreferences } from './page/store.js';
import { Topics } from './page/topics.js';
import { screenOf, View } from './page/view.js';
import { Passerby } from './passerby.js';

/** After the stranger has ended it, keys meant for the conversation do nothing for so long. */
const SETTLE_MS = 1_000;
const CLOSE_SUPERSEDED = 4501;

class App {
  /** @type {import('./page/view.js').Ending | null} */
  #ending = null;
  #endedAt = 0;
  #graceMs = 0;
  #unsent = 0;
  #waitingSince = 0;
  #complaint = '';
  /** @type {{ topics: string[], lang: string }} */
  #criteria;

  constructor() {
    const saved = loadConversation();
    const preferences = loadPreferences();
    this.#criteria = saved?.page.criteria ?? {
      topics: preferences.topics ?? [],
      lang: preferences.lang ?? ownLanguage(),
    };
    this.client = new Passerby({ url: socketUrl(), saved: saved?.client, log: (...what) => console.debug(...what) });
    this.log = new ChatLog();
    this.attention = new Attention();
    this.topics = new Topics(this.#criteria.topics);
    offerLanguages(byId('language'), this.#criteria.lang);
    this.composer = new Composer({
      say: (body) => this.#say(body),
      typing: (on) => this.client.typing(on),
      objection: (body) => this.client.objection(body),
      maxBody: () => this.client.limits.max_body,
    });
    this.online = new Online(
      () => this.#screen !== 'talk',
      () => this.#render(),
    );
    this.view = new View((screen) => this.#arrived(screen));
    const announce = (/** @type {string} */ text) => setText(byId('announcer'), text);
    this.stop = new ArmedButton(
      byId('stop'),
      { label: 'talk.stop', question: 'talk.really_stop' },
      () => this.#stop(),
      announce,
    );
    this.next = new ArmedButton(
      byId('next'),
      { label: 'talk.next', question: 'talk.really_next' },
      () => this.#find(),
      announce,
    );
    this.#restore(saved?.page);
    this.#listen();
    this.#bind();
    this.#render();
    this.client.connect();
  }

  // --- what the client says ---

  #listen() {
    const { client, log } = this;
    client.on('hello', ({ online }) => this.online.show(online));
    client.on('matched', ({ topics }) => {
      this.#ending = null;
      this.#unsent = 0;
      this.composer.clear();
      log.begin(topics);
      this.attention.call();
    });
    client.on('message', ({ seq, body }) => {
      log.add('them', seq, body);
      this.attention.call();
    });
    client.on('sent', ({ seq }) => log.sent(seq));
    client.on('delivered', ({ seq }) => log.delivered(seq));
    client.on('stranger', ({ grace_ms: graceMs }) => (this.#graceMs = graceMs));
    client.on('refused', ({ what }) => (this.#complaint = t(what === 'find' ? 'notice.refused' : 'talk.refused')));
    client.on('ended', ({ reason, unsent }) => this.#ended(reason, unsent.length));
    client.on('closed', ({ code, unsent }) => this.#closed(code, unsent.length));
    client.on('change', () => this.#save());
    client.on('*', () => this.#render());
  }

  /**
   * @param {string} reason
   * @param {number} unsent
   */
  #ended(reason, unsent) {
    this.log.over();
    this.#endedAt = reason === 'you_left' ? 0 : Date.now();
    if (this.client.state === 'idle') {
      this.#ending = { reason, unsent };
      this.attention.call();
    } else {
      this.#unsent = unsent;
    }
  }

  /**
   * @param {number} code
   * @param {number} unsent
   */
  #closed(code, unsent) {
    if (code === CLOSE_SUPERSEDED) {
      this.#ending = { reason: 'superseded', unsent: 0 };
    } else if (code === 0) {
      this.#ending = { reason: 'version', unsent };
    } else {
      this.#ending ??= { reason: 'closed', unsent };
    }
  }

  // --- what the person does ---

  #bind() {
    byId('start-form').addEventListener('submit', (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#criteria = { topics: this.topics.take(), lang: byId('language').value };
      savePreferences(this.#criteria);
      this.#find();
    });
    byId('waiting-stop').addEventListener('click', () => this.#stop());
    byId('again').addEventListener('click', () => this.#find());
    byId('home').addEventListener('click', () => this.#home());
    byId('save').addEventListener('click', () => saveText(this.log.toText()));
    document.addEventListener('keydown', (event) => this.#key(event));
    // The device slept, changed its network, or brought the page back out of its cache.
    addEventListener('online', () => this.#woke(0));
    addEventListener('offline', () => this.#render());
    addEventListener('pageshow', (event) => event.persisted && this.#woke(0));
    document.addEventListener('visibilitychange', () => !document.hidden && this.#woke());
  }

  /** @param {number} [quietMs] */
  #woke(quietMs) {
    this.client.wake(quietMs);
    this.#render();
  }

  /** @param {string} body */
  #say(body) {
    this.#complaint = '';
    this.log.add('me', this.client.say(body), body);
    this.#save();
  }

  #find() {
    this.#complaint = '';
    this.#ending = null;
    this.#unsent = 0;
    this.#waitingSince = Date.now();
    this.client.find(this.#criteria);
  }

  #stop() {
    this.#complaint = '';
    this.client.leave();
  }

  #home() {
    this.#ending = null;
    this.#save();
    this.#render();
  }

  /** Esc: stops, asks before it ends a conversation, begins anew after one; Enter begins anew, too. */
  #key(/** @type {KeyboardEvent} */ event) {
    if (event.isComposing || event.repeat || event.ctrlKey || event.altKey || event.metaKey) {
      return;
    }
    const onControl = /** @type {Element} */ (event.target).closest?.('button, a, input, select, textarea') != null;
    const screen = this.#screen;
    if (event.key === 'Escape' && screen === 'talk') {
      this.stop.press();
    } else if (event.key === 'Escape' && screen === 'waiting') {
      this.#stop();
    } else if (screen === 'ended' && (event.key === 'Escape' || (event.key === 'Enter' && !onControl))) {
      if (Date.now() - this.#endedAt >= SETTLE_MS) {
        this.#find();
      }
    } else {
      return;
    }
    event.preventDefault();
  }

  // --- what is shown and stored ---

  get #screen() {
    return screenOf(this.#state());
  }

  /** @returns {import('./page/view.js').State} */
  #state() {
    const { client } = this;
    return {
      doing: client.state,
      link: client.link,
      chat: client.chat,
      ending: this.#ending,
      online: navigator.onLine,
      queued: client.queued,
      graceMs: this.#graceMs,
      waitingSince: this.#waitingSince,
      unsent: this.#unsent,
      topics: this.#criteria.topics,
      people: this.online.count,
      complaint: this.#complaint,
    };
  }

  #render() {
    this.view.render(this.#state());
    this.log.follow();
  }

  /** @param {string} screen */
  #arrived(screen) {
    this.stop.disarm();
    this.next.disarm();
    this.composer.enabled = screen === 'talk';
    setText(byId('announcer'), '');
    if (screen === 'talk') {
      this.log.follow(true);
      this.composer.focus();
    } else if (screen === 'waiting' || screen === 'ended') {
      byId(`${screen}-title`).focus();
      this.online.refresh();
    }
  }

  #save() {
    saveConversation(this.client.export(), {
      log: this.log.export(),
      criteria: this.#criteria,
      ending: this.#ending,
      waitingSince: this.#waitingSince,
    });
  }

  /** @param {any} page what #save stored, or nothing */
  #restore(page) {
    if (page) {
      this.#ending = page.ending;
      this.#waitingSince = page.waitingSince;
      this.log.restore(page.log);
    }
  }
}

/** Where the node listens: beside the page. */
function socketUrl() {
  const url = new URL('ws', location.href);
  url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}

/**
 * Hands a text to the person as a file; it goes nowhere else.
 * @param {string} text
 */
function saveText(text) {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain;charset=utf-8' }));
  make('a', { href: url, download: 'passerby.txt' }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

await chooseLanguage(navigator.languages);
applyTexts();
if ('WebSocket' in globalThis) {
  new App();
} else {
  setText(byId('notice'), t('notice.unsupported'));
}
