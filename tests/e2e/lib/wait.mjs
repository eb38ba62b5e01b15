// wait.mjs - bounded waiting: for a promise, or for a condition that has no event.

import { setTimeout as delay } from 'node:timers/promises';

/** The longest that anything is waited for. Only ever reached by a failing test. */
export const WAIT_MS = Number(process.env.E2E_WAIT_MS ?? 30_000);

const timedOut = (describe, ms) => {
  const what = typeof describe === 'function' ? describe() : describe;
  return new Error(`timed out after ${ms} ms waiting for ${what}`);
};

/** Settles as `promise` does, or rejects with "timed out waiting for …"; a `describe` function is called only then. */
export async function within(promise, describe, ms = WAIT_MS) {
  let timer;
  const expiry = new Promise((_, reject) => {
    timer = setTimeout(() => reject(timedOut(describe, ms)), ms);
  });
  try {
    return await Promise.race([promise, expiry]);
  } finally {
    clearTimeout(timer);
  }
}

/** Calls `probe` until it returns something truthy, and returns that. An error that it throws last is the failure. */
export async function eventually(probe, describe, ms = WAIT_MS) {
  const end = Date.now() + ms;
  for (;;) {
    let failure;
    try {
      const value = await probe();
      if (value) return value;
    } catch (error) {
      failure = error;
    }
    if (Date.now() > end) throw failure ?? timedOut(describe, ms);
    await delay(50);
  }
}

export { delay };
