/* session.js - what this side wants and what the node is known to think, and the requests that bring the two together.
 *
 * Flow:  find() and leave() say what is wanted. reconcile(), at the end of each turn, compares that with what the node
 *        is known to think, and asks for the next step: resume, find or leave.
 * Fails: a new connection knows nothing: greeted() forgets what was asked, and reconcile() resumes and asks again. A
 *        request that is refused for now is asked again when the node says.
 * Owns:  the conversation, and the one that was left but that the node has not confirmed (`parting`). */

import { Chat } from './chat.js';
import { acceptable } from './criteria.js';
import { DEFAULT_HELLO } from './frames.js';
import { Request } from './request.js';

/** How long to wait after a refusal that gives no time. */
const RETRY_MS = 1_000;
/** The longest time that is believed: timers take one that is far longer for none. */
const LONGEST_RETRY_MS = 60_000;
const CLOSE_SUPERSEDED = 4501;

/**
 * @typedef {import('./frames.js').Frame} Frame
 * @typedef {import('./criteria.js').Criteria} Criteria
 * @typedef {object} Saved What export() gives.
 * @property {1} v
 * @property {Criteria | null} wanted
 * @property {import('./chat.js').SavedChat | null} chat
 * @property {{ id: string, token: string } | null} parting
 * @property {Last | null} [last]
 * @typedef {{ token: string, until: number }} Last The last chat, and until when its two people may look for each other.
 * @typedef {object} SessionHost What a session needs of the client.
 * @property {import('./link.js').Link} link
 * @property {import('./timers.js').Timers} timers
 * @property {(name: string, ms: number, fire: () => void) => void} later a timer that fires in a turn
 * @property {import('./emitter.js').Emit} emit
 * @property {() => void} changed something that export() tells has changed
 * @property {() => number} now
 * @property {(what: string, detail?: unknown) => void} log
 */

export class Session {
  #host;
  #link;
  #timers;
  #request;
  /** @type {Criteria | null} what is searched for, or to be searched for */ #wanted = null;
  /** @type {Chat | null} */ #chat = null;
  /** @type {{ id: string, token: string } | null} */ #parting = null;
  /** this connection holds #chat or #parting */ #bound = false;
  /** this connection is in the line */ #queued = false;
  /** the node does not know the newest criteria */ #stale = false;
  /** @type {Last | null} the one that is, or that was last */ #last = null;
  /** @type {Criteria | null} a search that was replaced while its match may have been on the way */ #crossed = null;

  /**
   * @param {SessionHost} host
   * @param {Saved | null} [saved]
   */
  constructor(host, saved) {
    this.#host = host;
    this.#link = host.link;
    this.#timers = host.timers;
    this.#request = new Request(host);
    /** @type {import('./emitter.js').Hello} the newest */
    this.limits = DEFAULT_HELLO;
    if (saved?.v === 1) {
      this.#wanted = saved.wanted;
      this.#parting = saved.parting;
      this.#last = saved.last ?? null;
      this.#chat = saved.chat && this.#newChat(saved.chat);
    }
  }

  get wanted() {
    return this.#wanted;
  }

  get chat() {
    return this.#chat;
  }

  get queued() {
    return this.#queued;
  }

  /** @returns {Saved} as plain data, for JSON */
  export() {
    return { v: 1, wanted: this.#wanted, chat: this.#chat?.export() ?? null, parting: this.#parting, last: this.#last };
  }

  /** Whether the stranger of the chat that has ended can be looked for. */
  get canMeetAgain() {
    return !this.#chat && this.limits.again_ms > 0 && this.#last !== null && this.#host.now() < this.#last.until;
  }

  // --- what is wanted ---

  /** @param {Criteria} criteria */
  find(criteria) {
    this.#want(acceptable(criteria));
  }

  again() {
    this.#want({ again: this.#last?.token });
  }

  /** @param {Criteria} criteria */
  #want(criteria) {
    this.#part();
    this.#wanted = criteria;
    this.#stale = true;
    this.#host.changed();
    this.#link.open();
  }

  leave() {
    this.#part();
    this.#wanted = null;
    this.#host.changed();
  }

