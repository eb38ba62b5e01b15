// cluster-in-docker.mjs - the Deployments and Services of a release on the pods of pods.mjs, where no Kubernetes is to be had: replicas,
// rolling updates with maxSurge and maxUnavailable, and a Service that lets go of a pod only some time after it was told to go, as in a
// real cluster.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { delay, eventually } from '../../e2e/lib/wait.mjs';
import { despiteMiscount, docker } from './compose.mjs';
import { find } from './chart.mjs';
import { Pod } from './pods.mjs';

/* How long news of a pod's end takes to reach whoever sends people there. */
const NEWS_MS = 3000;

/** A Service: connections go to any of the pods that are ready, or were a moment ago. */
class Service {
  #server;
  endpoints = () => [];
  refused = 0; // connections to pods that it still believed in

  async listen(host, port, targetPort) {
    this.#server = createServer((client) => {
      const pods = this.endpoints();
      if (pods.length === 0) return client.destroy();
      const pod = pods[Math.floor(Math.random() * pods.length)];
      const server = connect(pod.port(targetPort), pod.address);
      server.on('error', ({ syscall }) => { if (syscall === 'connect') this.refused++; });
      for (const [from, to] of [[client, server], [server, client]]) {
        from.on('error', () => to.destroy());
        from.on('close', () => to.destroy());
        from.pipe(to);
      }
    });
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
  }

  close() { this.#server?.close(); }
}

export class DockerCluster {
  #network;
  #pods = []; // { pod, leaving: since when }
  #redis;
  #ends = []; // of pods that were told to go
  #service = new Service();
  manifests;
  name;

  constructor(network, name) {
    this.#network = network;
    this.name = name;
  }

  async start() {
    await docker('network', 'inspect', this.#network).catch(() => docker('network', 'create', this.#network));
    const [{ IPAM }] = JSON.parse(await docker('network', 'inspect', this.#network));
    this.gateway = IPAM.Config[0].Gateway ?? IPAM.Config[0].Subnet.replace(/0\/\d+$/, '1');
    this.#service.endpoints = () => this.#pods.filter(({ pod, leaving }) => (leaving ? Date.now() < leaving + NEWS_MS : pod.ready)).map(({ pod }) => pod);
  }

  /** What `helm install` and `helm upgrade` do without --wait: new manifests, and a rolling update if the pods change by them. */
  async apply(manifests) {
    const before = this.manifests && JSON.stringify(this.#template());
    this.manifests = manifests;
    if (before === undefined) {
      const { spec } = find(manifests, 'Service', this.name);
      await this.#service.listen(this.gateway, spec.ports[0].port, spec.ports[0].targetPort);
      this.url = `http://${this.gateway}:${spec.ports[0].port}`;
    } else if (before !== JSON.stringify(this.#template())) {
      await this.#roll();
    }
    await this.#scale();
  }

  #deployment() { return find(this.manifests, 'Deployment', this.name).spec; }
  #template() { return this.#deployment().template; }
  get refused() { return this.#service.refused; }
  get pods() { return this.#pods.filter(({ leaving }) => !leaving).map(({ pod }) => pod); }

  async #add() {
    const pod = await Pod.start(this.manifests, this.#template().spec, this.#network);
    this.#pods.push({ pod });
    return pod;
  }

  async #scale() {
    while (this.pods.length < this.#deployment().replicas) await this.#add();
    while (this.pods.length > this.#deployment().replicas) this.evict(this.pods[0]);
  }

  async #roll() {
    const { maxSurge, maxUnavailable } = this.#deployment().strategy.rollingUpdate;
    if (maxSurge !== 1 || maxUnavailable !== 0) throw new Error('only one pod more, and none less, is known here');
    for (const old of this.pods) {
      const pod = await this.#add();
      await this.ready(pod);
      await delay(1000 * this.#deployment().minReadySeconds);
      this.evict(old);
    }
  }

  /** Tells a pod to go; `ended` waits for it. */
  evict(pod) {
    const entry = this.#pods.find((each) => each.pod === pod);
    entry.leaving = Date.now();
    this.#ends.push(pod.terminate().finally(() => { this.#pods = this.#pods.filter((each) => each !== entry); }));
  }

  /** Kills a pod, and replaces it as a Deployment does. */
  async crash(pod) {
    await pod.kill();
    this.#pods = this.#pods.filter((each) => each.pod !== pod);
    await pod.remove();
    await this.#scale();
  }

  ready(...pods) { return eventually(() => pods.every((pod) => pod.ready), 'the pods to be ready', 60_000); }

  /** The statuses of all pods that were told to go. */
  ended() { return Promise.all(this.#ends); }

  async startRedis() {
    const { spec } = find(this.manifests, 'Deployment', `${this.name}-redis`);
    this.#redis = await Pod.start(this.manifests, spec.template.spec, this.#network, `${this.name}-redis`);
    await this.ready(this.#redis);
  }

  async stopRedis() {
    await this.#redis.terminate();
    this.#redis = undefined;
  }

  /** A Redis of somebody else's, with a password: the name and port under which pods reach it. */
  async startForeignRedis(password) {
    const id = await docker('run', '--detach', '--network', this.#network, '--network-alias', 'redis.example', 'redis:8',
      'redis-server', '--bind', '*', '--requirepass', password);
    this.#redis = { remove: () => docker('rm', '--force', id) };
  }

  /** `helm test`: resolves to the pod's log, or throws it. */
  async test() {
    const { spec } = find(this.manifests, 'Pod');
    const pod = await Pod.start(this.manifests, spec, this.#network, undefined, '--add-host', `${this.name}:${this.gateway}`);
    try {
      const status = await pod.wait();
      const log = await pod.logs();
      if (status !== '0') throw new Error(`helm test: status ${status}\n${log}`);
      return log;
    } finally {
      await pod.remove();
    }
  }

  async stop() {
    await Promise.all([...this.#pods.map(({ pod }) => pod.remove()), this.#redis?.remove()]);
    this.#service.close();
    await despiteMiscount(docker('network', 'rm', this.#network));
  }
}
