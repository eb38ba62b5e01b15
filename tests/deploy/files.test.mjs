// files.test.mjs - what of the deployment's files can be judged without an engine.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import YAML from 'yaml';
import { ROOT, run } from './lib/compose.mjs';

/* What the unit file may leave open, in systemd's own points: 0 is a closed box, 10 no protection at all. */
const MOST_EXPOSURE = 1.5;

/* Where the project lives, as the build has it; images and charts are in that place's registry. */
const ADDRESS = /HOMEPAGE_URL https:\/\/github\.com\/([\w-]+\/[\w-]+)/;

describe('deployment files', () => {
  it('name one address of the repository', async () => {
    const [, address] = ADDRESS.exec(await readFile(join(ROOT, 'CMakeLists.txt'), 'utf8'));
    const [owner, name] = address.split('/');
    const found = await run('git', ['grep', '--line-number', '--only-matching', '-I', '--extended-regexp',
      '(github\\.com|raw\\.githubusercontent\\.com|ghcr\\.io)/[a-z][A-Za-z0-9_.-]*(/[A-Za-z0-9_-]+)?', '--',
      ':!*package-lock.json', ':!tests/deploy/*.test.mjs', ':!tests/deploy/lib']);
    const others = found.split('\n').filter((line) => !new RegExp(`/${owner}(/${name})?$`).test(line));
    assert.deepEqual(others, []);
    const { services: [{ image: { registry, repository } }] } = YAML.parse(await readFile(join(ROOT, 'docker/cloud/digitalocean-app.yaml'), 'utf8'));
    assert.deepEqual([registry, repository], [owner, name]);
  });

  it(`passerby.service is exposed by at most ${MOST_EXPOSURE} points`, async () => {
    const text = await run('systemd-analyze', ['security', '--offline=true', '--no-pager', 'docker/systemd/passerby.service']);
    const exposure = Number(/Overall exposure level for passerby.service: ([\d.]+)/.exec(text)[1]);
    assert.ok(exposure <= MOST_EXPOSURE, text);
  });

  it('Prometheus takes its configuration and our rules', () =>
    run('promtool', ['check', 'config', 'docker/observability/prometheus.yml']));

  it('the dashboard asks the data source that Grafana is given', async () => {
    const dashboard = JSON.parse(await readFile(join(ROOT, 'docker/observability/dashboard.json'), 'utf8'));
    const source = dashboard.templating.list.find(({ type }) => type === 'datasource');
    const given = await readFile(join(ROOT, 'docker/observability/grafana/datasources/prometheus.yaml'), 'utf8');
    assert.match(given, new RegExp(`^ +type: ${source.query}$`, 'm'));
  });
});
