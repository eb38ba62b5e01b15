// crowd.mjs - pairs of people who talk all the time, and a checker that knows what each must have been shown.

import assert from 'node:assert/strict';
import { ReliableClient } from '../../e2e/lib/reliable.mjs';
import { within } from '../../e2e/lib/wait.mjs';

const SAY_EVERY_MS = 100;

export class Crowd {
  #people = []; // { client, said: what it has said, stranger: its index }
  #timer;
  #url;

  constructor(url) { this.#url = url; }

  /** So many pairs more, each in one chat when this settles. */
  async join(pairs) {
    const newcomers = Array.from({ length: 2 * pairs }, () => ({ client: new ReliableClient(this.#url), said: [] }));
    for (const { client } of newcomers) client.start();
    await this.#all(newcomers, (client) => client.chat !== undefined, 'everybody to be matched');
    this.#people.push(...newcomers);
    for (const person of newcomers) {
      person.stranger = this.#people.find((other) => other !== person && other.client.chat === person.client.chat);
      assert.ok(person.stranger, 'each chat has two sides');
    }
  }

  /** From now on everybody says something all the time. */
  talk() {
    this.#timer = setInterval(() => {
      for (const { client, said } of this.#people) {
        const body = `${said.length + 1} by ${client.chat}`;
        said.push(body);
        client.say(body);
      }
    }, SAY_EVERY_MS);
  }

  get said() { return this.#people.reduce((sum, { said }) => sum + said.length, 0); }
  get resumes() { return this.#people.reduce((sum, { client }) => sum + client.resumes, 0); }

  /** Settles when everybody has been shown something that is said from now on. */
  async everybodyTalks() {
    const marks = new Map(this.#people.map(({ client, stranger }) => [client, stranger.said.length + 1]));
    await this.#all(this.#people, (client) => client.shown.length >= marks.get(client), 'everybody to hear something new');
  }

  /** Stops talking, waits for what is on its way, and asserts that nothing was lost, doubled, reordered, refused or ended. */
  async finish() {
    clearInterval(this.#timer);
    await this.#all(this.#people, (client) => client.unacknowledged === 0, 'everything to be acknowledged');
    for (const { client, stranger } of this.#people) {
      assert.equal(client.ended, undefined, 'a chat has ended');
      assert.deepEqual(client.shown, stranger.said, 'what one side said is what the other was shown');
      assert.deepEqual(client.errors, []);
    }
  }

  stop() {
    clearInterval(this.#timer);
    for (const { client } of this.#people) client.stop();
  }

  async #all(people, condition, what) {
    const ended = new Promise((_, reject) => {
      for (const { client } of people) {
        client.when(() => client.ended !== undefined).then(() => reject(new Error(`a chat ended: ${client.ended}`)));
      }
    });
    const met = Promise.all(people.map(({ client }) => client.when(() => condition(client))));
    await within(Promise.race([met, ended]), () => {
      const waiting = people.filter(({ client }) => !condition(client)).length;
      return `${what}; ${waiting} of ${people.length} did not`;
    }, 60_000);
  }
}
