// kubernetes.mjs - is a manifest one that Kubernetes would take? Two judges: the schema (required fields, types, enums) and the fields that
// the official client knows (an unknown one would be dropped without a word).

import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as client from '@kubernetes/client-node';

const require = createRequire(import.meta.url);
const models = dirname(require.resolve('kubernetes-models/package.json'));

/** Manifests of others' kinds, which neither judge knows. */
const FOREIGN = /^(monitoring\.coreos\.com|gateway\.networking\.k8s\.io|cloud\.google\.com)\//;

const groupFolder = (apiVersion) => {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  const known = readdirSync(models).find((folder) => group && (folder === group || folder.split('.')[0] === group));
  return known ? join(models, known, version) : join(models, version);
};

/** Paths of fields of `value` that the client's model `type` does not have. */
function unknownFields(value, type, path) {
  const item = /^(?:Array<|\{ \[key: string\]: )(.*?)[>;]?\s*\}?$/.exec(type)?.[1]?.replace(/;$/, '');
  if (Array.isArray(value)) return value.flatMap((each, at) => unknownFields(each, item ?? 'any', `${path}[${at}]`));
  const model = client[type];
  if (value === null || typeof value !== 'object' || model?.getAttributeTypeMap === undefined) return [];
  const fields = new Map(model.getAttributeTypeMap().map(({ baseName, type: of }) => [baseName, of]));
  return Object.entries(value).flatMap(([name, inner]) =>
    (fields.has(name) ? unknownFields(inner, fields.get(name), `${path}.${name}`) : [`${path}.${name}: no such field`]));
}

/** What is wrong with a manifest; [] for nothing. */
export function faults(manifest) {
  const { apiVersion = '', kind = '', metadata } = manifest;
  const name = `${kind} ${metadata?.name}`;
  if (FOREIGN.test(apiVersion)) return [];
  let Model;
  try {
    Model = require(join(groupFolder(apiVersion), kind))[kind];
  } catch {
    return [`${name}: no kind ${apiVersion} ${kind}`];
  }
  const version = apiVersion.split('/').at(-1).replace(/^v/, 'V');
  const found = unknownFields(manifest, `${version}${kind}`, name);
  try {
    new Model(manifest).validate();
  } catch (error) {
    found.push(`${name}: ${error.message}`);
  }
  return found;
}
