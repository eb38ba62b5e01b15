/* request.js - the request that the node has not answered: one at a time, so that every answer tells what it answers.
 *
 * Fails: one that is not answered in time costs the connection. */

/** How long a request may stay unanswered before the connection is given up. */
const ANSWER_MS = 20_000;
/** The same for one that only asks whether the connection is alive. */
const PROBE_MS = 5_000;

/** @typedef {'resume' | 'find' | 'leave'} Asked */

export class Request {
  #host;
  /** @type {Asked | null} what is not answered */
  what = null;
  /** the next one is to check the connection */
  probes = false;

  /** @param {Pick<import('./session.js').SessionHost, 'link' | 'timers' | 'later'>} host */
  constructor(host) {
    this.#host = host;
  }

  /**
   * @param {Asked} what
   * @param {object} fields
   */
  ask(what, fields) {
    this.expect(what);
    this.#host.link.send({ t: what, ...fields });
  }

  /** @param {Asked} what has been asked already */
  expect(what) {
    this.what = what;
    this.#host.later('answer', this.probes ? PROBE_MS : ANSWER_MS, () => this.#host.link.drop());
    this.probes = false;
  }

  /** It has been answered, or refused. */
  answered() {
    this.what = null;
    this.#host.timers.clear('answer');
    this.#host.link.settle();
  }

  /** The connection that was asked is no more. */
  forget() {
    this.what = null;
    this.probes = false;
    this.#host.timers.clear('answer');
  }
}
