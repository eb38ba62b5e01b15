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
const pageModules = ['app.js', ...filesIn('page', '.js')];

/** Every module that the page loads, by following its imports from app.js. */
function reachable() {
  const found = new Set();
  const visit = (name) => {
    if (!found.has(name)) {
      found.add(name);
      for (const [, path] of read(name).matchAll(/^(?:import|export)\b[^'"]*? from '(\.[^']+)';$/gm)) {
        visit(normalize(join(dirname(name), path)));
      }
    }
  };
  visit('app.js');
  return found;
}

test('the texts that stand in the document are those of i18n/en.js', () => {
  const places = [...html.matchAll(/<(\w+)[^>]*?\sdata-t="([\w.]+)"[^>]*>([^<]*)<\/\1>/g)];
  assert.equal(places.length, html.split(' data-t="').length - 1, 'every data-t is on an element that holds text only');
  for (const [, , key, text] of places) {
    assert.equal(text, english[key], key);
  }
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
  const asked = new Set(
    [
      ...sources.matchAll(
        /'((?:app|online|start|waiting|talk|mark|notice|ended)\.[a-z_]+)'|data-t(?:-\w+)?="([\w.]+)"/g,
      ),
    ].map(([, code, markup]) => code ?? markup),
  );
  // Those are put together: t(`talk.${presence}`) and the like.
  const composed = ['talk.here', 'talk.typing', 'talk.away', 'talk.gone'];
  composed.push(
    ...Object.keys(english).filter((key) =>
      /^mark\.|^ended\.(you_left|left|lost|expired|closed|superseded|version)$/.test(key),
    ),
  );
  for (const key of asked) {
    assert.ok(key in english, `no text "${key}"`);
  }
  for (const key of Object.keys(english)) {
    assert.ok(asked.has(key) || composed.includes(key), `nobody asks for "${key}"`);
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

test('every other language has the texts of English, with the same names to fill in', async () => {
  const names = (entry) => [...JSON.stringify(entry).matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  for (const file of filesIn('i18n', '.js')) {
    const { default: texts } = await import(join(web, file));
    assert.deepEqual(Object.keys(texts).sort(), Object.keys(english).sort(), file);
    for (const [key, entry] of Object.entries(texts)) {
      assert.deepEqual(new Set(names(entry)), new Set(names(english[key])), `${file}: ${key}`);
    }
  }
});

test('index.html preloads just the modules that app.js needs', () => {
  const preloaded = [...html.matchAll(/rel="modulepreload" href="([^"]+)"/g)].map(([, path]) => path);
  const needed = [...reachable()].filter((name) => name !== 'app.js' && !name.startsWith('i18n/'));
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
  assert.doesNotMatch(html.replaceAll('<script type="module" src="app.js"></script>', ''), /<script/);
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
