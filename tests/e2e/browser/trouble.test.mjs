// trouble.test.mjs - browsers that forbid things, networks that block them, servers that talk nonsense: a sentence says
// what to do, and the page goes on.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startStreet } from './pages.mjs';

/* A reload closes connections that are being opened, which Chromium logs: hence `pulls`. */
const HELLO = { t: 'hello', v: 1, online: 2 };

/** Somebody whose WebSocket ends in the test, which answers what `answer` gives. */
async function facing(street, answer) {
  const ann = await street.person();
  await ann.page.routeWebSocket(/\/ws$/, (socket) => {
    for (const frame of answer()) socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
    socket.onMessage((text) => {
      for (const frame of answer(JSON.parse(text))) socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
    });
  });
  await ann.page.reload();
  return ann;
}

test('storage is blocked: the page works, and says what a reload would cost', async (t) => {
  const street = await startStreet(t, { pulls: true });
  const ann = await street.person();
  await ann.page.addInitScript(() => {
    for (const name of ['localStorage', 'sessionStorage']) {
      Object.defineProperty(window, name, { get: () => { throw new DOMException('blocked', 'SecurityError'); } });
    }
  });
  await ann.page.reload();
  await ann.reads('notice', 'Allow cookies and site data for this page');
  await ann.start('rain');
  const bob = await street.person();
  await bob.start();
  await ann.sees('composer');
  await ann.say('hello');
  await bob.showsLog(['them: hello']);
  await ann.element('notice').waitFor({ state: 'hidden' });
});

test('no service worker, no broadcast channel, no notifications, no sound: two strangers talk', async (t) => {
  const street = await startStreet(t, { pulls: true });
  const ann = await street.person();
  await ann.page.addInitScript(() => {
    Object.defineProperty(Navigator.prototype, 'serviceWorker', { value: undefined });
    for (const name of ['BroadcastChannel', 'Notification', 'AudioContext', 'caches']) delete window[name];
  });
  await ann.page.reload();
  await ann.start();
  const bob = await street.person();
  await bob.start();
  await ann.sees('composer');
  await ann.element('settings-open').click();
  await ann.element('set-sound').check();
  await ann.element('set-notify').click();
  await ann.reads('set-notify-hint', 'The browser refuses');
  await ann.page.keyboard.press('Escape');
  await ann.page.reload();
  await ann.say('hello');
  await bob.showsLog(['them: hello']);
});

test('WebSocket is blocked, pages are not: a sentence tells the two apart', async (t) => {
  const street = await startStreet(t, { pulls: true });
  const ann = await street.person();
  await ann.page.addInitScript(() => {
    window.WebSocket = class {
      constructor() { setTimeout(() => this.onclose?.({ code: 1006 })); }
      close() {}
    };
  });
  await ann.page.reload();
  await ann.start();
  await ann.reads('waiting-title', 'Connecting');
  await ann.page.waitForResponse(/api\/stats/); // nobody is here, it says, as far as the server knows
  assert.equal(await ann.element('waiting-hint').textContent(), '');
  await ann.reads('notice', 'A proxy or firewall may block WebSocket: try another network.');
  street.cable.pull();
  await ann.reads('notice', 'The server can’t be reached; still trying.');
});

test('the server speaks another version: the page offers to load itself anew', async (t) => {
  const street = await startStreet(t, { pulls: true });
  const ann = await facing(street, () => [{ ...HELLO, v: 2 }]);
  await ann.reads('ended-title', 'The server speaks another version.');
  await ann.isAccessible();
  await Promise.all([ann.page.waitForEvent('framenavigated'), ann.element('reload').click()]);
});

test('a part of the page does not come: it is loaded anew as soon as all parts come', async (t) => {
  const street = await startStreet(t, { pulls: true });
  const ann = await street.person();
  await ann.page.evaluate(async () => (await navigator.serviceWorker.ready).unregister()); // or it would give what it has kept
  let asked = 0;
  await ann.page.route(street.url, (route) => {
    asked += Number(!route.request().isNavigationRequest());
    return route.continue();
  });
  await ann.page.route(/page\/view\.js$/, (route) => (asked < 3 ? route.abort() : route.continue()));
  let visits = 0;
  ann.page.on('request', (request) => { visits += Number(request.isNavigationRequest()); });
  await ann.page.reload();
  await ann.reads('online', 'Connecting'); // as it stands in the document: nothing runs
  assert.ok(await ann.element('go').isDisabled());
  await ann.reads('online', 'Only you here');
  assert.equal(visits, 2, 'loaded anew when it helps, and not before');
});

