// webkit.mjs - WebKitGTK's MiniBrowser, driven over WebDriver: the engine of Safari, as far as Debian has it.
//
// Playwright drives only a WebKit of its own. So there is one person here, who does little; the tests of the page are
// for the other browsers. It needs a display, and gets one of its own from Xvfb.
//
// WEBKIT names the program.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import net from 'node:net';
import { arch } from 'node:os';
import axe from 'axe-core';
import { eventually, WAIT_MS } from '../lib/wait.mjs';

const LIBRARIES = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }[arch()];
const PROGRAM = process.env.WEBKIT ?? `/usr/lib/${LIBRARIES}/webkit2gtk-4.1/MiniBrowser`;
const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf'; // W3C WebDriver §12: the key of a reference to an element

/** Starts a display where nothing is to be seen; its name is in `name`. */
async function openDisplay() {
  const child = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1024x768x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const [number] = await Promise.race([once(child.stdio[3], 'data'), once(child, 'error').then(([error]) => { throw error; })]);
  return { child, name: `:${String(number).trim()}` };
}

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

/** Somebody in front of the page at `url`, until the test ends. */
export async function openWebKit(t, url) {
  assert.ok(existsSync(PROGRAM), `${PROGRAM} is missing; WEBKIT names another`);
  const person = new WebKitPerson();
  t.after(() => person.close());
  await person.open(url);
  return person;
}

class WebKitPerson {
  #display;
  #driver;
  #session;
  #opened = false;

  async open(url) {
    this.#display = await openDisplay();
    const port = await freePort();
    this.#session = `http://127.0.0.1:${port}/session`;
    this.#driver = spawn('WebKitWebDriver', [`--port=${port}`, '--host=127.0.0.1'], {
      env: {
        ...process.env, DISPLAY: this.#display.name, GDK_BACKEND: 'x11', NO_AT_BRIDGE: '1', WEBKIT_DISABLE_DMABUF_RENDERER: '1',
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const options = { binary: PROGRAM, args: ['--automation'] };
    const session = () => this.#call('POST', '', { capabilities: { alwaysMatch: { 'webkitgtk:browserOptions': options } } });
    const { sessionId } = await eventually(session, 'a session of WebKitWebDriver');
    this.#session += `/${sessionId}`;
    this.#opened = true;
    await this.#call('POST', '/url', { url });
  }

  async close() {
    try {
      if (this.#opened) await this.#call('DELETE', ''); // ends the browser, which outlives its driver
    } finally {
      this.#driver?.kill();
      this.#display?.child.kill();
    }
  }

  async #call(method, path, body) {
    const response = await fetch(this.#session + path, {
      method, body: body && JSON.stringify(body), signal: AbortSignal.timeout(WAIT_MS),
    });
    const { value } = await response.json();
    assert.ok(response.ok, `${value?.error}: ${value?.message}`);
    return value;
  }

  /** What a script gives: the body of a function of `arguments`; a promise is awaited. */
  run(script, ...args) { return this.#call('POST', '/execute/sync', { script, args }); }
  reload() { return this.#call('POST', '/refresh', {}); }

  async #element(id) {
    const found = await this.#call('POST', '/element', { using: 'css selector', value: `#${id}` });
    return `/element/${found[ELEMENT]}`;
  }

  async click(id) { return this.#call('POST', `${await this.#element(id)}/click`, {}); }
  /** Types on the keyboard; \uE007 is Enter. */
  async type(id, text) { return this.#call('POST', `${await this.#element(id)}/value`, { text }); }

  async sees(id) {
    const visible = () => this.run('return document.getElementById(arguments[0]).checkVisibility()', id);
    await eventually(visible, `#${id} in WebKit`);
  }

  /** Waits until the conversation shows just that. */
  async showsLog(expected) {
    const read = `return [...document.querySelectorAll('#log .entry')].map((item) =>
      (item.classList.contains('me') ? 'me: ' : 'them: ') + item.querySelector('.body').textContent)`;
    let log;
    await eventually(async () => (log = await this.run(read)).length >= expected.length, `${expected.length} messages in WebKit`);
    assert.deepEqual(log, expected);
  }

  async allMarked(fate) {
    const marked = `return [...document.querySelectorAll('#log .me')].every((item) => item.dataset.fate === arguments[0])`;
    await eventually(() => this.run(marked, fate), `all own messages to be ${fate} in WebKit`);
  }

  /** Asserts that axe-core finds nothing. */
  async isAccessible() {
    const violations = await this.run(`${axe.source}
      return axe.run().then(({ violations }) => violations.map(({ id, nodes }) => ({ id, nodes: nodes.map(({ html }) => html) })))`);
    assert.deepEqual(violations, []);
  }
}
