/* passerby.js - the client of passerby.v1: finds strangers and talks with them, over connections that may break.
 *
 *   const client = new Passerby({ url: 'wss://chat.example.org/ws' });
 *   client.on('matched', () => client.say('Hello'));
 *   client.on('message', ({ body }) => console.log(body));
 *   client.on('ended', () => client.find());
 *   client.find({ topics: ['rain'] });
 *
 * No DOM; runs in browsers and in Node (before Node 22 hand it a WebSocket class, such as that of the package `ws`).
 *
 * Flow:  a turn is: one call, frame or timer changes the state (client/session.js, client/chat.js) → the events are
 *        heard, `change` last → then only is anything sent. So what a listener of `change` stores (export()) is never
 *        behind what the node or the stranger knows, and a listener may call any method.
 * Fails: a lost connection is made good: reconnect, resume, ask again, send again. What the node should not have said
 *        is ignored and reported to the `log` hook.
 * Owns:  the link, the timers, the session.
 *
 * The events and their details are in client/emitter.js; README.md explains it all. */

import { Emitter } from './client/emitter.js';
import { fits, wellFormed } from './client/frames.js';
import { Link } from './client/link.js';
import { Session } from './client/session.js';
import { systemClock, Timers } from './client/timers.js';

/** A connection that was silent for so long is checked when the device wakes up. */
const QUIET_MS = 60_000;

/**
 * @typedef {import('./client/emitter.js').Events} Events
 * @typedef {import('./client/criteria.js').Criteria} Criteria
 * @typedef {import('./client/session.js').Saved} Saved
 * @typedef {object} Options
 * @property {string} url of the node: ws: or wss:
 * @property {any} [WebSocket] the class to use
 * @property {import('./client/timers.js').Clock} [clock]
 * @property {() => number} [random] from 0 to 1
 * @property {(what: string, detail?: unknown) => void} [log] hears what was ignored, and what listeners threw
 * @property {Saved | null} [saved] what export() gave earlier: the chat is taken up again with connect()
 */

export class Passerby {
  #emitter = new Emitter();
  #link;
  #session;
  #clock;
  #log;
  #turning = false;
  #changed = false;
  /** @type {[keyof Events, object][]} */
  #events = [];

  /** @param {Options} options */
  constructor(options) {
    const { url, WebSocket = globalThis.WebSocket, clock = systemClock, random = Math.random } = options;
    const { log = () => {}, saved } = options;
    if (typeof WebSocket !== 'function') {
      throw new TypeError('there is no WebSocket here: pass a class, such as that of the npm package ws');
    }
    new URL(url); // throws: it would be tried for ever
    /** @type {import('./client/emitter.js').Emit} */
    const emit = (type, detail) => void this.#events.push([type, detail]);
    const timers = new Timers(clock);
    this.#clock = clock;
    this.#log = log;
    this.#link = new Link(
      { url, WebSocket, clock, random, log },
      {
        hello: (hello) => this.#turn(() => this.#session.greeted(hello)),
        frame: (frame) => this.#turn(() => this.#session.heard(frame)),
        lost: () => this.#turn(() => this.#session.unbind()),
        refused: (code) => this.#turn(() => this.#session.refused(code)),
        state: () => this.#turn(() => emit('link', this.link)),
      },
    );
    this.#session = new Session(
      {
        link: this.#link,
        timers,
        later: (name, ms, fire) => timers.set(name, ms, () => this.#turn(fire)),
        emit,
        changed: () => void (this.#changed = true),
        now: () => clock.now(),
        log,
      },
      saved,
    );
  }

  /**
   * Calls `listener` with the detail of every event of that type (`*`: of all); returns what stops it.
   * @template {keyof Events | '*'} Type
   * @param {Type} type
   * @param {import('./client/emitter.js').Listener<Type>} listener
   * @returns {() => void}
   */
  on(type, listener) {
    return this.#emitter.on(type, listener);
  }

  /**
   * What the person is doing.
   * @returns {'idle' | 'waiting' | 'talking'}
   */
  get state() {
    if (this.#session.chat) {
      return 'talking';
    }
    return this.#session.wanted ? 'waiting' : 'idle';
  }

