// chart.test.mjs - helm/passerby as `helm template` renders it: valid for Kubernetes, right in what matters, and plain about bad values.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import YAML from 'yaml';
import { CHART, find, helm, render, renderAs } from './lib/chart.mjs';
import { startCluster } from './lib/cluster.mjs';
import { ROOT, run } from './lib/compose.mjs';
import { faults } from './lib/kubernetes.mjs';
import { README, readme } from './lib/readme.mjs';

const SCENARIOS = readdirSync(join(CHART, 'ci'));
const BINARY = process.env.PASSERBY_BIN ?? join(ROOT, 'build/passerby');
const EXTERNAL = { 'redis.bundled.enabled': false, 'redis.external.url': 'redis://:word@redis.example' };

const container = (manifests, name = 'chat-passerby') => find(manifests, 'Deployment', name).spec.template.spec.containers[0];
const settings = (manifests) => JSON.parse(find(manifests, 'ConfigMap', 'chat-passerby').data['config.json']);
const decode = (secret, key) => Buffer.from(secret.data[key], 'base64').toString();

describe('the judge of manifests', () => {
  const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec: { ports: [{ port: 80 }] } };
  const broken = {
    'an unknown field': { ...service, spec: { ...service.spec, selektor: {} } },
    'an unknown field deep inside': { ...service, spec: { ports: [{ port: 80, protokol: 'TCP' }] } },
    'a wrong type': { ...service, spec: { ports: [{ port: 'eighty' }] } },
    'a missing field': { ...service, spec: { ports: [{ name: 'http' }] } },
    'a wrong kind': { ...service, kind: 'Servise' },
  };
  it('takes a good one', () => assert.deepEqual(faults(service), []));
  for (const [what, manifest] of Object.entries(broken)) it(`finds ${what}`, () => assert.notDeepEqual(faults(manifest), []));
});

