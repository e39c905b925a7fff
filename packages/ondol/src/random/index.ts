/** `random`: numbers from distributions, the same on every backend. Follows `keras.random`. */
export { beta, binomial, gamma } from '../ops/distributions.js'
export {
  bernoulli,
  categorical,
  type DropoutOptions,
  dropout,
  normal,
  type RandomOptions,
  randint,
  type Seed,
  SeedGenerator,
  shuffle,
  truncatedNormal,
  uniform,
} from '../ops/random.js'
