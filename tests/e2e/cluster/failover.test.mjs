// failover.test.mjs - another Redis becomes the master, in order or because the master died: nobody loses a word.

import { describe } from 'node:test';
import { Cluster } from './lib/cluster.mjs';
import { stage } from './lib/scenario.mjs';
import { Sentinels } from './lib/sentinel.mjs';

describe('the master of Redis', () => {
  const scenario = stage(async () => {
    const sentinels = await Sentinels.start();
    const cluster = await Cluster.start({ redis: sentinels });
    cluster.sentinels = sentinels;
    cluster.after(() => sentinels.stop());
    return cluster;
  });

  scenario('is changed by the Sentinels', async ({ sentinels, nodes }, crowd, { log }) => {
    log(await sentinels.failOver(nodes.length));
  });
  scenario('is killed', async ({ sentinels, nodes }, crowd, { log }) => {
    log(await sentinels.killMaster(nodes.length));
  });
});
