/**
 * Whole models: `.keras` files (and folders) as Keras 3 writes and reads them: `config.json`, `metadata.json`,
 * `model.weights.h5`, `assets/`. Follows `keras/src/saving/saving_lib.py`.
 */
import type { ByteSink, ByteSource } from '../core/bytes.js'
import type { CustomObjects } from '../core/custom-objects.js'
import { SavingError } from '../core/errors.js'
import type { Layer } from '../layers/layer.js'
import { serialize } from '../layers/serialization.js'
import { type Archive, ASSETS, CONFIG, METADATA, openFolder, openZip, WEIGHTS } from './archive.js'
import { loadAssets, savedAssets } from './assets.js'
import { replaceFolder } from './folder.js'
import { openHdf5 } from './hdf5/index.js'
import { formatJson, parseJson } from './json.js'
import { loadLegacyModel } from './legacy-h5.js'
import { KERAS_VERSION, legacyModel } from './legacy-h5-writing.js'
import {
  bytesFrom,
  type FileRecord,
  isFileRecord,
  partsBeside,
  type Readable,
  readWhole,
  type WriteOptions,
  withSource,
  writeFile,
} from './location.js'
import { makeModel } from './make-model.js'
import { OLDER_ACTIVATIONS } from './older-activations.js'
import { loadState, type SavedObject, savedObjects } from './weights.js'
import { openWeights, writeWeights } from './weights-h5.js'
import { ZipWriter } from './zip/writer.js'

export interface SaveOptions extends WriteOptions {
  /** Whether one file is written; `false` writes a folder of files. Default true. */
  readonly zipped?: boolean
}

interface Parts {
  readonly texts: readonly (readonly [name: string, text: string])[]
  readonly weights: readonly SavedObject[]
  readonly assets: readonly (readonly [name: string, bytes: Uint8Array])[]
}

function partsOf(model: Layer): Parts {
  return {
    texts: [
      [METADATA, formatJson({ keras_version: KERAS_VERSION, date_saved: timestamp(new Date()) }, METADATA)],
      [CONFIG, formatJson(serialize(model), model.name)],
    ],
    weights: savedObjects(model),
    assets: savedAssets(model),
  }
}

/** `2026-11-22@23:35:31`, local time. */
function timestamp(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()].map(two).join('-')
  return `${day}@${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')}`
}

/**
 * Saves a model, with its weights, and how it was compiled, and the optimizer's state: to a file, all or nothing, or
 * as bytes. What happens to the model while it is being saved does not show in the file. A name that ends in `.h5`
 * makes a file of the older format, for programs that read no other.
 *
 * @throws SavingError for a model that is not built, or with parts that no file can hold.
 * @example
 * await saving.saveModel(model, 'model.keras')
 * const bytes = await saving.saveModel(model)
 */
export function saveModel(model: Layer): Promise<Uint8Array>
export function saveModel(model: Layer, path: string | URL, options?: SaveOptions): Promise<void>
export async function saveModel(model: Layer, path?: string | URL, options: SaveOptions = {}): Promise<unknown> {
  const { zipped = true } = options
  if (path === undefined) return bytesFrom((sink) => writeArchive(partsOf(model), sink))
  if (/\.(h5|hdf5)$/.test(String(path))) return writeFile(path, options, legacyModel(model))
  const isArchive = String(path).endsWith('.keras')
  if (zipped !== isArchive) {
    throw new SavingError({
      where: String(path),
      problem: zipped ? "a model is saved to a file that ends in '.keras'" : "a folder's name must not end in '.keras'",
      hint: zipped ? "for weights alone: model.saveWeights('name.weights.h5')" : 'leave zipped out to write one file',
    })
  }
  const parts = partsOf(model)
  if (zipped) await writeFile(path, options, (sink) => writeArchive(parts, sink))
  else await writeFolder(parts, String(path), options)
  return undefined
}

async function writeArchive({ texts, weights, assets }: Parts, sink: ByteSink): Promise<void> {
  const zip = new ZipWriter(sink)
  for (const [name, text] of texts) await zip.add(name, new TextEncoder().encode(text))
  await zip.addParts(WEIGHTS, (part) => writeWeights(weights, part))
  for (const [name, bytes] of assets) await zip.add(name, bytes)
  await zip.finish()
}

