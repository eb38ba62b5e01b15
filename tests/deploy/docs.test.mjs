// docs.test.mjs - what people are told to type to install it, typed: as far as that goes without a cluster and an engine. What needs those is
// run by compose.test.mjs (the README's own lines), debian.test.mjs and ./dev kind-test.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { commands } from './lib/docs.mjs';
import { ROOT, run } from './lib/compose.mjs';

const HELM = process.env.HELM ?? 'helm';
const KUBECTL = process.env.KUBECTL ?? 'kubectl';
const shell = (command) => run('bash', ['-euo', 'pipefail', '-c', command]);
const isIn = (file) => async (line) => assert.ok(readFileSync(join(ROOT, file), 'utf8').includes(line), `${file} does not run it`);

/* What a command begins with → how it is tried. Values that a user fills in must be there to be replaced. */
const WAYS = [
  [/^helm (install|upgrade) /, (line) => shell(line.replace(/^helm \w+/, `${HELM} template`).replace(' --reset-then-reuse-values', ''))],
  [/^helm test /, async () => assert.ok(existsSync(join(ROOT, 'helm/passerby/templates/tests/probe.yaml')))],
  [/^kubectl (--namespace \S+ )?create /, (line) => shell(`${line.replace('kubectl', KUBECTL)} --dry-run=client --output=yaml`)],
  [/^kubectl apply --kustomize /, (line) => shell(line.replace(/^kubectl apply --kustomize/, `${KUBECTL} kustomize`))],
  [/^(cmake|\(cd build-package)/, isIn('tests/deploy/debian/build.sh')],
  [/^sudo apt-get install .*\.deb$/, async () => assert.match(readFileSync(join(ROOT, 'tests/deploy/debian.test.mjs'), 'utf8'), /apt-get install .*\.deb/)],
];

const SECTIONS = [['README.md', 'Install it with Helm'], ['README.md', 'Put it on …'], ['helm/passerby/README.md'], ['k8s/README.md']];

describe('what people are told to type', () => {
  for (const [file, section] of SECTIONS) {
    const lines = commands(file, section);
    it(`${file}${section ? `, "${section}"` : ''}: there is something`, () => assert.ok(lines.length > 0));
    for (const line of lines) {
      it(`${file}: ${line}`, async () => {
        const [, way] = WAYS.find(([beginning]) => beginning.test(line)) ?? assert.fail('nothing tries it');
        await way(line);
      });
    }
  }

  it('README.md, "Run it with compose": compose.test.mjs types it', () => {
    const lines = commands('README.md', 'Run it with compose');
    const expected = [/ up .*--wait$/, / up .*--scale node=5$/, /roll\.sh$/, / down$/];
    assert.equal(lines.length, expected.length);
    for (const [at, pattern] of expected.entries()) assert.match(lines[at], pattern);
  });
});
