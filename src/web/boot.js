/* boot.js - starts the page.
 *
 * Fails: where a part of it did not come (a phone that changed its network meanwhile), loads it anew as soon as all parts
 *        come. Where that does not help, or the browser does not understand a part, says so instead of going on: therefore
 *        nothing in here is newer than import() itself. */

const AGAIN_MS = 3000;
const MOST_RELOADS = 2;
/** They outlive a reload in the history, which needs no storage. */
const reloads = (history.state && history.state.reloads) || 0;

/** @param {string} url */
async function comes(url) {
  const answer = await fetch(url, { cache: 'no-cache' });
  await answer.arrayBuffer();
  return answer.ok;
}

async function tryAgain() {
  const links = /** @type {NodeListOf<HTMLLinkElement>} */ (document.querySelectorAll('link[rel=modulepreload]'));
  try {
    const parts = await Promise.all([location.href, ...Array.from(links, ({ href }) => href)].map(comes));
    if (parts.every(Boolean)) {
      history.replaceState({ reloads: reloads + 1 }, '');
      location.reload();
      return;
    }
  } catch (unreachable) {
    // not yet
  }
  setTimeout(tryAgain, AGAIN_MS);
}

async function giveUp() {
  const sentence = document.getElementById('no-start');
  if (sentence) {
    sentence.hidden = false;
  }
  const { applyTexts, chooseLanguage } = await import('./page/i18n.js'); // should it fail, English stands there
  await chooseLanguage(navigator.languages);
  applyTexts();
}

import('./app.js').then(
  () => history.replaceState(null, ''),
  (error) => {
    console.debug('the page did not start', error);
    if (error instanceof SyntaxError || reloads >= MOST_RELOADS) {
      giveUp();
    } else {
      setTimeout(tryAgain, AGAIN_MS);
    }
  },
);
