/* delivery.js - one chat's exactly-once half that lives in the client: numbers, keeps, resends and accepts messages.
 *
 * Flow:  say() numbers a message and keeps it → due() hands out what the window lets go now → acknowledged() forgets
 *        it. accept() tells whether a message of the stranger's is the next one.
 * Fails: rewind() makes due() hand out again what may have been lost; refuse() makes one harmless that no node will
 *        take.
 *
 * No I/O, no timers: the client says when. */

/** What a message becomes whose text no node takes any more: its number is spent, so something must bear it. */
const REPLACEMENT = '\u2026';

/**
 * @typedef {{ seq: number, body: string }} Message
 * @typedef {{ next: number, received: number, kept: Message[] }} SavedDelivery
 */

export class Delivery {
  /** @param {SavedDelivery} [saved] what export() gave */
  constructor(saved) {
    /** @type {Message[]} said and not acknowledged, in order and without a gap */
    this.kept = saved ? saved.kept.map(({ seq, body }) => ({ seq, body })) : [];
    /** the number of the next new message */
    this.next = saved ? saved.next : 1;
    /** the highest number received in order */
    this.received = saved ? saved.received : 0;
    /** the number from which on nothing has been handed out since the last rewind() */
    this.cursor = this.oldest;
    /** only one message at a time, until the node has shown that it knows the numbers */
    this.careful = false;
  }

  /** The lowest number that is not acknowledged. */
  get oldest() {
    return this.next - this.kept.length;
  }

  /** Says whether something handed out has not been acknowledged. */
  get inFlight() {
    return this.cursor > this.oldest;
  }

  /**
   * Numbers and keeps a new message.
   * @param {string} body
   * @returns {number} its number
   */
  say(body) {
    const seq = this.next;
    this.kept.push({ seq, body });
    this.next += 1;
    return seq;
  }

  /**
   * The messages to send now, in order; they count as sent.
   * @param {number} window how many may be unacknowledged
   * @returns {Message[]}
   */
  due(window) {
    const end = Math.min(this.next, this.oldest + (this.careful ? 1 : window));
    const messages = this.kept.slice(this.cursor - this.oldest, Math.max(end - this.oldest, 0));
    this.cursor = Math.max(this.cursor, end);
    return messages;
  }

  /**
   * Everything from this number on has to be sent again.
   * @param {number} [seq] by default the oldest that is not acknowledged
   */
  rewind(seq = this.oldest) {
    this.cursor = Math.max(this.oldest, Math.min(this.cursor, seq));
  }

  /**
   * The stranger has everything up to `seq`.
   * @param {number} seq
   * @returns {boolean} whether that is news; an acknowledgement of what was never said is none
   */
  acknowledged(seq) {
    if (seq < this.oldest || seq >= this.next) {
      return false;
    }
    this.kept.splice(0, seq - this.oldest + 1);
    this.cursor = Math.max(this.cursor, this.oldest);
    this.careful = false;
    return true;
  }

  /**
   * Decides about a message of a reliable stranger.
   * @param {number} seq
   * @returns {boolean} true: it is the next one, show it; false: drop it
   */
  accept(seq) {
    if (seq !== this.received + 1) {
      return false;
    }
    this.received = seq;
    return true;
  }

  /**
   * No node takes this message. Its number may have been passed on by an earlier one, so it keeps it, with a body that
   * passes: a shorter text may be shown, but no message is lost or shown twice.
   * @param {number} seq
   * @returns {Message | null} the message as it was, or null if it is not kept
   */
  refuse(seq) {
    const message = this.kept[seq - this.oldest];
    if (!message || message.body === REPLACEMENT) {
      return null;
    }
    this.kept[seq - this.oldest] = { seq, body: REPLACEMENT };
    this.rewind(seq);
    return message;
  }

  /** @returns {SavedDelivery} as plain data, for JSON */
  export() {
    return { next: this.next, received: this.received, kept: this.kept.map((message) => ({ ...message })) };
  }
}
