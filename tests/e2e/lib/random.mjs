// random.mjs - seeded random numbers, so that a failing run can be repeated: E2E_SEED=… (the test's name has the seed).

export const SEED = Number(process.env.E2E_SEED ?? 1);

/** A function that returns numbers in [0, 1), the same for the same seed (a linear congruential generator). */
export function seeded(seed = SEED) {
  let state = BigInt.asUintN(64, BigInt(seed) * 0x9e3779b97f4a7c15n + 1n);
  return () => {
    state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n);
    return Number(state >> 32n) / 2 ** 32;
  };
}

export const below = (random, limit) => Math.floor(random() * limit);
export const bytes = (random, length) => Buffer.from(Array.from({ length }, () => below(random, 256)));
