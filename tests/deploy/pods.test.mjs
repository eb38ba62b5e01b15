// pods.test.mjs - the chart's pods as `helm template` describes them, run for real (lib/pods.mjs), with people talking through the Service
// while all befalls them that befalls pods: no chat ends, no message is lost.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { eventually } from '../e2e/lib/wait.mjs';
import { render } from './lib/chart.mjs';
import { DockerCluster } from './lib/cluster-in-docker.mjs';
import { run } from './lib/compose.mjs';
import { Crowd } from './lib/crowd.mjs';

const PAIRS = 10;
const NAME = 'chat-passerby';
/* All but the number of pods as by default; shorter delays only, or the test would take minutes. */
const VALUES = { replicaCount: 2, minReadySeconds: 1, 'drain.delaySeconds': 5, 'drain.spreadSeconds': 5 };

async function cluster(t, network) {
  const started = new DockerCluster(network, NAME);
  t.after(() => started.stop());
  await started.start();
  return started;
}

/** `helm upgrade`: other values, with the secrets of before (`lookup` keeps them: chart.test.mjs). */
async function upgrade(running, values) {
  const next = await render({ ...VALUES, ...values });
  const secret = running.manifests.find(({ kind }) => kind === 'Secret');
  await running.apply(next.map((each) => (each.kind === 'Secret' ? secret : each)));
}

describe('pods', { concurrency: true }, () => {
  it('keep every chat while they are scaled, updated, killed and drained, Redis among them', { timeout: 900_000 }, async (t) => {
    const running = await cluster(t, 'passerby-test-pods');
    await running.apply(await render(VALUES));
    const [first] = running.pods;
    await eventually(async () => /redis/i.test(await first.logs()), 'a pod to say that it has no Redis');
    assert.equal(first.ready, false, 'and not to be ready');
    await running.startRedis();
    await running.ready(...running.pods);
    assert.match(await running.test(), /^resume /m);

    const drain = await fetch(`http://${first.address}:${first.port('internal')}/drain`, { method: 'POST' });
    assert.equal(drain.status, 403, 'nobody outside of a pod drains it');
    assert.equal(first.ready, true);

    const crowd = new Crowd(`${running.url.replace('http', 'ws')}/ws`);
    t.after(() => crowd.stop());
    await crowd.join(PAIRS);
    crowd.talk();
    await crowd.everybodyTalks();

    await t.test('2 to 5 pods', async () => {
      await upgrade(running, { replicaCount: 5 });
      await running.ready(...running.pods);
      await crowd.everybodyTalks();
      assert.equal(crowd.resumes, 0, 'nobody noticed');
    });

    await t.test('5 to 2 pods', async () => {
      await upgrade(running, { replicaCount: 2 });
      assert.deepEqual(await running.ended(), [0, 0, 0], 'each ended by itself, in time');
      await crowd.everybodyTalks();
    });

    await t.test('an upgrade', async () => {
      const moved = crowd.resumes;
      const before = running.pods;
      await upgrade(running, { 'config.grace': '2m' });
      assert.ok(running.pods.every((pod) => !before.includes(pod)));
      assert.deepEqual(new Set(await running.ended()), new Set([0]));
      assert.ok(crowd.resumes - moved >= 2 * PAIRS, 'everybody has moved');
      assert.equal(running.refused, 0, 'a pod took people for as long as it was sent any');
      await crowd.everybodyTalks();
      await running.test();
    });

    await t.test('a pod is killed', async () => {
      await running.crash(running.pods[0]);
      await running.ready(...running.pods);
      await crowd.everybodyTalks();
    });

    await t.test('a machine is drained, with one of the pods and Redis on it', async () => {
      const [pod] = running.pods;
      await Promise.all([running.stopRedis(), running.evict(pod)]);
      await upgrade(running, { 'config.grace': '2m' });
      await running.startRedis();
      await running.ready(...running.pods);
      await running.ended();
      await crowd.everybodyTalks();
    });

    await crowd.finish();
    t.diagnostic(`${crowd.said} messages, ${crowd.resumes} resumes`);
  });

  it('are joined by a Redis of somebody else\'s that wants a password', { timeout: 900_000 }, async (t) => {
    const running = await cluster(t, 'passerby-test-pods-external');
    await running.startForeignRedis('a%40word'.replace('%40', '@'));
    await running.apply(await render({ ...VALUES, 'redis.bundled.enabled': false, 'redis.external.url': 'redis://:a%40word@redis.example:6379' }));
    await running.ready(...running.pods);
    await running.test();
  });

  it('speak TLS by a certificate out of a Secret', { timeout: 900_000 }, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'passerby-certificate-'));
    t.after(() => rm(folder, { recursive: true }));
    const paths = { 'tls.key': join(folder, 'tls.key'), 'tls.crt': join(folder, 'tls.crt') };
    await run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=chat.example', '-keyout', paths['tls.key'], '-out', paths['tls.crt']]);
    const data = Object.fromEntries(Object.entries(paths).map(([name, path]) => [name, readFileSync(path).toString('base64')]));
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'chat-certificate' }, data };
    const running = await cluster(t, 'passerby-test-pods-tls');
    await running.apply([...await render('tls-values.yaml', '--set', 'replicaCount=1,redis.bundled.enabled=false'), secret]);
    await running.ready(...running.pods);
    assert.match(await running.test(), /^resume /m);
  });

  it('that have the wrong password are not ready, and say why', { timeout: 900_000 }, async (t) => {
    const running = await cluster(t, 'passerby-test-pods-wrong');
    await running.startForeignRedis('right');
    await running.apply(await render({ replicaCount: 1, 'redis.bundled.enabled': false, 'redis.external.url': 'redis://:wrong@redis.example:6379' }));
    const [pod] = running.pods;
    const answer = () => fetch(`http://${pod.address}:${pod.port('internal')}/readyz`);
    await eventually(async () => /auth|password/i.test(await pod.logs()), 'the pod to say that the password is wrong');
    assert.equal((await answer()).status, 503);
    assert.match(await (await answer()).text(), /redis/i);
  });
});
