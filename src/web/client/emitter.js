/* emitter.js - the client's events, and who listens to them. */

/**
 * @typedef {import('./delivery.js').Message} Message
 * @typedef {object} Events The detail of each event.
 * @property {Hello} hello a connection stands
 * @property {LinkReport} link the connection's state has changed
 * @property {{ again: boolean }} waiting a node has put us into its line; again: only for the stranger of the last chat
 * @property {{ chat: string, topics: string[], reliable: boolean }} matched a chat begins; topics: those in common
 * @property {Message} message from the stranger
 * @property {{ on: boolean }} typing the stranger's
 * @property {{ seq: number }} sent own messages up to this number
 * @property {{ seq: number }} delivered own messages up to this number
 * @property {{ here: boolean, grace_ms: number }} stranger away, for so long at most, or back
 * @property {{}} resumed the chat goes on over a new connection
 * @property {{ reason: string, unsent: Message[] }} ended reason as in PROTOCOL.md, or `closed`; unsent: own messages
 *   that may never be shown
 * @property {RefusedSearch | RefusedMessage} refused what no node takes
 * @property {{ code: number, unsent: Message[] }} closed the node wants no reconnection: 4501 superseded by another
 *   connection of this chat, 4502 banned, 4503 protocol errors; 0: it speaks another version
 * @property {{}} change export() has something new; always the last event of a turn
 *
 * @typedef {object} Hello What a node says first.
 * @property {number} v the protocol's version
 * @property {number} online how many people are connected
 * @property {number} max_body bytes of a message
 * @property {number} max_frame bytes of the JSON around it
 * @property {number} window messages that may be unacknowledged
 * @property {number} grace_ms how long a chat is held for one who is away
 * @property {number} prefer_ms how long a search is choosy
 * @property {number} again_ms for so long after a chat began its people may look for each other; 0: not at all
 *
 * @typedef {{ state: import('./link.js').LinkState, failures: number }} LinkReport
 * @typedef {{ what: 'find', code: string, message: string }} RefusedSearch
 * @typedef {{ what: 'msg', code: string, seq: number, body: string }} RefusedMessage
 */

/** @typedef {<Type extends keyof Events>(type: Type, detail: Events[Type]) => void} Emit */

/**
 * `*` hears all events.
 * @template {keyof Events | '*'} Type
 * @callback Listener
 * @param {Type extends keyof Events ? Events[Type] : any} detail
 * @param {Type extends keyof Events ? Type : keyof Events} type
 * @returns {void}
 */

export class Emitter {
  /** @type {Map<string, Set<Listener<any>>>} */
  #listeners = new Map();

  /**
   * Calls `listener` on every event of that type; `*` stands for all.
   * @template {keyof Events | '*'} Type
   * @param {Type} type
   * @param {Listener<Type>} listener
   * @returns {() => void} call it to stop
   */
  on(type, listener) {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /**
   * @param {keyof Events} type
   * @param {unknown} detail
   * @param {(error: unknown) => void} failed what a listener threw ends here, so that the others still hear
   */
  emit(type, detail, failed) {
    for (const name of [type, '*']) {
      for (const listener of [...(this.#listeners.get(name) ?? [])]) {
        try {
          listener(detail, type);
        } catch (error) {
          failed(error);
        }
      }
    }
  }
}
