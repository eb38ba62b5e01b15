// reliable.mjs - a reliable client: all five rules of PROTOCOL.md ("What a reliable client does"), and nothing more.
//
// Written for the tests from the contract alone, apart from the page's own client. It looks for one stranger, talks,
// and keeps a record: `shown` (what it would have put on the screen), `errors` (what the node refused), `resumes`.
//
// Flow:  start() → hello → find or resume → matched/resumed → say() … → ended. A lost connection is made anew, until
//        stop().

import WebSocket from 'ws';

const BACKOFF_MS = { least: 50, most: 2000 };
const RESEND_MS = 10_000;

export class ReliableClient {
  shown = [];
  errors = [];
  resumes = 0;
  #url;
  #random;
  #find;
  #socket;      // the one we speak on
  #ready = false; // the node knows who we are: `matched` or `resumed` came on this socket
  #closing = false;
  #attempt = 0;
  #token;
  #unacked = []; // { seq, body, since }
  #backlog = []; // bodies beyond the window
  #nextSeq = 1;
  #received = 0;
  #window = 32;
  #peerHere = false;
  #timers = new Set();
  #waiters = [];

  /** `random` returns numbers in [0, 1): a test seeds it. */
  constructor(url, { random = Math.random, ...find } = {}) {
    this.#url = url;
    this.#random = random;
    this.#find = { t: 'find', reliable: true, ...find };
  }

  start() {
    this.#connect();
    const timer = setInterval(() => this.#resendOld(), 1000);
    this.#timers.add(timer);
    return this;
  }

  stop() {
    this.#closing = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#socket?.terminate();
  }

  get unacknowledged() { return this.#unacked.length + this.#backlog.length; }

  /** Settles when `condition()` holds; looked at after everything that is heard. */
  when(condition) {
    return new Promise((resolve) => {
      this.#waiters.push({ condition, resolve });
      this.#look();
    });
  }

  say(body) {
    this.#backlog.push(body);
    this.#pump();
  }

  leave() { this.#send({ t: 'leave' }); }

  /** What a bad network does: the connection is gone without a word. */
  drop() { this.#socket?.terminate(); }

  #after(ms, action) {
    const timer = setTimeout(() => { this.#timers.delete(timer); action(); }, ms);
    this.#timers.add(timer);
  }

  /** Opens a connection; `old` is the one to give up once the new one has resumed (`reconnect`). */
  #connect(old) {
    if (this.#closing || this.ended) return;
    const socket = new WebSocket(this.#url, ['passerby.v1'], { perMessageDeflate: false });
    if (!old) this.#socket = socket;
    socket.on('message', (data) => this.#hear(socket, JSON.parse(data.toString('utf8')), old));
    socket.on('error', () => {});
    socket.on('close', () => {
      if (socket !== this.#socket) return; // superseded, or given up after `reconnect`
      this.#ready = false;
      const ceiling = Math.min(BACKOFF_MS.most, BACKOFF_MS.least * 2 ** this.#attempt++);
      this.#after(ceiling * (0.5 + this.#random() / 2), () => this.#connect());
    });
  }

  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #hear(socket, message, old) {
    if (message.t === 'hello') {
      this.#window = message.window;
      if (old) this.#socket = socket; // from here on the old one only listens
      this.#ready = false;
      this.#send(this.#token ? { t: 'resume', token: this.#token } : this.#find);
      old?.close(1000);
    } else if (socket === this.#socket) {
      this.#on(message);
    }
    this.#look();
  }

  #on(message) {
    const handlers = {
      matched: () => this.#begin(message),
      resumed: () => { this.resumes++; this.#peerHere = message.peer === 'here'; this.#begin(message); },
      msg: () => this.#show(message),
      ack: () => this.#acknowledged(message.seq),
      away: () => { this.#peerHere = false; },
      back: () => { this.#peerHere = true; this.#resend(); },
      sync: () => this.#resend(),
      ended: () => { this.ended = message.reason; },
      error: () => this.#refused(message),
      reconnect: () => { const from = this.#socket; this.#after(message.after_ms, () => this.#connect(from)); },
    };
    handlers[message.t]?.();
  }

  #begin(message) {
    if (message.t === 'matched') this.#peerHere = true;
    this.chat = message.chat;
    this.peerReliable = message.reliable;
    this.#token = message.resume;
    this.#attempt = 0;
    this.#ready = true;
    this.#resend();
    this.#pump();
  }

  #refused(error) {
    if (error.code === 'rate_limited' && !this.#ready) {
      this.#after(error.retry_ms, () => this.#send(this.#token ? { t: 'resume', token: this.#token } : this.#find));
    } else {
      this.errors.push(error);
    }
  }

  #show({ seq, body }) {
    if (seq === this.#received + 1) {
      this.#received = seq;
      this.shown.push(body);
    }
    this.#send({ t: 'ack', seq: this.#received });
  }

  #acknowledged(seq) {
    while (this.#unacked.length > 0 && this.#unacked[0].seq <= seq) this.#unacked.shift();
    this.#pump();
  }

  #pump() {
    if (!this.#ready || this.ended) return;
    while (this.#backlog.length > 0 && this.#unacked.length < this.#window) {
      const message = { t: 'msg', seq: this.#nextSeq++, body: this.#backlog.shift() };
      this.#unacked.push({ ...message, since: Date.now() });
      this.#send(message);
    }
  }

  #resend() {
    if (!this.#ready || this.ended) return;
    for (const message of this.#unacked) {
      message.since = Date.now();
      this.#send({ t: 'msg', seq: message.seq, body: message.body });
    }
  }

  #resendOld() {
    if (this.#peerHere && this.#unacked.length > 0 && Date.now() - this.#unacked[0].since >= RESEND_MS) this.#resend();
  }

  #look() {
    this.#waiters = this.#waiters.filter(({ condition, resolve }) => {
      if (!condition()) return true;
      resolve();
      return false;
    });
  }
}
