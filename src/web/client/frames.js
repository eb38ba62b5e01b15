/* frames.js - reads what a node says: JSON text to a frame whose fields are what PROTOCOL.md promises, or nothing. */

/** The largest `seq`: 2^53 - 1. */
const MAX_SEQ = Number.MAX_SAFE_INTEGER;

/** @typedef {(value: unknown) => boolean} Check */

/** @type {Check} */
const isCount = (value) => Number.isSafeInteger(value) && /** @type {number} */ (value) >= 0;
/** @type {Check} */
const isSeq = (value) => isCount(value) && value !== 0;
/** @type {Check} */
const isText = (value) => typeof value === 'string';
/** @type {Check} */
const isName = (value) => isText(value) && value !== '';
/** @type {Check} */
const isSwitch = (value) => typeof value === 'boolean';
/** @type {Check} */
const isTexts = (value) => Array.isArray(value) && value.every(isText);
/** @type {Check} */
const isPresence = (value) => value === 'here' || value === 'away';

/**
 * The fields that must be there, by `t`.
 * @type {Record<string, Record<string, Check>>}
 */
const required = {
  hello: { v: isCount },
  waiting: {},
  matched: { chat: isName, resume: isName, reliable: isSwitch },
  msg: { seq: isSeq, body: isText },
  ack: { seq: isCount },
  typing: { on: isSwitch },
  away: {},
  back: {},
  sync: {},
  resumed: { chat: isName, peer: isPresence, resume: isName, reliable: isSwitch },
  ended: { reason: isName },
  idle: {},
  reconnect: {},
  error: { code: isName },
};

/**
 * The fields that may be missing, with what then stands in for them; one of the wrong kind counts as missing.
 * @type {Record<string, Record<string, [Check, unknown]>>}
 */
const optional = {
  hello: {
    online: [isCount, 0],
    max_body: [isSeq, 2000],
    max_frame: [isSeq, 16384],
    window: [isSeq, 32],
    grace_ms: [isCount, 60000],
    prefer_ms: [isCount, 8000],
    again_ms: [isCount, 0],
  },
  waiting: { again: [isSwitch, false] },
  matched: { topics: [isTexts, []] },
  away: { grace_ms: [isCount, 60000] },
  resumed: { grace_ms: [isCount, 60000] },
  reconnect: { after_ms: [isCount, 0] },
  error: { message: [isText, ''], seq: [isSeq, 0], retry_ms: [isCount, 0] },
};

/** @typedef {Record<string, any>} Frame A frame: `t`, and the fields that go with it, checked. */

/**
 * Reads one message of a node.
 * @param {unknown} data what the WebSocket delivered
 * @returns {Frame | string} the frame, or what is wrong with it
 */
export function readFrame(data) {
  if (typeof data !== 'string') {
    return 'not a text message';
  }
  let value;
  try {
    value = JSON.parse(data);
  } catch {
    return 'not JSON';
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return 'not an object';
  }
  if (typeof value.t !== 'string' || !Object.hasOwn(required, value.t)) {
    return 'unknown t';
  }
  /** @type {Frame} */
  const frame = { t: value.t };
  for (const [name, check] of Object.entries(required[value.t])) {
    if (!check(value[name])) {
      return `${value.t}.${name}`;
    }
    frame[name] = value[name];
  }
  for (const [name, [check, otherwise]] of Object.entries(optional[value.t] ?? {})) {
    frame[name] = check(value[name]) ? value[name] : otherwise;
  }
  return frame;
}

/** What holds before a node has said otherwise. */
export const DEFAULT_HELLO = /** @type {import('./emitter.js').Hello & Frame} */ (readFrame('{"t":"hello","v":1}'));

/**
 * Makes text that UTF-8 can hold: a surrogate without its partner becomes U+FFFD.
 * @param {string} text
 */
export function wellFormed(text) {
  return text.replace(/[\uD800-\uDBFF][\uDC00-\uDFFF]|[\uD800-\uDFFF]/g, (match) =>
    match.length === 2 ? match : '\uFFFD',
  );
}

const encoder = new TextEncoder();

/**
 * How many bytes of UTF-8 the text takes.
 * @param {string} text
 */
export function byteLength(text) {
  return encoder.encode(text).length;
}

/**
 * Says whether the node would take this body: its own length, and that of the frame around it, which escapes lengthen.
 * @param {string} body
 * @param {{ max_body: number, max_frame: number }} limits of a `hello`
 */
export function fits(body, limits) {
  if (body.length > limits.max_body) {
    return false;
  }
  return (
    byteLength(body) <= limits.max_body &&
    byteLength(JSON.stringify({ t: 'msg', seq: MAX_SEQ, body })) <= limits.max_frame
  );
}
