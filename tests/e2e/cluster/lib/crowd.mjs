// crowd.mjs - many people: pairs who stay together, and wanderers who meet, talk a little, and look for the next.
//
// Flow:  gather() → everybody has a stranger and talks, on one timer → hush() → settled() → disperse(). The hushed say
//        nothing and stay where they are; only one whose stranger stays away leaves.

import { createHash } from 'node:crypto';
import { below } from '../../lib/random.mjs';
import { WAIT_MS, eventually } from '../../lib/wait.mjs';
import { Person } from './person.mjs';
import { Records } from './records.mjs';

/** In every message: what must not be seen in Redis outside of a PUBLISH. */
export const MARK = 'between-us';
const TICK_MS = 50;
const SAY_EVERY_MS = 1000; // on average, each
const BURST = 12;
const FED_UP_MS = 4000;    // a wanderer whose stranger is away leaves
const PATIENCE_MS = 2500;
const SETTLE_MS = 2 * WAIT_MS;

function text(person, random) {
  const { chat, said } = person.side;
  const words = `${MARK} ${person.name}/${chat.id}/${said.length + 1} ${'naïve 😀 '.repeat(below(random, 8))}`;
  return `${words}|${createHash('sha256').update(words).digest('hex').slice(0, 12)}`;
}

export class Crowd {
  #random;
  #timer;
  #hushed = false;
  records = new Records();
  stayers = [];
  wanderers = [];

  constructor(url, random, { stayers, wanderers }) {
    this.#random = random;
    const person = (kind, number) => new Person(`${kind}${number}`, url, this.records, {
      random,
      patienceMs: number % 3 === 0 ? PATIENCE_MS : Infinity,
      promptAcks: number % 2 === 0,
    });
    this.stayers = Array.from({ length: stayers }, (_, number) => person('stayer', number));
    this.wanderers = Array.from({ length: wanderers }, (_, number) => person('wanderer', number));
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    for (const somebody of this.everybody) somebody.start();
  }

  get everybody() { return [...this.stayers, ...this.wanderers]; }

  stop() {
    clearInterval(this.#timer);
    for (const person of this.everybody) person.stop();
  }

  /** Everybody finds somebody: first those who stay, among themselves; by topics, so that they come from anywhere. */
  async gather() {
    this.#hushed = true;
    await this.#until(() => this.everybody.filter((person) => !person.isIdle), 'idle');
    const unpaired = [...this.stayers];
    for (let pair = 0; unpaired.length > 0; pair++) {
      for (let both = 0; both < 2; both++) {
        const [person] = unpaired.splice(below(this.#random, unpaired.length), 1);
        person.find([`pair ${pair}`]);
      }
    }
    await this.#until(() => this.stayers.filter((person) => !person.isTalking), 'matched');
    for (const person of this.wanderers) person.find();
    await this.#until(() => this.wanderers.filter((person) => !person.isTalking), 'matched');
    this.#hushed = false;
  }

  talk() { this.#hushed = false; }
  hush() { this.#hushed = true; }

  /** Waits until so many more messages have been shown. */
  async shown(count) {
    const enough = this.records.shown + count;
    await eventually(() => this.records.shown >= enough, `${count} messages to be shown`, SETTLE_MS);
  }

  /** Waits until all is well: everybody is heard, nobody alone, and nobody waits beside somebody else who waits. */
  async settled() {
    await this.#until(() => {
      const searching = this.everybody.filter((person) => person.isSearching);
      const unsettled = this.everybody.filter((person) => person.side && !person.isAtEase);
      const alone = searching.length > 1 ? searching : [];
      return [...this.records.incomplete(), ...unsettled, ...alone];
    }, 'settled');
  }

  /** Everybody leaves. */
  async disperse() {
    this.#hushed = true;
    for (const person of this.everybody) person.leave();
    await this.#until(() => this.everybody.filter((person) => !person.isIdle), 'gone');
  }

  /** Waits until `rest()` finds nobody and nothing; what it found last is the failure. */
  async #until(rest, what) {
    let last = [];
    try {
      await eventually(() => (last = rest()).length === 0, what, SETTLE_MS);
    } catch {
      const words = last.slice(0, 6).map((one) => (typeof one === 'string' ? one : one.describe()));
      throw new Error([`${last.length} not ${what} after ${SETTLE_MS} ms:`, ...words, this.records.verdict].join('\n'));
    }
  }

  #tick() {
    const now = Date.now();
    for (const person of this.everybody) person.tick(now);
    for (const person of this.wanderers) this.#wander(person, now);
    if (this.#hushed) return;
    for (const person of this.everybody) {
      if (person.mayTalk && this.#random() < TICK_MS / SAY_EVERY_MS) this.#speak(person);
    }
  }

  #speak(person) {
    const dice = this.#random();
    if (dice < 0.1) person.typing();
    const count = dice > 0.98 ? BURST : 1;
    for (let said = 0; said < count; said++) person.say(text(person, this.#random));
  }

  /** Leaves now and then, to look for the next at once or after a while; looks for somebody when alone. */
  #wander(person, now) {
    if (person.isTalking && person.awaySince && now - person.awaySince > FED_UP_MS) person.find();
    if (this.#hushed) return;
    if (person.isTalking && person.side.said.length >= 3 && this.#random() < TICK_MS / 1000) {
      if (this.#random() < 0.5) person.find();
      else person.leave();
    } else if (person.isIdle && this.#random() < TICK_MS / 300) {
      person.find();
    }
  }
}
