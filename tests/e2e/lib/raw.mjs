// raw.mjs - a WebSocket client made by hand on a TCP socket (RFC 6455), for frames that no library would send.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { within } from './wait.mjs';

export const OPCODE = { CONTINUATION: 0, TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 };

/**
 * One frame's bytes. `length` is the declared one, by default the payload's; `mask: false` leaves it unmasked; `rsv` is
 * the three reserved bits; `wide` takes the 64-bit length field whatever the length.
 */
export function frame(payload = '', options = {}) {
  const { opcode = OPCODE.TEXT, fin = true, rsv = 0, mask = true, length, wide = false } = options;
  const body = Buffer.from(payload);
  const declared = BigInt(length ?? body.length);
  const head = [(fin ? 0x80 : 0) | (rsv << 4) | opcode];
  const maskBit = mask ? 0x80 : 0;
  if (declared > 0xffffn || wide) head.push(maskBit | 127, ...bigEndian(declared, 8));
  else if (declared > 125n) head.push(maskBit | 126, ...bigEndian(declared, 2));
  else head.push(maskBit | Number(declared));
  if (!mask) return Buffer.concat([Buffer.from(head), body]);
  const key = randomBytes(4);
  return Buffer.concat([Buffer.from(head), key, body.map((byte, at) => byte ^ key[at & 3])]);
}

const bigEndian = (value, bytes) =>
  Array.from({ length: bytes }, (_, at) => Number((value >> BigInt(8 * (bytes - 1 - at))) & 0xffn));

/** The payload of a Close frame. */
export const closePayload = (code, reason = '') =>
  Buffer.concat([Buffer.from(bigEndian(BigInt(code), 2)), Buffer.from(reason)]);

/** Makes a WebSocket handshake with these extra headers; returns the status and headers of the answer, and closes. */
export async function handshake(server, { path = '/ws', headers = {}, keep = false } = {}) {
  const request = http.request({
    host: '127.0.0.1', port: server.port, path, agent: false,
    headers: {
      Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': randomBytes(16).toString('base64'), ...headers,
    },
  });
  const answer = new Promise((resolve, reject) => {
    request.on('error', reject);
    request.on('upgrade', (response, socket) => {
      if (!keep) socket.destroy();
      resolve(response);
    });
    request.on('response', (response) => { response.resume(); resolve(response); });
  });
  request.end();
  const response = await within(answer, `the answer to the handshake ${JSON.stringify(headers)}`);
  return { status: response.statusCode, headers: response.headers, socket: response.socket };
}

export class RawClient {
  #bytes = Buffer.alloc(0);
  #ended = false;
  #wake = () => {};

