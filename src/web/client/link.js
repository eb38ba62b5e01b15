/* link.js - keeps one connection to a node alive: dials, waits for `hello`, reconnects, moves to another.
 *
 * Flow:  open() → a socket is dialled → its `hello` makes it the current one → frames → it is lost → a pause → dialled
 *        again. A move (`reconnect` from the node, or renew()) dials while the current one still works; the new one's
 *        `hello` makes it current, and the former is closed by settle(), when the client has got its answer on the new
 *        one.
 * Fails: a lost connection is retried with jittered exponential backoff, for ever; a close code from 4500 on ends it.
 * Owns:  at most three sockets: the one being dialled, the current and the former one. */

import { readFrame } from './frames.js';
import { Timers } from './timers.js';

/** How long a connection may take until its `hello`. */
const HELLO_MS = 10_000;
/** How long a former connection is kept if nobody settles. */
const FORMER_MS = 10_000;
/** The first pause is random up to this; each further one up to twice the one before. */
const PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 15_000;
const SHORTEST_PAUSE_MS = 50;
/** A connection that lasted so long was a good one: the pauses start small again. */
const GOOD_MS = 5_000;
/** The longest `after_ms` that is believed. */
const LONGEST_AFTER_MS = 600_000;

const CLOSE_NORMAL = 1000;
const CLOSE_TRY_LATER = 1013;
/** From this code on a client does not reconnect by itself. */
const CLOSE_FOR_GOOD = 4500;
const OPEN = 1;

/**
 * How long to pause before the next attempt.
 * @param {number} attempt 0 for the first
 * @param {() => number} random from 0 to 1
 */
export function pauseBefore(attempt, random) {
  const most = Math.min(LONGEST_PAUSE_MS, PAUSE_MS * 2 ** Math.min(attempt, 10));
  return SHORTEST_PAUSE_MS + random() * most;
}

/**
 * @typedef {import('./frames.js').Frame} Frame
 * @typedef {import('./timers.js').Clock} Clock
 * @typedef {'closed' | 'connecting' | 'open' | 'pausing'} LinkState
 * @typedef {object} LinkOptions
 * @property {string} url
 * @property {any} WebSocket the class to use
 * @property {Clock} clock
 * @property {() => number} random
 * @property {(what: string, detail?: unknown) => void} log
 * @typedef {object} LinkListener
 * @property {(hello: import('./emitter.js').Hello) => void} hello a new connection stands; whatever was asked on an earlier one is unanswered
 * @property {(frame: Frame) => void} frame
 * @property {() => void} lost the connection is gone; another is tried
 * @property {(code: number) => void} refused the node closed it for good
 * @property {() => void} state the link's state has changed
 */

export class Link {
  /** @type {any} */ #candidate = null;
  /** @type {any} */ #current = null;
  /** @type {any} */ #former = null;
  #wanted = false;
  #since = 0;
  #options;
  #listener;
  #timers;

  /**
   * @param {LinkOptions} options
   * @param {LinkListener} listener
   */
  constructor(options, listener) {
    this.#options = options;
    this.#listener = listener;
    this.#timers = new Timers(options.clock);
    /** how many attempts have failed since the last good connection */
    this.failures = 0;
    /** when the current connection last delivered something */
    this.heardAt = 0;
  }

  /** @returns {LinkState} */
  get state() {
    if (this.#current) {
      return 'open';
    }
    if (this.#candidate) {
      return 'connecting';
    }
    return this.#wanted ? 'pausing' : 'closed';
  }

  /** Connects, and stays connected. */
  open() {
    if (!this.#wanted) {
      this.#wanted = true;
      this.failures = 0;
      this.#dial();
    }
  }