describe('chart', () => {
  for (const scenario of [undefined, ...SCENARIOS]) {
    it(`${scenario ?? 'with its defaults'}: lints, and renders what Kubernetes takes`, async () => {
      await helm('lint', '--strict', CHART, ...(scenario ? ['--values', join(CHART, 'ci', scenario)] : []));
      const manifests = await render(scenario);
      assert.deepEqual(manifests.flatMap(faults), []);
      for (const { kind, metadata } of manifests.filter(({ apiVersion }) => !apiVersion.startsWith('cloud.google'))) {
        assert.equal(metadata.namespace, 'talk', `${kind} ${metadata.name}`);
        assert.equal(metadata.labels['app.kubernetes.io/instance'], 'chat', `${kind} ${metadata.name}`);
      }
    });
  }

  for (const version of ['1.25.0', '1.34.0']) {
    it(`installs on Kubernetes ${version}`, async () => {
      const budget = find(await render({}, '--kube-version', version), 'PodDisruptionBudget').spec;
      assert.equal(budget.unhealthyPodEvictionPolicy, version === '1.25.0' ? undefined : 'AlwaysAllow', 'there since 1.27');
    });
  }

  it('refuses a Kubernetes that is too old', () => assert.rejects(render({}, '--kube-version', '1.24.0'), /kubeVersion: >=1\.25/));

  it('keeps every pod within restricted Pod Security, with a read-only root and no token', async () => {
    const manifests = await render();
    const pods = manifests.flatMap(({ kind, spec }) => (kind === 'Deployment' ? [spec.template.spec] : kind === 'Pod' ? [spec] : []));
    assert.equal(pods.length, 3);
    for (const pod of pods) {
      assert.equal(pod.automountServiceAccountToken, false);
      assert.equal(pod.securityContext.runAsNonRoot, true);
      assert.equal(pod.securityContext.seccompProfile.type, 'RuntimeDefault');
      assert.ok((pod.volumes ?? []).every(({ emptyDir }) => !emptyDir), 'kubectl drain would ask for --delete-emptydir-data');
      for (const { securityContext } of pod.containers) {
        assert.equal(securityContext.allowPrivilegeEscalation, false);
        assert.equal(securityContext.readOnlyRootFilesystem, true);
        assert.deepEqual(securityContext.capabilities, { drop: ['ALL'] });
      }
    }
  });

  it('updates without a pod too few, and gives each more time to drain than draining takes', async () => {
    const manifests = await render({ 'drain.delaySeconds': 7, 'drain.spreadSeconds': 20, 'drain.timeoutSeconds': 40 });
    const { spec } = find(manifests, 'Deployment', 'chat-passerby');
    assert.equal(spec.strategy.rollingUpdate.maxUnavailable, 0);
    assert.equal(spec.template.spec.terminationGracePeriodSeconds, 77);
    const { drain_delay: delay, drain_spread: spread, drain_timeout: timeout } = settings(manifests);
    assert.deepEqual([delay, spread, timeout], ['7s', '20s', '40s']);
  });

  it('takes another strategy', async () => {
    const strategy = async (values) => find(await render(values), 'Deployment', 'chat-passerby').spec.strategy;
    assert.deepEqual(await strategy({ 'strategy.type': 'Recreate' }), { type: 'Recreate' }, 'Kubernetes refuses rollingUpdate beside it');
    assert.deepEqual(await strategy({ 'strategy.rollingUpdate.maxSurge': '50%' }), { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: '50%' } });
  });

  it('spreads its pods, by a selector of one\'s own if there is one', async () => {
    const constraint = { maxSkew: 1, topologyKey: 'rack', whenUnsatisfiable: 'DoNotSchedule' };
    const own = { ...constraint, labelSelector: { matchExpressions: [{ key: 'app', operator: 'Exists' }] } };
    const { selector, template } = find(await render({ topologySpreadConstraints: [own, constraint] }), 'Deployment', 'chat-passerby').spec;
    assert.deepEqual(template.spec.topologySpreadConstraints, [own, { ...constraint, labelSelector: selector }]);
    assert.equal(find(await render({ topologySpreadConstraints: [] }), 'Deployment', 'chat-passerby').spec.template.spec.topologySpreadConstraints, undefined);
  });

  it('asks /livez whether to restart a pod, and /readyz whether to send people', async () => {
    const { startupProbe, livenessProbe, readinessProbe, ports } = container(await render());
    assert.deepEqual([startupProbe, livenessProbe, readinessProbe].map(({ httpGet }) => [httpGet.path, httpGet.port]),
      [['/livez', 'internal'], ['/livez', 'internal'], ['/readyz', 'internal']]);
    assert.deepEqual(ports, [{ name: 'http', containerPort: 8080 }, { name: 'internal', containerPort: 9090 }]);
  });

  it('draws a secret and a password for Redis, and gives pods no more than a reference', async () => {
    const manifests = await render();
    const secret = find(manifests, 'Secret');
    assert.deepEqual(Object.keys(secret.data), ['redis-password', 'secret']);
    for (const key of ['secret', 'redis-password']) assert.match(decode(secret, key), /^\w{48}$/);
    const others = JSON.stringify(manifests.filter(({ kind }) => kind !== 'Secret'));
    for (const key of ['secret', 'redis-password']) assert.ok(!others.includes(decode(secret, key)));
    const env = container(manifests).env.map(({ name, value, valueFrom }) => [name, value ?? valueFrom.secretKeyRef.key]);
    assert.deepEqual(Object.fromEntries(env), { PASSERBY_CONFIG: '/etc/passerby/config.json', PASSERBY_SECRET: 'secret',
      REDISCLI_AUTH: 'redis-password', PASSERBY_REDIS: 'redis://:$(REDISCLI_AUTH)@chat-passerby-redis:6379' });
    const names = env.map(([name]) => name);
    assert.ok(names.indexOf('REDISCLI_AUTH') < names.indexOf('PASSERBY_REDIS'), 'only what stands before is filled in');
  });

  it('keeps the secrets from before, and draws those that are missing', async (t) => {
    const before = { secret: 'drawn by an earlier release' };
    const secret = find(await render({}, ...await startCluster(t, { 'chat-passerby': before })), 'Secret');
    assert.equal(decode(secret, 'secret'), before.secret);
    assert.match(decode(secret, 'redis-password'), /^\w{48}$/);
  });

  it('needs no Secret of its own, nor a cluster to look it up in, when it is given one', async () => {
    const values = { 'secret.create': false, 'secret.existingSecret': 'mine', 'redis.bundled.existingSecret': 'mine' };
    const manifests = await render(values);
    assert.equal(find(manifests, 'Secret'), undefined);
    const references = ['chat-passerby', 'chat-passerby-redis'].flatMap((name) => container(manifests, name).env)
      .filter(({ valueFrom }) => valueFrom).map(({ name, valueFrom: { secretKeyRef: { name: of, key } } }) => [name, of, key]);
    assert.deepEqual(references, [['PASSERBY_SECRET', 'mine', 'secret'], ['REDISCLI_AUTH', 'mine', 'redis-password'],
      ['REDISCLI_AUTH', 'mine', 'redis-password']]);
    assert.deepEqual(await render(values), manifests, 'the same each time: what a GitOps tool compares');
  });

  it('refuses a Secret that is not there, or lacks its key, and says so', async (t) => {
    const cluster = await startCluster(t, { mine: { secret: 'x', 'redis-password': 'y' }, other: {}, odd: { 'redis-password': 'p%@/#: !\n' } });
    const values = { 'secret.existingSecret': 'mine', 'redis.bundled.existingSecret': 'mine' };
    await render(values, ...cluster);
    await assert.rejects(render({ ...values, 'secret.existingSecret': 'typo' }, ...cluster), /secret\.existingSecret: there is no Secret "typo"/);
    await assert.rejects(render({ ...values, 'redis.bundled.existingSecret': 'other' }, ...cluster), /"other" has no key "redis-password"/);
    await assert.rejects(render({ ...values, 'redis.bundled.existingSecret': 'odd' }, ...cluster), /"redis-password" in the Secret "odd" must be letters/);
    await render({ ...values, 'secret.existingSecret': 'typo', validateSecrets: false }, ...cluster);
  });

  it('takes Redis and secret from Secrets that exist, and makes none then', async () => {
    const manifests = await render('external-redis-values.yaml');
    const refs = Object.fromEntries(container(manifests).env.filter(({ valueFrom }) => valueFrom)
      .map(({ name, valueFrom: { secretKeyRef } }) => [name, `${secretKeyRef.name}/${secretKeyRef.key}`]));
    assert.deepEqual(refs, { PASSERBY_SECRET: 'passerby-secret/token', PASSERBY_REDIS: 'redis-login/url', PASSERBY_REDIS_RELAY: 'chat-passerby/redis-relay-urls' });
    assert.deepEqual(Object.keys(find(manifests, 'Secret').data), ['redis-relay-urls']);
    assert.equal(find(manifests, 'Deployment').metadata.name, 'chat-passerby', 'no Redis of its own');
    assert.ok(container(manifests).env.some(({ name, value }) => name === 'PASSERBY_REDIS_CA' && value === '/etc/passerby-redis/ca.crt'));
  });

  it('writes a text as one, also where YAML would take it for something else', async () => {
    const values = { fullnameOverride: 'x12', nameOverride: 'on', 'secret.existingSecret': '34', 'secret.key': '5', 'redis.bundled.existingSecret': '1e3',
      'redis.bundled.key': 'true', priorityClassName: 'no', 'redis.bundled.priorityClassName': '7', 'service.appProtocol': '2', 'ingress.enabled': true,
      'ingress.hosts': ['a.example'], 'ingress.path': '/a: b #c', 'ingress.className': 'a: b', 'serviceAccount.create': false, 'serviceAccount.name': '89' };
    const manifests = await renderAs('123', values, '--namespace', '456');
    assert.deepEqual(manifests.flatMap(faults), []);
    for (const { metadata } of manifests) assert.deepEqual([metadata.namespace, metadata.labels['app.kubernetes.io/instance']], ['456', '123']);
    assert.equal(find(manifests, 'Ingress').spec.rules[0].http.paths[0].path, '/a: b #c');
    const { key, name } = container(manifests, 'x12').env.find(({ name: of }) => of === 'PASSERBY_SECRET').valueFrom.secretKeyRef;
    assert.deepEqual([name, key], ['34', '5']);
    assert.equal(find(manifests, 'Deployment', 'x12').spec.selector.matchLabels['app.kubernetes.io/name'], 'on');
  });

  it('makes names that a Service can have', async () => {
    for (const release of ['a'.repeat(53), `${'a'.repeat(51)}-b`, `${'a'.repeat(51)}.b`, 'v1.chat', 'a-b.c-d']) {
      const manifests = await renderAs(release);
      assert.deepEqual(manifests.flatMap(faults), []);
      for (const { metadata } of manifests) assert.match(metadata.name, /^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/);
    }
    await assert.rejects(renderAs('9chat'), /"9chat-passerby" can't be the name of a Service.*fullnameOverride/);
    await renderAs('9chat', { fullnameOverride: 'chat' });
  });

  it('hands a password for Redis on as it is written', async () => {
    const url = 'rediss://us%40er:p%40:%2F#%25!$(X)"\'`{{ }}@redis.example:6380/3';
    const manifests = await render({ 'redis.bundled.enabled': false, 'redis.external.url': url, 'redis.external.relayUrls': [url, url] });
    const secret = find(manifests, 'Secret');
    assert.deepEqual(['redis-url', 'redis-relay-urls'].map((key) => decode(secret, key)), [url, `${url},${url}`]);
  });

  it('restarts the pods when settings change, and only then', async () => {
    const sum = async (values) => find(await render(values), 'Deployment', 'chat-passerby').spec.template.metadata.annotations['checksum/config'];
    assert.equal(await sum({}), await sum({}));
    assert.notEqual(await sum({}), await sum({ 'config.grace': '2m' }));
  });

  it('restarts the pods for another URL of Redis, and gives no plain hash of it away', async () => {
    const sum = async (url) => find(await render({ ...EXTERNAL, 'redis.external.url': url }), 'Deployment').spec.template.metadata.annotations['checksum/redis'];
    const url = 'redis://:word@redis.example';
    assert.equal(await sum(url), await sum(url));
    assert.notEqual(await sum(url), await sum('redis://:other@redis.example'));
    for (const text of [url, `${url} `]) assert.notEqual(await sum(url), createHash('sha256').update(text).digest('hex'));
    assert.equal(find(await render('external-redis-values.yaml'), 'Deployment').spec.template.metadata.annotations['checksum/redis']?.length, 64, 'of relays');
  });

  it('restarts no pod for the chart\'s version alone', async () => {
    for (const { spec } of (await render()).filter(({ kind }) => kind === 'Deployment')) {
      assert.doesNotMatch(JSON.stringify(spec.template.metadata), /helm\.sh|app\.kubernetes\.io\/version/);
    }
  });

  it('leaves the number of pods to the autoscaler, and has it shrink slowly', async (t) => {
    const manifests = await render('autoscaling-values.yaml');
    const replicas = (rendered) => find(rendered, 'Deployment', 'chat-passerby').spec.replicas;
    assert.equal(replicas(manifests), undefined, 'where nobody knows');
    const values = { 'autoscaling.enabled': true, 'autoscaling.minReplicas': 4 };
    assert.equal(replicas(await render(values, ...await startCluster(t, {}))), 4, 'at first its least');
    assert.equal(replicas(await render(values, ...await startCluster(t, {}, 7))), 7, 'then as many as there are: else Kubernetes would make it 1');
    const extra = await render({ 'autoscaling.enabled': true, 'autoscaling.targetCPUUtilizationPercentage': null,
      'autoscaling.extraMetrics': [{ type: 'Resource', resource: { name: 'memory' } }] });
    assert.deepEqual(find(extra, 'HorizontalPodAutoscaler').spec.metrics.map(({ resource }) => resource.name), ['memory']);
    const { metrics, behavior } = find(manifests, 'HorizontalPodAutoscaler').spec;
    assert.deepEqual(metrics.map(({ type }) => type), ['Resource', 'Pods']);
    const many = find(await render({ 'autoscaling.enabled': true, 'autoscaling.targetConnectionsPerPod': 2e6 }), 'HorizontalPodAutoscaler');
    assert.equal(many.spec.metrics[1].pods.target.averageValue, '2000000', 'no 2e+06');
    assert.ok(behavior.scaleDown.stabilizationWindowSeconds >= 300);
  });

  it('lets people in and Prometheus, lets nodes out to Redis, and nobody else to that', async () => {
    const manifests = await render();
    const node = find(manifests, 'NetworkPolicy', 'chat-passerby').spec;
    assert.deepEqual(node.ingress.map(({ ports, from }) => [ports[0].port, from]), [['http', undefined], ['internal', [{ namespaceSelector: {} }]]]);
    assert.deepEqual(node.egress.map(({ ports }) => ports[0].port), [53, 6379]);
    const ingress = { namespaceSelector: { matchLabels: { name: 'ingress' } } };
    const narrowed = await render({ 'networkPolicy.publicFrom': [ingress] });
    const [allowed, tester] = find(narrowed, 'NetworkPolicy', 'chat-passerby').spec.ingress[0].from;
    assert.deepEqual(allowed, ingress);
    const { labels } = find(narrowed, 'Pod').metadata;
    assert.deepEqual(Object.entries(tester.podSelector.matchLabels).filter(([key, value]) => labels[key] !== value), [], 'helm test gets in');
    const redis = find(manifests, 'NetworkPolicy', 'chat-passerby-redis').spec;
    assert.deepEqual(redis.ingress[0].from[0].podSelector, { matchLabels: find(manifests, 'Deployment', 'chat-passerby').spec.selector.matchLabels });
    assert.deepEqual(redis.egress, []);
  });

  it('lets its test out to the nodes, and that by no hook, whose log Helm would ask for', async () => {
    const manifests = await render();
    const { metadata, spec } = find(manifests, 'NetworkPolicy', 'chat-passerby-probe');
    assert.equal(metadata.annotations, undefined);
    const { labels } = find(manifests, 'Pod').metadata;
    assert.deepEqual(Object.entries(spec.podSelector.matchLabels).filter(([key, value]) => labels[key] !== value), []);
    assert.notDeepEqual(spec.podSelector, find(manifests, 'Deployment', 'chat-passerby').spec.selector, 'and nobody else');
    assert.deepEqual(spec.ingress, []);
    const [dns, node] = spec.egress;
    assert.ok(dns.ports.some(({ port, protocol }) => port === 53 && protocol === 'UDP'));
    assert.equal(node.ports[0].port, container(manifests).ports[0].containerPort);
    assert.deepEqual(node.to[0].podSelector, find(manifests, 'Deployment', 'chat-passerby').spec.selector);
    assert.equal(find(await render({ 'networkPolicy.enabled': false }), 'NetworkPolicy'), undefined);
  });

  it('has services that reach the nodes alone, by the ports they have', async () => {
    const manifests = await render();
    const labels = find(manifests, 'Deployment', 'chat-passerby').spec.template.metadata.labels;
    const names = container(manifests).ports.map(({ name }) => name);
    for (const service of ['chat-passerby', 'chat-passerby-internal']) {
      const { selector, ports } = find(manifests, 'Service', service).spec;
      assert.deepEqual(Object.entries(selector).filter(([key, value]) => labels[key] !== value), []);
      assert.equal(selector['app.kubernetes.io/component'], 'node');
      assert.ok(names.includes(ports[0].targetPort));
    }
  });

  it('publishes its Service as it is told', async () => {
    const service = async (values) => find(await render(values), 'Service', 'chat-passerby').spec;
    const port = await service({ 'service.type': 'NodePort', 'service.nodePort': 30080, 'service.externalTrafficPolicy': 'Local' });
    assert.deepEqual([port.type, port.ports[0].nodePort, port.externalTrafficPolicy], ['NodePort', 30080, 'Local']);
    const balanced = await service({ 'service.type': 'LoadBalancer', 'service.loadBalancerClass': 'c', 'service.loadBalancerSourceRanges': ['10.0.0.0/8'] });
    assert.deepEqual([balanced.loadBalancerClass, balanced.loadBalancerSourceRanges], ['c', ['10.0.0.0/8']]);
    const dual = await service({ 'service.ipFamilyPolicy': 'PreferDualStack', 'service.ipFamilies': ['IPv6', 'IPv4'] });
    assert.deepEqual([dual.ipFamilyPolicy, dual.ipFamilies], ['PreferDualStack', ['IPv6', 'IPv4']]);
    assert.ok(!('ipFamilies' in await service({})), 'else as the cluster likes');
  });

  it('names the images that it brings for Artifact Hub', async () => {
    const { annotations } = YAML.parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8'));
    const listed = YAML.parse(annotations['artifacthub.io/images']).map(({ image }) => image);
    const manifests = await render();
    assert.deepEqual(listed, [container(manifests).image, container(manifests, 'chat-passerby-redis').image]);
  });

  it('lets two strangers meet as its test, with the nodes\' image', async () => {
    const manifests = await render();
    const pod = find(manifests, 'Pod');
    assert.equal(pod.metadata.annotations['helm.sh/hook'], 'test');
    assert.equal(pod.spec.containers[0].image, container(manifests).image);
    assert.deepEqual(pod.spec.containers[0].args, ['probe', 'http://chat-passerby:80']);
    assert.deepEqual(pod.spec.containers[0].resources, { requests: { cpu: '10m', memory: '16Mi' }, limits: { memory: '64Mi' } });
    const limits = { cpu: '1', memory: '64Mi' };
    assert.deepEqual(find(await render({ 'test.resources.limits': limits }), 'Pod').spec.containers[0].resources.limits, limits);
  });

  it('speaks TLS to nodes that do, but for probes', async () => {
    const manifests = await render('tls-values.yaml');
    const { args } = find(manifests, 'Pod').spec.containers[0];
    assert.deepEqual(args, ['probe', 'https://chat-passerby:443', '--insecure']);
    const { volumeMounts, readinessProbe } = container(manifests);
    for (const file of [settings(manifests).tls_cert, settings(manifests).tls_key]) {
      assert.ok(volumeMounts.some(({ mountPath }) => file.startsWith(`${mountPath}/`)), file);
    }
    assert.equal(readinessProbe.httpGet.scheme, undefined, 'the internal port never does');
  });

  it('leads an Ingress and an HTTPRoute to the service', async () => {
    const ingress = find(await render('ingress-haproxy-values.yaml'), 'Ingress').spec;
    assert.deepEqual(ingress.rules[0].http.paths[0].backend.service, { name: 'chat-passerby', port: { name: 'http' } });
    assert.equal(ingress.ingressClassName, 'haproxy');
    const route = find(await render('gateway-values.yaml'), 'HTTPRoute').spec;
    assert.deepEqual(route.rules[0].backendRefs, [{ name: 'chat-passerby', port: 80 }]);
    assert.deepEqual(route.rules[0].timeouts, { request: '0s' });
    const redirect = { type: 'RequestRedirect', requestRedirect: { scheme: 'https' } };
    const more = find(await render({ 'httpRoute.enabled': true, 'httpRoute.parentRefs': [{ name: 'g' }], 'httpRoute.filters': [redirect],
      'httpRoute.extraRules': [{ matches: [{ path: { value: '/old' } }] }] }), 'HTTPRoute').spec;
    assert.equal(more.rules[0].matches[0].path.value, '/old');
    assert.deepEqual(more.rules[1].filters, [redirect]);
  });

  it('says how to reach it', async (t) => {
    const cluster = await startCluster(t, {}); // Helm 3 asks one, whatever it is told
    const route = ['--set', 'httpRoute.enabled=true', '--set', 'httpRoute.parentRefs[0].name=g'];
    const ways = [
      [[], 'port-forward service/chat-passerby 8080:80'],
      [['--set', 'service.type=LoadBalancer'], 'get service chat-passerby -o jsonpath=\'http://'],
      [['--values', join(CHART, 'ci/tls-values.yaml')], 'jsonpath=\'https://'],
      [['--values', join(CHART, 'ci/tls-values.yaml'), '--set', 'service.type=ClusterIP,service.externalTrafficPolicy='], 'Open https://localhost:8080 in'],
      [['--values', join(CHART, 'ci/ingress-haproxy-values.yaml')], 'Open https://chat.example.com/ in'],
      [['--values', join(CHART, 'ci/ingress-alb-values.yaml')], 'Open http://chat.example.com/ in two tabs, or https:// where'],
      [['--set', 'ingress.enabled=true', '--set', 'ingress.hosts={*.example.com}'], 'Open http://any.example.com/ in'],
      [[...route, '--set', 'httpRoute.hostnames={*.example.com}'], 'Open https://any.example.com/ in'],
      [route, 'Open the address of your Gateway in'],
    ];
    for (const [values, sentence] of ways) {
      const notes = (await helm('install', 'chat', CHART, '--namespace', 'talk', ...cluster, ...values)).split('\nNOTES:\n')[1];
      assert.ok(notes.includes(sentence), notes);
    }
  });

  it('brings our rules and dashboard, also when packaged', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'passerby-chart-'));
    t.after(() => rm(folder, { recursive: true }));
    await helm('package', CHART, '--destination', folder);
    const [archive] = readdirSync(folder);
    for (const file of ['rules.yml', 'dashboard.json']) {
      const packed = await run('tar', ['--extract', '--to-stdout', '--file', join(folder, archive), `passerby/files/${file}`]);
      assert.equal(packed, readFileSync(join(ROOT, 'docker/observability', file), 'utf8').trim());
    }
    const manifests = await render('autoscaling-values.yaml');
    assert.ok(find(manifests, 'PrometheusRule').spec.groups[0].rules.length > 0);
    assert.equal(JSON.parse(find(manifests, 'ConfigMap', 'chat-passerby-dashboard').data['passerby.json']).title, 'Passerby');
  });

  it('takes what people add', async () => {
    const manifests = await render({
      extraPodSpec: { dnsConfig: { options: [{ name: 'ndots', value: '1' }] } }, lifecycle: { preStop: { sleep: { seconds: 1 } } },
      'redis.bundled.podLabels': { tier: 'memory' }, 'redis.bundled.extraArgs': ['--maxmemory', '400mb'], terminationGracePeriodSeconds: 300,
      'autoscaling.enabled': true, 'autoscaling.extraMetrics': [{ type: 'Resource', resource: { name: 'memory' } }],
      commonLabels: { team: 'chat' }, podAnnotations: { note: 'here' }, extraEnv: [{ name: 'PASSERBY_REDIS', value: 'redis://elsewhere' }],
      extraVolumes: [{ name: 'tls', emptyDir: {} }], extraVolumeMounts: [{ name: 'tls', mountPath: '/tls' }], nodeSelector: { disk: 'none' },
      extraObjects: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: '{{ .Release.Name }}-more' } }],
    });
    const { metadata, spec } = find(manifests, 'Deployment', 'chat-passerby').spec.template;
    assert.equal(metadata.labels.team, 'chat');
    assert.equal(metadata.annotations.note, 'here');
    assert.deepEqual(spec.containers[0].env.filter(({ name }) => name === 'PASSERBY_REDIS'), [{ name: 'PASSERBY_REDIS', value: 'redis://elsewhere' }]);
    assert.equal(spec.dnsConfig.options[0].name, 'ndots');
    assert.equal(spec.containers[0].lifecycle.preStop.sleep.seconds, 1);
    assert.equal(spec.terminationGracePeriodSeconds, 300);
    const redis = find(manifests, 'Deployment', 'chat-passerby-redis').spec.template;
    assert.deepEqual([redis.metadata.labels.tier, redis.metadata.labels.team], ['memory', 'chat']);
    assert.deepEqual(redis.spec.containers[0].args.slice(-2), ['--maxmemory', '400mb']);
    assert.equal(find(manifests, 'HorizontalPodAutoscaler').spec.metrics.at(-1).resource.name, 'memory');
    assert.ok(spec.containers[0].volumeMounts.some(({ mountPath }) => mountPath === '/tls'));
    assert.deepEqual(spec.nodeSelector, { disk: 'none' });
    assert.ok(find(manifests, 'ConfigMap', 'chat-more'));
  });

  it('puts a variable of theirs where its own stands, for those behind it to see', async () => {
    const own = container(await render()).env.map(({ name }) => name);
    const password = { name: 'REDISCLI_AUTH', valueFrom: { secretKeyRef: { name: 'mine', key: 'word' } } };
    const more = { name: 'PASSERBY_WORKERS', value: '2' };
    const { env } = container(await render({ extraEnv: [more, password] }));
    assert.deepEqual(env.map(({ name }) => name), [...own, 'PASSERBY_WORKERS'], 'each once');
    assert.deepEqual(env.filter(({ name }) => [password.name, more.name].includes(name)), [password, more]);
  });

  it('takes a value that is left empty for none, and refuses a section that is, by name', async () => {
    const values = YAML.parse(readFileSync(join(CHART, 'values.yaml'), 'utf8'));
    const { required } = JSON.parse(readFileSync(join(CHART, 'values.schema.json'), 'utf8'));
    for (const section of ['image', 'drain', 'redis', 'service', ...Object.keys(values).filter((key) => 'enabled' in Object(values[key]))]) {
      await assert.rejects(render({ [section]: null }), ({ said }) => assert.match(said, new RegExp(`'${section}'|${section} is required`)) ?? true);
    }
    const left = Object.keys(values).filter((key) => typeof values[key] === 'object' && !required.includes(key));
    const none = Object.fromEntries(left.map((key) => [key, null]));
    assert.ok('extraEnv' in none && 'config' in none && 'podAnnotations' in none);
    assert.deepEqual((await render({ ...none, 'internalService.labels': null, 'redis.bundled.podAnnotations': null, 'redis.bundled.podLabels': null }))
      .flatMap(faults), []);
  });

  const REFUSED = {
    'both kinds of Redis': [{ 'redis.external.url': 'redis://r' }, /redis\.bundled\.enabled and redis\.external are both set/],
    'several nodes without Redis': [{ 'redis.bundled.enabled': false }, /several nodes need a Redis/],
    'an autoscaler without Redis': [{ 'redis.bundled.enabled': false, replicaCount: 1, 'autoscaling.enabled': true }, /several nodes need a Redis/],
    'no secret': [{ 'secret.create': false }, /secret\.existingSecret/],
    'a Redis without a password': [{ 'secret.create': false, 'secret.existingSecret': 's' }, /redis\.bundled\.existingSecret/],
    'less time than draining takes': [{ terminationGracePeriodSeconds: 30 }, /is 30: a pod would be killed while it drains.* 50 s/],
    'a port of a node for a Service inside': [{ 'service.nodePort': 30080 }, /service\.nodePort is only for .* is ClusterIP/],
    'a policy for traffic that does not come': [{ 'service.externalTrafficPolicy': 'Local' }, /service\.externalTrafficPolicy is only for/],
    'a certificate without its key': [{ 'config.tls_cert': '/tls/tls.crt' }, /config\.tls_cert and config\.tls_key belong together/],
    'a volume by a name that is taken': [{ extraVolumes: [{ name: 'config', emptyDir: {} }] }, /extraVolumes: the name "config" is taken/],
    'a file over its own': [{ extraVolumeMounts: [{ name: 'x', mountPath: '/etc/passerby' }] }, /extraVolumeMounts: the mountPath "\/etc\/passerby" is taken/],
    'a second container of its own\'s name': [{ extraContainers: [{ name: 'passerby', image: 'i' }] }, /extraContainers: the name "passerby" is taken/],
    'a family of addresses that is none': [{ 'service.ipFamilies': ['IPv5'] }, /service[./]ipFamilies/],
    'a load balancer\'s ranges without one': [{ 'service.type': 'NodePort', 'service.loadBalancerSourceRanges': ['10.0.0.0/8'] }, /SourceRanges .* is NodePort/],
    'an ingress without a host': [{ 'ingress.enabled': true }, /ingress\.hosts/],
    'a route without a gateway': [{ 'httpRoute.enabled': true }, /httpRoute\.parentRefs/],
    'relays without a Redis of one\'s own': [{ 'redis.external.relayUrls': ['redis://r'] }, /relayUrls/],
    'two places for the URL': [{ ...EXTERNAL, 'redis.external.existingSecret': 's' }, /one of them has the URL/],
    'an autoscaler without a target': [{ 'autoscaling.enabled': true, 'autoscaling.targetCPUUtilizationPercentage': null }, /needs a target/],
    'a name that is none': [{ fullnameOverride: 'My_Chat' }, /fullnameOverride/],
    'a variable that is no text': [{ extraEnv: [{ name: 'PASSERBY_WORKERS', value: 2 }] }, /extraEnv.*value/s],
    'an autoscaler by the share of nothing': [{ 'autoscaling.enabled': true, 'resources.requests': { cpu: null } }, /set resources\.requests\.cpu/],
    'a field of the pod that is there already': [{ extraPodSpec: { securityContext: {} } }, /propertyName 'securityContext'|"securityContext" does not match/],
    'an interval without a unit': [{ 'serviceMonitor.interval': '15' }, /serviceMonitor[./]interval/],
    'a misspelled value': [{ replicaCuont: 3 }, /replicaCuont/],
    'a misspelled option': [{ 'config.grase': '2m' }, /grase/],
    'a duration that is none': [{ 'config.grace': 'long' }, /config.*grace/s],
    'a URL that is none': [{ 'redis.bundled.enabled': false, 'redis.external.url': 'redis.example:6379' }, /redis[./]external[./]url/],
    'a relay that looks like two': [{ ...EXTERNAL, 'redis.external.relayUrls': ['redis://:a,b@r'] }, /redis[./]external[./]relayUrls/],
    'a number of the wrong kind': [{ replicaCount: 'three' }, /replicaCount/],
  };
  for (const [what, [values, sentence]] of Object.entries(REFUSED)) {
    // What Helm says, without the command, which names the value in any case.
    it(`refuses ${what}, and says so`, () => assert.rejects(render(values), ({ said }) => assert.match(said, sentence) ?? true));
  }

  it('knows the options that the binary has, but for those that have values of their own', async () => {
    const options = Object.keys(JSON.parse(await run(BINARY, ['config', '--defaults'])));
    const own = /^(listen|internal_listen|redis.*|secret.*|drain_.*)$/;
    const schema = JSON.parse(readFileSync(join(CHART, 'values.schema.json'), 'utf8'));
    assert.deepEqual(Object.keys(schema.properties.config.properties).sort(), options.filter((option) => !own.test(option)).sort());
  });

  it('has a README that tells every value', () =>
    assert.equal(readFileSync(README, 'utf8'), readme(), 'run: node tests/deploy/lib/readme.mjs'));

  it('renders a configuration that the binary takes', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'passerby-config-'));
    t.after(() => rm(folder, { recursive: true }));
    const file = join(folder, 'config.json');
    await run('sh', ['-c', 'printf %s "$1" >"$2"', '-', JSON.stringify(settings(await render({ 'config.max_body': '4k' }))), file]);
    assert.match(await run(BINARY, ['config', '--check', '--config', file]), /good/);
  });
});
