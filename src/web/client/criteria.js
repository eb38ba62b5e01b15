/* criteria.js - whom a search is for, made acceptable to any node. */

import { wellFormed } from './frames.js';

const MAX_TOPICS = 8;
const MAX_TOPIC_CODE_POINTS = 32;
const LANGUAGE_TAG = /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/;

/**
 * @typedef {{ topics?: string[], lang?: string, again?: string }} Criteria `again`: a token of the chat whose stranger it is
 */

/**
 * Trims topics, and leaves out what no node would take.
 * @param {Criteria} criteria
 * @returns {Criteria}
 */
export function acceptable(criteria) {
  const topics = (criteria.topics ?? [])
    .map((topic) => wellFormed(String(topic)).trim())
    .filter((topic) => topic !== '' && [...topic].length <= MAX_TOPIC_CODE_POINTS)
    .slice(0, MAX_TOPICS);
  const lang = criteria.lang ?? '';
  return { ...(topics.length > 0 && { topics }), ...(LANGUAGE_TAG.test(lang) && { lang }) };
}
