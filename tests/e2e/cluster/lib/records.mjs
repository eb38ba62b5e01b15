// records.mjs - what everybody said and was shown, chat by chat, and whether the service kept its promises.
//
// Flow:  Persons report as it happens. What is wrong at once (a message out of order, doubled, of another chat; an end
//        without cause; three in a chat) becomes a fault. incomplete() judges what only time can tell: nothing is lost.
// Owns:  the chats, until forget().

const SHOWN_FAULTS = 20;

class Chat {
  sides = [];
  constructor(id) { this.id = id; }
  /** The other side, once it has heard of the chat. */
  other(person) { return this.sides.find((side) => side.person !== person); }
}

/** One person in one chat. */
class Side {
  said = []; // { body, at }
  shown = 0; // how many of the other side's, in order
  left = false;
  over;      // the reason, once `ended` was heard
  constructor(chat, person) {
    this.chat = chat;
    this.person = person;
  }
}

export class Records {
  #chats = new Map();
  #pauses = [];
  #most = 0;
  #longest;  // the one of so long, in words
  faults = [];
  shown = 0;

  fault(person, what) { this.faults.push(`${person.name}: ${what}`); }

  begin(person, id) {
    if (!this.#chats.has(id)) this.#chats.set(id, new Chat(id));
    const chat = this.#chats.get(id);
    if (chat.sides.length === 2) this.fault(person, `the third in chat ${id}`);
    if (chat.sides.some((side) => side.person === person)) this.fault(person, `matched twice in chat ${id}`);
    const side = new Side(chat, person);
    chat.sides.push(side);
    return side;
  }

  show(person, body) {
    const { side } = person;
    const next = side.chat.other(person)?.said[side.shown];
    if (next?.body !== body) {
      const where = `number ${side.shown + 1} of chat ${side.chat.id}`;
      this.fault(person, `was shown "${body}" as ${where}, which is "${next?.body}"`);
      return;
    }
    side.shown++;
    this.shown++;
    const now = new Date();
    const pause = now - next.at;
    this.#pauses.push(pause);
    if (pause <= this.#most) return;
    this.#most = pause;
    this.#longest = `to ${person.name}, until ${now.toISOString()}`;
  }

  leave(person) { person.side.left = true; }

  /** A chat ends because somebody has left it, or (`lost`) because the other never heard `matched`. */
  end(person, reason, parting) {
    const { side } = person;
    const other = side.chat.other(person);
    side.over = reason;
    const lawful = {
      you_left: parting,
      left: !other || other.left,
      lost: !other || other.left,
      expired: !other || other.left || parting,
    };
    if (!lawful[reason]) this.fault(person, `chat ${side.chat.id} with ${other.person.name} ended (${reason})`);
  }

  /** What is known of the chat whose id in Redis ends like this, for the reader of a failure. */
  describe(key) {
    const id = Buffer.from(key.split(':').at(-1), 'hex').toString('base64url');
    const sides = this.#chats.get(id)?.sides ?? [];
    const words = ({ person, said, left, over }) => `${person.name} (said ${said.length}, left ${left}, over ${over})`;
    return `${key} is of ${sides.map(words).join(' and ') || 'nobody'}`;
  }

  /** Chats that go on in which something said is not shown yet, or somebody is alone, in words. */
  incomplete() {
    const found = [];
    for (const chat of this.#chats.values()) {
      const present = chat.sides.filter((side) => side.person.side === side);
      if (present.length === 1) found.push(`${present[0].person.name} is alone in chat ${chat.id}`);
      if (present.length < 2) continue;
      for (const { person, shown } of present) {
        const { said } = chat.other(person);
        if (shown < said.length) found.push(`${person.name} was shown ${shown} of ${said.length} in chat ${chat.id}`);
      }
    }
    return found;
  }

  /** Forgets chats that are over for both, and the times taken so far. */
  forget() {
    for (const [id, { sides }] of this.#chats) {
      if (sides.every((side) => side.person.side !== side)) this.#chats.delete(id);
    }
    this.#pauses = [];
    this.#most = 0;
    this.#longest = undefined;
  }

  /** From say to shown, of all since forget(): how many, and the times in milliseconds. */
  pauses() {
    const sorted = this.#pauses.toSorted((a, b) => a - b);
    const quantile = (q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
    return { count: sorted.length, median: quantile(0.5), most: this.#most, longest: this.#longest };
  }

  get verdict() {
    const more = this.faults.length - SHOWN_FAULTS;
    return [...this.faults.slice(0, SHOWN_FAULTS), ...(more > 0 ? [`and ${more} more`] : [])].join('\n');
  }
}
