// command.mjs - a passerby command that talks to a node (chat, probe, healthcheck), in pipes: what it is given, what it
// says, how it ends.
//
// Each is killed at the end of its test, should it still run.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { BINARY } from './server.mjs';
import { within } from './wait.mjs';

const SANITIZER_REPORT = /ERROR: \w+Sanitizer|runtime error:|Assertion .* failed/;

export class Command {
  stdout = '';
  stderr = '';
  #child;
  #ended;
  #waiters = [];

  /** `program` and `args` stand for something else that runs the command. */
  constructor(t, args, { program = BINARY, environment = {} } = {}) {
    this.#child = spawn(program, args, { env: { PATH: process.env.PATH, ...environment }, stdio: 'pipe' });
    t.after(() => this.#child.kill('SIGKILL'));
    this.#child.stdin.on('error', () => {}); // it may end before it has read everything
    for (const name of ['stdout', 'stderr']) {
      this.#child[name].setEncoding('utf8').on('data', (text) => {
        this[name] += text;
        this.#look();
      });
    }
    this.#ended = new Promise((resolve, reject) => {
      this.#child.on('error', reject);
      this.#child.on('close', (code, signal) => resolve({ code, signal }));
    });
  }

  write(text) { this.#child.stdin.write(text); return this; }
  end(text = '') { this.#child.stdin.end(text); return this; }
  signal(name) { this.#child.kill(name); }

  /** Waits until stdout or stderr holds the text. */
  async says(text, name = 'stdout') {
    const heard = new Promise((resolve) => {
      this.#waiters.push({ text, name, resolve });
      this.#look();
    });
    await within(heard, () => `"${text}" on ${name}; ${this.#said()}`);
  }

  #said() { return `it said ${JSON.stringify(this.stdout)} and ${JSON.stringify(this.stderr)}`; }

  #look() {
    this.#waiters = this.#waiters.filter(({ text, name, resolve }) => {
      if (!this[name].includes(text)) return true;
      resolve();
      return false;
    });
  }

  /** Waits for its end, and asserts the exit status. */
  async ends(code) {
    const end = await within(this.#ended, () => `its end; ${this.#said()}`);
    assert.doesNotMatch(this.stderr, SANITIZER_REPORT);
    assert.deepEqual(end, { code, signal: null }, this.#said());
    return this;
  }
}

/** Runs a command to its end, with nothing on stdin. */
export async function run(t, args, code, options) {
  return new Command(t, args, options).end().ends(code);
}

/** Asserts that it ends with that status and one line on stderr, which holds these words. */
export async function refused(t, args, code, ...words) {
  const { stderr } = await run(t, args, code);
  assert.match(stderr, /^passerby [^\n]+\n$/, 'one line');
  for (const word of words) assert.ok(stderr.includes(word), `"${word}" is missing in: ${stderr}`);
}