  /** Asks the connection for a sign of life, unless one is due anyway: whatever is asked must be answered. */
  check() {
    if (this.#request.what) {
      return;
    }
    if (this.#chat) {
      this.#link.renew();
    } else {
      this.#request.probes = true;
      this.#stale = this.#queued;
    }
  }

  /** Asks the node for the next step towards what is wanted, or sends what the chat has to say. */
  reconcile() {
    if (this.#link.state !== 'open' || this.#request.what) {
      return;
    }
    const held = this.#chat ?? this.#parting;
    const paused = this.#timers.has('retry');
    if (held && !this.#bound) {
      if (!paused) {
        this.#request.ask('resume', { token: held.token });
      }
    } else if (this.#chat) {
      this.#chat.flush();
    } else if (this.#wanted?.again && this.limits.again_ms === 0) {
      this.#refused({ code: 'again', message: 'this node is too old for that' }); // it would look for anybody
    } else if (this.#wanted && !paused && (!this.#queued || this.#stale)) {
      this.#stale = false;
      this.#request.ask('find', { ...this.#wanted, reliable: true });
    } else if (this.#parting || (this.#queued && !this.#wanted) || this.#request.probes) {
      this.#request.ask('leave', {});
    } else {
      this.#link.settle();
    }
  }

  /** No connection holds anything any more. */
  unbind() {
    this.#bound = this.#queued = false;
    this.#crossed = null;
    this.#request.forget();
    this.#timers.clear('retry');
    this.#chat?.detach();
  }

  // --- chats ---

