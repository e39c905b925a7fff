/**
 * Weights alone, in any of the formats: `.weights.h5` (in one file, or in shards with an index), `.safetensors`, `.npz`,
 * and the `.h5` of older Kerases.
 */
import type { ByteSink, ByteSource } from '../core/bytes.js'
import { SavingError } from '../core/errors.js'
import { Layer } from '../layers/layer.js'
import { openZip, WEIGHTS } from './archive.js'
import { openHdf5 } from './hdf5/index.js'
import { isLegacy, loadLegacyWeights } from './legacy-h5.js'
import { legacyWeights } from './legacy-h5-writing.js'
import { bytesFrom, pathOf, type Readable, type WriteOptions, withSource, writeFile } from './location.js'
import { openNpz, writeArrays } from './npz.js'
import { openSafetensors, writeSafetensorsWeights } from './safetensors-weights.js'
import type { Saveable } from './saveable.js'
import { loadShards, saveShards } from './shard-files.js'
import { loadState, type SavedObject, savedObjects } from './weights.js'
import { loadNamed, type NameOptions, namedArrays } from './weights-by-name.js'
import { openWeights, readerOf, writeWeights } from './weights-h5.js'
import { ZipReader } from './zip/reader.js'

/** Writes everything that was taken of a model. */
type Write = (sink: ByteSink) => Promise<void>

const ofObjects =
  (write: (objects: readonly SavedObject[], sink: ByteSink) => Promise<void>) =>
  (model: Saveable): Write => {
    const objects = savedObjects(model)
    return (sink) => write(objects, sink)
  }

/** How weights are written, by how names of files end; the first that fits counts. */
const FORMATS = {
  '.weights.h5': ofObjects(writeWeights),
  '.safetensors': ofObjects(writeSafetensorsWeights),
  '.npz': ofObjects((objects, sink) => writeArrays(namedArrays(objects), sink)),
  '.h5': (model: Saveable): Write => {
    if (model instanceof Layer) return legacyWeights(model)
    throw new SavingError({ where: model.name, problem: 'only whole models are saved to .h5 files' })
  },
} as const satisfies Record<string, (model: Saveable) => Write>

/** How the name of a file of weights ends: `.h5` alone is the format of Keras 1 and 2. */
export type WeightFormat = keyof typeof FORMATS

const ENDINGS = Object.keys(FORMATS) as WeightFormat[]

export interface SaveWeightsOptions extends WriteOptions {
  /** Gigabytes in one file; more files are made as needed, with an index `….weights.json`. */
  readonly maxShardSize?: number
  /** The format, where the name does not tell it. Default `.weights.h5`. */
  readonly format?: WeightFormat
}

/**
 * Saves the weights of a model, and the state of its optimizer, in the format that the name tells: to a file, all or
 * nothing, or as bytes. `.h5` holds the weights alone.
 *
 * @throws SavingError when the model is not built, or the name tells no format.
 * @example
 * await saving.saveWeights(model, 'model.weights.h5')
 * await saving.saveWeights(model, 'model.safetensors')
 * const bytes = await saving.saveWeights(model, { format: '.npz' })
 */
export function saveWeights(model: Saveable, options?: { readonly format?: WeightFormat }): Promise<Uint8Array>
export function saveWeights(model: Saveable, path: string | URL, options?: SaveWeightsOptions): Promise<void>
export async function saveWeights(
  model: Saveable,
  target?: string | URL | { readonly format?: WeightFormat },
  options: SaveWeightsOptions = {},
): Promise<unknown> {
  if (!(typeof target === 'string' || target instanceof URL)) return bytesFrom(FORMATS[target?.format ?? '.weights.h5'](model))
  const name = String(target)
  const { maxShardSize } = options
  if (maxShardSize !== undefined && /\.weights\.(h5|json)$/.test(name))
    return saveShards(savedObjects(model), pathOf(target), maxShardSize, options)
  const format = options.format ?? ENDINGS.find((ending) => name.endsWith(ending))
  if (format === undefined || maxShardSize !== undefined) {
    throw new SavingError({
      where: name,
      problem: 'this is no name for a file of weights',
      expected: `a name that ends in ${maxShardSize === undefined ? ENDINGS.map((ending) => `'${ending}'`).join(', ') : "'.weights.json'"}`,
    })
  }
  return writeFile(target, options, FORMATS[format](model))
}

/**
 * Loads weights into a model that is built: from `.weights.h5`, an index of shards, `.safetensors`, `.npz`, a `.keras`
 * file, or the `.h5` of an older Keras; a path, a URL, bytes, or a Blob. Everything is matched before anything is
 * changed. What a file is, its first bytes tell, not its name.
 *
 * @throws SavingError that says which weights do not fit, and how.
 */
export async function loadWeights(model: Saveable, from: Readable, options: NameOptions = {}): Promise<void> {
  const path = typeof from === 'string' || from instanceof URL ? pathOf(from) : undefined
  await withSource(from, async (source) => {
    if (path?.endsWith('.weights.json')) return loadShards(model, path, source, options)
    switch (await formatOf(source)) {
      case 'zip':
        return loadFromZip(model, source, options)
      case 'safetensors':
        return loadNamed(model, await openSafetensors(source), options)
      case 'hdf5': {
        const root = await openHdf5(source)
        if (isLegacy(root)) return loadLegacyWeights(model, root, source.name, options)
        requirePlaces(source, options)
        return loadState(model, readerOf(root, source), options)
      }
    }
  })
}

/** HDF5 may begin later in a file, so whatever is nothing else is held for it. */
async function formatOf(source: ByteSource): Promise<'zip' | 'safetensors' | 'hdf5'> {
  const start = new Uint8Array(Math.min(9, source.byteLength))
  await source.read(0, start)
  if (start[0] === 0x50 && start[1] === 0x4b) return 'zip'
  // The length of a header of less than 4 GiB, and the header's first brace.
  return start.subarray(4, 8).every((byte) => byte === 0) && start[8] === 0x7b ? 'safetensors' : 'hdf5'
}

async function loadFromZip(model: Saveable, source: ByteSource, options: NameOptions): Promise<void> {
  const { members } = await ZipReader.open(source)
  if ([...members.keys()].some((name) => name.endsWith('.npy'))) return loadNamed(model, await openNpz(source), options)
  requirePlaces(source, options)
  const archive = await openZip(source)
  return archive.withMember(WEIGHTS, async (member) => loadState(model, await openWeights(member), options))
}

function requirePlaces({ name }: ByteSource, { byName }: NameOptions): void {
  if (byName !== true) return
  throw new SavingError({
    where: name,
    problem: 'byName is for .h5 files of older Kerases, for .safetensors and .npz',
    hint: 'weights of this format are found by their places in the model',
  })
}
