// debian.test.mjs - Debian 13: the sources compile and pass there, and the .deb installs, serves under systemd, and leaves.

import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../e2e/lib/wait.mjs';
import { docker, ROOT, run } from './lib/compose.mjs';

/* A Debian 13; with what compiling takes it is quicker. */
const BASE = process.env.PASSERBY_BASE ?? 'debian:trixie-slim';
const SYSTEMD = 'passerby-test-systemd';
const SCRIPTS = join(ROOT, 'tests/deploy/debian');

describe('Debian 13', () => {
  let out;
  before(async () => { out = await mkdtemp(join(tmpdir(), 'passerby-deb-')); });
  after(() => rm(out, { recursive: true, force: true }));

  it('builds, passes the test programs, and makes a .deb that lintian has nothing against', { timeout: 1_800_000 }, async () => {
    await docker('run', '--rm', '--volume', `${ROOT}:/source:ro`, '--volume', `${out}:/out`, BASE, '/source/tests/deploy/debian/build.sh');
    assert.equal((await readdir(out)).length, 1);
  });

  it('installs it, serves under systemd with all of the confinement, stops cleanly, and purges it', { timeout: 900_000 }, async (t) => {
    await docker('buildx', 'build', '--quiet', '--target', 'systemd', '--tag', SYSTEMD, 'tests/deploy/stand-ins');
    // What systemd needs to set up confinement; the service itself gets none of it.
    const id = await docker('run', '--detach', '--cap-add', 'SYS_ADMIN', '--cap-add', 'SYS_PTRACE', '--security-opt', 'seccomp=unconfined',
      '--security-opt', 'apparmor=unconfined', '--tmpfs', '/run', '--tmpfs', '/tmp', '--env', 'container=docker',
      '--volume', `${out}:/out:ro`, '--volume', `${SCRIPTS}/init.sh:/init.sh:ro`, SYSTEMD, '/init.sh');
    t.after(() => docker('rm', '--force', id));
    const inside = (script) => docker('exec', id, 'sh', '-euc', script);
    await eventually(() => inside('systemctl is-system-running --wait'), 'systemd to be up');

    await inside('apt-get update -q && apt-get install -q -y --no-install-recommends /out/*.deb');
    assert.equal(await inside('systemctl is-enabled passerby'), 'enabled');
    await eventually(async () => (await inside('passerby healthcheck && echo ready')) === 'ready', 'the service to be ready');
    await inside('passerby probe http://127.0.0.1:8080');
    assert.match(await inside('ps -o user= -C passerby 2>/dev/null || stat -c %U /proc/$(systemctl show -P MainPID passerby)'), /^passerby$/);

    await inside('systemctl reload passerby && systemctl restart passerby && systemctl stop passerby');
    assert.equal(await inside('systemctl show --property Result --value passerby'), 'success');
    await inside('apt-get purge -q -y passerby');
    assert.equal(await inside('ls -d /etc/default/passerby /usr/bin/passerby /etc/systemd/system/*/passerby.service 2>/dev/null || true'), '');
  });
});
