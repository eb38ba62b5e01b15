// pages.mjs - people in browsers, each in a profile of their own, with a network cable that the test can pull.
//
// PASSERBY_URL names a server that runs already (http only); otherwise each test starts one (PASSERBY_BIN).
// BROWSER names the browser (browsers.mjs).
//
// Flow:  startStreet(t) → a server, a cable → street.person() → a page → at the end everything is closed.
// Fails: what any page complained of by then (console errors, violations of the content security policy, exceptions,
//        failed requests) fails the test.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startServer } from '../lib/server.mjs';
import { WAIT_MS } from '../lib/wait.mjs';
import { browserCalled, USUAL } from './browsers.mjs';
import { Cable, CABLE_COMPLAINT } from './cable.mjs';
import { Person } from './person.mjs';

/* Strangers who have just met may meet again at once: there are only two. */
const SERVER_FLAGS = ['--prefer', '300ms', '--rate-limits', 'off'];

/* A page that is loaded anew or left takes back what it asked for. */
const TAKEN_BACK = /^(net::ERR_ABORTED|NS_BINDING_ABORTED)$/;

/** Where the server listens: one that runs already, or one for this test. */
async function serverFor(t, flags) {
  if (process.env.PASSERBY_URL) {
    const { hostname, port } = new URL(process.env.PASSERBY_URL);
    return { host: hostname, port: Number(port || 80) };
  }
  const { port } = await startServer(t, [...SERVER_FLAGS, ...flags]);
  return { host: '127.0.0.1', port };
}

/** Hears whatever goes wrong in the pages of a profile. */
async function listenFor(profile, complain) {
  // Not every browser logs a violation of the policy to the console.
  await profile.addInitScript(() => document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) =>
    console.error(`blocked by the content security policy: ${effectiveDirective} ${blockedURI}`)));
  profile.on('page', (page) => {
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complain(message.text()));
    page.on('pageerror', (error) => complain(String(error)));
    page.on('requestfailed', (request) => {
      const error = request.failure()?.errorText ?? '';
      if (!TAKEN_BACK.test(error)) complain(`${request.url()}: ${error}`);
    });
  });
}

/**
 * A server and a cable for the test `t`. With `pulls` the test may pull the cable, and pages may say so; `flags`: more
 * of the server's.
 */
export async function startStreet(t, { pulls = false, flags = [] } = {}) {
  const street = new Street(pulls);
  t.after(() => street.close()); // before the server is stopped, which pages would complain of
  const server = await serverFor(t, flags);
  t.after(() => street.assertNoComplaints()); // last, as it may throw: nothing would be ended after that
  await street.open(server);
  return street;
}

class Street {
  #pulls;
  #profiles = [];
  #complaints = [];
  #closing = false;
  cable = new Cable();

  constructor(pulls) { this.#pulls = pulls; }

  async open({ host, port }) {
    this.url = `http://127.0.0.1:${await this.cable.lay(host, port)}/`;
  }

  async close() {
    this.#closing = true;
    await Promise.all(this.#profiles.map((profile) => profile.close()));
    this.cable.cut();
  }

  /** Checked at the end anyway; a test may want it earlier. */
  assertNoComplaints() { assert.deepEqual(this.#complaints, []); }

  async #profile(browser, options) {
    const profile = await browser.profile({ locale: 'en-GB', ...options });
    this.#profiles.push(profile);
    await listenFor(profile, (text) => {
      if (!this.#closing && !(this.#pulls && CABLE_COMPLAINT.test(text))) this.#complaints.push(text);
    });
    return profile;
  }

  /**
   * Opens the page for somebody new, in the browser of that name; or, with `context`, in another tab of theirs. Options
   * are Playwright's for a profile.
   */
  async person({ context, browser: name = USUAL, ...options } = {}) {
    const browser = await browserCalled(name);
    const profile = context ?? (await this.#profile(browser, options));
    return this.#visit(browser, profile, await profile.newPage());
  }

  /** Duplicates a tab, as people do: the new one starts with a copy of its session storage. */
  async twin(person) {
    const stored = await person.page.evaluate(() => ({ ...sessionStorage }));
    const page = await person.context.newPage();
    await page.addInitScript((items) => {
      if (origin === 'null') return; // about:blank has none
      for (const [key, value] of Object.entries(items)) sessionStorage.setItem(key, value);
    }, stored);
    return this.#visit(await browserCalled(person.browser), person.context, page);
  }

  async #visit(browser, profile, page) {
    page.setDefaultTimeout(WAIT_MS);
    await page.goto(this.url);
    return new Person(browser, page, profile);
  }

  /** Two people who have met; `others`: options of the second, if they differ. */
  async couple(options, others = options) {
    const [ann, bob] = [await this.person(options), await this.person(others)];
    await ann.start();
    await bob.start();
    await Promise.all([ann.sees('composer'), bob.sees('composer')]);
    return [ann, bob];
  }
}

/** Options of a phone. */
export const PHONE = { viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true };

/** The folder of the page's texts, and the languages that there are. */
export const TEXTS = fileURLToPath(new URL('../../../src/web/i18n/', import.meta.url));
export const LANGUAGES = readdirSync(TEXTS).map((file) => file.replace('.js', ''));
