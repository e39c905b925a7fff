/** What a fuzzer is made of: kinds of files, each of which damages seeds and reads what comes of it. */
import { Buffer } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { Model } from '../../packages/ondol/src/models/index.js'
import { loadModel } from '../../packages/ondol/src/models/load-model.js'
import { saveWeights } from '../../packages/ondol/src/saving/weights-file.js'
import type { Random } from './random.js'

/** One damaged file, or several that belong together. */
export interface Damaged {
  /** Bytes of the file, or of all of them. */
  readonly byteLength: number
  /** Reads all of it; the number of things that were refused, if reading went on. A `SavingError` counts as one. */
  read(): Promise<number | undefined>
}

/** Makes the case of a number, which is all of its chance. */
export type Kind = (random: Random) => Promise<Damaged>

const vectors = new URL('../../packages/ondol/src/testing/vectors/', import.meta.url)
export const seedFile = (path: string): Uint8Array => Uint8Array.from(readFileSync(new URL(path, vectors)))

/** Models that Keras saved. */
const MODELS = ['convnet', 'functional_many', 'nested', 'graph_of_ops', 'embedded_lstm', 'half_weights'] as const
export const modelFiles = (): Uint8Array[] => MODELS.map((name) => seedFile(`saved/${name}.keras`))

/** The same models; a seed that does not load would prove nothing. */
export async function seedModels(): Promise<Model[]> {
  const models = await Promise.all(modelFiles().map((bytes) => loadModel(bytes)))
  if (!models.every((model) => model instanceof Model)) throw new Error('the seeds are no models')
  return models
}

/** A seed with the model that reads it. */
export async function weightSeeds(format: '.safetensors' | '.npz' | '.weights.h5' | '.h5'): Promise<{ model: Model; bytes: Uint8Array }[]> {
  return Promise.all((await seedModels()).map(async (model) => ({ model, bytes: await saveWeights(model, { format }) })))
}

/** Numbers that readers get wrong. */
export const EDGES = [0, 1, 2, 7, 255, 65535, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 40, 2 ** 53] as const

/** Puts a little-endian number of `width` bytes at `at`, as far as there is room. */
export function write(bytes: Uint8Array, at: number, width: number, value: number): void {
  for (let i = 0, rest = value; i < width && at + i < bytes.length; i++, rest = Math.floor(rest / 256)) bytes[at + i] = rest % 256
}

/** One character for each byte, to look for signatures in. */
export const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')

/** The file without its end, one time in `chance`. */
export const cutSometimes = (bytes: Uint8Array, random: Random, chance: number): Uint8Array =>
  random.below(chance) === 0 ? bytes.slice(0, random.below(bytes.length)) : bytes
