/* app.js - the page: joins the client to the screens, the keyboard and what is stored.
 *
 * Flow:  what the person does → a call of the client → its events change the log and the state → render().
 * Fails: a reload or a crash finds in the tab's storage the client's state and the log that belongs to it, and goes on. */

import { ArmedButton } from './page/armed.js';
import { Attention } from './page/attention.js';
import { Composer } from './page/composer.js';
import { byId, setText } from './page/dom.js';
import { applyTexts, chooseLanguage, currentLanguage, t } from './page/i18n.js';
import { copyText, saveText } from './page/keep.js';
import { listenToKeys } from './page/keys.js';
import { offerLanguages, offerPageLanguages, ownLanguage } from './page/languages.js';
import { ChatLog } from './page/log.js';
import { Online } from './page/online.js';
import { Settings } from './page/settings.js';
import { sheetIsOpen } from './page/sheet.js';
import { keepShell, offerInstallation, reloadShell, updateShell } from './page/shell.js';
import {
  loadConversation,
  loadPreferences,
  saveConversation,
  savePreferences,
  storageWorks,
} from './page/store.js';
import { answerOtherTabs, newest } from './page/tabs.js';
import { Topics } from './page/topics.js';
import { screenOf, View } from './page/view.js';
import { Passerby } from './passerby.js';

const CLOSE_SUPERSEDED = 4501;
/** From so many failed attempts on it is asked whether the server can be reached at all. */
const SUSPICIOUS_AFTER = 2;

class App {
  /** @type {import('./page/view.js').Ending | null} */
  #ending = null;
  #endedAt = 0;
  #graceUntil = 0;
  #unsent = 0;
  #waitingSince = 0;
  #again = false;
  #complaint = '';
  #stored = storageWorks();
  /** names this tab's conversation among the tabs */
  #id = `${Date.now()}-${Math.random()}`;
  /** @type {{ topics: string[], lang: string }} */
  #criteria;
  /** @type {any} */
  #client;

