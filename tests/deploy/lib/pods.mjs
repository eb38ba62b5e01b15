// pods.mjs - runs the pods of manifests in Docker, as far as it goes as a kubelet would: the same image, command, environment, files, user
// and confinement; probes decide what is ready; SIGTERM and as much patience as the pod has end it.
//
// What is not Kubernetes here: one machine, no scheduler, no NetworkPolicy. cluster-in-docker.mjs puts Deployments and Services on top.

import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { delay } from '../../e2e/lib/wait.mjs';
import { docker, IMAGE, run } from './compose.mjs';
import { find } from './chart.mjs';

const decode = (text) => Buffer.from(text, 'base64').toString();

/** $(NAME) stands for a variable that comes before. */
const expand = (text, known) => text.replace(/\$\((\w+)\)/g, (all, name) => known[name] ?? all);

function environment(manifests, env = []) {
  const known = {};
  for (const { name, value, valueFrom } of env) {
    const reference = valueFrom?.secretKeyRef;
    known[name] = reference ? decode(find(manifests, 'Secret', reference.name).data[reference.key]) : expand(value, known);
  }
  return known;
}

/** The files of a volume: name → contents. */
function files(manifests, { configMap, secret }) {
  if (configMap) return find(manifests, 'ConfigMap', configMap.name).data;
  const { data } = find(manifests, 'Secret', secret.secretName);
  return Object.fromEntries(Object.entries(data).map(([name, text]) => [name, decode(text)]));
}

/** Options of `docker run` for the files that a container sees; what has to be on a disk is put into `folder`. */
function mounts(manifests, spec, container, folder) {
  return (container.volumeMounts ?? []).flatMap(({ name, mountPath }) => {
    const volume = spec.volumes.find((each) => each.name === name);
    const path = join(folder, name);
    mkdirSync(path, { recursive: true });
    for (const [file, text] of Object.entries(files(manifests, volume))) writeFileSync(join(path, file), text);
    return ['--volume', `${path}:${mountPath}:ro`];
  });
}

/** Options of `docker run` for a pod's only container; throws at what is not within restricted Pod Security. */
function confinement({ securityContext: pod }, { securityContext: own, resources }) {
  if (pod.runAsNonRoot !== true || pod.seccompProfile.type !== 'RuntimeDefault' || own.allowPrivilegeEscalation !== false) {
    throw new Error('not within restricted Pod Security');
  }
  return ['--user', `${pod.runAsUser}:${pod.runAsGroup}`, '--security-opt', 'no-new-privileges',
    ...own.capabilities.drop.flatMap((capability) => ['--cap-drop', capability]), ...(own.readOnlyRootFilesystem ? ['--read-only'] : []),
    '--memory', `${Number.parseInt(resources.limits.memory, 10)}m`];
}

export class Pod {
  #id;
  #spec;
  #folder = mkdtempSync(join(tmpdir(), 'passerby-pod-'));
  #gone = false;
  ready = false;

  /** `alias`: by which name others on the network reach it. */
  static async start(manifests, spec, network, alias, ...options) {
    const pod = new Pod();
    const [container] = spec.containers;
    const { name, image, command = [], args = [], env } = container;
    pod.#spec = spec;
    const known = environment(manifests, env);
    const variables = Object.entries(known).flatMap(([variable, value]) => ['--env', `${variable}=${value}`]);
    const [entry, ...rest] = [...command, ...args].map((word) => expand(word, known));
    pod.#id = await docker('run', '--detach', '--network', network, ...(alias ? ['--network-alias', alias] : []), ...variables,
      ...mounts(manifests, spec, container, pod.#folder), ...confinement(spec, container), ...options,
      ...(command.length > 0 ? ['--entrypoint', entry] : []), name === 'redis' ? image : IMAGE,
      ...(command.length > 0 ? rest : args));
    pod.address = (await pod.inspect()).NetworkSettings.Networks[network].IPAddress;
    if (container.readinessProbe) pod.#watch(container);
    return pod;
  }

  async inspect() { return JSON.parse(await docker('inspect', this.#id))[0]; }
  logs() { return run('sh', ['-c', 'docker logs "$1" 2>&1', '-', this.#id]); }
  wait() { return docker('wait', this.#id); }

  port(name) { return this.#spec.containers[0].ports.find((port) => port.name === name).containerPort; }

  /** SIGTERM, and after its patience SIGKILL. Resolves to its status. */
  async terminate() {
    await docker('stop', '--time', String(this.#spec.terminationGracePeriodSeconds), this.#id);
    const { ExitCode } = (await this.inspect()).State;
    await this.remove();
    return ExitCode;
  }

  kill() { return docker('kill', this.#id); }

  async remove() {
    this.#gone = true;
    this.ready = false;
    await docker('rm', '--force', this.#id);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #watch({ readinessProbe: probe, startupProbe }) {
    while (startupProbe && !this.#gone && !await this.#ask(startupProbe)) await delay(1000 * startupProbe.periodSeconds);
    for (let failures = 0; !this.#gone;) {
      failures = await this.#ask(probe) ? 0 : failures + 1;
      if (failures === 0 || failures >= (probe.failureThreshold ?? 3)) this.ready = failures === 0 && !this.#gone;
      await delay(1000 * probe.periodSeconds);
    }
  }

  async #ask({ httpGet, exec, timeoutSeconds = 1 }) {
    const asked = httpGet
      ? fetch(`http://${this.address}:${this.port(httpGet.port)}${httpGet.path}`, { signal: AbortSignal.timeout(1000 * timeoutSeconds) })
        .then(({ ok }) => ok)
      : docker('exec', this.#id, ...exec.command).then(() => true);
    return asked.catch(() => false);
  }
}
