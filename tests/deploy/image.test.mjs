// image.test.mjs - docker/Dockerfile: what is in the image, how it runs, and that it can be made again.

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { eventually } from '../e2e/lib/wait.mjs';
import { docker, IMAGE, run } from './lib/compose.mjs';
import { inspect, unpack } from './lib/image.mjs';

const MOST_BYTES = 15e6;
const ARM64 = `${IMAGE}-arm64`;
/* What Kubernetes' "restricted" Pod Security leaves a container, and a root that can't be written to. */
const CONFINED = ['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', '--user', '65532:65532'];

const build = (tag, ...options) =>
  docker('buildx', 'build', '--quiet', '--file', 'docker/Dockerfile', '--tag', tag, ...options, '.');

/** The ELF machine of each program and library in a folder, e.g. "AArch64". */
async function machines(folder) {
  const files = (await run('find', [folder, '-type', 'f', '-perm', '-u+x'])).split('\n');
  const headers = await run('readelf', ['--file-header', ...files]);
  return [...headers.matchAll(/^ +Machine: +(.*)$/gm)].map(([, machine]) => machine);
}

describe('image', () => {
  let config;
  before(async () => { config = await inspect(IMAGE); });

  it('is at most 15 MB', () => assert.ok(config.Size <= MOST_BYTES, `${config.Size} bytes`));

  it('says what it is, who it runs as and how to ask for its health', () => {
    const { Labels, User, Entrypoint, ExposedPorts, Healthcheck, StopSignal } = config.Config;
    assert.equal(User, '65532:65532');
    assert.deepEqual(Entrypoint, ['/usr/bin/passerby']);
    assert.deepEqual(Object.keys(ExposedPorts), ['8080/tcp', '9090/tcp']);
    assert.deepEqual(Healthcheck.Test, ['CMD', '/usr/bin/passerby', 'healthcheck']);
    assert.equal(StopSignal, 'SIGTERM');
    for (const label of ['title', 'description', 'licenses', 'source', 'version', 'revision', 'created']) {
      assert.ok(Labels[`org.opencontainers.image.${label}`], label);
    }
  });

  it('holds the binary, what it loads, certificates and two users, and nothing else', async (t) => {
    const folder = await unpack(t, IMAGE);
    const files = (await run('find', [folder, '-not', '-type', 'd', '-printf', '%P\n'])).split('\n');
    const expected = /^(lib|lib64|usr\/bin\/passerby|etc\/(passwd|group|ssl\/certs\/ca-certificates\.crt))$|^usr\/lib[^ ]*\.so(\.\d+)*$/;
    assert.deepEqual(files.filter((file) => !expected.test(file)), []);
    for (const part of ['usr/bin/passerby', 'libwebsockets-evlib_uv.so', 'etc/ssl/certs/ca-certificates.crt']) {
      assert.ok(files.some((file) => file.endsWith(part)), part);
    }
  });

  it('serves with a root that is read-only, without capabilities, and ends with status 0', async (t) => {
    const id = await docker('run', '--detach', ...CONFINED, '--health-interval', '1s', IMAGE, '--drain-spread', '0');
    t.after(() => docker('rm', '--force', id));
    await eventually(async () => (await inspect(id)).State.Health.Status === 'healthy', 'the container to be healthy');
    await docker('run', '--rm', ...CONFINED, '--network', `container:${id}`, IMAGE, 'probe', 'http://127.0.0.1:8080');
    await docker('stop', id);
    assert.equal((await inspect(id)).State.ExitCode, 0);
  });

  it('refuses to join a cluster without the secret that is common to it, and says so', async () => {
    await assert.rejects(docker('run', '--rm', IMAGE, '--redis', 'redis://redis'), /secret/);
  });

  it('is the same when made again', { timeout: 1_800_000 }, async (t) => {
    const again = `${IMAGE}-again`;
    t.after(() => docker('rmi', '--force', again)); // its layers are those of the first, which a container beside this may use
    // Compiled anew; the packages are what both are made with.
    await build(again, '--no-cache-filter', 'build');
    assert.deepEqual((await inspect(again)).RootFS.Layers, config.RootFS.Layers);
  });

  it('can be made for arm64, and runs there', { timeout: 1_800_000 }, async (t) => {
    t.after(() => docker('rmi', ARM64));
    await build(ARM64, '--platform', 'linux/arm64');
    assert.equal((await inspect(ARM64)).Architecture, 'arm64');
    const folder = await unpack(t, ARM64);
    assert.deepEqual(new Set(await machines(folder)), new Set(['AArch64']));
    // -L: libraries come from there. Listening is the proof that the plug-in was found too; SIGINT by timeout ends it.
    const emulate = ['qemu-aarch64-static', '-L', folder, `${folder}/usr/bin/passerby`];
    assert.match(await run(emulate[0], [...emulate.slice(1), '--version']), /^passerby /);
    await run('timeout', ['--preserve-status', '--signal', 'INT', '5', ...emulate, '--listen', '127.0.0.1:0', '--internal-listen', 'off']);
  });
});
