// person.mjs - a reliable client written from PROTOCOL.md alone, that checks what it hears while it follows the rules.
//
// It takes part in one chat after the other. What is said and shown goes to the records (records.mjs), which know both
// sides and judge; what must not be heard in this state is a fault here.
//
// Flow:  start() → connection → `hello` → `resume` if in a chat, else `find` if a stranger is wanted → talk.
//        tick() is called all the time: what is due by time happens there.
// Fails: a lost connection is made anew after a jittered exponential back-off. On `reconnect` the next connection is
//        made first; the old one serves until the next one has the chat. `patienceMs`: so long somebody waits for any
//        word from a node that owes an answer, then drops the connection; without it the connection is believed.

import WebSocket from 'ws';

const BACKOFF_MS = { least: 50, most: 1000 };
const HANDSHAKE_MS = 10_000;
const RESEND_MS = 10_000; // rule 3

export class Person {
  #records;
  #random;
  #url;
  #patienceMs;
  #promptAcks;
  #link;         // { socket, asked, ready }: the one that is used
  #next;         // the one that takes its place, after `reconnect`
  #owed;         // since when something is unanswered
  #attempt = 0;
  #alarms = [];  // { at, action }
  #token;
  #unacked = []; // { seq, body, since }
  #backlog = [];
  #window = 32;
  #received = 0;
  #ackDue = false;
  #parting;      // 'leave' or 'find', until the chat is over
  #wanted = false;
  #wish = { t: 'find', reliable: true };

  /** The side of the chat that it is in (records.mjs), or undefined. */
  side;
  strangerHere = false;
  awaySince;
  counts = { away: 0, back: 0, sync: 0, resumed: 0, revived: 0, late: 0, refused: 0 };

  constructor(name, url, records, { random, patienceMs = Infinity, promptAcks = true }) {
    this.name = name;
    this.#url = url;
    this.#records = records;
    this.#random = random;
    this.#patienceMs = patienceMs;
    this.#promptAcks = promptAcks;
  }

  // --- what it is told to do ---

