// server.mjs - a passerby process on free ports of 127.0.0.1, started and stopped by the test that needs it.
//
// PASSERBY_BIN names the binary (default build/passerby); E2E_FLAGS adds flags to every server, e.g. "--workers 4".
//
// Flow:  startServer(t, flags) → both ports are read from the log → the test → SIGTERM → exit status 0, else it fails.
// Fails: a server that does not start, exits early, or leaves a sanitizer's report fails the test, with its log in the
//        message.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import { fileURLToPath } from 'node:url';
import { eventually, within } from './wait.mjs';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
export const BINARY = process.env.PASSERBY_BIN ?? `${ROOT}build/passerby`;

/* What every server gets unless later flags say otherwise: free ports, and a drain that takes no time. */
const USUAL_FLAGS = [
  '--listen', '127.0.0.1:0',
  '--internal-listen', '127.0.0.1:0',
  '--drain-spread', '100ms',
  '--drain-timeout', '300ms',
];
const EXTRA_FLAGS = (process.env.E2E_FLAGS ?? '').split(/\s+/).filter(Boolean);
const SANITIZER_REPORT = /ERROR: \w+Sanitizer|runtime error:|WARNING: ThreadSanitizer|Assertion .* failed/;
const LISTENING = /(internal )?listening\b.*?\bport"?[=:]"?(\d+)/; // text or JSON

/** The variables of this process without those that would configure the server. */
function cleanEnvironment(extra = {}) {
  const kept = Object.entries(process.env).filter(([name]) => !/^(PASSERBY_|(PORT|REDIS_URL)$)/.test(name));
  return { ...Object.fromEntries(kept), ...extra };
}

class Server {
  #child;
  #log = '';
  #exited;
  #killed = false;

  constructor(flags, environment, openFiles) {
    const limit = openFiles === undefined ? [] : ['prlimit', `--nofile=${openFiles}`];
    const [command, ...args] = [...limit, BINARY, ...USUAL_FLAGS, ...EXTRA_FLAGS, ...flags];
    this.#child = spawn(command, args, {
      env: cleanEnvironment(environment),
      stdio: ['ignore', 'inherit', 'pipe'],
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text) => { this.#log += text; });
    this.#exited = new Promise((resolve) => {
      this.#child.on('error', (error) => { this.#log += `${error}\n`; resolve({ failure: error }); });
      this.#child.on('close', (code, signal) => resolve({ code, signal }));
    });
  }

  /** Waits until both servers listen. */
  async started() {
    let gone = false;
    this.#exited.then(() => { gone = true; });
    await eventually(() => {
      this.#readPorts();
      return gone || (this.port && this.internalPort);
    }, 'the lines "listening" and "internal listening" in the log');
    assert.ok(this.port && this.internalPort, `${BINARY} ended before it listened:\n${this.#log}`);
    return this;
  }

  #readPorts() {
    const complete = this.#log.slice(0, this.#log.lastIndexOf('\n') + 1);
    for (const line of complete.split('\n')) {
      const found = LISTENING.exec(line);
      if (found?.[1]) this.internalPort ??= Number(found[2]);
      else if (found) this.port ??= Number(found[2]);
    }
  }

  get pid() { return this.#child.pid; }
  /** All that it has written to stderr. */
  get log() { return this.#log; }
  /** Settles with { code, signal } when it has ended. */
  get exited() { return this.#exited; }
  get host() { return `127.0.0.1:${this.port}`; }
  get url() { return `ws://${this.host}/ws`; }
  signal(name) { this.#child.kill(name); }

  /** Waits for the process to end, and asserts that it ended cleanly. */
  async ended() {
    const end = await within(this.#exited, () => `the server to end; its log:\n${this.#log}`);
    assert.deepEqual(end, { code: 0, signal: null }, `the server did not end with status 0; its log:\n${this.#log}`);
    assert.doesNotMatch(this.#log, SANITIZER_REPORT);
  }

  /** What a crash does: it is gone at once. */
  async kill() {
    this.#killed = true;
    this.signal('SIGKILL');
    await within(this.#exited, 'the killed server to be gone');
    assert.doesNotMatch(this.#log, SANITIZER_REPORT);
  }

  /** Sends SIGTERM, if it still runs, and asserts that it ends cleanly. Nothing to do after kill(). */
  async stop() {
    if (this.#killed) return;
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.signal('SIGTERM');
    try {
      await this.ended();
    } finally {
      if (this.#child.exitCode === null && this.#child.signalCode === null) this.signal('SIGKILL');
    }
  }

  /** One HTTP request to the public server, or with { internal: true } to the other. */
  async request(path, { method = 'GET', headers = {}, internal = false, from } = {}) {
    const port = internal ? this.internalPort : this.port;
    const request = http.request({ host: '127.0.0.1', port, path, method, headers, localAddress: from, agent: false });
    request.end();
    const [response] = await within(once(request, 'response'), `the answer to ${method} ${path}`);
    const pieces = [];
    for await (const piece of response) pieces.push(piece);
    const body = Buffer.concat(pieces);
    return { status: response.statusCode, headers: response.headers, body, text: body.toString('utf8') };
  }

  /** The value of a metric; with labels, of the one sample that has them all; else the sum of all samples. */
  async metric(name, labels = {}) {
    const { text } = await this.request('/metrics', { internal: true });
    const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
    let sum;
    for (const line of text.split('\n')) {
      const sample = /^([A-Za-z_:][\w:]*)(\{.*\})?\s+(\S+)/.exec(line);
      if (sample?.[1] !== name || !wanted.every((pair) => sample[2]?.includes(pair))) continue;
      sum = (sum ?? 0) + Number(sample[3]);
    }
    return sum;
  }

  /** How many people it says are online. */
  async online() { return JSON.parse((await this.request('/api/stats')).text).online; }

  /** Resident memory of the process, in bytes. */
  async residentBytes() {
    const status = await readFile(`/proc/${this.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)[1]) * 1024;
  }
}

/**
 * Starts a server for the test `t`, which stops it and fails if it does not end cleanly. `flags` win over the usual
 * ones; `environment`: variables to add.
 */
export async function startServer(t, flags = [], { environment, openFiles } = {}) {
  const server = new Server(flags, environment, openFiles);
  t.after(() => server.stop());
  return server.started();
}
