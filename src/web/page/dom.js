/* dom.js - shorthands for the document. Text only ever goes in as text. */

/**
 * The element with that id, which must exist.
 * @param {string} id
 * @returns {any}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) {
    throw new Error(`no element #${id}`);
  }
  return element;
}

/**
 * Makes an element.
 * @param {string} tag
 * @param {Record<string, string>} attributes `class` and the like
 * @param {(Node | string)[]} children
 * @returns {any}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

const SVG = 'http://www.w3.org/2000/svg';

/**
 * Makes an icon from the sprites of index.html; it says nothing to a screen reader.
 * @param {string} name
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `#${name}`);
  svg.append(use);
  return svg;
}

/**
 * Sets a text, and leaves the document alone if it stands there already (a live region would speak again).
 * @param {HTMLElement} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

/**
 * A text with nodes in place of {name}: what people wrote is isolated in an element of its own.
 * @param {string} text
 * @param {string} name
 * @param {(Node | string)[]} nodes
 * @returns {(Node | string)[]}
 */
export function withNode(text, name, ...nodes) {
  const [before, ...rest] = text.split(`{${name}}`);
  return rest.length > 0 ? [before, ...nodes, rest.join('')] : [before];
}
