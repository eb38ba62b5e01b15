// processes.mjs - starts what is measured and what measures, and ends both.

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const running = new Set();

/** A child whose last lines on stderr are kept for when it fails. */
export function start(command, args, { stdin = 'ignore', env = process.env } = {}) {
  const child = spawn(command, args, { stdio: [stdin, 'pipe', 'pipe'], cwd: ROOT, env });
  child.said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => { child.said = (child.said + text).slice(-4000); });
  child.ended = once(child, 'close'); // not 'exit': until then more may come of what it said
  running.add(child);
  child.ended.then(() => running.delete(child));
  return child;
}

export async function stop(child, signal = 'SIGKILL') {
  child.kill(signal);
  await child.ended;
}

process.on('exit', () => { for (const child of running) child.kill('SIGKILL'); });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

/** The first match of `pattern` in what it says on stdout or stderr. */
export function says(child, pattern) {
  return new Promise((resolve, reject) => {
    let text = '';
    const look = (more) => {
      text += more;
      const match = pattern.exec(text);
      if (match) resolve(match);
    };
    child.stdout.setEncoding('utf8').on('data', look);
    child.stderr.on('data', look);
    child.ended.then(() => reject(new Error(`${child.spawnfile} ended early:\n${child.said}`)));
  });
}

/** A Redis of its own: { url, pid, end() }. */
export async function startRedis() {
  const folder = await mkdtemp(`${tmpdir()}/passerby-bench-`);
  const socket = `${folder}/redis.sock`;
  const child = start('redis-server', ['--port', '0', '--unixsocket', socket, '--save', '', '--appendonly', 'no', '--dir', folder,
    '--client-output-buffer-limit', 'pubsub 256mb 128mb 60']);
  await says(child, /[Rr]eady to accept connections/);
  return {
    pid: child.pid,
    socket,
    end: async () => {
      await stop(child);
      await rm(folder, { recursive: true });
    },
  };
}

/** Redis' own words to `command` (inline protocol). */
export function askRedis(redis, command) {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(redis.socket, () => socket.end(`${command}\r\n`));
    socket.setEncoding('utf8').on('data', (more) => { text += more; });
    socket.on('end', () => resolve(text)).on('error', reject);
  });
}

/** Runs the load to its end; its JSON, or an error with what it said. `onPhase(name)`, with --gate, is waited for. */
export async function runLoad(args, onPhase) {
  const child = start('build/tests/bench_load', onPhase ? [...args, '--gate'] : args, { stdin: 'pipe' });
  let text = '';
  let failure = null;
  child.stdout.setEncoding('utf8').on('data', async (more) => {
    text += more;
    const phase = /^(connect|find|work|end)\n$/m.exec(text);
    if (!onPhase || !phase) return;
    text = '';
    try { await onPhase(phase[1]); } catch (error) { failure = error; child.kill(); }
    child.stdin.write('\n');
  });
  child.stdin.on('error', () => {});
  const [code] = await child.ended;
  if (failure) throw failure;
  if (code !== 0) throw new Error(child.said.trim() || `load ended with ${code}`);
  return JSON.parse(text);
}
