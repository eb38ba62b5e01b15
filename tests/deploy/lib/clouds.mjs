// clouds.mjs - the files of docker/cloud, each read by its own rules into one form, so that one test can judge them all.
//
// A cloud: { file, image, version, port, probes, environment, secrets, silence, patience }
//   image        as a reference; where a .deb is installed, its version stands in `version` instead
//   port         where people are led to
//   probes       [{ path, port }]
//   environment  the variables that stand in the file
//   secrets      the names of those whose values come from elsewhere
//   silence      after how many seconds a silent WebSocket is cut off, where the file says so
//   patience     how many seconds pass from SIGTERM to SIGKILL
//
// Extending: a reader, and its line in CLOUDS.

import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse as parseToml } from 'smol-toml';
import YAML from 'yaml';
import { ROOT } from './compose.mjs';

const hcl = createRequire(import.meta.url)('hcl2-parser');

export const FOLDER = join(ROOT, 'docker/cloud');
const INTERNAL = 9090;

export const seconds = (text) => {
  const [, number, unit] = /^(\d+)(ms|s|m|min)?$/.exec(text);
  return Number(number) * { ms: 0.001, s: 1, m: 60, min: 60 }[unit ?? 's'];
};

/** Variables as "NAME=value" lines. */
const lines = (text) => Object.fromEntries(text.split('\n').filter((line) => /^[A-Z]/.test(line)).map((line) => {
  const at = line.indexOf('=');
  return [line.slice(0, at), line.slice(at + 1)];
}));

const named = (list, name = 'name', value = 'value') => Object.fromEntries(list.map((each) => [each[name], each[value]]));

/* CloudFormation's functions, as { Ref: … } and so on: what a template in JSON would have. */
const FUNCTIONS = ['Ref', 'Sub', 'GetAtt'].map((name) => (
  { tag: `!${name}`, identify: () => false, resolve: (text) => ({ [name]: text }) }));

function awsEcs(text) {
  const { Parameters, Resources } = YAML.parse(text, { customTags: FUNCTIONS });
  const attribute = (list, key) => list.find(({ Key }) => Key === key).Value;
  const targets = Resources.Targets.Properties;
  const [container] = Resources.Task.Properties.ContainerDefinitions;
  const check = new URL(container.HealthCheck.Command.at(-1));
  const environment = named(container.Environment, 'Name', 'Value');
  environment.PASSERBY_TRUSTED_PROXIES = '10.0.0.0/16'; // the parameter VpcCidr
  return {
    image: Parameters.Image.Default,
    port: targets.Port,
    probes: [{ path: targets.HealthCheckPath, port: Number(targets.HealthCheckPort) }, { path: check.pathname, port: Number(check.port) }],
    environment,
    secrets: container.Secrets.map(({ Name }) => Name),
    silence: Number(attribute(Resources.Balancer.Properties.LoadBalancerAttributes, 'idle_timeout.timeout_seconds')),
    patience: container.StopTimeout,
  };
}

function azureContainerApps(text) {
  const { configuration, template } = YAML.parse(text).properties;
  const [{ image, env, probes }] = template.containers;
  return {
    image,
    port: configuration.ingress.targetPort,
    probes: probes.map(({ httpGet }) => httpGet),
    environment: named(env.filter(({ secretRef }) => !secretRef)),
    secrets: env.filter(({ secretRef }) => configuration.secrets.some(({ name }) => name === secretRef)).map(({ name }) => name),
    patience: template.terminationGracePeriodSeconds,
  };
}

function cloudInitContainer(text) {
  const files = named(YAML.parse(text).write_files, 'path', 'content');
  const unit = files['/etc/systemd/system/passerby.service'];
  const environment = lines(files['/etc/passerby.env']);
  const secrets = Object.keys(environment).filter((name) => /^[A-Z-]+$/.test(environment[name])); // to be filled in
  for (const name of secrets) delete environment[name];
  const started = /docker run .*--network host .*--env-file \/etc\/passerby\.env/.test(unit);
  return {
    image: /Environment=IMAGE=(\S+)/.exec(unit)[1],
    port: started ? 8080 : undefined,
    probes: [{ path: '/readyz', port: INTERNAL }],
    environment,
    secrets,
    patience: Number(/docker stop --time (\d+)/.exec(unit)[1]),
  };
}

