// compose.mjs - the cluster of docker/compose.yaml as a project of its own, so that one that runs already is left alone.
//
// IMAGE is the image under test (PASSERBY_IMAGE, default passerby:local); nothing is built here.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
export const IMAGE = process.env.PASSERBY_IMAGE ?? 'passerby:local';
const PATIENCE_MS = 1_800_000;

/** Runs a program; returns what it writes to standard output, or throws with all that it wrote. */
export async function run(program, args, { env = {} } = {}) {
  try {
    const options = { cwd: ROOT, env: { ...process.env, ...env }, timeout: PATIENCE_MS, maxBuffer: 1 << 24 };
    return (await promisify(execFile)(program, args, options)).stdout.trim();
  } catch (error) {
    const said = `${error.stdout ?? ''}${error.stderr || error.message}`;
    throw Object.assign(new Error(`${program} ${args.join(' ')}: ${said}`), { said });
  }
}

export const docker = (...args) => run('docker', args);

/** Docker 20.10 miscounts who is on a network when many containers leave it at once, and then keeps it, empty: that is no fault of ours. */
export const despiteMiscount = (removal) => removal.catch((error) => {
  if (!/has active endpoints/.test(error.message)) throw error;
});

/** A compose project. `files`: the override files of docker/ behind compose.yaml. */
export class Project {
  #env;
  #files;

  constructor(name, files = [], env = {}) {
    this.#env = { COMPOSE_PROJECT_NAME: name, PASSERBY_IMAGE: IMAGE, PASSERBY_PORT: '0', ...env };
    this.#files = files.flatMap((file) => ['-f', `docker/${file}`]);
  }

  compose(...args) {
    return run('docker', ['compose', '-f', 'docker/compose.yaml', ...this.#files, ...args], { env: this.#env });
  }

  up(...args) { return this.compose('up', '--detach', '--wait', '--no-build', ...args); }

  /** A command as people type it, for this project. */
  type(command) { return run('bash', ['-c', command], { env: this.#env }); }

  /** Takes everything away, volumes too. */
  down() { return despiteMiscount(this.compose('down', '--volumes', '--timeout', '1')); }

  /** The containers of a service, by their ids. */
  async containers(service) {
    return (await this.compose('ps', '--quiet', service)).split('\n').filter(Boolean);
  }

  /** host:port under which the balancer is reached from here. */
  async address(port = 8080) {
    const published = await this.compose('port', 'balancer', String(port));
    return `127.0.0.1:${published.slice(published.lastIndexOf(':') + 1)}`;
  }

  /** How many nodes the balancer sends people to. */
  async nodesInUse() {
    const script = 'exec 3<>/dev/tcp/127.0.0.1/8404; printf "GET /metrics HTTP/1.0\\r\\n\\r\\n" >&3; cat <&3';
    const metrics = await this.compose('exec', '--no-TTY', 'balancer', 'bash', '-c', script);
    return Number(/^haproxy_backend_active_servers\{proxy="nodes"\} (\d+)$/m.exec(metrics)[1]);
  }
}
