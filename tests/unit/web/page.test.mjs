/* page.test.mjs - the page's files against each other: texts, modules, and what the content security policy forbids. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import english from '../../../src/web/i18n/en.js';

const web = fileURLToPath(new URL('../../../src/web/', import.meta.url));
const read = (name) => readFileSync(join(web, name), 'utf8');
const filesIn = (folder, ending) =>
  readdirSync(join(web, folder))
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name));
const html = read('index.html');
const pageModules = ['boot.js', 'app.js', ...filesIn('page', '.js')];

/** Every module that the page may load, by following its imports from boot.js. */
function reachable() {
  const found = new Set();
  const visit = (name) => {
    if (!found.has(name)) {
      found.add(name);
      for (const [, always, atNeed] of read(name).matchAll(/^(?:import|export)\b[^'"]*? from '(\.[^']+)';$|\bimport\('(\.[^']+)'\)/gm)) {
        visit(normalize(join(dirname(name), always ?? atNeed)));
      }
    }
  };
  visit('boot.js');
  return found;
}

test('the texts that stand in the document are those of i18n/en.js', () => {
  const places = [...html.matchAll(/<(\w+)[^>]*?\sdata-t="([\w.]+)"[^>]*>([^<]*)<\/\1>/g)];
  assert.equal(places.length, html.split(' data-t="').length - 1, 'every data-t is on an element that holds text only');
  for (const [, , key, text] of places) {
    assert.equal(text, english[key], key);
  }
  const words = html.replace(/<[^>]*\sdata-t="[^>]*>[^<]*|<!--.*?-->|<[^>]*>/gs, '').match(/\p{L}+/gu);
  assert.equal(words, null, 'no text in the document without a data-t');
  for (const [source, attribute] of [
    ['label', 'aria-label'],
    ['placeholder', 'placeholder'],
    ['content', 'content'],
  ]) {
    for (const [tag, key] of html.matchAll(new RegExp(`<[^>]*\\sdata-t-${source}="([\\w.]+)"[^>]*>`, 'g'))) {
      assert.equal(new RegExp(`\\s${attribute}="([^"]*)"`).exec(tag)?.[1], english[key], key);
    }
  }
});

test('every text that is asked for exists, and every text is asked for', () => {
  const sources = [html, ...pageModules.map(read)].join('\n');
  const rooms = [...new Set(Object.keys(english).map((key) => key.split('.')[0]))].join('|');
  const literal = new RegExp(`'((?:${rooms})\\.[a-z_]+)'|data-t(?:-\\w+)?="([\\w.]+)"`, 'g');
  const asked = new Set([...sources.matchAll(literal)].map(([, code, markup]) => code ?? markup));
  // Those are put together: t(`talk.${presence}`) and the like.
  const composed =
    /^talk\.((really_)?(stop|next)|here|typing|away|gone|unknown)$|^mark\.|^notify\.(matched|message|ended)$|^ended\.(you_left|left|lost|expired|closed|superseded|version)$/;
  for (const key of asked) {
    assert.ok(key in english, `no text "${key}"`);
  }
  for (const key of Object.keys(english)) {
    assert.ok(asked.has(key) || composed.test(key), `nobody asks for "${key}"`);
  }
});

test('no text stands in the code', () => {
  for (const name of pageModules) {
    const code = read(name).replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    for (const [, literal] of code.matchAll(/['`]([^'`\n]*)['`]/g)) {
      assert.doesNotMatch(literal, /^[A-Z][a-z]+ [a-z]/, name);
    }
  }
});

test('every other language has the texts of English, all of them its own, with the same names to fill in', async () => {
  const names = (entry) => [...JSON.stringify(entry).matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  const alike = /^app\.(name|unread)$|^talk\.(log|size|stop)$|^settings\.notify$/; // words that languages share
  for (const file of filesIn('i18n', '.js').filter((name) => !name.endsWith('en.js'))) {
    const { default: texts } = await import(join(web, file));
    assert.deepEqual(Object.keys(texts).sort(), Object.keys(english).sort(), file);
    for (const [key, entry] of Object.entries(texts)) {
      const wanted = new Set(names(english[key]));
      assert.ok(names(entry).every((name) => wanted.has(name)), `${file}: ${key}`);
      assert.ok([...wanted].every((name) => names(texts[key].other ?? entry).includes(name)), `${file}: ${key}`);
      assert.equal(typeof entry, typeof english[key], `${file}: ${key}`);
      assert.ok(alike.test(key) || JSON.stringify(entry) !== JSON.stringify(english[key]), `${file}: ${key} is English`);
    }
  }
});

test('every language has just the plurals that it makes', async () => {
  for (const file of filesIn('i18n', '.js')) {
    const tag = /(\w+)\.js$/.exec(file)[1];
    const { pluralCategories } = new Intl.PluralRules(tag).resolvedOptions();
    const { default: texts } = await import(join(web, file));
    for (const [key, entry] of Object.entries(texts).filter(([, value]) => typeof value === 'object')) {
      assert.deepEqual(Object.keys(entry).sort(), [...pluralCategories].sort(), `${file}: ${key}`);
    }
  }
});

test('every language is offered', () => {
  const offered = [...read('page/i18n.js').matchAll(/^ {2}(\w+): \(\) => import\('\.\.\/(i18n\/\w+\.js)'\),$/gm)];
  assert.deepEqual(offered.map(([, , file]) => file).sort(), filesIn('i18n', '.js').sort());
  for (const [, tag, file] of offered) {
    assert.equal(file, `i18n/${tag}.js`);
  }
});

test('index.html preloads just the modules that are always needed', () => {
  const preloaded = [...html.matchAll(/rel="modulepreload" href="([^"]+)"/g)].map(([, path]) => path);
  const needed = [...reachable()].filter((name) => name !== 'boot.js' && !name.startsWith('i18n/'));
  assert.deepEqual(preloaded, needed.sort());
  const shipped = [...pageModules, ...filesIn('client', '.js'), ...filesIn('i18n', '.js'), 'passerby.js'];
  assert.deepEqual([...reachable()].sort(), shipped.sort(), 'every module is used');
});

test('the client knows nothing of the page', () => {
  for (const name of ['passerby.js', ...filesIn('client', '.js')]) {
    const code = read(name).replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    assert.doesNotMatch(
      code,
      /\b(document|navigator|localStorage|sessionStorage)\b|(?<!\.)\bwindow\.|\.\/page\/|i18n/,
      name,
    );
  }
});

test('nothing that a strict content security policy forbids, and nothing from elsewhere', () => {
  assert.doesNotMatch(html, /\sstyle=|\son\w+=|javascript:|<style/);
  assert.doesNotMatch(html.replaceAll('<script type="module" src="boot.js"></script>', ''), /<script/);
  for (const [, url] of html.matchAll(/\s(?:src|href)="([^"]*)"/g)) {
    assert.doesNotMatch(url, /^\w+:|^\/\//, url);
  }
  for (const name of pageModules) {
    assert.doesNotMatch(
      read(name),
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setAttribute\('(style|on)/,
      name,
    );
  }
  for (const name of filesIn('.', '.css')) {
    assert.doesNotMatch(read(name), /url\(|@import/, name);
  }
});
