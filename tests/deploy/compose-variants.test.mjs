// compose-variants.test.mjs - the files to put behind docker/compose.yaml: each is brought up, and does what it is for.
//
// Grafana is left out: Debian has none, and there may be no registry. files.test.mjs looks at what it is given.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { eventually } from '../e2e/lib/wait.mjs';
import { docker, IMAGE, Project, run } from './lib/compose.mjs';
import { Crowd } from './lib/crowd.mjs';

const probe = (...args) => docker('run', '--rm', '--network', 'host', IMAGE, 'probe', ...args);

/** A cluster of two nodes with these files, taken down after the test. */
async function start(t, files, env = {}, ...options) {
  const project = new Project(`passerby-test-${files[0].split('.')[1]}`, files, env);
  await project.down();
  t.after(() => project.down());
  await project.up('--scale', 'node=2', ...options);
  return project;
}

/** A PEM file with a certificate for localhost and its key. */
async function certificate(t) {
  const folder = await mkdtemp(join(tmpdir(), 'passerby-tls-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'tls.pem');
  await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
    '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-keyout', file, '-out', `${file}.crt`]);
  await run('sh', ['-c', `cat ${file}.crt >> ${file} && chmod 644 ${file} && chmod 755 ${folder}`]);
  return file;
}

describe('compose', { concurrency: true }, () => {
  it('with TLS: strangers meet over wss, and http is sent there', { timeout: 900_000 }, async (t) => {
    const pem = await certificate(t);
    const project = await start(t, ['compose.tls.yaml'], { PASSERBY_TLS_PEM: pem, PASSERBY_TLS_PORT: '0' });
    const secure = (await project.address(8443)).replace('127.0.0.1', 'localhost');
    await docker('run', '--rm', '--network', 'host', '--volume', `${pem}.crt:/ca.pem:ro`, IMAGE, 'probe', `https://${secure}`,
      '--ca', '/ca.pem');
    const plain = await fetch(`http://${await project.address()}/page`, { redirect: 'manual' });
    assert.equal(plain.status, 308);
    assert.match(plain.headers.get('location'), /^https:\/\/127\.0\.0\.1.*\/page$/);
  });

  it('with Sentinel: the nodes follow when Redis dies, and every chat goes on', { timeout: 900_000 }, async (t) => {
    const project = await start(t, ['compose.sentinel.yaml']);
    const address = await project.address();
    const crowd = new Crowd(`ws://${address}/ws`);
    t.after(() => crowd.stop());
    await crowd.join(10);
    crowd.talk();
    await crowd.everybodyTalks();

    const master = () => project.compose('exec', '--no-TTY', 'sentinel-1', 'redis-cli', '-p', '26379', 'sentinel', 'get-master-addr-by-name',
      'passerby');
    const before = await master();
    const [redis] = await project.containers('redis');
    await docker('kill', redis);
    await eventually(async () => await master() !== before, 'the Sentinels to promote a replica');
    await crowd.everybodyTalks();
    await probe(`http://${address}`);
    await docker('start', redis);
    await eventually(() => project.compose('exec', '--no-TTY', '--index', '1', 'redis', 'sh', '-c',
      "REDISCLI_AUTH=$(sed -n 's/^requirepass //p' /run/passerby/redis.conf) redis-cli info replication | grep master_link_status:up"),
    'the Redis that died to come back as a replica');
    await crowd.everybodyTalks();
    await crowd.finish();
  });

  it('with observability: Prometheus finds every node and the balancer, and our rules', { timeout: 900_000 }, async (t) => {
    const project = await start(t, ['compose.observability.yaml'], { PROMETHEUS_PORT: '0' }, 'balancer', 'prometheus');
    const published = await project.compose('port', 'prometheus', '9090');
    const ask = async (path) => (await (await fetch(`http://${published}/api/v1/${path}`)).json()).data;
    await eventually(async () => {
      const { activeTargets } = await ask('targets?state=active');
      const up = activeTargets.filter(({ health }) => health === 'up').map(({ labels }) => labels.job);
      return up.sort().join() === 'haproxy,passerby,passerby';
    }, 'Prometheus to have asked two nodes and the balancer');
    await eventually(async () => {
      const rules = (await ask('rules')).groups.flatMap((group) => group.rules);
      return rules.length > 0 && rules.every(({ health }) => health === 'ok');
    }, 'all rules to have been evaluated');
  });

  it('for developers: Redis and the nodes can be reached from this machine, and from no other', { timeout: 900_000 }, async (t) => {
    const project = await start(t, ['compose.dev.yaml']);
    for (const [service, port] of [['redis', '6379'], ['node', '9090']]) {
      assert.match(await project.compose('port', service, port), /^127\.0\.0\.1:\d+$/);
    }
    const ready = await fetch(`http://${await project.compose('port', '--index', '2', 'node', '9090')}/readyz`);
    assert.equal(ready.status, 200);
  });
});
