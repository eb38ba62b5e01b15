// machine.mjs - on what it was measured: hardware, kernel, and the versions of what takes part.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { ROOT } from './processes.mjs';

const HUGE_PAGES = '/sys/kernel/mm/transparent_hugepage/enabled';
const LIBRARIES = ['libwebsockets', 'libuv', 'jansson', 'hiredis'];

const said = (command, ...args) => execFileSync(command, args, { encoding: 'utf8', cwd: ROOT, stdio: ['ignore', 'pipe', 'ignore'] }).trim();
const firstMatch = (text, pattern) => pattern.exec(text)?.[1] ?? 'unknown';

/** Of what was measured: the commit, and whether there is more than it in the tree. */
function source() {
  try {
    return { commit: said('git', 'rev-parse', 'HEAD'), dirty: said('git', 'status', '--porcelain') !== '' };
  } catch {
    return { commit: null, dirty: null };
  }
}

export function machine() {
  const { dependencies: npm, optionalDependencies: optional } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const hasBufferutil = existsSync(new URL('../node_modules/bufferutil', import.meta.url));
  return {
    date: new Date().toISOString(), ...source(), open_files: Number(firstMatch(readFileSync('/proc/self/limits', 'utf8'), /^Max open files +\d+ +(\d+)/m)),
    cpu: cpus()[0].model, cpus: cpus().length, memory_bytes: totalmem(), kernel: release(),
    system: firstMatch(readFileSync('/etc/os-release', 'utf8'), /^PRETTY_NAME="?([^"\n]*)/m),
    huge_pages: existsSync(HUGE_PAGES) ? firstMatch(readFileSync(HUGE_PAGES, 'utf8'), /\[(\w+)\]/) : 'none',
    versions: {
      ...Object.fromEntries(LIBRARIES.map((name) => [name, said('pkg-config', '--modversion', name).replace(/-$/, '')])),
      Redis: firstMatch(said('redis-server', '--version'), /v=(\S+)/),
      Node: process.version.slice(1), ws: npm.ws, bufferutil: hasBufferutil ? optional.bufferutil : 'none', 'Socket.IO': npm['socket.io'],
    },
  };
}

/** The commit and the day. */
export const sourceLine = ({ commit, dirty, date }) => `commit ${commit ? commit.slice(0, 12) : 'unknown'}${dirty ? ' with changes that are not committed' : ''}, ${String(date).slice(0, 10)}`;

export function machineLine({ cpu, cpus: count, memory_bytes: memory, kernel, system, huge_pages: pages, open_files: files, versions }) {
  const software = Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(', ');
  return `${count} cores (${cpu}), ${Math.round(memory / 2 ** 30)} GiB, ${system}, Linux ${kernel}, transparent huge pages "${pages}", at most ${files} open files, ${software}`;
}
