// resp.mjs - as much of Redis' protocol (RESP2) as the tests need to give commands and to watch MONITOR.
//
// Fails: a connection that is lost rejects what is unanswered; the caller makes a new one.

import net from 'node:net';
import { once } from 'node:events';

/** One reply at `at`: [value, where it ends], or undefined while it is not complete. Errors are values. */
function parse(buffer, at) {
  const end = buffer.indexOf('\r\n', at);
  if (end < 0) return undefined;
  const kind = String.fromCharCode(buffer[at]);
  const line = buffer.toString('utf8', at + 1, end);
  const next = end + 2;
  if (kind === '+') return [line, next];
  if (kind === '-') return [new Error(line), next];
  if (kind === ':') return [Number(line), next];
  if (kind === '$') return parseBulk(buffer, next, Number(line));
  if (kind === '*') return parseArray(buffer, next, Number(line));
  throw new Error(`not RESP2: ${kind}${line}`);
}

function parseBulk(buffer, at, length) {
  if (length < 0) return [null, at];
  if (buffer.length < at + length + 2) return undefined;
  return [buffer.toString('utf8', at, at + length), at + length + 2];
}

function parseArray(buffer, at, count) {
  const values = [];
  for (let next = at; ;) {
    if (values.length >= count) return [values, next];
    const element = parse(buffer, next);
    if (!element) return undefined;
    values.push(element[0]);
    next = element[1];
  }
}

export class Resp {
  #socket;
  #rest = Buffer.alloc(0);
  #unanswered = [];
  #onLine;

  constructor(socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (data) => this.#receive(data));
    socket.on('error', () => {});
    socket.on('close', () => this.#lost());
    /** Settles when the connection is gone. */
    this.closed = new Promise((resolve) => { socket.on('close', resolve); });
  }

  /** Connects to a port of 127.0.0.1, or rejects. */
  static async connect(port) {
    const socket = net.connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new Resp(socket);
  }

  #lost() {
    for (const { reject } of this.#unanswered.splice(0)) reject(new Error('the connection to Redis was lost'));
  }

  #receive(data) {
    this.#rest = this.#rest.length > 0 ? Buffer.concat([this.#rest, data]) : data;
    let at = 0;
    for (let reply; (reply = parse(this.#rest, at)); at = reply[1]) this.#take(reply[0]);
    this.#rest = this.#rest.subarray(at);
  }

  #take(value) {
    const waiter = this.#unanswered.shift();
    if (!waiter) this.#onLine?.(value);
    else if (value instanceof Error) waiter.reject(value);
    else waiter.resolve(value);
  }

  call(...words) {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) {
        reject(new Error('there is no connection to Redis'));
        return;
      }
      this.#unanswered.push({ resolve, reject });
      const pieces = words.map((word) => `$${Buffer.byteLength(`${word}`)}\r\n${word}\r\n`);
      this.#socket.write(`*${words.length}\r\n${pieces.join('')}`);
    });
  }

  /** Calls `onLine` with every command that this Redis carries out, until the connection is lost. */
  async monitor(onLine) {
    this.#onLine = onLine;
    await this.call('MONITOR');
  }

  close() { this.#socket.destroy(); }
}