  constructor(socket) {
    this.socket = socket;
    socket.on('data', (piece) => { this.#bytes = Buffer.concat([this.#bytes, piece]); this.#wake(); });
    socket.on('error', () => {});
    const end = () => { this.#ended = true; this.#wake(); };
    socket.on('end', end).on('close', end);
  }

  get received() { return this.#bytes; }
  get ended() { return this.#ended; }

  write(bytes) { this.socket.write(bytes); }
  text(message) { this.write(frame(typeof message === 'string' ? message : JSON.stringify(message))); }
  drop() { this.socket.destroy(); }

  async #until(condition, what) {
    const arrival = async () => {
      while (!condition()) {
        assert.ok(!this.#ended, `the connection ended while waiting for ${what}`);
        await new Promise((resolve) => { this.#wake = resolve; });
      }
    };
    await within(arrival(), what);
  }

  /** Takes bytes up to and including `mark`. */
  async takeUntil(mark, what) {
    await this.#until(() => this.#bytes.includes(mark), what);
    const end = this.#bytes.indexOf(mark) + mark.length;
    const taken = this.#bytes.subarray(0, end).toString('latin1');
    this.#bytes = this.#bytes.subarray(end);
    return taken;
  }

  /** The next frame of the server: { opcode, payload, fin }. */
  async next(what = 'a frame') {
    await this.#until(() => this.#frameBytes() <= this.#bytes.length, what);
    const total = this.#frameBytes();
    const [first, second] = this.#bytes;
    assert.equal(second & 0x80, 0, 'a server must not mask (RFC 6455 section 5.1)');
    const offset = { 126: 4, 127: 10 }[second] ?? 2;
    const payload = Buffer.from(this.#bytes.subarray(offset, total));
    this.#bytes = this.#bytes.subarray(total);
    return { fin: (first & 0x80) !== 0, opcode: first & 0x0f, payload };
  }

  /** Bytes of the frame in front, as far as that can be known; else more than there are. */
  #frameBytes() {
    const bytes = this.#bytes;
    if (bytes.length < 2) return Infinity;
    if (bytes[1] < 126) return 2 + bytes[1];
    if (bytes.length < 10) return bytes[1] === 126 && bytes.length >= 4 ? 4 + bytes.readUInt16BE(2) : Infinity;
    return bytes[1] === 126 ? 4 + bytes.readUInt16BE(2) : 10 + Number(bytes.readBigUInt64BE(2));
  }

  /** The next text message, parsed; pings and pongs are passed over. */
  async expect(t, fields = {}) {
    let got;
    do got = await this.next(`'${t}'`); while (got.opcode >= OPCODE.PING);
    assert.equal(got.opcode, OPCODE.TEXT, `expected '${t}', got opcode ${got.opcode}: ${got.payload.toString('hex')}`);
    const message = JSON.parse(got.payload.toString('utf8'));
    assert.equal(message.t, t, `expected '${t}', got ${JSON.stringify(message)}`);
    for (const [name, value] of Object.entries(fields)) {
      assert.deepEqual(message[name], value, `'${t}': field '${name}' of ${JSON.stringify(message)}`);
    }
    return message;
  }

  /** Reads on to the Close frame, asserts its code, and that the server then ends the connection. */
  async closed(code) {
    let got;
    do got = await this.next(`close ${code}`); while (got.opcode !== OPCODE.CLOSE);
    assert.ok(got.payload.length >= 2, 'the Close frame carries a code');
    assert.equal(got.payload.readUInt16BE(0), code, `close code (reason "${got.payload.subarray(2)}")`);
    if (!this.socket.destroyed) this.write(frame(got.payload.subarray(0, 2), { opcode: OPCODE.CLOSE }));
    await this.end();
  }

  /** Waits until the server has ended the connection. */
  async end() {
    const over = async () => {
      while (!this.#ended) await new Promise((resolve) => { this.#wake = resolve; });
    };
    await within(over(), 'the server to end the connection');
  }
}

/** A TCP connection to the server; nothing is said yet. Dropped at the end of the test. */
export async function connectTcp(t, server, options = {}) {
  const socket = net.connect({ host: '127.0.0.1', port: server.port, ...options });
  t.after(() => socket.destroy());
  await within(once(socket, 'connect'), 'the TCP connection');
  return new RawClient(socket);
}

/** A WebSocket connection, its handshake done and `hello` read (client.hello). */
export async function connectRaw(t, server, { headers = {}, ...options } = {}) {
  const client = await connectTcp(t, server, options);
  const key = randomBytes(16).toString('base64');
  const lines = {
    Host: server.host, Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Key': key,
    'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Protocol': 'passerby.v1', ...headers,
  };
  client.write(`GET /ws HTTP/1.1\r\n${Object.entries(lines).map(([k, v]) => `${k}: ${v}\r\n`).join('')}\r\n`);
  const answer = await client.takeUntil('\r\n\r\n', 'the answer to the handshake');
  assert.match(answer, /^HTTP\/1\.1 101 /);
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  const accepted = /^sec-websocket-accept:\s*(\S+)/im.exec(answer)?.[1];
  assert.equal(accepted, accept, 'Sec-WebSocket-Accept (RFC 6455 section 4.2.2)');
  client.hello = await client.expect('hello');
  return client;
}
