// pages.mjs - people in Chromium, each in a profile of their own, with a network cable that the test can pull.
//
// PASSERBY_URL names a server that runs already (http only); otherwise each test starts one (PASSERBY_BIN).
// CHROMIUM names the browser.
//
// Flow:  startStreet(t) → a server, a cable, a browser → street.person() → a page → at the end everything is closed,
//        and what any page complained of (console errors, blocked by the content security policy, exceptions) fails the
//        test.

import assert from 'node:assert/strict';
import net from 'node:net';
import { once } from 'node:events';
import { chromium } from 'playwright-core';
import { startServer } from '../lib/server.mjs';
import { WAIT_MS } from '../lib/wait.mjs';

const LAUNCH = {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync',
  ],
};
/* Strangers who have just met may meet again at once: there are only two. */
const SERVER_FLAGS = ['--prefer', '300ms', '--rate-limits', 'off'];
/* What a browser logs when its network is gone (it has many names for that); only a test that pulls the cable may see it. */
const CABLE_COMPLAINT = /WebSocket connection to .* failed|net::ERR_\w+/;

/** A TCP relay between the browsers and the server: pull() breaks every connection and refuses new ones. */
class Cable {
  #sockets = new Set();
  #pulled = false;
  #server;

  async lay(host, port) {
    this.#server = net.createServer((socket) => this.#join(socket, net.connect(port, host)));
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this.#server.address().port;
  }

  #join(near, far) {
    if (this.#pulled) {
      near.destroy();
      far.destroy();
      return;
    }
    for (const [socket, other] of [[near, far], [far, near]]) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  }

  pull() {
    this.#pulled = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  plug() { this.#pulled = false; }

  cut() {
    this.pull();
    this.#server.close();
  }
}

/** Somebody in front of a page. */
export class Person {
  constructor(page, context, complaints) {
    Object.assign(this, { page, context, complaints });
  }

  element(id) { return this.page.locator(`#${id}`); }

  async sees(id) { await this.element(id).waitFor({ state: 'visible' }); }
  async reads(id, text) { await this.element(id).filter({ hasText: text }).waitFor({ state: 'visible' }); }

  async addTopics(...topics) {
    for (const topic of topics) {
      await this.element('topic').fill(topic);
      await this.element('topic').press('Enter');
    }
  }

  async start(...topics) {
    await this.addTopics(...topics);
    await this.element('go').click();
  }

  async say(text) {
    await this.element('message').fill(text);
    await this.element('message').press('Enter');
  }

  /** Presses a button that asks "really?", twice. */
  async pressTwice(id) {
    await this.element(id).click();
    await this.reads(id, 'Really?');
    await this.element(id).click();
  }

  /** What the conversation shows: "me: …" and "them: …". */
  async log() {
    return this.page.locator('#log .entry').evaluateAll((items) =>
      items.map((item) => `${item.classList.contains('me') ? 'me' : 'them'}: ${item.querySelector('.body').textContent}`));
  }

  /** Waits until the conversation shows just that. */
  async showsLog(expected) {
    const arrived = (count) => document.querySelectorAll('#log .entry').length >= count;
    await this.page.waitForFunction(arrived, expected.length);
    assert.deepEqual(await this.log(), expected);
  }

  /** Waits until all own messages are marked so. */
  async allMarked(fate) {
    const marked = (wanted) => [...document.querySelectorAll('#log .me')].every((item) => item.dataset.fate === wanted);
    await this.page.waitForFunction(marked, fate);
  }

  /** The same for those after the first so many. */
  async allMarkedAfter(fate, first) {
    const marked = ([wanted, skipped]) =>
      [...document.querySelectorAll('#log .me')].slice(skipped).every((item) => item.dataset.fate === wanted);
    await this.page.waitForFunction(marked, [fate, first]);
  }

  /** Waits until the conversation shows so many messages, and no more. */
  async countsEntries(count) {
    await this.page.waitForFunction((wanted) => document.querySelectorAll('#log .entry').length >= wanted, count);
    assert.equal(await this.page.locator('#log .entry').count(), count);
  }

  /** The id of what has the focus. */
  async focused() { return this.page.evaluate(() => document.activeElement.id); }

  /** Pastes into the message field. */
  async paste(text) {
    await this.element('message').evaluate((field, pasted) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData('text/plain', pasted);
      const event = new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true });
      if (field.dispatchEvent(event)) throw new Error('the paste was let in');
    }, text);
  }

  /** The page must never be wider than the window. */
  async fitsTheWindow() {
    const { content, window } = await this.page.evaluate(() => ({ content: document.documentElement.scrollWidth, window: innerWidth }));
    assert.ok(content <= window, `the page is ${content} pixels wide in a window of ${window}`);
  }
}

/** Where the server listens: one that runs already, or one for this test. */
async function serverFor(t) {
  if (process.env.PASSERBY_URL) {
    const { hostname, port } = new URL(process.env.PASSERBY_URL);
    return { host: hostname, port: Number(port || 80) };
  }
  const { port } = await startServer(t, SERVER_FLAGS);
  return { host: '127.0.0.1', port };
}

/** A server, a cable and a browser for the test `t`. With `pulls` the test may pull the cable, and pages may say so. */
export async function startStreet(t, { pulls = false } = {}) {
  const server = await serverFor(t);
  const cable = new Cable();
  const url = `http://127.0.0.1:${await cable.lay(server.host, server.port)}/`;
  const browser = await chromium.launch(LAUNCH);
  const complaints = [];
  t.after(async () => {
    await browser.close();
    cable.cut();
  });
  const complain = (text) => {
    if (!(pulls && CABLE_COMPLAINT.test(text))) complaints.push(text);
  };
  /** Opens the page for somebody new, or with `context` in another tab of theirs. */
  const person = async ({ context, ...options } = {}) => {
    const profile = context ?? (await browser.newContext({ locale: 'en-GB', ...options }));
    const page = await profile.newPage();
    page.setDefaultTimeout(WAIT_MS);
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complain(message.text()));
    page.on('pageerror', (error) => complain(String(error)));
    page.on('requestfailed', (request) => complain(`${request.url()}: ${request.failure()?.errorText}`));
    await page.goto(url);
    return new Person(page, profile, complaints);
  };
  /** Two people who have met. */
  const couple = async (options) => {
    const [ann, bob] = [await person(options), await person(options)];
    await ann.start();
    await bob.start();
    await Promise.all([ann.sees('composer'), bob.sees('composer')]);
    return [ann, bob];
  };
  const assertNoComplaints = () => assert.deepEqual(complaints, []);
  return { url, cable, person, couple, assertNoComplaints };
}