  /**
   * The connection, and how many attempts have failed since the last good one.
   * @returns {import('./client/emitter.js').LinkReport}
   */
  get link() {
    return { state: this.#link.state, failures: this.#link.failures };
  }

  /** The chat, if there is one; `attached`: the current connection holds it, so that what is said goes out now. */
  get chat() {
    if (!this.#session.chat) {
      return null;
    }
    const { id, topics, reliable, here, typing, attached } = this.#session.chat;
    return { id, topics, reliable, here, typing, attached };
  }

  /** The newest `hello`, or what holds before there is one. */
  get limits() {
    return this.#session.limits;
  }

  /** Whether a node has confirmed that it looks for a stranger. */
  get queued() {
    return this.#session.queued;
  }

  /** Connects without looking for anybody, or takes up what was saved. */
  connect() {
    this.#turn(() => this.#link.open());
  }

  /** Disconnects. A chat is held for its grace; export() keeps what is needed to take it up. */
  close() {
    this.#turn(() => {
      this.#session.unbind();
      this.#link.close();
    });
  }

  /**
   * Looks for a stranger; ends the chat first, if there is one. Topics that no node would take are left out.
   * @param {Criteria} [criteria]
   */
  find(criteria = {}) {
    this.#turn(() => this.#session.find(criteria));
  }

  /** Whether again() can be called: a chat has ended here not too long ago, and the node knows how. */
  get canMeetAgain() {
    return this.#session.canMeetAgain;
  }

  /** Looks for the stranger of the last chat, and nobody else; they are met if they do the same. */
  again() {
    if (this.canMeetAgain) {
      this.#turn(() => this.#session.again());
    }
  }

  /** Leaves the chat, or stops looking. */
  leave() {
    this.#turn(() => this.#session.leave());
  }

  /**
   * Why this text can't be said, or null if it can.
   * @param {string} body
   * @returns {'not_in_chat' | 'empty' | 'too_long' | null}
   */
  objection(body) {
    if (!this.#session.chat) {
      return 'not_in_chat';
    }
    if (body === '') {
      return 'empty';
    }
    return fits(wellFormed(body), this.limits) ? null : 'too_long';
  }

  /**
   * Says something; it goes out when the connection and the window let it.
   * @param {string} body
   * @returns {number} the message's number, which `sent` and `delivered` refer to
   * @throws {RangeError} if there is an objection
   */
  say(body) {
    const objection = this.objection(body);
    const { chat } = this.#session;
    if (objection || !chat) {
      throw new RangeError(objection ?? 'not_in_chat');
    }
    return this.#turn(() => chat.say(wellFormed(body)));
  }

  /**
   * Tells the stranger that something is being typed, or no more. Call it as often as you like.
   * @param {boolean} on
   */
  typing(on) {
    this.#session.chat?.sayTyping(on);
  }

  /**
   * The device may have slept or changed its network: tries at once instead of pausing on, and checks the connection.
   * @param {number} [quietMs] check it if nothing was heard for so long
   */
  wake(quietMs = QUIET_MS) {
    this.#turn(() => {
      this.#link.hurry();
      if (this.#link.state === 'open' && this.#clock.now() - this.#link.heardAt >= quietMs) {
        this.#session.check();
      }
    });
  }

  /**
   * Everything needed to go on after a reload, as plain data for JSON.
   * @returns {Saved}
   */
  export() {
    return this.#session.export();
  }

  /**
   * @template T
   * @param {() => T} change
   * @returns {T}
   */
  #turn(change) {
    const result = change();
    if (this.#turning) {
      return result;
    }
    this.#turning = true;
    try {
      do {
        this.#announce();
        this.#session.reconcile();
      } while (this.#events.length > 0 || this.#changed);
    } finally {
      this.#turning = false;
    }
    return result;
  }

  #announce() {
    const failed = (/** @type {unknown} */ error) => this.#log('a listener failed', error);
    while (this.#events.length > 0 || this.#changed) {
      const next = this.#events.shift();
      if (next) {
        this.#emitter.emit(next[0], next[1], failed);
      } else {
        this.#changed = false;
        this.#emitter.emit('change', {}, failed);
      }
    }
  }
}
