/** Seeds and names of everything that runs in this process. */
import { ValueError } from '../core/errors.js'
import { nextCount, resetNames } from '../ops/naming.js'
import { setGlobalSeed } from '../ops/random.js'

/** Makes weights, dropout and shuffling that follow repeatable: same seed, same backend, same numbers. */
export function setRandomSeed(seed: number): void {
  if (!Number.isInteger(seed) || seed < 0)
    throw new ValueError({ where: 'setRandomSeed', problem: 'the seed must be a whole number of at least 0', received: String(seed) })
  setGlobalSeed(seed)
}

/** Starts automatic names (`dense`, `dense_1`, …) and random seeds afresh. Models that exist stay as they are. */
export function clearSession(): void {
  resetNames()
  setGlobalSeed(undefined)
}

/** How often a name with this prefix has been asked for, this time included: 1, 2, … until `clearSession`. Automatic names count along. */
export const getUid = (prefix = ''): number => nextCount(prefix)
