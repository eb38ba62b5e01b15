/* boot.js - starts the page; where a part of it did not come (a phone that changed its network meanwhile), loads it anew as
 * soon as the server answers. */

const AGAIN_MS = 3_000;

async function tryAgain() {
  try {
    const { ok } = await fetch(location.href, { method: 'HEAD', cache: 'no-store' });
    if (ok) {
      location.reload();
      return;
    }
  } catch {
    // not yet
  }
  setTimeout(tryAgain, AGAIN_MS);
}

import('./app.js').catch((error) => {
  console.debug('a part of the page did not come', error);
  setTimeout(tryAgain, AGAIN_MS);
});
