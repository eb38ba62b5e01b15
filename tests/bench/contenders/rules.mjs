// rules.mjs - as much of passerby.v1 as the load speaks, as one would write it in an afternoon: shared by the relays in JavaScript.

import { randomUUID } from 'node:crypto';

export const HELLO = {
  t: 'hello', v: 1, online: 1, max_body: 2000, max_frame: 16384, window: 32, grace_ms: 60000, prefer_ms: 8000,
};

/** Within one process. `person.tell(object)` sends. */
export class Rules {
  #waiting = null;

  take(person, message) {
    switch (message.t) {
      case 'find': return this.#find(person, message);
      case 'msg': return this.#relay(person, { t: 'msg', seq: person.reliable ? message.seq : ++person.seq, body: message.body });
      case 'ack': return this.#relay(person, { t: 'ack', seq: message.seq });
      default: return person.tell({ t: 'error', code: 'bad_type', message: 'unknown t' });
    }
  }

  #relay(person, message) {
    person.stranger?.tell(message);
  }

  #find(person, { reliable }) {
    this.leave(person);
    person.reliable = reliable === true;
    person.seq = 0;
    const other = this.#waiting;
    if (other === null || other === person) {
      this.#waiting = person;
      person.tell({ t: 'waiting' });
      return;
    }
    this.#waiting = null;
    person.stranger = other;
    other.stranger = person;
    const chat = randomUUID().slice(0, 32);
    for (const one of [other, person]) {
      one.tell({ t: 'matched', chat, topics: [], resume: chat, reliable: one.stranger.reliable });
    }
  }

  leave(person) {
    if (this.#waiting === person) this.#waiting = null;
    const { stranger } = person;
    if (!stranger) return;
    person.stranger = stranger.stranger = null;
    stranger.tell({ t: 'ended', reason: 'left' });
    person.tell({ t: 'ended', reason: 'you_left' });
  }
}
