/* chat.js - one conversation over whatever connections it takes: messages, acknowledgements, typing, the stranger's
 * presence.
 *
 * Flow:  attach() says that the current connection holds the chat → handle() takes its frames → flush(), at the end of
 *        each turn, sends what is due → detach() when the connection is gone.
 * Fails: what is unacknowledged is sent again on attach(), `back`, `sync`, and after RESEND_MS with the stranger here;
 *        a connection that stays silent meanwhile is suspected. */

import { Delivery } from './delivery.js';
import { fits } from './frames.js';

/** How long the oldest unacknowledged message waits before everything unacknowledged is sent again. */
const RESEND_MS = 10_000;
/** Acknowledgements come at most this often; the first at once. */
const ACK_EVERY_MS = 150;
/** How long to hold messages back after a refusal that gives no time. */
const HOLD_MS = 1_000;
/** The longest time that is believed: timers take one that is far longer for none. */
const LONGEST_HOLD_MS = 60_000;
/** A stranger who has typed this long without a word has stopped: the frame that says so is never repeated. */
const TYPING_STALE_MS = 20_000;
/** Typing that goes on is said again so often. */
const TYPING_AGAIN_MS = 5_000;
/** So many silent rounds of sending again make the connection suspect; twice as many after each suspicion. */
const SILENT_ROUNDS = 2;

/**
 * @typedef {import('./frames.js').Frame} Frame
 * @typedef {import('./delivery.js').Message} Message
 * @typedef {{ id: string, token: string, reliable: boolean, topics: string[],
 *   delivery?: import('./delivery.js').SavedDelivery }} SavedChat
 * @typedef {object} ChatHost What a chat needs of the client.
 * @property {(frame: object) => boolean} send
 * @property {import('./emitter.js').Emit} emit
 * @property {() => void} changed something that export() tells has changed
 * @property {(name: string, ms: number, fire: () => void) => void} later
 * @property {import('./timers.js').Timers} timers
 * @property {() => number} now
 * @property {() => import('./emitter.js').Hello} limits the newest
 * @property {() => number} heardAt
 * @property {() => void} suspect the connection may be dead
 * @property {() => void} drop the node has forgotten the chat: connect again
 * @property {(what: string, detail?: unknown) => void} log
 */

/** @type {Record<string, true>} the refusals of a message that no repetition helps against */
const HOPELESS = { too_long: true, bad_field: true, bad_json: true };

export class Chat {
  #host;
  #ackDue = false;
  #ackAt = -Infinity;
  #resendAt = 0;
  #silent = 0;
  #patience = SILENT_ROUNDS;
  #typingAt = -Infinity;
  /** @type {Map<number, number>} when each unacknowledged message was last sent */
  #sentAt = new Map();
  #sentUpTo;

  /**
   * @param {ChatHost} host
   * @param {SavedChat} saved
   */
  constructor(host, saved) {
    this.#host = host;
    this.id = saved.id;
    this.token = saved.token;
    /** whether the stranger is */
    this.reliable = saved.reliable;
    this.topics = [...saved.topics];
    this.delivery = new Delivery(saved.delivery);
    this.#sentUpTo = this.delivery.oldest - 1;
    /** whether the current connection holds this chat */
    this.attached = false;
    /** whether the stranger is connected */
    this.here = true;
    this.typing = false;
  }

  /** @returns {SavedChat} as plain data, for JSON */
  export() {
    const { id, token, reliable, topics } = this;
    return { id, token, reliable, topics, delivery: this.delivery.export() };
  }

  /** The current connection holds this chat from now on. */
  attach() {
    this.attached = true;
    this.#typingAt = -Infinity;
    this.delivery.rewind();
  }

  /** No connection holds this chat. */
  detach() {
    this.attached = false;
    this.#host.timers.clear('ack', 'hold', 'resend');
    this.#resendAt = 0;
    this.#setTyping(false);
  }

  /**
   * The node has taken the chat up again.
   * @param {Frame} frame `resumed`
   */
  resumed(frame) {
    this.token = frame.resume;
    this.reliable = frame.reliable;
    this.attach();
    this.#host.changed();
    this.#host.emit('resumed', {});
    this.#setHere(frame.peer === 'here', frame.grace_ms);
  }

  /**
   * @param {string} body
   * @returns {number} its number
   */
  say(body) {
    const seq = this.delivery.say(body);
    this.#typingAt = -Infinity;
    this.#host.changed();
    return seq;
  }

