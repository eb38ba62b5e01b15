/* sw.js - the service worker: keeps the page's files, so that it opens at once and without a network. Never a message:
 * those go over a WebSocket, which no service worker sees; and nothing of /api.
 *
 * The build puts in a version, which changes with any of the files, and their names (embed.cmake).
 *
 * Flow:  install: all files of this version into a cache of its own, and the languages that the version before it was
 *        asked for → activate: the other caches go → fetch: from this version's cache, so that files of two versions are
 *        never mixed.
 * Fails: a file that does not come fails the installation, and the version before it stays. */

const CACHE = 'passerby-@SHELL_VERSION@';
const FILES = '@SHELL_FILES@'.split(' ');

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));
const { scope } = worker.registration;
const urlOf = (/** @type {string} */ file) => new URL(file, scope).href;
const isLanguage = (/** @type {string} */ url) => url.startsWith(urlOf('i18n/'));

/** The languages that are kept in any cache. */
async function keptLanguages() {
  const urls = [];
  for (const name of await caches.keys()) {
    const requests = await (await caches.open(name)).keys();
    urls.push(...requests.map(({ url }) => url).filter(isLanguage));
  }
  return urls;
}

async function install() {
  const urls = new Set([...FILES.map(urlOf), ...(await keptLanguages())]);
  const cache = await caches.open(CACHE);
  await cache.addAll([...urls].map((url) => new Request(url, { cache: 'no-cache' })));
}

async function activate() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith('passerby-') && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
}

/**
 * From the cache; a language that is asked for the first time is kept, too.
 * @param {Request} request
 * @param {string} url of it, without a query
 */
async function answer(request, url) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(url);
  if (kept) {
    return kept;
  }
  const response = await fetch(request);
  if (response.ok && isLanguage(url)) {
    await cache.put(url, response.clone());
  }
  return response;
}

worker.addEventListener('install', (event) => event.waitUntil(install()));
worker.addEventListener('activate', (event) => event.waitUntil(activate()));
worker.addEventListener('message', ({ data }) => data === 'take over' && worker.skipWaiting());

worker.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = request.url.replace(/[?#].*$/, '');
  if (request.method === 'GET' && (isLanguage(url) || FILES.some((file) => urlOf(file) === url))) {
    event.respondWith(answer(request, url));
  }
});

/** Brings the page to the front. */
async function show() {
  const [page] = await worker.clients.matchAll({ type: 'window', includeUncontrolled: true });
  await (page ? page.focus() : worker.clients.openWindow(scope));
}

worker.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(show());
});