function cloudInitDeb(text) {
  const { write_files: written, runcmd } = YAML.parse(text);
  const files = named(written, 'path', 'content');
  const unit = readFileSync(join(ROOT, 'docker/systemd/passerby.service'), 'utf8');
  const [, version] = runcmd.find(([program]) => program === 'install-passerby');
  return {
    version,
    port: Number(/reverse_proxy 127\.0\.0\.1:(\d+)/.exec(files['/etc/caddy/Caddyfile'])[1]),
    probes: [],
    environment: lines(files['/etc/default/passerby']),
    secrets: runcmd.flat().join(' ').match(/PASSERBY_SECRET(?==\$\(openssl rand)/) ?? [],
    patience: seconds(/^TimeoutStopSec=(\S+)/m.exec(unit)[1]),
  };
}

function digitalOcean(text) {
  const { services: [service] } = YAML.parse(text);
  const { registry, repository, tag } = service.image;
  const secret = ({ type, value }) => type === 'SECRET' || value.startsWith('${');
  return {
    image: `ghcr.io/${registry}/${repository}:${tag}`,
    port: service.http_port,
    probes: [service.health_check, service.liveness_health_check].map(({ http_path: path, port }) => ({ path, port })),
    environment: named(service.envs.filter((each) => !secret(each)), 'key'),
    secrets: service.envs.filter(secret).map(({ key }) => key),
    patience: service.termination.grace_period_seconds,
  };
}

function fly(text) {
  const { build, env, http_service: service, checks, metrics: [metrics], kill_timeout: patience, kill_signal: signal } = parseToml(text);
  return {
    image: build.image,
    port: service.internal_port,
    probes: [...service.checks.map(({ path }) => ({ path, port: service.internal_port })), ...Object.values(checks), metrics],
    environment: env,
    secrets: [...text.matchAll(/fly secrets set (.*)/g)].flatMap(([, names]) => names.match(/PASSERBY_\w+(?==)/g)),
    silence: service.http_options.idle_timeout,
    patience: signal === 'SIGTERM' ? seconds(patience) : 0,
  };
}

function googleCloudRun(text) {
  const { containers: [container], timeoutSeconds } = YAML.parse(text).spec.template.spec;
  return {
    image: container.image,
    port: container.ports[0].containerPort,
    probes: [container.startupProbe.httpGet, container.livenessProbe.httpGet],
    environment: named(container.env.filter(({ valueFrom }) => !valueFrom)),
    secrets: container.env.filter(({ valueFrom }) => valueFrom?.secretKeyRef).map(({ name }) => name),
    silence: timeoutSeconds,
    patience: 10, // whatever is set
  };
}

function nomad(text) {
  const [document, error] = hcl.parseToObject(text);
  if (error) throw new Error(error);
  const [group] = document.job.passerby[0].group.node;
  const [task] = group.task.passerby;
  const [network] = group.network;
  const port = (label) => network.port[label][0].to;
  const secrets = lines(task.template[0].data);
  return {
    image: task.config[0].image,
    port: port(group.service[0].port),
    probes: group.service.map(({ port: label, check: [{ path, port: own }] }) => ({ path, port: port(own ?? label) })),
    environment: task.env[0],
    secrets: Object.keys(secrets).filter((name) => secrets[name].startsWith('{{')),
    patience: task.kill_signal === 'SIGTERM' ? seconds(task.kill_timeout) : 0,
  };
}

function render(text) {
  const { services: [service] } = YAML.parse(text);
  const { PORT, ...environment } = named(service.envVars.filter(({ value }) => value !== undefined), 'key');
  return {
    image: service.image.url,
    port: Number(PORT),
    probes: [{ path: service.healthCheckPath, port: Number(PORT) }],
    environment,
    secrets: service.envVars.filter(({ fromService, generateValue }) => fromService || generateValue).map(({ key }) => key),
    patience: service.maxShutdownDelaySeconds,
  };
}

const READERS = {
  'aws-ecs.yaml': awsEcs,
  'azure-container-apps.yaml': azureContainerApps,
  'cloud-init-container.cfg': cloudInitContainer,
  'cloud-init-deb.cfg': cloudInitDeb,
  'digitalocean-app.yaml': digitalOcean,
  'fly.toml': fly,
  'google-cloud-run.yaml': googleCloudRun,
  'passerby.nomad.hcl': nomad,
  'render.yaml': render,
};

/** All of them. */
export const CLOUDS = Object.entries(READERS).map(([file, read]) => ({ file, ...read(readFileSync(join(FOLDER, file), 'utf8')) }));
