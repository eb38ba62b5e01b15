/* node.mjs - a service that breaks: two strangers' frames pass through it late, twice, or not at all, and their
 * connections are cut. It keeps to the contract: whoever may have lost frames says so with `sync`, or with `back` after
 * a resume.
 *
 * It knows one chat at a time; each person is a slot of it, and each connection is bound to a slot by `find` or
 * `resume`. */

const LIMITS = { max_body: 2000, max_frame: 16384, grace_ms: 60000, prefer_ms: 8000 };
const NAMES = ['seeker', 'candidate'];

export class FaultyNode {
  connections = new Set();
  line = [];
  chat = null;
  chats = 0;
  /** How often each fault struck. */
  struck = { lost: 0, doubled: 0, cut: 0, amnesia: 0, superseded: 0 };

  /**
   * @param {import('./clock.mjs').FakeClock} clock
   * @param {() => number} random
   * @param {{ loss: number, doubling: number, window: number }} faults probabilities, per frame between the strangers
   */
  constructor(clock, random, faults) {
    Object.assign(this, { clock, random, faults });
  }

  /** The class to hand to a client. */
  get WebSocket() {
    const node = this;
    return class {
      readyState = 0;
      slot = null;
      constructor() {
        node.connections.add(this);
        node.later(() => {
          if (this.readyState === 0) {
            this.readyState = 1;
            node.tell(this, { t: 'hello', v: 1, online: 2, window: node.faults.window, ...LIMITS });
          }
        });
      }
      send(text) {
        const at = node.clock.now();
        this.inbound = Math.max(this.inbound ?? 0, at + node.random() * 50);
        node.clock.setTimeout(() => this.readyState === 1 && node.hear(this, JSON.parse(text)), this.inbound - at);
      }
      close() {
        this.readyState = 3;
        node.later(() => node.gone(this));
      }
    };
  }

  later(fire) {
    this.clock.setTimeout(fire, this.random() * 50);
  }

  /** Tells a connection something, in order, after a while. */
  tell(connection, frame) {
    const at = this.clock.now();
    connection.outbound = Math.max(connection.outbound ?? 0, at + this.random() * 50);
    this.clock.setTimeout(
      () => connection.readyState === 1 && connection.onmessage?.({ data: JSON.stringify(frame) }),
      connection.outbound - at,
    );
  }

  /** Cuts a connection: what is on its way in either direction is lost. */
  cut(connection, code = 1006) {
    if (connection.readyState <= 1) {
      this.struck.cut += 1;
      connection.readyState = 3;
      this.clock.setTimeout(() => connection.onclose?.({ code }), this.random() * 2000);
      this.later(() => this.gone(connection));
    }
  }

  /** The bus between the strangers' nodes loses everything for a moment, and says so. */
  breakBus(ms) {
    this.deaf = this.clock.now() + ms;
    this.clock.setTimeout(() => {
      for (const slot of this.chat?.slots ?? []) {
        this.pass(slot, { t: 'sync' });
      }
    }, ms);
  }

  /** The node forgets the numbers, as one does that has taken the chat over. */
  forget() {
    this.struck.amnesia += 1;
    for (const slot of this.chat?.slots ?? []) {
      slot.expected = null;
    }
  }

  gone(connection) {
    this.connections.delete(connection);
    this.line = this.line.filter((other) => other !== connection);
    const { slot } = connection;
    if (slot && slot.connection === connection) {
      slot.connection = null;
      this.pass(this.other(slot), { t: 'away', grace_ms: LIMITS.grace_ms });
    }
  }

  other(slot) {
    return slot.chat.slots[1 - slot.side];
  }

  pass(slot, frame) {
    if (slot.connection) {
      this.tell(slot.connection, frame);
    }
  }

  hear(connection, frame) {
    const { slot } = connection;
    const holds = slot !== null && slot.connection === connection;
    if (frame.t === 'find') {
      this.line.push(connection);
      this.tell(connection, { t: 'waiting' });
      this.match();
    } else if (frame.t === 'resume') {
      this.resume(connection, frame.token);
    } else if (holds && frame.t === 'msg') {
      this.message(slot, frame);
    } else if (holds && (frame.t === 'ack' || frame.t === 'typing')) {
      this.relay(slot, frame);
    }
  }

  match() {
    if (this.line.length < 2) {
      return;
    }
    const pair = this.line.splice(0, 2);
    const id = `chat${(this.chats += 1)}`;
    this.chat = { id, slots: [] };
    pair.forEach((connection, side) => {
      const slot = { chat: this.chat, side, connection, expected: 1, token: 1 };
      this.chat.slots.push(slot);
      connection.slot = slot;
      this.tell(connection, { t: 'matched', chat: id, topics: [], resume: `${NAMES[side]}.1`, reliable: true });
    });
  }

  resume(connection, token) {
    const slot = this.chat?.slots[NAMES.indexOf(token.split('.')[0])];
    if (!slot) {
      this.tell(connection, { t: 'ended', reason: 'expired' });
      return;
    }
    if (slot.connection && slot.connection !== connection) {
      const before = slot.connection;
      this.struck.superseded += 1;
      before.readyState = 3;
      this.clock.setTimeout(() => before.onclose?.({ code: 4501 }), this.random() * 50);
    }
    slot.connection = connection;
    connection.slot = slot;
    slot.token += 1;
    const other = this.other(slot);
    this.tell(connection, {
      t: 'resumed',
      chat: this.chat.id,
      peer: other.connection ? 'here' : 'away',
      grace_ms: LIMITS.grace_ms,
      resume: `${NAMES[slot.side]}.${slot.token}`,
      reliable: true,
    });
    this.pass(other, { t: 'back' });
  }

  message(slot, frame) {
    slot.expected ??= frame.seq;
    if (frame.seq > slot.expected) {
      this.pass(slot, { t: 'error', code: 'bad_seq', message: '', seq: frame.seq });
      return;
    }
    slot.expected = Math.max(slot.expected, frame.seq + 1);
    this.relay(slot, frame);
  }

  /** Carries a frame to the stranger, or loses or doubles it. */
  relay(slot, frame) {
    const lost = this.clock.now() < (this.deaf ?? 0) || this.random() < this.faults.loss;
    const times = lost ? 0 : 1 + Number(this.random() < this.faults.doubling);
    this.struck.lost += Number(times === 0);
    this.struck.doubled += Number(times === 2);
    for (let i = 0; i < times; i += 1) {
      this.pass(this.other(slot), frame);
    }
  }
}