  /** @param {import('./chat.js').SavedChat} saved */
  #newChat(saved) {
    return new Chat(
      {
        ...this.#host,
        send: (frame) => this.#link.send(frame),
        limits: () => this.limits,
        heardAt: () => this.#link.heardAt,
        suspect: () => this.#link.renew(),
        drop: () => this.#link.drop(),
      },
      saved,
    );
  }

  /** The person leaves the chat, if there is one: nothing more is sent or heard of it. The node has yet to be told. */
  #part() {
    if (this.#chat) {
      this.#parting = { id: this.#chat.id, token: this.#chat.token };
      this.#over('you_left');
    }
  }

  /** @param {string} reason why the chat is over */
  #over(reason) {
    this.#host.emit('ended', { reason, unsent: this.#forget() });
  }

  /**
   * There is no chat any more.
   * @returns {import('./delivery.js').Message[]} own messages of it that may never be shown
   */
  #forget() {
    const unsent = this.#chat ? this.#chat.delivery.export().kept : [];
    this.#chat?.detach();
    this.#chat = null;
    this.#host.changed();
    return unsent;
  }

  // --- what the node says ---

  /** @param {import('./emitter.js').Hello} hello */
  greeted(hello) {
    this.unbind();
    if (hello.v !== 1) {
      this.#link.close();
      this.refused(0);
      return;
    }
    this.limits = hello;
    this.#chat?.refit();
    this.#host.emit('link', { state: this.#link.state, failures: this.#link.failures });
    this.#host.emit('hello', hello);
  }

  /** @param {number} code */
  refused(code) {
    this.unbind();
    this.#wanted = this.#parting = this.#last = null;
    if (this.#chat && code !== CLOSE_SUPERSEDED) {
      this.#over('closed');
    }
    this.#host.emit('closed', { code, unsent: this.#forget() });
  }

  /** @param {Frame} frame */
  heard(frame) {
    switch (frame.t) {
      case 'waiting':
        return this.#waits(frame);
      case 'matched':
        return this.#matched(frame);
      case 'resumed':
        return this.#resumed(frame);
      case 'ended':
        return this.#ended(frame);
      case 'idle':
        return this.#idle();
      case 'error':
        return this.#failed(frame);
      default:
        if (this.#chat && this.#bound) {
          this.#chat.handle(frame);
        } else if (!this.#parting) {
          this.#ignore(frame);
        }
    }
  }

  /** @param {Frame} frame */
  #ignore(frame) {
    this.#host.log('ignored a message of the node', frame);
  }

  /** @param {Frame} frame */
  #waits(frame) {
    if (this.#request.what !== 'find') {
      this.#ignore(frame);
      return;
    }
    this.#request.answered();
    this.#crossed = this.#parting = null;
    this.#bound = false;
    this.#queued = true;
    if (this.#wanted) {
      this.#host.emit('waiting', { again: frame.again });
    }
  }

  /** @param {Frame} frame */
  #matched(frame) {
    const answers = this.#request.what === 'find';
    if (!answers && !this.#queued) {
      this.#ignore(frame);
      return;
    }
    // A search that replaced another may have crossed with that one's match: then this chat ends at once (see #ended).
    this.#crossed = answers && this.#queued ? this.#wanted : null;
    this.#queued = this.#stale = false;
    this.#bound = true;
    this.#parting = null;
    this.#host.changed();
    if (answers) {
      this.#request.answered();
    }
    if (!this.#wanted || this.#request.what === 'leave') {
      this.#parting = { id: frame.chat, token: frame.resume };
      return;
    }
    this.#wanted = null;
    this.#last = { token: frame.resume, until: this.#host.now() + this.limits.again_ms };
    this.#chat = this.#newChat({ id: frame.chat, token: frame.resume, reliable: frame.reliable, topics: frame.topics });
    this.#chat.attach();
    this.#host.emit('matched', { chat: frame.chat, topics: frame.topics, reliable: frame.reliable });
  }

  /** @param {Frame} frame */
  #resumed(frame) {
    const held = this.#chat ?? this.#parting;
    if (this.#request.what !== 'resume' || !held || held.id !== frame.chat) {
      this.#ignore(frame);
      return;
    }
    this.#request.answered();
    this.#bound = true;
    this.#host.changed();
    if (this.#chat) {
      this.#chat.resumed(frame);
    } else {
      this.#parting = { id: frame.chat, token: frame.resume };
    }
  }

  /** @param {Frame} frame */
  #ended(frame) {
    const held = this.#chat ?? this.#parting;
    const resuming = this.#request.what === 'resume';
    if (!held || !(this.#bound || resuming)) {
      this.#ignore(frame);
      return;
    }
    // `leave` is answered by `you_left`; any other reason means that the chat was over before, and `idle` follows.
    if (resuming || (this.#request.what === 'leave' && frame.reason === 'you_left')) {
      this.#request.answered();
    }
    this.#bound = false;
    this.#parting = null;
    this.#host.changed();
    if (!this.#chat) {
      return;
    }
    this.#over(frame.reason);
    if (this.#crossed && !resuming && frame.reason === 'you_left') {
      this.#wanted = this.#crossed;
      this.#request.expect('find');
    }
    this.#crossed = null;
  }

  #idle() {
    if (this.#request.what !== 'leave') {
      this.#ignore({ t: 'idle' });
      return;
    }
    this.#request.answered();
    this.#bound = this.#queued = false;
    this.#parting = null;
    this.#host.changed();
  }

  /**
   * What is searched for can't be had.
   * @param {Frame} why its code and message
   */
  #refused({ code, message }) {
    if (this.#wanted?.again) {
      this.#last = null;
    }
    this.#wanted = null;
    this.#host.changed();
    this.#host.emit('refused', { what: 'find', code, message });
  }

  /** @param {Frame} frame `error` */
  #failed(frame) {
    const retriable = frame.code === 'rate_limited' || frame.code === 'busy';
    const asked = this.#request.what;
    if (this.#chat && this.#bound && this.#chat.handle(frame)) {
      return;
    }
    if (frame.seq !== 0 || (asked !== 'find' && asked !== 'resume') || frame.code === 'not_in_chat') {
      this.#ignore(frame);
      return;
    }
    this.#request.answered();
    if (retriable) {
      this.#stale = asked === 'find';
      this.#host.later('retry', Math.min(frame.retry_ms || RETRY_MS, LONGEST_RETRY_MS), () => {});
    } else if (asked === 'find') {
      this.#refused(frame);
    } else {
      this.#parting = null;
      this.#host.changed();
      if (this.#chat) {
        this.#over('expired');
      }
    }
  }
}