  /** Disconnects, and stays so. */
  close() {
    this.#wanted = false;
    this.#timers.clearAll();
    for (const socket of [this.#candidate, this.#current, this.#former]) {
      this.#discard(socket);
    }
    this.#candidate = this.#current = this.#former = null;
    this.#listener.state();
  }

  /**
   * @param {object} frame
   * @returns {boolean} whether it was handed to a connection
   */
  send(frame) {
    return this.#write(this.#current, frame);
  }

  /** Tries again at once, if it is pausing. */
  hurry() {
    if (this.#timers.has('pause')) {
      this.#timers.clear('pause');
      this.#dial();
    }
  }

  /** The current connection may be dead, or its node is going: dials another one, which takes over with its `hello`. */
  renew() {
    if (this.#current && !this.#candidate && !this.#timers.has('pause')) {
      this.#dial();
    }
  }

  /** Gives the current connection up: it has not answered. */
  drop() {
    this.#discard(this.#current);
    this.#lost(this.#current, 0);
  }

  /** The new connection has taken over: closes the former one. */
  settle() {
    this.#timers.clear('former');
    this.#discard(this.#former);
    this.#former = null;
  }

  #dial() {
    const { url, WebSocket } = this.#options;
    let socket;
    try {
      socket = new WebSocket(url, 'passerby.v1');
    } catch (error) {
      this.#options.log('cannot connect', error);
      this.#pause();
      this.#listener.state();
      return;
    }
    this.#candidate = socket;
    socket.onmessage = (/** @type {any} */ event) => this.#received(socket, event.data);
    socket.onclose = (/** @type {any} */ event) => this.#lost(socket, event.code);
    socket.onerror = () => {}; // onclose follows and says all there is to say
    this.#timers.set('hello', HELLO_MS, () => {
      this.#discard(socket);
      this.#lost(socket, 0);
    });
    this.#listener.state();
  }

  /**
   * @param {any} socket
   * @param {unknown} data
   */
  #received(socket, data) {
    const frame = readFrame(data);
    if (typeof frame === 'string') {
      this.#options.log('ignored a message of the node', frame);
    } else if (socket === this.#candidate) {
      this.#greeted(frame);
    } else if (socket === this.#former) {
      this.#farewell(frame);
    } else if (frame.t === 'reconnect') {
      this.#timers.set('renew', Math.min(frame.after_ms, LONGEST_AFTER_MS), () => this.renew());
    } else if (frame.t === 'hello') {
      this.#options.log('ignored a message of the node', 'a second hello');
    } else {
      this.heardAt = this.#options.clock.now();
      this.#listener.frame(frame);
    }
  }

  /** @param {Frame} frame the first one of the connection being dialled */
  #greeted(frame) {
    if (frame.t !== 'hello') {
      this.#options.log('ignored a message of the node', `${frame.t} before hello`);
      return;
    }
    this.settle();
    this.#former = this.#current;
    this.#current = this.#candidate;
    this.#candidate = null;
    this.#timers.clear('hello', 'renew');
    if (this.#former) {
      this.#timers.set('former', FORMER_MS, () => this.settle());
    }
    this.#since = this.heardAt = this.#options.clock.now();
    this.#listener.hello(/** @type {import('./emitter.js').Hello} */ (frame));
  }

  /** @param {Frame} frame what the connection says that has been left: a stranger met there must not wait in vain */
  #farewell(frame) {
    if (frame.t === 'matched') {
      this.#write(this.#former, { t: 'leave' });
    }
  }

  /**
   * @param {any} socket
   * @param {number} code 0: given up by this side
   */
  #lost(socket, code) {
    if (socket === null) {
      return;
    }
    if (socket === this.#former) {
      this.#former = null;
    } else if (socket === this.#candidate || socket === this.#current) {
      this.#retire(socket, code);
    }
  }

  /**
   * @param {any} socket the one being dialled or the current one
   * @param {number} code
   */
  #retire(socket, code) {
    const stood = socket === this.#current;
    if (stood) {
      this.#current = null;
      this.failures = this.#options.clock.now() - this.#since >= GOOD_MS ? 0 : this.failures;
    } else {
      this.#candidate = null;
      this.#timers.clear('hello');
    }
    if (code >= CLOSE_FOR_GOOD) {
      this.close();
      this.#listener.refused(code);
      return;
    }
    if (code === CLOSE_TRY_LATER) {
      this.failures = Math.max(this.failures, 3);
    }
    if (!this.#candidate) {
      this.#pause();
    }
    if (stood) {
      this.#listener.lost();
    }
    this.#listener.state();
  }

  #pause() {
    if (!this.#timers.has('pause')) {
      this.#timers.set('pause', pauseBefore(this.failures, this.#options.random), () => this.#dial());
      this.failures += 1;
    }
  }

  /**
   * @param {any} socket
   * @param {object} frame
   */
  #write(socket, frame) {
    if (!socket || socket.readyState !== OPEN) {
      return false;
    }
    socket.send(JSON.stringify(frame));
    return true;
  }

  /** @param {any} socket closed and not heard any more */
  #discard(socket) {
    if (socket) {
      socket.onmessage = socket.onclose = null;
      try {
        socket.close(CLOSE_NORMAL);
      } catch (error) {
        this.#options.log('cannot close', error);
      }
    }
  }
}
