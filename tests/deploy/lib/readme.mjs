// readme.mjs - helm/passerby/README.md: its text, and a table of every value out of values.yaml and its comments.
//
// Run by itself it writes the file: node tests/deploy/lib/readme.mjs. A test keeps the two equal.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import YAML from 'yaml';
import { CHART } from './chart.mjs';

export const README = join(CHART, 'README.md');

const INTRODUCTION = `# Passerby

Two strangers meet and talk, anonymously, without stored messages. A chat survives whatever happens to a pod: it may be killed, drained, updated or
moved, and each message is still shown exactly once and in order.

\`\`\`sh
helm install chat helm/passerby
helm test chat
\`\`\`

For Kubernetes 1.25 and Helm 3.14, or later. The first command brings three nodes and a small Redis that joins them; the second lets two strangers
meet through the service. \`ci/\` has values for HAProxy, Traefik, NGINX, AWS, Google, Azure, Gateway API, an external Redis, Sentinel, TLS, autoscaling
and more: \`helm install … --values helm/passerby/ci/FILE\`.

- **Secrets** are drawn at the first install and kept over upgrades. Tools that render templates without a cluster (Argo CD) can't look
  them up and would draw others each time: give them \`secret.create=false\`, \`secret.existingSecret\` and \`redis.bundled.existingSecret\` (or an external Redis).
- **A pod that goes** gets SIGTERM, serves on for \`drain.delaySeconds\` while load balancers notice that it is not ready, asks its people to
  reconnect elsewhere, and ends. terminationGracePeriodSeconds follows from \`drain\`.
- **Your own Redis**: \`redis.bundled.enabled=false\` and \`redis.external.url\`, or \`redis.external.existingSecret\`. It needs no persistence.
- **A load balancer** must let a WebSocket be silent for at least 60 seconds.

| Value | Default | |
| --- | --- | --- |
`;

const comment = (node) => (node?.commentBefore ?? '').split('\n').map((line) => line.trim()).join(' ').split('-- ').at(-1).trim();

/** Rows of a mapping's values; one that holds others is flattened, unless it is a value as a whole. */
function* rows(map, path = '') {
  for (const [at, { key, value }] of map.items.entries()) {
    const name = path + key.value;
    // What stands before a mapping's first key belongs to the mapping, as the parser sees it.
    const text = comment(key) || (at === 0 ? comment(map) : '');
    if (YAML.isMap(value) && !value.flow) yield* rows(value, `${name}.`);
    else yield `| \`${name}\` | \`${JSON.stringify(value.toJSON())}\` | ${text.replaceAll('|', '\\|')} |`;
  }
}

export function readme() {
  const document = YAML.parseDocument(readFileSync(join(CHART, 'values.yaml'), 'utf8'));
  return `${INTRODUCTION}${[...rows(document.contents)].join('\n')}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(README, readme());
