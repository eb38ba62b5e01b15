// chart.mjs - what `helm template` makes of helm/passerby. HELM names the program (default: helm in the path).

import { join } from 'node:path';
import YAML from 'yaml';
import { ROOT, run } from './compose.mjs';

export const CHART = join(ROOT, 'helm/passerby');
export const helm = (...args) => run(process.env.HELM ?? 'helm', args);

/** The manifests of a release, with these values over the chart's own (an object, or the name of a file of ci/). */
export async function renderAs(release, values = {}, ...options) {
  const over = typeof values === 'string' ? ['--values', join(CHART, 'ci', values)]
    : Object.entries(values).flatMap(([key, value]) => ['--set-json', `${key}=${JSON.stringify(value)}`]);
  const text = await helm('template', release, CHART, '--namespace', 'talk', ...over, ...options);
  // As Kubernetes reads it: in YAML 1.1 a bare no is false.
  return YAML.parseAllDocuments(text, { version: '1.1' }).map((document) => {
    if (document.errors.length > 0) throw new Error(`${document.errors[0].message}\n${document}`);
    return document.toJS();
  }).filter(Boolean);
}

export const render = (...args) => renderAs('chat', ...args);

/** The one manifest of that kind, by name where there are several; undefined if there is none. */
export function find(manifests, kind, name) {
  const found = manifests.filter((each) => each.kind === kind && (name === undefined || each.metadata.name === name));
  if (found.length > 1) throw new Error(`${found.length} of ${kind}`);
  return found[0];
}
