/* desk.mjs - one client on a table: its sockets are in the test's hand, its clock stands still, its events are written
 * down. */

import assert from 'node:assert/strict';
import { Passerby } from '../../../../src/web/passerby.js';
import { FakeClock } from './clock.mjs';

export const HELLO = {
  t: 'hello',
  v: 1,
  online: 7,
  max_body: 2000,
  max_frame: 16384,
  window: 32,
  grace_ms: 60000,
  prefer_ms: 8000,
};

export const RESUMED = { t: 'resumed', chat: 'c1', peer: 'here', resume: 'token2', reliable: true };

/** The messages among frames, as "1:text". */
export const bodies = (frames) => frames.filter(({ t }) => t === 'msg').map(({ seq, body }) => `${seq}:${body}`);
/** The `t` of each frame. */
export const kinds = (frames) => frames.map(({ t }) => t);

/** A WebSocket whose other end is the test. */
class FakeSocket {
  readyState = 0;
  sent = [];
  closedWith = null;

  constructor(url, protocol) {
    Object.assign(this, { url, protocol });
  }

  send(text) {
    assert.equal(this.readyState, 1, 'sent on a connection that is not open');
    this.sent.push(JSON.parse(text));
  }

  close(code) {
    this.closedWith = code ?? 1005;
    this.readyState = 3;
  }

  // --- what the node does ---

  /** Opens the connection, with a `hello` unless it is null. */
  open(hello = HELLO) {
    this.readyState = 1;
    if (hello) {
      this.say(hello);
    }
    return this;
  }

  say(...frames) {
    for (const frame of frames) {
      this.onmessage?.({ data: typeof frame === 'string' ? frame : JSON.stringify(frame) });
    }
    return this;
  }

  raw(data) {
    this.onmessage?.({ data });
  }

  drop(code = 1006) {
    this.readyState = 3;
    this.onclose?.({ code });
  }

  /** What came since the last call. */
  take() {
    return this.sent.splice(0);
  }
}

export class Desk {
  sockets = [];
  events = [];
  logged = [];
  clock = new FakeClock();

  constructor(options = {}) {
    const desk = this;
    this.client = new Passerby({
      url: 'ws://node.example/ws',
      WebSocket: class extends FakeSocket {
        constructor(url, protocol) {
          super(url, protocol);
          desk.sockets.push(this);
        }
      },
      clock: this.clock,
      random: () => 0.5,
      log: (what, detail) => this.logged.push([what, detail]),
      ...options,
    });
    this.client.on('*', (detail, type) => {
      if (type !== 'change' && type !== 'link' && type !== 'hello') {
        this.events.push([type, detail]);
      }
    });
  }

  /** The newest connection. */
  get socket() {
    return this.sockets.at(-1);
  }

  /** The events since the last call, those of the connection left out. */
  take() {
    return this.events.splice(0);
  }

  /** Their types alone. */
  takeTypes() {
    return this.take().map(([type]) => type);
  }

  /** Brings the client into a chat. */
  talk({ reliable = true, topics = [], hello = HELLO } = {}) {
    this.client.find();
    this.socket.open(hello).say({ t: 'matched', chat: 'c1', topics, resume: 'token1', reliable });
    this.socket.take();
    this.take();
    return this.socket;
  }

  /** Loses the connection and gets a new one, on which the client has just asked for what it wants. */
  reconnect(code = 1006, hello = HELLO) {
    const before = this.sockets.length;
    this.socket.drop(code);
    while (this.sockets.length === before) {
      this.clock.step();
    }
    return this.socket.open(hello);
  }
}
