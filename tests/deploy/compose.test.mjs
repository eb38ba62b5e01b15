// compose.test.mjs - docker/compose.yaml as people use it: one command, two strangers, more nodes, a dead node, an empty
// Redis, all nodes replaced.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../e2e/lib/wait.mjs';
import { commands } from './lib/docs.mjs';
import { despiteMiscount, docker, IMAGE, Project } from './lib/compose.mjs';
import { Crowd } from './lib/crowd.mjs';

const PAIRS = 20;
/* README.md's own lines. */
const [UP, SCALE, ROLL, DOWN] = commands('README.md', 'Run it with compose');
const project = new Project('passerby-test');
let address;

/** A setting of a container, by the path that `docker inspect` has for it. */
const inspect = async (id, path) => JSON.parse(await docker('inspect', '--format', `{{json ${path}}}`, id));

describe('compose', () => {
  before(async () => {
    await project.down();
    await project.type(UP);
    address = await project.address();
  });
  after(async () => {
    await despiteMiscount(project.type(DOWN));
    assert.equal(await project.compose('ps', '--all', '--quiet'), '', 'nothing is left');
    await project.down();
  });

  it('starts three nodes behind a balancer that has them all', async () => {
    assert.equal((await project.containers('node')).length, 3);
    await eventually(async () => await project.nodesInUse() === 3, 'three nodes behind the balancer');
  });

  it('publishes nothing but the balancer', async () => {
    for (const service of ['redis', 'node', 'balancer']) {
      for (const id of await project.containers(service)) {
        const ports = Object.entries(await inspect(id, '.NetworkSettings.Ports')).filter(([, published]) => published);
        assert.deepEqual(ports.map(([port]) => port), service === 'balancer' ? ['8080/tcp'] : []);
      }
    }
  });

  it('confines every container', async () => {
    for (const service of ['redis', 'node', 'balancer']) {
      const [id] = await project.containers(service);
      const host = await inspect(id, '.HostConfig');
      assert.equal(host.ReadonlyRootfs, true, service);
      assert.deepEqual(host.CapDrop, ['ALL'], service);
      assert.deepEqual(host.SecurityOpt, ['no-new-privileges:true'], service);
      assert.equal(await inspect(id, '.Config.User'), '65532:65532', service);
    }
  });

  it('lets nobody into Redis without the password', async () => {
    const answer = await project.compose('exec', '--no-TTY', 'redis', 'redis-cli', 'ping');
    assert.match(answer, /^NOAUTH /);
  });

  it('draws its secrets once', async () => {
    const settings = () => project.compose('run', '--rm', '--no-deps', '--entrypoint', '/bin/cat', '--user', '65532', 'first-run',
      '/node/config.json', '/redis/redis.conf');
    const drawn = await settings();
    const [, secret, password] = /^\{"secret": "([0-9a-f]{64})", "redis": "redis:\/\/:([0-9a-f]{64})@redis:6379"\}$/m.exec(drawn);
    assert.notEqual(secret, password);
    assert.match(drawn, new RegExp(`^requirepass ${password}$`, 'm'));
    await project.compose('up', '--no-build', '--no-deps', '--force-recreate', 'first-run');
    assert.equal(await settings(), drawn);
  });

  it('lets two strangers meet', async () => {
    await docker('run', '--rm', '--network', 'host', '--read-only', '--cap-drop', 'ALL', IMAGE, 'probe', `http://${address}`);
  });

  it('keeps every chat and message while nodes come and die, Redis forgets all, and every node is replaced', { timeout: 900_000 }, async (t) => {
    const crowd = new Crowd(`ws://${address}/ws`);
    t.after(() => crowd.stop());
    await crowd.join(PAIRS);
    crowd.talk();
    await crowd.everybodyTalks();

    await project.type(SCALE);
    await eventually(async () => await project.nodesInUse() === 5, 'the balancer to find the new nodes');
    await crowd.everybodyTalks();
    assert.equal(crowd.resumes, 0, 'nobody noticed the new nodes');

    const [victim] = await project.containers('node');
    await docker('kill', victim);
    await eventually(() => crowd.resumes > 0, 'people of the dead node to come back elsewhere');
    await crowd.everybodyTalks();
    await docker('rm', victim);

    await docker('restart', ...await project.containers('redis'));
    await crowd.everybodyTalks();

    const before = crowd.resumes;
    const nodes = await project.containers('node');
    await project.type(ROLL);
    const rolled = await project.containers('node');
    assert.equal(rolled.length, nodes.length);
    assert.deepEqual(rolled.filter((id) => nodes.includes(id)), [], 'each node was replaced');
    assert.ok(crowd.resumes - before >= 2 * PAIRS, 'everybody has moved');
    await crowd.everybodyTalks();

    await crowd.finish();
    t.diagnostic(`${crowd.said} messages, ${crowd.resumes} resumes`);
  });
});