  /** @param {boolean} on */
  sayTyping(on) {
    const now = this.#host.now();
    const said = this.#typingAt > -Infinity;
    if (this.attached && (on ? now - this.#typingAt >= TYPING_AGAIN_MS : said)) {
      this.#host.send({ t: 'typing', on });
      this.#typingAt = on ? now : -Infinity;
    }
  }

  /** Looks whether the newest limits still let through what is kept. */
  refit() {
    const limits = this.#host.limits();
    for (const { seq, body } of this.delivery.kept.slice()) {
      if (!fits(body, limits)) {
        this.#refuse(seq, 'too_long');
      }
    }
  }

  /**
   * @param {Frame} frame
   * @returns {boolean} false: no frame of a conversation
   */
  handle(frame) {
    switch (frame.t) {
      case 'msg':
        this.#received(frame.seq, frame.body);
        return true;
      case 'ack':
        this.#acknowledged(frame.seq);
        return true;
      case 'typing':
        this.#setTyping(frame.on);
        return true;
      case 'away':
        this.#setTyping(false);
        this.#setHere(false, frame.grace_ms);
        return true;
      case 'back':
        this.delivery.rewind();
        this.#setTyping(false);
        this.#setHere(true, 0);
        return true;
      case 'sync':
        this.delivery.rewind();
        return true;
      case 'error':
        return this.#failed(frame);
      default:
        return false;
    }
  }

  /** Sends what is due. */
  flush() {
    this.#flushAck();
    if (!this.#host.timers.has('hold')) {
      this.#flushMessages();
    }
    this.#armResend();
  }

  /**
   * @param {number} seq
   * @param {string} body
   */
  #received(seq, body) {
    if (this.reliable) {
      this.#ackDue = true;
      if (!this.delivery.accept(seq)) {
        return;
      }
    }
    this.#setTyping(false);
    this.#host.changed();
    this.#host.emit('message', { seq, body });
  }

  /** @param {number} seq */
  #acknowledged(seq) {
    if (!this.delivery.acknowledged(seq)) {
      return;
    }
    for (const known of this.#sentAt.keys()) {
      if (known <= seq) {
        this.#sentAt.delete(known);
      }
    }
    this.#patience = SILENT_ROUNDS;
    this.#host.timers.clear('hold');
    this.#host.changed();
    this.#host.emit('delivered', { seq });
  }

  /**
   * @param {Frame} frame `error`
   * @returns {boolean}
   */
  #failed(frame) {
    const { code, seq, retry_ms: retry } = frame;
    if (code === 'not_in_chat') {
      this.#host.drop();
      return true;
    }
    if (seq === 0) {
      return false;
    }
    if (HOPELESS[code]) {
      this.#refuse(seq, code);
      return true;
    }
    if (code === 'bad_seq') {
      this.delivery.careful = true;
      this.delivery.rewind();
    } else {
      this.delivery.rewind(seq);
    }
    if (!this.#host.timers.has('hold')) {
      this.#host.later('hold', Math.min(retry || HOLD_MS, LONGEST_HOLD_MS), () => {});
    }
    return true;
  }

  /**
   * @param {number} seq
   * @param {string} code
   */
  #refuse(seq, code) {
    const message = this.delivery.refuse(seq);
    if (message) {
      this.#host.changed();
      this.#host.emit('refused', { what: 'msg', code, ...message });
    }
  }

  #flushAck() {
    if (!this.#ackDue || this.#host.timers.has('ack')) {
      return;
    }
    const wait = this.#ackAt + ACK_EVERY_MS - this.#host.now();
    if (wait > 0) {
      this.#host.later('ack', wait, () => {});
      return;
    }
    this.#ackDue = false;
    this.#ackAt = this.#host.now();
    this.#host.send({ t: 'ack', seq: this.delivery.received });
  }

  #flushMessages() {
    const now = this.#host.now();
    const before = this.#sentUpTo;
    for (const { seq, body } of this.delivery.due(this.#host.limits().window)) {
      this.#host.send({ t: 'msg', seq, body });
      this.#sentAt.set(seq, now);
      this.#sentUpTo = Math.max(this.#sentUpTo, seq);
    }
    if (this.#sentUpTo > before) {
      this.#host.emit('sent', { seq: this.#sentUpTo });
    }
  }

  #armResend() {
    const sentAt = this.#sentAt.get(this.delivery.oldest);
    if (!this.here || !this.delivery.inFlight || sentAt === undefined) {
      this.#host.timers.clear('resend');
      this.#resendAt = 0;
      return;
    }
    if (this.#resendAt !== sentAt + RESEND_MS) {
      this.#resendAt = sentAt + RESEND_MS;
      this.#host.later('resend', this.#resendAt - this.#host.now(), () => this.#overdue(sentAt));
    }
  }

  /** @param {number} sentAt when the oldest unacknowledged message was sent */
  #overdue(sentAt) {
    this.#resendAt = 0;
    this.delivery.rewind();
    this.#silent = this.#host.heardAt() > sentAt ? 0 : this.#silent + 1;
    if (this.#silent >= this.#patience) {
      this.#silent = 0;
      this.#patience *= 2;
      this.#host.suspect();
    }
  }

  /** @param {boolean} on */
  #setTyping(on) {
    if (on) {
      this.#host.later('typing', TYPING_STALE_MS, () => this.#setTyping(false));
    } else {
      this.#host.timers.clear('typing');
    }
    if (this.typing !== on) {
      this.typing = on;
      this.#host.emit('typing', { on });
    }
  }

  /**
   * @param {boolean} here
   * @param {number} graceMs how long the chat is held for them, if they are away
   */
  #setHere(here, graceMs) {
    this.here = here;
    this.#host.emit('stranger', { here, grace_ms: here ? 0 : graceMs });
  }
}
