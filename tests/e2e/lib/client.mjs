// client.mjs - a bare client of passerby.v1 over the npm package ws: says what it is told to say, and hears everything.
//
// It keeps no rules of the contract by itself: tests break them on purpose. Waits are bounded (wait.mjs).

import assert from 'node:assert/strict';
import WebSocket from 'ws';
import { within } from './wait.mjs';

export class Client {
  #socket;
  #inbox = [];
  #wake = () => {};
  #closed;
  /** Every message that ever came, in order. */
  heard = [];

  constructor(url, { protocols = ['passerby.v1'], ...options } = {}) {
    this.#socket = new WebSocket(url, protocols, { perMessageDeflate: false, ...options });
    this.#socket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    this.#closed = new Promise((resolve) => {
      this.#socket.on('close', (code, reason) => {
        this.closeCode = code;
        resolve({ code, reason: reason.toString() });
        this.#wake();
      });
    });
    this.opened = new Promise((resolve, reject) => {
      this.#socket.on('open', resolve);
      this.#socket.on('error', reject);
    });
    this.opened.catch(() => {});
  }

  #receive(data, isBinary) {
    const message = isBinary ? { t: 'binary' } : JSON.parse(data.toString('utf8'));
    this.heard.push(message);
    this.#inbox.push(message);
    this.#wake();
  }

  get protocol() { return this.#socket.protocol; }
  get isOpen() { return this.#socket.readyState === WebSocket.OPEN; }
  get unread() { return this.#inbox.length; }

  /** Sends an object as JSON, or a string or buffer as it is. */
  send(message) {
    const raw = typeof message === 'string' || Buffer.isBuffer(message);
    this.#socket.send(raw ? message : JSON.stringify(message));
  }

  /** Several messages in one write to the socket. */
  sendAll(messages) {
    this.#socket._socket.cork();
    for (const message of messages) this.send(message);
    this.#socket._socket.uncork();
  }

  sendBinary(bytes) { this.#socket.send(bytes, { binary: true }); }
  /** One frame of a fragmented text message. */
  sendFragment(bytes, last) { this.#socket.send(bytes, { binary: false, fin: last }); }
  ping(payload = '') { this.#socket.ping(payload); }
  on(event, listener) { this.#socket.on(event, listener); }

  /** The next message, whatever it is. */
  async next(what = 'a message') {
    const arrival = async () => {
      while (this.#inbox.length === 0) {
        if (this.closeCode !== undefined) throw new Error(`closed with ${this.closeCode} while waiting for ${what}`);
        await new Promise((resolve) => { this.#wake = resolve; });
      }
      return this.#inbox.shift();
    };
    return within(arrival(), () => `${what}; heard so far: ${JSON.stringify(this.heard.slice(-5))}`);
  }

  /** Asserts that the next message is of type `t` and has these fields, and returns it. */
  async expect(t, fields = {}) {
    const message = await this.next(`'${t}'`);
    assert.equal(message.t, t, `expected '${t}', got ${JSON.stringify(message)}`);
    for (const [name, value] of Object.entries(fields)) {
      assert.deepEqual(message[name], value, `'${t}': field '${name}' of ${JSON.stringify(message)}`);
    }
    return message;
  }

  /** The next message of a type that is not in `types`; those that are may come before it, or not. */
  async expectSkipping(types, t, fields) {
    while (this.#inbox.length === 0 || types.includes(this.#inbox[0].t)) {
      const message = await this.next(`'${t}'`);
      if (!types.includes(message.t)) this.#inbox.unshift(message);
    }
    return this.expect(t, fields);
  }

  async expectError(code, fields = {}) {
    const error = await this.expect('error', { code, ...fields });
    assert.equal(typeof error.message, 'string', '`message` is there for developers');
    return error;
  }

  /** `matched`; `waiting` may come before it, but is left out when a match comes at once. */
  async matched(fields) { return this.expectSkipping(['waiting'], 'matched', fields); }

  /** Waits for the close and asserts its code. */
  async closed(code) {
    const close = await within(this.#closed, () => `close ${code}; heard: ${JSON.stringify(this.heard.slice(-5))}`);
    if (code !== undefined) assert.equal(close.code, code, `close code (reason "${close.reason}")`);
    return close;
  }

  close(code, reason) { this.#socket.close(code, reason); }
  /** Ends the TCP connection without a word. */
  drop() { this.#socket.terminate(); }
  /** Stops and goes on reading. */
  pause() { this.#socket.pause(); }
  resume() { this.#socket.resume(); }
}

/** A client that has heard `hello` (kept in client.hello). Dropped at the end of the test. */
export async function connect(t, server, options = {}) {
  const client = new Client(options.url ?? server.url, options);
  t.after(() => client.drop());
  await within(client.opened, 'the WebSocket handshake');
  client.hello = await client.expect('hello');
  return client;
}

/** Two clients in one chat; .match is what each heard. `find`: fields for both; `left`, `right`: for the one. */
export async function connectPair(t, server, { left = {}, right = {}, ...find } = {}) {
  const a = await connect(t, server);
  const b = await connect(t, server);
  await match(a, b, { left, right, ...find });
  return [a, b];
}

/** Brings two idle clients together; nobody else may be waiting. `a` is there first. */
export async function match(a, b, { left = {}, right = {}, ...find } = {}) {
  a.plain = !(left.reliable ?? find.reliable);
  b.plain = !(right.reliable ?? find.reliable);
  a.send({ t: 'find', ...find, ...left });
  await a.expect('waiting');
  b.send({ t: 'find', ...find, ...right });
  b.match = await b.matched();
  a.match = await a.matched();
  assert.equal(a.match.chat, b.match.chat, 'both sides get the same `chat`');
}

/** Two reliable clients in one chat. */
export const connectReliablePair = (t, server, find = {}) => connectPair(t, server, { reliable: true, ...find });

/** A new connection that has asked to resume with `token`. The answer is still to be read. */
export async function resume(t, server, token) {
  const client = await connect(t, server);
  client.send({ t: 'resume', token });
  return client;
}

/** Asserts that the two can talk both ways. `seqs`: the numbers of their next messages, where they are reliable. */
export async function assertTalking(a, b, { seqs = [1, 1] } = {}) {
  for (const [from, to, seq] of [[a, b, seqs[0]], [b, a, seqs[1]]]) {
    const body = `proof ${Math.random()}`;
    from.send({ t: 'msg', body, ...(from.plain ? {} : { seq }) });
    await to.expectSkipping(['typing', 'ack', 'away', 'back', 'sync'], 'msg', { body });
  }
}