async function writeFolder({ texts, weights, assets }: Parts, folder: string, { overwrite = true }: WriteOptions): Promise<void> {
  if (!overwrite && (await openFolder(folder)) !== undefined) {
    throw new SavingError({ where: folder, problem: 'there is a model already', hint: 'choose another name, or say overwrite: true' })
  }
  await replaceFolder(folder, [
    { name: WEIGHTS, write: (sink) => writeWeights(weights, sink) },
    ...assets.map(([name, bytes]) => ({ name, write: (sink: ByteSink) => sink.write(bytes) })),
    ...texts.map(([name, text]) => ({ name, write: (sink: ByteSink) => sink.write(new TextEncoder().encode(text)) })),
  ])
}

export interface LoadModelOptions {
  /** Classes and functions of your own that the file names, beside the registered ones. */
  readonly customObjects?: CustomObjects
  /** Whether it is compiled as it was, optimizer state included. Default true. */
  readonly compile?: boolean
  /** Python code in a file is never run, so nothing but `true` is possible. */
  readonly safeMode?: true
}

/**
 * The model in a `.keras` file, or folder, or an older Keras's `.h5`, or TensorFlow.js's `model.json` with its shards,
 * with its weights: from a path, a URL, bytes, or a Blob, or several files by name. Nothing that the file says is run:
 * classes and functions are those of ondol, those registered, and `customObjects`.
 *
 * @throws SavingError when the file is no such file, is damaged, or names what is not known.
 */
export async function loadModel(from: Readable | FileRecord, options: LoadModelOptions = {}): Promise<Layer> {
  const folder = typeof from === 'string' || from instanceof URL ? await openFolder(String(from)) : undefined
  if (folder !== undefined) return loadArchive(folder, options)
  return withSource(isFileRecord(from) ? mainOf(from) : from, async (source) => {
    const start = new Uint8Array(Math.min(HDF5.length, source.byteLength))
    await source.read(0, start)
    if (HDF5.every((byte, i) => start[i] === byte)) return loadLegacyModel(await openHdf5(source), source, options)
    if (/^\s*\{/.test(String.fromCharCode(...start))) return loadJson(source, from, options)
    return loadArchive(await openZip(source), options)
  })
}

/** Of several files, the one that tells of the others. */
function mainOf(files: FileRecord): Readable {
  const names = Object.keys(files)
  const main = files[names.find((name) => name.endsWith('.json')) ?? names[0] ?? '']
  if (main !== undefined) return main
  throw new SavingError({ where: 'loadModel', problem: 'there are no files', expected: 'model.json and its shards by name' })
}

/** Topologies have some megabytes at most. */
const LONGEST_JSON = 2 ** 28

async function loadJson(source: ByteSource, from: Readable | FileRecord, options: LoadModelOptions): Promise<Layer> {
  if (source.byteLength > LONGEST_JSON)
    throw new SavingError({
      where: source.name,
      problem: 'this is too long for a description of a model',
      received: `${source.byteLength} bytes`,
    })
  const { loadTensorFlowJs } = await import('./tensorflow-js.js')
  return loadTensorFlowJs(new TextDecoder().decode(await readWhole(source)), source.name, partsBeside(from), options)
}

/** How HDF5 files begin. */
const HDF5 = [0x89, 0x48, 0x44, 0x46]

async function loadArchive(archive: Archive, { customObjects = {}, compile = true }: LoadModelOptions): Promise<Layer> {
  const where = `${archive.name} → ${CONFIG}`
  const description = parseJson(await archive.text(CONFIG), where)
  return archive.withMember(WEIGHTS, async (source) => {
    const model = makeModel(description, {
      where,
      byteLength: source.byteLength,
      customObjects: { ...OLDER_ACTIVATIONS, ...customObjects },
      compile,
    })
    if (!model.built) {
      console.warn(`ondol: the model in ${archive.name} was not built when it was saved: it has no weights yet.`)
      return model
    }
    await loadState(model, await openWeights(source))
    if (archive.members.some((member) => member.startsWith(ASSETS))) await loadAssets(model, archive)
    return model
  })
}
