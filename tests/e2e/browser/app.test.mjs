// app.test.mjs - the page as an app: it can be installed, opens without a network, takes a new version up when nobody is
// disturbed, and keeps no message.

import assert from 'node:assert/strict';
import http from 'node:http';
import { once } from 'node:events';
import { test } from 'node:test';
import { startServer } from '../lib/server.mjs';
import { startStreet } from './pages.mjs';

/** Waits until the page's files are kept. */
async function isKept(person) {
  await person.page.evaluate(async () => {
    const { active } = await navigator.serviceWorker.ready;
    if (active.state !== 'activated') await new Promise((done) => active.addEventListener('statechange', done));
  });
}

const keptUrls = (person) => person.page.evaluate(async () => {
  const names = await caches.keys();
  const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
  return requests.flat().map(({ url }) => new URL(url).pathname);
});

test('it can be installed: a manifest and its icons', async (t) => {
  const street = await startStreet(t, { pulls: true });
  const ann = await street.person();
  await ann.sees('online');
  const wrong = await ann.page.evaluate(async () => {
    const link = document.querySelector('link[rel=manifest]').href;
    const manifest = await (await fetch(link)).json();
    const found = [];
    for (const icon of manifest.icons) {
      const image = new Image();
      image.src = new URL(icon.src, link);
      await image.decode();
      if (icon.sizes !== 'any' && `${image.naturalWidth}x${image.naturalHeight}` !== icon.sizes) found.push(icon.src);
    }
    if (new URL(manifest.start_url, link).href !== location.href) found.push('start_url');
    return found;
  });
  assert.deepEqual(wrong, []);
});

test('the page opens without a network, says that, and keeps nothing that was said', async (t) => {
  const street = await startStreet(t, { pulls: true });
  const [ann, bob] = await street.couple();
  await ann.say('secret');
  await bob.countsEntries(1);
  await ann.allMarked('delivered');
  await isKept(ann);
  const kept = await keptUrls(ann);
  assert.ok(kept.includes('/') && kept.includes('/app.js') && kept.includes('/talk.css'), `${kept}`);
  assert.ok(kept.every((path) => !/api|ws|sw\.js/.test(path)), `${kept}`);
  await ann.page.reload(); // from now on the kept files are used
  await ann.countsEntries(1);
  assert.ok((await keptUrls(ann)).includes('/i18n/en.js'), 'the language in use is kept, too');
  street.cable.pull();
  await ann.context.setOffline(true);
  await ann.page.reload();
  await ann.reads('notice', 'You are offline');
  await ann.say('more');
  await ann.page.reload();
  await ann.countsEntries(2);
  street.cable.plug();
  await ann.context.setOffline(false);
  await ann.allMarked('delivered');
  await bob.countsEntries(2);
});

/** A relay to the server that can be told to serve another version of the page. */
async function renewable(t) {
  const server = await startServer(t, ['--rate-limits', 'off', '--prefer', '300ms']);
  let version = 'one';
  const serve = async (url, response) => {
    const { headers, body, status, text } = await server.request(url);
    const sent = url === '/sw.js' ? text.replace(/'passerby-\w+'/, `'passerby-${version}'`) : url === '/app.js' ? `document.documentElement.dataset.version = '${version}';\n${text}` : body;
    response.writeHead(status, { 'content-type': headers['content-type'], 'cache-control': 'no-store' }).end(sent);
  };
  // A page may still ask for something when the test is over, and the server with it.
  const relay = http.createServer(({ url }, response) => serve(url, response).catch(() => response.destroy()));
  relay.on('upgrade', (request, socket) => {
    const to = http.request({ host: '127.0.0.1', port: server.port, path: '/ws', headers: { ...request.headers, host: server.host, origin: `http://${server.host}` } });
    to.on('upgrade', (answer, far, head) => {
      const lines = Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}\r\n`).join('');
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines}\r\n`);
      socket.write(head);
      for (const [near, other] of [[socket, far], [far, socket]]) near.on('error', () => other.destroy()).pipe(other);
    });
    to.on('error', () => socket.destroy()).end();
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  t.after(() => relay.closeAllConnections() ?? relay.close());
  return { url: `http://127.0.0.1:${relay.address().port}/`, renew: (next) => { version = next; } };
}

test('a new version is taken up when nobody is disturbed, and never in the middle of a conversation', async (t) => {
  const relay = await renewable(t);
  const street = await startStreet(t, { pulls: true });
  const visit = async () => {
    const person = await street.person();
    await person.page.goto(relay.url);
    await isKept(person);
    await person.page.reload();
    await person.reads('online', 'here');
    return person;
  };
  const [ann, bob] = [await visit(), await visit()];
  const versionOf = (person) => person.page.locator('html').getAttribute('data-version');
  await ann.start();
  await bob.start();
  await Promise.all([ann.sees('composer'), bob.sees('composer')]);
  relay.renew('two');
  await ann.page.evaluate(async () => {
    const registration = await navigator.serviceWorker.getRegistration();
    await registration.update();
    while (!registration.waiting) await new Promise((done) => setTimeout(done, 50));
  });
  await ann.say('hello');
  await bob.countsEntries(1);
  assert.equal(await versionOf(ann), 'one');
  await ann.page.reload();
  await ann.countsEntries(1);
  assert.equal(await versionOf(ann), 'one', 'one version, all of it, until the conversation is over');
  await ann.pressTwice('stop');
  await ann.element('home').click();
  await ann.page.locator('html[data-version=two]').waitFor();
  await ann.reads('online', 'here');
  const caches = await ann.page.evaluate(() => globalThis.caches.keys());
  assert.equal(caches.length, 1, `the old files are gone: ${caches}`);
});