  start() { this.#connect(); return this; }

  stop() {
    this.stopped = true;
    this.#link?.socket.terminate();
    this.#next?.socket.terminate();
  }

  /** Looks for a stranger; in a chat: for the next one. `topics` are remembered. */
  find(topics = this.#wish.topics) {
    this.#wish = { t: 'find', reliable: true, topics };
    this.#wanted = true;
    if (this.side) this.#part('find');
    else this.#askFor(this.#link);
  }

  leave() {
    this.#wanted = false;
    if (this.side) this.#part('leave');
    else if (this.#link?.asked === 'find') this.#say({ t: 'leave' }, 'leave');
  }

  say(body) {
    this.#backlog.push(body);
    this.side.said.push({ body, at: Date.now() });
    this.#pump();
  }

  typing() { if (this.isTalking) this.#send(this.#link, { t: 'typing', on: true }); }
  drop() { this.#link?.socket.terminate(); }

  /** It is in a chat, as far as it knows; without a connection it says things all the same. */
  get mayTalk() { return this.side !== undefined && !this.#parting; }
  get isTalking() { return this.mayTalk && this.#link?.ready === true; }
  get isIdle() { return !this.side && !this.#wanted && this.#link?.greeted === true && this.#link.asked === undefined; }
  get isSearching() { return !this.side && this.#wanted; }
  /** In a chat, with the stranger, and all that was said is acknowledged. */
  get isAtEase() {
    return this.isTalking && this.strangerHere && this.#unacked.length === 0 && this.#backlog.length === 0;
  }

  describe() {
    const link = (one) => JSON.stringify(one && { ...one, socket: one.socket.readyState });
    const { chat } = this.side ?? {};
    return [
      `${this.name}: chat ${chat?.id} with ${chat?.other(this)?.person.name}, here ${this.strangerHere}`,
      `link ${link(this.#link)}, next ${link(this.#next)}, parting ${this.#parting}, wanted ${this.#wanted}`,
      `unacknowledged ${this.#unacked.length}, unsent ${this.#backlog.length}, received ${this.#received}`,
      `last heard ${JSON.stringify(this.lastHeard)}`,
    ].join(', ');
  }

  // --- time ---

  tick(now) {
    const due = this.#alarms.filter(({ at }) => at <= now);
    this.#alarms = this.#alarms.filter(({ at }) => at > now);
    for (const { action } of due) action();
    if (this.#ackDue) this.#acknowledge();
    const oldest = this.#unacked[0];
    if (oldest && this.strangerHere && this.isTalking && now - oldest.since >= RESEND_MS) {
      this.counts.late++;
      this.#resend();
    }
    if (this.#owed && now - this.#owed > this.#patienceMs) this.drop();
  }

  #after(ms, action) {
    this.#alarms.push({ at: Date.now() + ms, action: () => { if (!this.stopped) action(); } });
  }

  // --- connections ---

  #connect(isNext = false) {
    const options = { perMessageDeflate: false, handshakeTimeout: HANDSHAKE_MS };
    const socket = new WebSocket(this.#url, ['passerby.v1'], options);
    const link = { socket, asked: undefined, ready: false, greeted: false };
    if (isNext) this.#next = link;
    else this.#link = link;
    socket.on('message', (data) => this.#hear(link, JSON.parse(data.toString('utf8'))));
    socket.on('error', () => {});
    socket.on('close', (code) => this.#closed(link, code));
  }

  #connectLater(isNext) {
    const ceiling = Math.min(BACKOFF_MS.most, BACKOFF_MS.least * 2 ** this.#attempt++);
    this.#after(ceiling * (0.5 + this.#random() / 2), () => {
      if (!isNext) this.#connect();
      else if (this.#link && !this.#next) this.#connect(true);
    });
  }

  #closed(link, code) {
    if (this.stopped || (link !== this.#link && link !== this.#next)) return;
    this.#owed = undefined;
    if (code >= 4500 && !this.#next) this.#fault(`closed with ${code}`);
    if (link === this.#next) {
      this.#next = undefined;
      this.#connectLater(true);
      if (this.#parting && this.#link?.asked === undefined) this.#part(this.#parting);
    } else if (this.#next) {
      this.#promote();
    } else {
      this.#link = undefined;
      this.#connectLater(false);
    }
  }

  /** The next connection takes over. */
  #promote() {
    const old = this.#link;
    this.#link = this.#next;
    this.#next = undefined;
    old.socket.close(1000);
    this.#askFor(this.#link);
  }

  #send(link, message) {
    if (link?.socket.readyState === WebSocket.OPEN) link.socket.send(JSON.stringify(message));
  }

  #say(message, asked) {
    this.#link.asked = asked;
    this.#owed ??= Date.now();
    this.#send(this.#link, message);
  }

  /** Asks a connection that knows nothing yet for what is to go on. */
  #askFor(link) {
    if (!link?.greeted || link.asked) return;
    if (this.side) {
      link.asked = 'resume';
      link.resumes = this.side.chat.id;
      this.#send(link, { t: 'resume', token: this.#token });
    } else if (this.#wanted) {
      link.asked = 'find';
      this.#send(link, this.#wish);
    } else {
      return;
    }
    this.#owed ??= Date.now();
  }

  // --- what it hears ---

  #hear(link, message) {
    if (this.stopped || (link !== this.#link && link !== this.#next)) return;
    this.lastHeard = message;
    this.#owed = undefined;
    const handlers = {
      hello: () => this.#greeted(link, message),
      waiting: () => this.#expect(link.asked === 'find' || link.asked === 'leave', message),
      matched: () => this.#matched(link, message),
      resumed: () => this.#resumed(link, message),
      ended: () => this.#ended(link, message),
      idle: () => { this.#expect(link.asked === 'leave', message); link.asked = undefined; this.#askFor(link); },
      error: () => this.#refused(link, message),
      reconnect: () => this.#after(message.after_ms, () => { if (this.#link && !this.#next) this.#connect(true); }),
      msg: () => this.#show(message),
      ack: () => this.#acknowledged(message),
      typing: () => this.#expect(this.side, message),
      away: () => this.#away(message),
      back: () => this.#back(message),
      sync: () => { this.#expect(this.side, message); this.counts.sync++; this.#resend(); },
    };
    const handler = handlers[message.t];
    if (this.#expect(handler, message)) handler();
  }

  #fault(what) { this.#records.fault(this, what); }

  #expect(lawful, message) {
    if (!lawful) this.#fault(`heard ${JSON.stringify(message)} out of place`);
    return Boolean(lawful);
  }

  #greeted(link, message) {
    this.#expect(!link.greeted && message.v === 1, message);
    link.greeted = true;
    this.#window = message.window;
    if (link === this.#next && !this.side) this.#promote();
    if (link === this.#link || !this.#parting) this.#askFor(link); // else the old connection answers first
  }

  #matched(link, message) {
    const { asked } = link;
    const lawful = !this.side && ['find', 'leave'].includes(asked) && message.reliable === true
      && message.topics.every((topic) => this.#wish.topics?.includes(topic));
    if (!this.#expect(lawful, message)) return;
    this.side = this.#records.begin(this, message.chat);
    this.#unacked = [];
    this.#backlog = [];
    this.#received = 0;
    this.#nowTalking(link, message);
    this.#strangerIs(true);
    if (asked === 'leave') { // which is on its way
      link.asked = asked;
      this.#parting = asked;
      this.#records.leave(this);
    }
  }

  #resumed(link, message) {
    if (!this.side && link.asked === 'resume' && link.resumes === message.chat) {
      this.#revived(link);
      return;
    }
    const lawful = link.asked === 'resume' && this.side?.chat.id === message.chat && message.reliable === true
      && ['here', 'away'].includes(message.peer) && (message.peer === 'here') === (message.grace_ms === undefined);
    if (!this.#expect(lawful, message)) return;
    this.counts.resumed++;
    if (link === this.#next) this.#promote();
    this.#nowTalking(link, message);
    this.#strangerIs(message.peer === 'here');
    if (this.#parting) this.#part(this.#parting);
    else this.#resend();
  }

  /**
   * The old connection said that the chat is over, while this one resumed it with a Redis that had forgotten all of it:
   * nobody else is there.
   */
  #revived(link) {
    this.counts.revived++;
    link.revived = true;
    this.#say({ t: 'leave' }, 'leave');
  }

  #nowTalking(link, message) {
    link.asked = undefined;
    link.ready = true;
    this.#attempt = 0;
    this.#token = message.resume;
  }

  #strangerIs(here) {
    this.awaySince = here ? undefined : this.awaySince ?? Date.now();
    this.strangerHere = here;
  }

  #away(message) {
    if (!this.#expect(this.side && Number.isInteger(message.grace_ms) && message.grace_ms >= 0, message)) return;
    this.counts.away++;
    this.#strangerIs(false);
  }

  #back(message) {
    if (!this.#expect(this.side, message)) return;
    this.counts.back++;
    this.#strangerIs(true);
    this.#resend();
  }

  /** After `leave` or `find` the answer may have crossed the stranger's: what was asked then is answered later. */
  #ended(link, message) {
    if (!this.side) { // the old connection said so first
      this.#expect(link.asked === 'resume' || link.revived, message);
      if (link.asked === 'resume' || message.reason === 'you_left') link.asked = undefined;
    } else {
      this.#records.end(this, message.reason, this.#parting !== undefined);
      this.side = undefined;
      this.#token = undefined;
      const answerComes = link.asked === 'find' || (link.asked === 'leave' && message.reason !== 'you_left');
      if (!answerComes) link.asked = undefined;
      this.#parting = undefined;
      link.ready = false;
      this.awaySince = undefined;
    }
    if (link === this.#next || this.#next?.greeted) this.#promote();
    this.#askFor(this.#link);
  }

  #refused(link, message) {
    this.counts.refused++;
    if (['rate_limited', 'busy'].includes(message.code) && message.retry_ms !== undefined && link.asked) {
      this.#after(message.retry_ms, () => this.#askAgain(link));
    } else {
      this.#expect(message.code === 'not_in_chat' && !this.side, message); // said when the end was on its way
    }
  }

  #askAgain(link) {
    link.asked = undefined;
    if (link !== this.#link) return;
    if (this.side && link.ready) this.#part(this.#parting);
    else this.#askFor(link);
  }

  // --- the chat ---

  #part(how) {
    this.#parting = how;
    this.#backlog = [];
    this.#unacked = [];
    this.#records.leave(this);
    if (!this.#link?.ready || this.#next?.asked === 'resume') return; // after `resumed`
    this.#say(how === 'find' ? this.#wish : { t: 'leave' }, how);
  }

  #show(message) {
    if (!this.#expect(this.side && Number.isInteger(message.seq) && message.seq >= 1, message)) return;
    if (message.seq === this.#received + 1) {
      this.#received = message.seq;
      this.#records.show(this, message.body);
    }
    if (this.#promptAcks) this.#acknowledge();
    else this.#ackDue = true;
  }

  #acknowledge() {
    this.#ackDue = false;
    if (this.isTalking) this.#send(this.#link, { t: 'ack', seq: this.#received });
  }

  #acknowledged(message) {
    const said = this.side?.said.length;
    if (!this.#expect(this.side && message.seq <= said, message)) return;
    while (this.#unacked.length > 0 && this.#unacked[0].seq <= message.seq) this.#unacked.shift();
    this.#pump();
  }

  #pump() {
    if (!this.isTalking) return;
    while (this.#backlog.length > 0 && this.#unacked.length < this.#window) {
      const seq = this.side.said.length - this.#backlog.length + 1;
      const message = { t: 'msg', seq, body: this.#backlog.shift() };
      this.#unacked.push({ ...message, since: Date.now() });
      this.#owed ??= Date.now();
      this.#send(this.#link, message);
    }
  }

  #resend() {
    if (!this.isTalking) return;
    for (const message of this.#unacked) {
      message.since = Date.now();
      this.#send(this.#link, { t: 'msg', seq: message.seq, body: message.body });
    }
    this.#pump();
  }
}
