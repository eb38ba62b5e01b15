/* session.js - what this side wants and what the node is known to think, and the requests that bring the two together.
 *
 * Flow:  find() and leave() say what is wanted. reconcile(), at the end of each turn, compares that with what the node
 *        is known to think, and asks for the next step: one request (resume, find, leave) at a time, so that every
 *        answer tells what it answers.
 * Fails: a new connection knows nothing: greeted() forgets what was asked, and reconcile() resumes and asks again. A
 *        request that is refused for now is asked again when the node says; one that is not answered costs the
 *        connection.
 * Owns:  the conversation, and the one that was left but that the node has not confirmed (`parting`). */

import { Chat } from './chat.js';
import { wellFormed } from './frames.js';

/** How long a request may stay unanswered before the connection is given up. */
const ANSWER_MS = 20_000;
/** The same for one that only asks whether the connection is alive. */
const PROBE_MS = 5_000;
/** How long to wait after a refusal that gives no time. */
const RETRY_MS = 1_000;
/** The longest time that is believed: timers take one that is far longer for none. */
const LONGEST_RETRY_MS = 60_000;
const MAX_TOPICS = 8;
const MAX_TOPIC_CODE_POINTS = 32;
const CLOSE_SUPERSEDED = 4501;

/** What holds before a node has said otherwise. */
const DEFAULT_LIMITS = {
  v: 1,
  online: 0,
  max_body: 2000,
  max_frame: 16384,
  window: 32,
  grace_ms: 60000,
  prefer_ms: 8000,
  again_ms: 0,
};

/**
 * @typedef {import('./frames.js').Frame} Frame
 * @typedef {{ topics?: string[], lang?: string, again?: string }} Criteria `again`: a token of the chat whose stranger it is
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

/**
 * Trims topics, and leaves out what no node would take.
 * @param {Criteria} criteria
 * @returns {Criteria}
 */
function acceptable(criteria) {
  const topics = (criteria.topics ?? [])
    .map((topic) => wellFormed(String(topic)).trim())
    .filter((topic) => topic !== '' && [...topic].length <= MAX_TOPIC_CODE_POINTS)
    .slice(0, MAX_TOPICS);
  const lang = criteria.lang ?? '';
  return { ...(topics.length > 0 && { topics }), ...(/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/.test(lang) && { lang }) };
}

export class Session {
  #host;
  #link;
  #timers;
  /** @type {Criteria | null} what is searched for, or to be searched for */ #wanted = null;
  /** @type {Chat | null} */ #chat = null;
  /** @type {{ id: string, token: string } | null} */ #parting = null;
  /** @type {'resume' | 'find' | 'leave' | null} the request that is not answered */ #asked = null;
  /** this connection holds #chat or #parting */ #bound = false;
  /** this connection is in the line */ #queued = false;
  /** the node does not know the newest criteria */ #stale = false;
  /** the connection is to be checked */ #probe = false;
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
    /** @type {import('./emitter.js').Hello} the newest */
    this.limits = DEFAULT_LIMITS;
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
    const chat = this.#chat && this.#chat.export();
    return { v: 1, wanted: this.#wanted, chat, parting: this.#parting, last: this.#last };
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
    if (this.#asked) {
      return;
    }
    if (this.#chat) {
      this.#link.renew();
    } else {
      this.#probe = true;
      this.#stale = this.#queued;
    }
  }

  /** Asks the node for the next step towards what is wanted, or sends what the chat has to say. */
  reconcile() {
    if (this.#link.state !== 'open' || this.#asked) {
      return;
    }
    const held = this.#chat ?? this.#parting;
    const paused = this.#timers.has('retry');
    if (held && !this.#bound) {
      if (!paused) {
        this.#ask('resume', { token: held.token });
      }
    } else if (this.#chat) {
      this.#chat.flush();
    } else if (this.#wanted?.again && this.limits.again_ms === 0) {
      this.#refused({ code: 'again', message: 'this node is too old for that' }); // it would look for anybody
    } else if (this.#wanted && !paused && (!this.#queued || this.#stale)) {
      this.#stale = false;
      this.#ask('find', { ...this.#wanted, reliable: true });
    } else if (this.#parting || (this.#queued && !this.#wanted) || this.#probe) {
      this.#ask('leave', {});
    } else {
      this.#link.settle();
    }
  }

  /**
   * @param {'resume' | 'find' | 'leave'} what
   * @param {object} fields
   */
  #ask(what, fields) {
    this.#expectAnswer(what);
    this.#link.send({ t: what, ...fields });
  }

  /** @param {'resume' | 'find' | 'leave'} what */
  #expectAnswer(what) {
    this.#asked = what;
    this.#host.later('answer', this.#probe ? PROBE_MS : ANSWER_MS, () => this.#link.drop());
    this.#probe = false;
  }

  /** The request has been answered, or refused. */
  #answered() {
    this.#asked = null;
    this.#timers.clear('answer');
    this.#link.settle();
  }

  /** No connection holds anything any more. */
  unbind() {
    this.#bound = this.#queued = this.#probe = false;
    this.#asked = this.#crossed = null;
    this.#timers.clear('answer', 'retry');
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
    if (this.#asked !== 'find') {
      this.#ignore(frame);
      return;
    }
    this.#answered();
    this.#crossed = this.#parting = null;
    this.#bound = false;
    this.#queued = true;
    if (this.#wanted) {
      this.#host.emit('waiting', { again: frame.again });
    }
  }

  /** @param {Frame} frame */
  #matched(frame) {
    const answers = this.#asked === 'find';
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
      this.#answered();
    }
    if (!this.#wanted || this.#asked === 'leave') {
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
    if (this.#asked !== 'resume' || !held || held.id !== frame.chat) {
      this.#ignore(frame);
      return;
    }
    this.#answered();
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
    const resuming = this.#asked === 'resume';
    if (!held || !(this.#bound || resuming)) {
      this.#ignore(frame);
      return;
    }
    // `leave` is answered by `you_left`; any other reason means that the chat was over before, and `idle` follows.
    if (resuming || (this.#asked === 'leave' && frame.reason === 'you_left')) {
      this.#answered();
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
      this.#expectAnswer('find');
    }
    this.#crossed = null;
  }

  #idle() {
    if (this.#asked !== 'leave') {
      this.#ignore({ t: 'idle' });
      return;
    }
    this.#answered();
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
    const asked = this.#asked;
    if (this.#chat && this.#bound && this.#chat.handle(frame)) {
      return;
    }
    if (frame.seq !== 0 || (asked !== 'find' && asked !== 'resume') || frame.code === 'not_in_chat') {
      this.#ignore(frame);
      return;
    }
    this.#answered();
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
