/* text.js - what people wrote, made harmless to look at: no control characters, no direction that reaches beyond it. */

const CONTROL_PICTURES = 0x2400;
const DELETE = 0x7f;
const DELETE_PICTURE = '\u2421';
const ISOLATE = '\u2068';
const END_ISOLATE = '\u2069';

/** @param {string} control */
function picture(control) {
  const code = control.charCodeAt(0);
  if (code < 0x20) {
    return String.fromCharCode(CONTROL_PICTURES + code);
  }
  return code === DELETE ? DELETE_PICTURE : '\uFFFD';
}

/**
 * The text with line ends made alike, few empty lines, and a picture in place of every other control character.
 * @param {string} text
 */
export function harmless(text) {
  return text
    .replace(/\r\n?|[\u2028\u2029\u0085]/g, '\n')
    .replace(/\n{4,}/g, '\n\n\n')
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, picture);
}

/**
 * The text for a line of other text: isolated, so that neither changes the direction of the other.
 * @param {string} text
 */
export const isolated = (text) => `${ISOLATE}${text}${END_ISOLATE}`;

/**
 * The same for a file or the clipboard, where the marks are left out when nothing in it needs them. What is opened in
 * the text is closed in it.
 * @param {string} text
 */
export function plain(text) {
  const body = harmless(text);
  if (!/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/.test(body)) {
    return body;
  }
  const opened = body.match(/[\u2066-\u2068]/g)?.length ?? 0;
  return isolated(body + END_ISOLATE.repeat(opened));
}
