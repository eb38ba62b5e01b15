// person.mjs - somebody in front of a page: what they do, and what they see.

import assert from 'node:assert/strict';
import axe from 'axe-core';

export class Person {
  #browser;

  constructor(browser, page, context) {
    this.#browser = browser;
    Object.assign(this, { page, context });
  }

  /** The name of the browser. */
  get browser() { return this.#browser.name; }

  element(id) { return this.page.locator(`#${id}`); }

  async sees(id) { await this.element(id).waitFor({ state: 'visible' }); }
  async reads(id, text) { await this.element(id).filter({ hasText: text }).waitFor({ state: 'visible' }); }

  async addTopics(...topics) {
    for (const topic of topics) {
      await this.write('topic', topic);
      await this.element('topic').press('Enter');
    }
  }

  async start(...topics) {
    await this.addTopics(...topics);
    await this.element('go').click();
  }

  /** Puts a text into a field as an input method would: at once, line ends and all. */
  async write(id, text) {
    await this.element(id).evaluate((field, written) => {
      field.focus();
      field.select();
      document.execCommand('insertText', false, written);
    }, text);
  }

  async say(text) {
    await this.write('message', text);
    await this.element('message').press('Enter');
  }

  /** A finger where the browser can be given one, else the mouse. */
  async tap(id) {
    if (this.#browser.emulates) await this.element(id).tap();
    else await this.element(id).click();
  }

  /** Presses a button that asks "really?", twice. */
  async pressTwice(id) {
    await this.element(id).click();
    await this.reads(id, 'Really?');
    await this.element(id).click();
  }

  /** Presses what saves a file, and returns the file's text. */
  async saves(id) { return this.#browser.downloadedBy(this.page, () => this.element(id).click()); }

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
      const firefox = { data: pasted, dataType: 'text/plain' }; // which does not take the other
      const event = new ClipboardEvent('paste', { clipboardData, ...firefox, bubbles: true, cancelable: true });
      if (field.dispatchEvent(event)) throw new Error('the paste was let in');
    }, text);
  }

  /** The page must never be wider than the window. */
  async fitsTheWindow() {
    const { content, window } = await this.page.evaluate(() => ({ content: document.documentElement.scrollWidth, window: innerWidth }));
    assert.ok(content <= window, `the page is ${content} pixels wide in a window of ${window}`);
  }

  /** The page goes out of sight, as when another tab is chosen: driven browsers show all their tabs. */
  async hide() { await this.#becomes('hidden'); }
  async show() { await this.#becomes('visible'); }

  async #becomes(visibilityState) {
    await this.page.evaluate((state) => {
      Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });
      Object.defineProperty(document, 'hidden', { value: state === 'hidden', configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }, visibilityState);
  }

  /** Asserts that axe-core finds nothing in the page as it is. `rules`: its options for single rules. */
  async isAccessible(rules = {}) {
    // Not a script element: the content security policy would block it.
    if (!(await this.page.evaluate(() => 'axe' in globalThis))) await this.page.evaluate(`${axe.source}; 0`);
    const { violations, passes } = await this.page.evaluate((options) => globalThis.axe.run(options), { rules });
    const found = violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map(({ html }) => html) }));
    assert.deepEqual(found, []);
    assert.ok(passes.length > 0, 'axe-core looked at something');
  }

  /** All that was loaded for the page so far: [{ name, bytes }], as they went over the wire, without headers. */
  async loads() {
    return this.page.evaluate(() =>
      [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].map(({ name, encodedBodySize }) =>
        ({ name, bytes: encodedBodySize })));
  }
}