test('a browser that lacks what the page needs is told, once; not by one reload after the other', async (t) => {
  const street = await startStreet(t, { pulls: true });
  const ann = await street.person({ locale: 'de' });
  let visits = 0;
  ann.page.on('request', (request) => { visits += Number(request.isNavigationRequest()); });
  await ann.page.addInitScript(() => { delete Intl.DisplayNames; });
  await ann.page.reload();
  await ann.reads('no-start', 'Diese Seite konnte nicht starten.');
  assert.equal(visits, 3);
  await ann.isAccessible();
});

test('a part of the page that the browser does not understand: it is told at once', async (t) => {
  const street = await startStreet(t, { pulls: true });
  const ann = await street.person();
  await ann.page.evaluate(async () => (await navigator.serviceWorker.ready).unregister());
  let visits = 0;
  ann.page.on('request', (request) => { visits += Number(request.isNavigationRequest()); });
  await ann.page.route(/page\/view\.js$/, (route) => route.fulfill({ contentType: 'text/javascript', body: 'class { what }' }));
  await ann.page.reload();
  await ann.reads('no-start', 'This page could not start.');
  assert.equal(visits, 1);
});

test('an older browser, without URL.canParse: links and what stands around them are shown', async (t) => {
  const street = await startStreet(t, { pulls: true });
  const ann = await street.person();
  await ann.page.addInitScript(() => { delete URL.canParse; });
  await ann.page.reload();
  await ann.start();
  const bob = await street.person();
  await bob.start();
  await ann.sees('composer');
  await bob.say('see https://example.org/, or http://[nowhere');
  await ann.showsLog(['them: see https://example.org/, or http://[nowhere']);
  assert.deepEqual(await ann.page.locator('#log a').allTextContents(), ['https://example.org/']);
});

test('a server that talks nonsense is ignored, and the page goes on', async (t) => {
  const street = await startStreet(t, { pulls: true });
  const nonsense = [
    '', '{', 'null', '[]', '"hello"', '{"t":7}', '{"t":"nothing"}', '{"t":"__proto__"}', `{"t":"msg","seq":1,"body":${'['.repeat(5000)}`,
    { t: 'msg', seq: 1, body: 'nobody is here' }, { t: 'matched', chat: '', resume: 7 }, { t: 'ended', reason: 'because' },
    { t: 'hello', v: 9 }, { t: 'ack', seq: -1 }, { t: 'typing', on: 'yes' }, { t: 'waiting' },
  ];
  const answers = {
    find: [...nonsense, { t: 'waiting' }, { t: 'matched', chat: 'c', topics: ['<b>', 7], resume: 'r', reliable: true }, ...nonsense.slice(0, 9),
      { t: 'msg', seq: 5, body: 'out of order' }, { t: 'msg', seq: 1, body: 'hello' }, { t: 'ack', seq: 99 }, { t: 'msg', seq: 2, body: { no: 'text' } }],
    msg: [...nonsense.slice(0, 9), { t: 'ack', seq: 1 }],
  };
  const ann = await facing(street, (frame) => (frame ? (answers[frame.t] ?? []) : [HELLO, { t: 'error', code: 'what' }, ...nonsense]));
  await ann.sees('online');
  await ann.start();
  await ann.sees('composer');
  await ann.showsLog(['them: hello']);
  await ann.say('still here');
  await ann.allMarked('delivered');
  assert.deepEqual(await ann.log(), ['them: hello', 'me: still here']);
});

test('the page sleeps, is frozen, and is taken out of the back/forward cache: it goes on', async (t) => {
  const street = await startStreet(t, { pulls: true });
  const [ann, bob] = await street.couple();
  await ann.page.evaluate(() => dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true })));
  await bob.reads('presence-text', 'is away');
  await bob.say('are you there?');
  await ann.page.evaluate(() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
  await bob.reads('presence-text', 'is here');
  await ann.showsLog(['them: are you there?']);
  await bob.allMarked('delivered');
  street.cable.pull();
  await ann.reads('notice', 'The connection is lost');
  street.cable.plug();
  await ann.page.evaluate(() => document.dispatchEvent(new Event('resume')));
  await ann.say('yes');
  await bob.showsLog(['me: are you there?', 'them: yes']);
});
