/* shell.js - the page as an app: the service worker that keeps its files, their updates, and the offer to install it.
 *
 * Flow:  the browser looks for another sw.js at each visit, and it differs when any file of the server does → a new
 *        worker fetches all files anew, and waits → a tab where nobody is in the middle of anything lets it take over →
 *        each tab loads the page again, as soon as that disturbs nobody.
 * Fails: without service workers (plain http, private windows) the page works on, and is loaded from the server. */

import { byId } from './dom.js';

const workers = navigator.serviceWorker;
/** @type {() => boolean} */
let idle = () => false;
/** the files that are kept are newer than those that run here */
let stale = false;

/**
 * Keeps the page's files in the browser.
 * @param {() => boolean} isIdle whether a reload disturbs nobody
 */
export async function keepShell(isIdle) {
  idle = isIdle;
  if (!workers) {
    return;
  }
  const known = workers.controller !== null; // the first worker brings nothing new
  workers.addEventListener('controllerchange', () => {
    stale = known;
    updateShell();
  });
  try {
    const kept = await workers.register('sw.js', { updateViaCache: 'none' });
    kept.addEventListener('updatefound', () => {
      kept.installing?.addEventListener('statechange', updateShell);
    });
    await updateShell();
  } catch (error) {
    console.debug('no service worker', error);
  }
}

/** Takes a new version up, if there is one and nobody is disturbed. */
export async function updateShell() {
  if (!workers?.controller || !idle()) {
    return;
  }
  if (stale) {
    location.reload();
    return;
  }
  const registration = await workers.getRegistration();
  registration?.waiting?.postMessage('take over');
}

/** Loads what the server has now, whatever was kept. */
export async function reloadShell() {
  const registration = await workers?.getRegistration();
  await registration?.unregister();
  location.reload();
}

/** Shows the offer to install the page where the browser makes one. */
export function offerInstallation() {
  const button = byId('install');
  /** @type {any} */
  let offer = null;
  addEventListener('beforeinstallprompt', (event) => {
    event.preventDefault();
    offer = event;
    button.hidden = false;
  });
  button.addEventListener('click', () => {
    button.hidden = true;
    offer?.prompt();
  });
}
