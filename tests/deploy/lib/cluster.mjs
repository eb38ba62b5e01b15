// cluster.mjs - as much of a Kubernetes API server as `helm template --dry-run=server` asks: which kinds there are, and Secrets that exist.

import { once } from 'node:events';
import { createServer } from 'node:http';

/* Group and version → its kinds. */
const KINDS = {
  v1: ['Secret', 'Service', 'ConfigMap', 'ServiceAccount', 'Pod'],
  'apps/v1': ['Deployment'],
  'networking.k8s.io/v1': ['NetworkPolicy', 'Ingress'],
  'gateway.networking.k8s.io/v1': ['HTTPRoute'],
  'policy/v1': ['PodDisruptionBudget'],
  'autoscaling/v2': ['HorizontalPodAutoscaler'],
};

/* By the release that is rendered. */
const OWNED = {
  labels: { 'app.kubernetes.io/managed-by': 'Helm' },
  annotations: { 'meta.helm.sh/release-name': 'chat', 'meta.helm.sh/release-namespace': 'talk' },
};

const plural = (kind) => `${kind.toLowerCase()}s`.replace(/ys$/, 'ies');

function discovery() {
  const groups = Object.keys(KINDS).filter((group) => group.includes('/')).map((groupVersion) => {
    const [name, version] = groupVersion.split('/');
    return { name, versions: [{ groupVersion, version }], preferredVersion: { groupVersion, version } };
  });
  const answers = {
    '/version': { major: '1', minor: '34', gitVersion: 'v1.34.0' },
    '/api': { kind: 'APIVersions', versions: ['v1'] },
    '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups },
  };
  for (const [groupVersion, kinds] of Object.entries(KINDS)) {
    const resources = kinds.map((kind) =>
      ({ name: plural(kind), singularName: kind.toLowerCase(), namespaced: true, kind, verbs: ['get', 'list', 'create'] }));
    answers[`/${groupVersion.includes('/') ? 'apis' : 'api'}/${groupVersion}`] = { kind: 'APIResourceList', groupVersion, resources };
  }
  return answers;
}

/** Starts one for the test; `secrets`: name → { key: value }, in the namespace "talk"; `pods`: of the release's Deployment, if it is there.
 * Returns the options that lead Helm to it. */
export async function startCluster(t, secrets, pods) {
  const answers = discovery();
  const all = { kind: 'SecretList', apiVersion: 'v1', items: [] };
  answers['/api/v1/namespaces/talk/secrets'] = all;
  for (const [name, values] of Object.entries(secrets)) {
    const data = Object.fromEntries(Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]));
    const metadata = { name, namespace: 'talk', ...OWNED };
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata, data };
    answers[`/api/v1/namespaces/talk/secrets/${name}`] = secret;
    all.items.push(secret);
  }
  if (pods !== undefined) {
    const metadata = { name: 'chat-passerby', namespace: 'talk', ...OWNED };
    answers['/apis/apps/v1/namespaces/talk/deployments/chat-passerby'] = { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { replicas: pods } };
  }
  const server = createServer((request, response) => {
    const answer = answers[new URL(request.url, 'http://cluster').pathname];
    response.writeHead(answer ? 200 : 404, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(answer ?? { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', code: 404 }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return ['--dry-run=server', '--disable-openapi-validation', '--kube-apiserver', `http://127.0.0.1:${server.address().port}`];
}