  /** @param {import('./page/tabs.js').Conversation | null} saved */
  constructor(saved) {
    const preferences = loadPreferences();
    this.#criteria = saved?.page.criteria ?? {
      topics: preferences.topics ?? [],
      lang: preferences.lang ?? ownLanguage(),
    };
    this.log = new ChatLog();
    this.settings = new Settings();
    this.attention = new Attention(this.settings);
    this.topics = new Topics(preferences.topics ?? []);
    offerLanguages(byId('language'), this.#criteria.lang);
    offerPageLanguages(byId('page-language'), currentLanguage(), (tag) => this.#speak(tag));
    this.composer = new Composer({
      say: (body) => this.#say(body),
      typing: (on) => this.#client.typing(on),
      objection: (body) => this.#client.objection(body),
      maxBody: () => this.#client.limits.max_body,
    });
    this.online = new Online(
      () => this.#screen !== 'talk' || this.#client.link.failures >= SUSPICIOUS_AFTER,
      () => this.#render(),
    );
    this.view = new View((screen) => this.#arrived(screen), announce);
    const armed = (/** @type {string} */ name, /** @type {() => void} */ fire) =>
      new ArmedButton(byId(name), { label: `talk.${name}`, question: `talk.really_${name}` }, fire, announce);
    this.stop = armed('stop', () => this.#stop());
    this.next = armed('next', () => this.#find());
    this.#restore(saved?.page);
    this.#newClient(saved?.client);
    this.#bind();
    this.#render();
    this.#client.connect();
  }

  // --- what the client says ---

  /** @param {import('./passerby.js').Saved} [saved] */
  #newClient(saved) {
    const client = new Passerby({ url: socketUrl(), saved, log: (...what) => console.debug(...what) });
    this.#client = client;
    const { log } = this;
    client.on('hello', ({ online }) => this.online.show(online));
    client.on('waiting', (/** @type {{ again?: boolean }} */ { again }) => (this.#again = again === true));
    client.on('matched', ({ topics }) => this.#matched(topics));
    client.on('message', ({ seq, body }) => {
      log.add('them', seq, body);
      this.attention.call('message');
    });
    client.on('sent', ({ seq }) => log.sent(seq));
    client.on('delivered', ({ seq }) => log.delivered(seq));
    client.on('stranger', ({ grace_ms: graceMs }) => (this.#graceUntil = Date.now() + graceMs));
    client.on('refused', ({ what }) => (this.#complaint = what === 'find' ? 'notice.refused' : 'talk.refused'));
    client.on('ended', ({ reason, unsent }) => this.#ended(reason, unsent.length));
    client.on('closed', ({ code, unsent }) => this.#closed(code, unsent.length));
    client.on('link', ({ failures }) => failures === SUSPICIOUS_AFTER && this.online.refresh());
    client.on('change', () => this.#save());
    client.on('*', () => this.#render());
  }

  /** @param {string[]} topics in common */
  #matched(topics) {
    this.#ending = null;
    this.#unsent = 0;
    this.#again = false;
    this.composer.clear();
    this.log.begin(topics);
    this.attention.call('matched');
  }

  /**
   * @param {string} reason
   * @param {number} unsent
   */
  #ended(reason, unsent) {
    this.log.over();
    this.#endedAt = reason === 'you_left' ? 0 : Date.now();
    if (this.#client.state === 'idle') {
      this.#ending = { reason, unsent };
      this.attention.call('ended');
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
    byId('go').disabled = false; // before, the browser would have sent the form
    const actions = {
      'waiting-other': () => this.#find(),
      'waiting-stop': () => this.#stop(),
      again: () => this.#find(),
      same: () => this.#findSame(),
      home: () => this.#home(),
      reload: reloadShell,
      copy: () => this.#copy(),
      save: () => saveText(this.log.toText(), 'passerby.txt'),
    };
    for (const [id, act] of Object.entries(actions)) {
      byId(id).addEventListener('click', act);
    }
    listenToKeys({
      screen: () => this.#screen,
      endedAt: () => this.#endedAt,
      pressStop: () => this.stop.press(),
      stop: () => this.#stop(),
      find: () => this.#find(),
    });
    this.#bindBrowser();
  }

  /** The device sleeps, changes its network, keeps the page in its cache; another tab wants the conversation. */
  #bindBrowser() {
    addEventListener('online', () => this.#woke(0));
    addEventListener('offline', () => this.#render());
    addEventListener('pagehide', () => this.#client.close()); // an open connection would keep it out of the cache
    addEventListener('pageshow', (event) => event.persisted && this.#client.connect());
    document.addEventListener('resume', () => this.#woke(0));
    document.addEventListener('visibilitychange', () => !document.hidden && this.#woke());
    answerOtherTabs((id) => this.#handOver(id));
    keepShell(() => this.#screen === 'start' && byId('topic').value === '' && !sheetIsOpen());
    offerInstallation();
  }

  /** @param {number} [quietMs] */
  #woke(quietMs) {
    this.#client.wake(quietMs);
    this.#render();
  }

  /** @param {string} body */
  #say(body) {
    this.#complaint = '';
    this.log.add('me', this.#client.say(body), body);
    this.#save();
  }

  #find() {
    this.#begin(false);
    this.#client.find(this.#criteria);
  }

  #findSame() {
    this.#begin(true);
    this.#client.again();
  }

  /** @param {boolean} again */
  #begin(again) {
    this.#complaint = '';
    this.#ending = null;
    this.#unsent = 0;
    this.#again = again;
    this.#waitingSince = Date.now();
  }

  #stop() {
    this.#complaint = '';
    this.#client.leave();
  }

  async #copy() {
    setText(byId('kept'), t((await copyText(this.log.toText())) ? 'ended.copied' : 'ended.not_copied'));
  }

  #home() {
    this.#ending = null;
    this.#save();
    this.#render();
  }

  /** @param {string} tag */
  async #speak(tag) {
    savePreferences({ language: tag });
    await chooseLanguage([tag]);
    applyTexts();
    this.topics.render();
    this.attention.render();
    this.log.restore(this.log.export());
    this.#render();
  }

  /**
   * The conversation goes on in another tab.
   * @param {string} id
   * @returns {import('./page/tabs.js').Conversation | null} null: it is not here
   */
  #handOver(id) {
    if (id !== this.#id || this.#client.state === 'idle') {
      return null;
    }
    this.#client.close();
    const conversation = { client: this.#client.export(), page: this.#export() };
    this.#newClient();
    this.#id = `${Date.now()}-${Math.random()}`;
    this.#ending = { reason: 'superseded', unsent: 0 };
    this.#save();
    this.#render();
    return conversation;
  }

  // --- what is shown and stored ---

  get #screen() {
    return screenOf(this.#state());
  }

  /** @returns {import('./page/view.js').State} */
  #state() {
    const client = this.#client;
    return {
      doing: client.state,
      link: client.link,
      chat: client.chat,
      ending: this.#ending,
      online: navigator.onLine,
      reachable: this.online.reachable,
      stored: this.#stored,
      queued: client.queued,
      again: this.#again,
      canMeetAgain: client.canMeetAgain === true,
      graceUntil: this.#graceUntil,
      waitingSince: this.#waitingSince,
      unsent: this.#unsent,
      topics: this.#criteria.topics,
      people: this.online.count,
      complaint: this.#complaint,
    };
  }

  #render() {
    this.online.render(this.#client.link.state);
    this.view.render(this.#state());
    this.log.follow();
  }

  /** @param {string} screen */
  #arrived(screen) {
    this.stop.disarm();
    this.next.disarm();
    this.composer.enabled = screen === 'talk';
    announce('');
    setText(byId('kept'), '');
    if (screen === 'talk') {
      this.log.follow(true);
      this.composer.focus();
      return;
    }
    this.online.refresh();
    if (screen === 'start') {
      updateShell();
    } else {
      byId(`${screen}-title`).focus();
    }
  }

  #export() {
    return {
      id: this.#id,
      log: this.log.export(),
      criteria: this.#criteria,
      ending: this.#ending,
      waitingSince: this.#waitingSince,
      again: this.#again,
    };
  }

  #save() {
    saveConversation(this.#client.export(), this.#export());
  }

  /** @param {any} page what #export gave, or nothing */
  #restore(page) {
    if (page) {
      this.#id = page.id ?? this.#id;
      this.#ending = page.ending;
      this.#waitingSince = page.waitingSince;
      this.#again = page.again === true;
      this.log.restore(page.log);
    }
  }
}

/** @param {string} text for those who listen to the page */
function announce(text) {
  setText(byId('announcer'), text);
}

/** Where the node listens: beside the page. */
function socketUrl() {
  const url = new URL('ws', location.href);
  url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}

const { language } = loadPreferences();
const [saved] = await Promise.all([
  newest(loadConversation()),
  chooseLanguage(language ? [language] : navigator.languages),
]);
applyTexts();
if ('WebSocket' in globalThis) {
  new App(saved);
} else {
  setText(byId('notice'), t('notice.unsupported'));
}
