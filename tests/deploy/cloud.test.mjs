// cloud.test.mjs - docker/cloud: every cloud gets the same image, ports, probes and secrets, settings that the binary takes, and time
// enough to drain.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import YAML from 'yaml';
import { BINARY, startServer } from '../e2e/lib/server.mjs';
import { CLOUDS, FOLDER, seconds } from './lib/clouds.mjs';
import { ROOT, run } from './lib/compose.mjs';

const PUBLIC = 8080;
const INTERNAL = 9090;
const CHART = YAML.parse(readFileSync(join(ROOT, 'helm/passerby/Chart.yaml'), 'utf8'));
const VALUES = YAML.parse(readFileSync(join(ROOT, 'helm/passerby/values.yaml'), 'utf8'));
const IMAGE = `${VALUES.image.repository}:${CHART.appVersion}`;
/* What stands for a secret whose value is elsewhere. */
const GIVEN = { PASSERBY_REDIS: 'redis://:word@redis.example:6379', PASSERBY_SECRET: '0123456789abcdef' };
/* A ping each 25 s by default, and one may be lost. */
const LEAST_SILENCE = 60;
/* Between the end of the drain and SIGKILL, for what is slow. */
const MARGIN = 2;

const WRITTEN_BY_CLOUD_INIT = CLOUDS.filter(({ file }) => file.startsWith('cloud-init')).map(({ file }) => file);
const written = (file) => YAML.parse(readFileSync(join(FOLDER, file), 'utf8')).write_files;

/** A file that is gone after the test. */
async function temporary(t, name, text) {
  const folder = await mkdtemp(join(tmpdir(), 'passerby-cloud-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, name), text);
  return join(folder, name);
}

describe('clouds', () => {
  it('are all looked at, and all told of in the README', () => {
    const files = readdirSync(FOLDER).filter((file) => file !== 'README.md');
    assert.deepEqual(CLOUDS.map(({ file }) => file).sort(), files.sort());
    const readme = readFileSync(join(FOLDER, 'README.md'), 'utf8');
    for (const file of files) assert.ok(readme.includes(`](${file})`), file);
  });

  for (const { file, image, version, port, probes, environment, secrets, silence, patience } of CLOUDS) {
    describe(file, () => {
      it(`runs ${image ? IMAGE : `version ${CHART.appVersion}`}`, () => {
        if (image) assert.equal(image, IMAGE);
        else assert.equal(version, CHART.appVersion);
      });

      it('leads people to the public port, and nobody else', () => {
        assert.equal(port, PUBLIC);
        for (const { path, port: asked } of probes) {
          assert.ok(asked === INTERNAL || (asked === PUBLIC && path === '/api/stats'), `${path} on ${asked}`);
        }
      });

      it('is given Redis and secret, and holds neither', () => {
        const local = environment.PASSERBY_REDIS === 'redis://127.0.0.1:6379'; // without a password there
        assert.deepEqual([...secrets].sort(), local ? ['PASSERBY_SECRET'] : ['PASSERBY_REDIS', 'PASSERBY_SECRET']);
        assert.equal(environment.PASSERBY_SECRET, undefined);
      });

      it('has settings that the binary takes', async () => {
        const env = { ...GIVEN, ...environment };
        assert.match(await run(BINARY, ['config', '--check'], { env }), /good/);
        assert.ok(environment.PASSERBY_TRUSTED_PROXIES, 'limits per address see people, not the proxy');
      });

      it('has time enough to drain', () => {
        const drain = ['DELAY', 'SPREAD', 'TIMEOUT'].map((part) => seconds(environment[`PASSERBY_DRAIN_${part}`]));
        const sum = drain.reduce((a, b) => a + b);
        assert.ok(sum + MARGIN <= patience, `${drain.join(' + ')} s of ${patience}`);
      });

      // Where there is something to set; README.md says what is known of the others.
      if (silence !== undefined) {
        it('leaves a WebSocket open that is silent between two pings', () => assert.ok(silence >= LEAST_SILENCE, `${silence} s`));
      }
    });
  }

  it('AWS leaves the number of nodes to the autoscaler, also when the stack is updated', () =>
    assert.doesNotMatch(readFileSync(join(FOLDER, 'aws-ecs.yaml'), 'utf8'), /^ +DesiredCount:/m));

  it('Nomad is given secrets as JSON, which alone leaves every character as it is', () => {
    const [, template] = /data += <<-END\n(.*?)\n +END/s.exec(readFileSync(join(FOLDER, 'passerby.nomad.hcl'), 'utf8'));
    const values = template.split('\n').map((line) => line.trim()).filter((line) => line.startsWith('PASSERBY_'));
    assert.equal(values.length, 2);
    for (const line of values) assert.match(line, /^\w+=\{\{ \.\w+\.Value \| toJSON \}\}$/);
  });

  it('Google fetches the image through Artifact Registry, as it takes none from elsewhere', async () => {
    const text = readFileSync(join(FOLDER, 'google-cloud-run.yaml'), 'utf8');
    const [, expression] = /sed "(s\|.*)" docker\/cloud\/google-cloud-run\.yaml/.exec(text);
    const replaced = await run('sed', [expression.replace('$PROJECT', 'chat'), join(FOLDER, 'google-cloud-run.yaml')]);
    const [{ image }] = YAML.parse(replaced).spec.template.spec.containers;
    assert.equal(image, IMAGE.replace('ghcr.io', 'europe-west1-docker.pkg.dev/chat/ghcr'));
  });

  it('ask a node what it answers', async (t) => {
    const server = await startServer(t);
    for (const { file, probes } of CLOUDS) {
      for (const { path, port } of probes) {
        const { status } = await server.request(path, { internal: port === INTERNAL });
        assert.equal(status, 200, `${file}: ${path}`);
      }
    }
  });

  it('have a node refuse what its operator has not filled in', async () => {
    const { content } = written('cloud-init-container.cfg').find(({ path }) => path === '/etc/passerby.env');
    for (const name of Object.keys(GIVEN)) {
      const [, value] = new RegExp(`^${name}=(.*)$`, 'm').exec(content);
      await assert.rejects(run(BINARY, ['config', '--check'], { env: { ...GIVEN, [name]: value } }), new RegExp(name));
    }
  });

  for (const file of WRITTEN_BY_CLOUD_INIT) {
    it(`${file} is taken for a cloud-config, by its first line`, () =>
      assert.ok(readFileSync(join(FOLDER, file), 'utf8').startsWith('#cloud-config\n')));

    it(`${file} writes sound scripts and unit files`, async (t) => {
      for (const { path, content } of written(file)) {
        if (content.startsWith('#!')) await run('shellcheck', [await temporary(t, 'script', content)]);
        // As systemd reads it; the programs that it starts need not be on this machine.
        if (path.endsWith('.service')) {
          const unit = content.replaceAll('/usr/bin/docker', '/bin/true').replace(/^Requires=.*\n/m, '');
          assert.equal(await run('systemd-analyze', ['verify', '--man=no', await temporary(t, 'passerby.service', unit)]), '');
        }
      }
    });
  }

  it('cloud-init files are good YAML', async () => {
    // Their first line is a comment without a space, as cloud-init wants it.
    const rules = `{extends: ${join(ROOT, '.yamllint')}, rules: {comments: {require-starting-space: false, min-spaces-from-content: 1}}}`;
    await run('yamllint', ['--strict', '-d', rules, ...WRITTEN_BY_CLOUD_INIT.map((file) => join(FOLDER, file))]);
  });
});
