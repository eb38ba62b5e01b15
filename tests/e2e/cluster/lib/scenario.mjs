// scenario.mjs - one fault after the other on one cluster, while a crowd talks.
//
// Flow:  for each scenario: everybody finds somebody → all talk → the fault → all talk on → hush → settled → no promise
//        was broken → all leave → Redis is empty.
// Fails: what goes wrong in one scenario must not fail the next: that gets a new cluster and a new crowd.

import assert from 'node:assert/strict';
import { after, it } from 'node:test';
import { SEED, seeded } from '../../lib/random.mjs';
import { Cluster } from './cluster.mjs';
import { Crowd } from './crowd.mjs';

const PEOPLE = { stayers: Number(process.env.E2E_STAYERS ?? 200), wanderers: 30 };
const WORDS = 250; // shown before the fault and after it

/** What happened to people meanwhile, for whoever reads the output. */
function report(crowd) {
  const { count, median, most, longest } = crowd.records.pauses();
  const sums = {};
  for (const { counts } of crowd.everybody) {
    for (const [what, times] of Object.entries(counts)) {
      sums[what] = (sums[what] ?? 0) + times;
      counts[what] = 0;
    }
  }
  const rest = Object.entries(sums).map(([what, times]) => `${what} ${times}`).join(', ');
  return `${count} messages, median ${median} ms, longest pause ${most} ms (${longest}); ${rest}`;
}

/** What scenarios share. Returns what defines one of them: scenario(name, fault(cluster, crowd, { random, log })). */
export function stage(startCluster = () => Cluster.start()) {
  let cluster;
  let crowd;
  const random = seeded();

  async function clear() {
    crowd?.stop();
    const old = cluster;
    crowd = cluster = undefined;
    await old?.stop();
  }
  after(clear);

  async function run(t, fault) {
    await crowd.gather();
    crowd.records.forget();
    await crowd.shown(WORDS);
    await fault(cluster, crowd, { random, log: (line) => t.diagnostic(line) });
    await crowd.shown(WORDS);
    crowd.hush();
    await crowd.settled();
    t.diagnostic(report(crowd));
    assert.equal(crowd.records.verdict, '');
    assert.ok(crowd.stayers.every((person) => person.side), 'somebody who did not leave has no chat');
    await cluster.assertOnline(crowd.everybody.length);
    await crowd.disperse();
    assert.equal(crowd.records.verdict, '');
    await cluster.assertEmpty(crowd.records);
    assert.deepEqual([...cluster.watch.faults].slice(0, 10), []);
    assert.ok(cluster.watch.published > 0 && cluster.watch.samples > 0, 'Redis was not watched');
  }

  return function scenario(name, fault) {
    it(`${name} (seed ${SEED})`, async (t) => {
      try {
        cluster ??= await startCluster();
        crowd ??= new Crowd(cluster.address, random, PEOPLE);
        await Promise.race([run(t, fault), cluster.intact]);
      } catch (error) {
        if (crowd) t.diagnostic(report(crowd));
        for (const log of cluster?.logs() ?? []) t.diagnostic(log);
        await clear().catch((failure) => t.diagnostic(`cleaning up: ${failure.message}`));
        throw error;
      }
    });
  };
}
