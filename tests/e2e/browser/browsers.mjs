// browsers.mjs - the browsers that the page is tried in, how they are driven, and where they differ.
//
// BROWSER (chromium or firefox; default chromium) names the one that people use unless their test asks for another;
// CHROMIUM and FIREFOX name the programs. Each is launched once for a file of tests, at first use.
//
// Firefox is Debian's own: Playwright speaks WebDriver BiDi with it (channel "moz-firefox"), as its older protocol
// needs a patched Firefox. playwright-core stays at a version whose BiDi commands Firefox ESR knows.

import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { after } from 'node:test';
import { chromium, firefox } from 'playwright-core';
import { eventually } from '../lib/wait.mjs';

const CHROMIUM = {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync',
  ],
};
const FIREFOX = { channel: 'moz-firefox', executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr', headless: true };

/* What Playwright can't do over BiDi: make a touch click, be a phone, set media features; it does not report downloads. */
const BROWSERS = {
  chromium: { emulates: true, launch: () => chromium.launch(CHROMIUM) },
  firefox: { emulates: false, launch: (downloadsPath) => firefox.launch({ ...FIREFOX, downloadsPath }) },
};

/** The name of the one that people use unless the test asks for another. */
export const USUAL = process.env.BROWSER ?? 'chromium';
assert.ok(BROWSERS[USUAL], `BROWSER is "${USUAL}"; there are: ${Object.keys(BROWSERS).join(', ')}`);

class RunningBrowser {
  #browser;
  #downloads;

  constructor(name) {
    this.name = name;
    /** Whether it takes `hasTouch`, `isMobile`, `colorScheme`, `reducedMotion` and `forcedColors`. */
    this.emulates = BROWSERS[name].emulates;
  }

  async launch() {
    this.#downloads = await mkdtemp(`${tmpdir()}/passerby-downloads-`);
    this.#browser = await BROWSERS[this.name].launch(this.#downloads);
    return this;
  }

  /** Somebody's fresh profile. */
  profile(options) { return this.#browser.newContext(this.emulates ? options : { ...options, hasTouch: false, isMobile: false }); }

  /** What is downloaded by what `act` does, as text. */
  async downloadedBy(page, act) {
    if (this.name === 'chromium') {
      const [download] = await Promise.all([page.waitForEvent('download'), act()]);
      return readFile(await download.path(), 'utf8');
    }
    const known = new Set(await readdir(this.#downloads));
    await act();
    // It has a second name until it is complete.
    const arrived = async () => (await readdir(this.#downloads)).filter((file) => !known.has(file));
    const done = async () => {
      const files = await arrived();
      return files.length === 1 && !files[0].endsWith('.part') && files[0];
    };
    return readFile(`${this.#downloads}/${await eventually(done, 'a download')}`, 'utf8');
  }

  async close() {
    await this.#browser.close();
    await rm(this.#downloads, { recursive: true });
  }
}

/** @type {Map<string, Promise<RunningBrowser>>} */
const running = new Map();

/** The browser of that name, running. */
export function browserCalled(name) {
  if (!running.has(name)) running.set(name, new RunningBrowser(name).launch());
  return running.get(name);
}

after(() => Promise.all([...running.values()].map(async (browser) => (await browser).close())));
