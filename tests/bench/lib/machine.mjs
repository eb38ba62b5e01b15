// machine.mjs - on what it was measured: hardware, kernel, and the versions of what takes part.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';

const HUGE_PAGES = '/sys/kernel/mm/transparent_hugepage/enabled';
const LIBRARIES = ['libwebsockets', 'libuv', 'jansson', 'hiredis'];

const said = (command, ...args) => execFileSync(command, args, { encoding: 'utf8' }).trim();
const firstMatch = (text, pattern) => pattern.exec(text)?.[1] ?? 'unknown';

export function machine() {
  const npm = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).dependencies;
  return {
    cpu: cpus()[0].model, cpus: cpus().length, memory_bytes: totalmem(), kernel: release(),
    system: firstMatch(readFileSync('/etc/os-release', 'utf8'), /^PRETTY_NAME="?([^"\n]*)/m),
    huge_pages: existsSync(HUGE_PAGES) ? firstMatch(readFileSync(HUGE_PAGES, 'utf8'), /\[(\w+)\]/) : 'none',
    versions: {
      ...Object.fromEntries(LIBRARIES.map((name) => [name, said('pkg-config', '--modversion', name).replace(/-$/, '')])),
      Redis: firstMatch(said('redis-server', '--version'), /v=(\S+)/),
      Node: process.version.slice(1), ws: npm.ws, 'Socket.IO': npm['socket.io'],
    },
  };
}

export function machineLine({ cpu, cpus: count, memory_bytes: memory, kernel, system, huge_pages: pages, versions }) {
  const software = Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(', ');
  return `${count} cores (${cpu}), ${Math.round(memory / 2 ** 30)} GiB, ${system}, Linux ${kernel}, transparent huge pages "${pages}", ${software}`;
}
