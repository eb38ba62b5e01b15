// observability.test.mjs - docker/observability: the alert rules do what they say, and rules and dashboard ask for nothing that no node has.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import YAML from 'yaml';
import { startServer } from '../e2e/lib/server.mjs';
import { ROOT, run } from './lib/compose.mjs';

const read = (file) => readFileSync(join(ROOT, file), 'utf8');
const RULES = YAML.parse(read('docker/observability/rules.yml')).groups.flatMap(({ rules }) => rules);
const ALERTS = RULES.filter(({ alert }) => alert);
const DASHBOARD = JSON.parse(read('docker/observability/dashboard.json'));

/** All that panels and variables ask, with Grafana's own variables filled in. */
function queries({ panels = [], templating = { list: [] } }) {
  const own = panels.flatMap(({ targets = [], panels: inner }) => [...targets.map(({ expr }) => expr), ...queries({ panels: inner })]);
  const asked = templating.list.filter(({ type }) => type === 'query').map(({ query }) => /^label_values\((.*), *\w+\)$/.exec(query.query ?? query)?.[1]);
  return [...own, ...asked].filter(Boolean);
}

const QUERIES = queries(DASHBOARD).map((query) => query.replace(/\$__(rate_)?interval/g, '1m').replace(/\$\{?\w+\}?/g, '.*'));
const EXPRESSIONS = [...RULES.map(({ expr }) => String(expr)), ...QUERIES];

/** What a node exposes: metric → the labels that its series have. */
async function metrics(t) {
  const server = await startServer(t);
  const { text } = await server.request('/metrics', { internal: true });
  const found = new Map();
  for (const [, name, labels = ''] of text.matchAll(/^(\w+)(?:\{(.*?)\})? /gm)) {
    found.set(name, new Set([...found.get(name) ?? [], ...[...labels.matchAll(/(\w+)="/g)].map(([, label]) => label)]));
  }
  return found;
}

describe('observability', () => {
  it('has rules that Prometheus takes, and that fire on what they are for', async () => {
    await run('promtool', ['check', 'rules', 'docker/observability/rules.yml']);
    await run('promtool', ['test', 'rules', 'docker/observability/rules.test.yml']);
  });

  it('has each alert tried, and explained', () => {
    const tried = new Set(YAML.parse(read('docker/observability/rules.test.yml')).tests.flatMap(({ alert_rule_test: tests }) => tests)
      .filter(({ exp_alerts: expected }) => expected?.length > 0).map(({ alertname }) => alertname));
    const manual = read('OPERATIONS.md');
    assert.ok(ALERTS.length > 0);
    for (const { alert } of ALERTS) {
      assert.ok(tried.has(alert), `${alert} is not seen to fire`);
      assert.ok(manual.includes(`**${alert}.**`), `OPERATIONS.md does not say what to do about ${alert}`);
    }
  });

  it('has a dashboard whose questions Prometheus understands', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'passerby-dashboard-'));
    t.after(() => rm(folder, { recursive: true }));
    const rules = QUERIES.map((expr, at) => ({ record: `panel:${at}`, expr }));
    assert.ok(rules.length > 10);
    await writeFile(join(folder, 'rules.yml'), YAML.stringify({ groups: [{ name: 'dashboard', rules }] }));
    await run('promtool', ['check', 'rules', join(folder, 'rules.yml')]);
  });

  it('asks for metrics and labels that a node has', async (t) => {
    const exposed = await metrics(t);
    const recorded = new Set(RULES.map(({ record }) => record));
    for (const expression of EXPRESSIONS) {
      for (const [, name, labels = ''] of expression.matchAll(/\b(passerby_\w+)(?:\{(.*?)\})?/g)) {
        if (recorded.has(name)) continue;
        assert.ok(exposed.has(name), `${name}, in ${expression}`);
        for (const [, label] of labels.matchAll(/(\w+) *(?:=|!=|=~|!~) *"/g)) {
          assert.ok(exposed.get(name).has(label) || ['job', 'instance'].includes(label), `${name}{${label}}, in ${expression}`);
        }
      }
    }
  });
});
