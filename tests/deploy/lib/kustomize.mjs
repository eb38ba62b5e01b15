// kustomize.mjs - k8s/: its base is written from the chart, its overlays are patches that must come to what the chart makes of values.
//
// Run by itself it writes the base: HELM=… node tests/deploy/lib/kustomize.mjs. kustomize.test.mjs keeps both equal.
// KUBECTL names the program (default: kubectl in the path).

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import YAML from 'yaml';
import { renderAs } from './chart.mjs';
import { ROOT, run } from './compose.mjs';

export const FOLDER = join(ROOT, 'k8s');
const NAME = 'passerby';
const SECRETS = 'passerby-secrets';

/** What the chart is told, so that it makes no Secret: kustomize can't draw one. */
const BASE = { 'secret.create': false, 'secret.existingSecret': SECRETS, 'redis.bundled.existingSecret': SECRETS };

/** Overlay → the files of the chart's ci/ and values that it is equal to. */
export const OVERLAYS = {
  dev: ['dev-values.yaml'],
  production: ['production-values.yaml'],
  'external-redis': [{ 'redis.bundled.enabled': false, 'redis.bundled.existingSecret': '', 'redis.external.existingSecret': SECRETS,
    'redis.external.key': 'redis-url' }],
  eks: ['production-values.yaml', 'ingress-alb-values.yaml'],
  gke: ['production-values.yaml', 'ingress-gke-values.yaml'],
  aks: ['production-values.yaml', 'ingress-aks-values.yaml'],
};

const HELMS_OWN = ['helm.sh/chart', 'app.kubernetes.io/managed-by'];

/** Manifests as they would be without the tool that made them: in one order, without Helm's labels and what is for its tests, and without Secrets,
 * namespaces, and what names a ConfigMap's contents (kustomize: a suffix of its name; the chart: a checksum). */
function canonical(manifests) {
  const plain = manifests.filter(({ kind, metadata }) => !['Secret', 'Namespace'].includes(kind) && metadata.labels?.['app.kubernetes.io/component'] !== 'test');
  const text = JSON.stringify(plain).replaceAll(new RegExp(`"(${NAME}|${SECRETS})-[0-9a-z]{10}"`, 'g'), '"$1"');
  const clean = (value) => {
    if (Array.isArray(value)) return value.map(clean);
    if (value === null || typeof value !== 'object') return value;
    const entries = Object.entries(value).filter(([key, inner]) => ![...HELMS_OWN, 'checksum/config'].includes(key) && inner !== null);
    const cleaned = entries.map(([key, inner]) => [key, key === 'config.json' ? JSON.parse(inner) : clean(inner)]);
    // Kustomize leaves an empty mapping where a patch took the last entry.
    return Object.fromEntries(cleaned.filter(([key, inner]) => key !== 'annotations' || Object.keys(inner).length > 0).sort());
  };
  return clean(JSON.parse(text)).map(({ apiVersion, kind, metadata: { namespace, ...metadata }, ...rest }) => ({ apiVersion, kind, metadata, ...rest }))
    .sort((a, b) => `${a.kind} ${a.metadata.name}`.localeCompare(`${b.kind} ${b.metadata.name}`));
}

/** What the chart makes for an overlay, or with [] for the base. */
export const fromChart = async (values) => {
  const files = values.filter((each) => typeof each === 'string').flatMap((file) => ['--values', join(ROOT, 'helm/passerby/ci', file)]);
  const own = values.filter((each) => typeof each !== 'string');
  return canonical(await renderAs(NAME, Object.assign({ ...BASE }, ...own), ...files));
};

/** What kustomize makes of a folder of k8s/: as it is, and to be compared. */
export async function fromKustomize(folder) {
  const text = await run(process.env.KUBECTL ?? 'kubectl', ['kustomize', join(FOLDER, folder)]);
  const manifests = YAML.parseAllDocuments(text, { version: '1.1' }).map((document) => document.toJS());
  return { manifests, comparable: canonical(manifests) };
}

const HEADER = `# Written by tests/deploy/lib/kustomize.mjs from helm/passerby, whose values.yaml explains what stands here. Don't change it: patch it,
# as the overlays do.
`;
const CONFIG = join(FOLDER, 'base/config.json');
const MANIFESTS = join(FOLDER, 'base/passerby.yaml');

/** The base's files, as the chart has them now: path → contents. */
export async function base() {
  const manifests = await fromChart([]);
  const { data } = manifests.find(({ kind }) => kind === 'ConfigMap');
  const documents = manifests.filter(({ kind }) => kind !== 'ConfigMap').map((each) => YAML.stringify(each, { lineWidth: 0, version: '1.1' }));
  return { [CONFIG]: `${JSON.stringify(data['config.json'], null, 2)}\n`, [MANIFESTS]: HEADER + documents.map((each) => `---\n${each}`).join('') };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [file, text] of Object.entries(await base())) writeFileSync(file, text);
}
