// image.mjs - what is inside of an image.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { docker, run } from './compose.mjs';

/** What `docker inspect` says about it. */
export const inspect = async (id) => JSON.parse(await docker('inspect', id))[0];

/** Its files, unpacked into a folder that goes with the test. A container's own mount points are not among them. */
export async function unpack(t, image) {
  const folder = await mkdtemp(join(tmpdir(), 'passerby-image-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const container = await docker('create', image);
  try {
    const layer = join(folder, 'layer.tar');
    await docker('export', '--output', layer, container);
    await run('tar', ['--extract', '--directory', folder, '--file', layer, '--exclude=.dockerenv', '--exclude=dev', '--exclude=proc',
      '--exclude=sys', '--exclude=etc/host*', '--exclude=etc/mtab', '--exclude=etc/resolv.conf']);
    await rm(layer);
  } finally {
    await docker('rm', container);
  }
  return folder;
}
