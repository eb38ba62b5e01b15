// kustomize.test.mjs - k8s/: the base is what the chart makes, each overlay what the chart makes of the same wishes; Kubernetes takes all.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { base, FOLDER, fromChart, fromKustomize, OVERLAYS } from './lib/kustomize.mjs';
import { faults } from './lib/kubernetes.mjs';

describe('kustomize', () => {
  it('the base is written from the chart as it is', async () => {
    for (const [file, text] of Object.entries(await base())) {
      assert.ok(readFileSync(file, 'utf8') === text, `${file}; run: node tests/deploy/lib/kustomize.mjs`);
    }
  });

  it('every overlay is looked at, and told of in the README', () => {
    assert.deepEqual(Object.keys(OVERLAYS).sort(), readdirSync(join(FOLDER, 'overlays')).sort());
    const readme = readFileSync(join(FOLDER, 'README.md'), 'utf8');
    for (const overlay of Object.keys(OVERLAYS)) assert.ok(readme.includes(`](overlays/${overlay}/kustomization.yaml)`), overlay);
  });

  for (const [folder, values] of [['base', []], ...Object.entries(OVERLAYS).map(([name, chart]) => [`overlays/${name}`, chart])]) {
    it(`${folder}: Kubernetes takes it, and it comes to what the chart makes`, async () => {
      const { manifests, comparable } = await fromKustomize(folder);
      assert.deepEqual(manifests.flatMap(faults), []);
      assert.deepEqual(comparable, await fromChart(values));
    });

    it(`${folder}: all is in one namespace, of restricted Pod Security`, async () => {
      const { manifests } = await fromKustomize(folder);
      const { name, labels } = manifests.find(({ kind }) => kind === 'Namespace').metadata;
      assert.equal(labels['pod-security.kubernetes.io/enforce'], 'restricted');
      const elsewhere = manifests.filter(({ kind, metadata }) => kind !== 'Namespace' && metadata.namespace !== name);
      assert.deepEqual(elsewhere.map(({ metadata }) => metadata.name), []);
    });
  }

  it('only the overlay for trying it out brings secrets', async () => {
    for (const overlay of Object.keys(OVERLAYS)) {
      const { manifests } = await fromKustomize(`overlays/${overlay}`);
      assert.equal(manifests.some(({ kind }) => kind === 'Secret'), overlay === 'dev', overlay);
    }
  });
});
