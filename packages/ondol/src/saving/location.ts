/** Where files are: a path, a URL, bytes, a Blob. The one place in this room that knows the platform. */
import { platform } from '#platform'
import { type ByteSink, type ByteSource, MemorySink, sourceOf } from '../core/bytes.js'
import { SavingError } from '../core/errors.js'

/** What can be read from. A string is a path, or a URL if it says so or there are no files. */
export type Readable = string | URL | Uint8Array | ArrayBuffer | Blob

/** Files by name, such as `model.json` and the shards beside it. */
export type FileRecord = Readonly<Record<string, Uint8Array | ArrayBuffer | Blob>>

/** Gives a file that stands beside another, whole. */
export type ReadPart = (name: string) => Promise<Uint8Array>

export const isFileRecord = (from: Readable | FileRecord): from is FileRecord =>
  typeof from === 'object' && !(from instanceof URL || from instanceof Uint8Array || from instanceof ArrayBuffer || from instanceof Blob)

/** Reads what stands beside `from`: in its folder, at its URL, or in the record; nothing stands beside bytes. */
export function partsBeside(from: Readable | FileRecord): ReadPart {
  const whole = (part: Readable): Promise<Uint8Array> => withSource(part, readWhole)
  if (typeof from === 'string' || from instanceof URL) {
    const path = pathOf(from)
    const isRemote = isUrl(path) || platform.name === 'browser'
    return (name) =>
      whole(isRemote ? new URL(name.split('/').map(encodeURIComponent).join('/'), absolute(path)) : path.replace(/[^/\\]*$/, '') + name)
  }
  return async (name) => {
    const part = isFileRecord(from) && Object.hasOwn(from, name) ? from[name] : undefined
    if (part !== undefined) return whole(part)
    throw new SavingError({
      where: name,
      problem: 'this file belongs to the model, and is not there',
      hint: "give the path or URL of model.json, or all files by name: loadModel({ 'model.json': bytes, 'group1-shard1of1.bin': bytes })",
    })
  }
}

/** In a browser, paths are relative to the page. */
const absolute = (path: string): string =>
  new URL(path, (globalThis as { readonly location?: { readonly href: string } }).location?.href).href

/** All bytes of a source. */
export async function readWhole(source: ByteSource): Promise<Uint8Array> {
  const bytes = new Uint8Array(source.byteLength)
  await source.read(0, bytes)
  return bytes
}

export const isUrl = (path: string): boolean => /^(https?|blob|data):/.test(path)

/** `file:` URLs are paths. */
export function pathOf(location: string | URL): string {
  if (!(location instanceof URL)) return location
  return location.protocol === 'file:' ? decodeURIComponent(location.pathname) : location.href
}

/** Opens `from`, lets `use` read it, and closes it. */
export async function withSource<R>(from: Readable, use: (source: ByteSource) => Promise<R>): Promise<R> {
  if (from instanceof Uint8Array) return use(sourceOf(from))
  if (from instanceof ArrayBuffer) return use(sourceOf(new Uint8Array(from)))
  if (from instanceof Blob) return use(sourceOfBlob(from))
  const path = pathOf(from)
  if (isUrl(path) || platform.name === 'browser') return use(await download(path))
  const file = await platform.openFile(path)
  if (file === undefined) throw new SavingError({ where: path, problem: 'there is no such file' })
  try {
    return await use(file)
  } finally {
    await file.close()
  }
}

function sourceOfBlob(blob: Blob): ByteSource {
  return {
    name: blob instanceof File ? blob.name : 'blob',
    byteLength: blob.size,
    async read(position, target) {
      target.set(new Uint8Array(await blob.slice(position, position + target.byteLength).arrayBuffer()))
    },
  }
}

async function download(url: string): Promise<ByteSource> {
  const response = await fetch(url).catch((cause: unknown) => {
    throw new SavingError({ where: url, problem: 'the file cannot be fetched', cause })
  })
  if (!response.ok) {
    throw new SavingError({ where: url, problem: 'the file cannot be fetched', received: `${response.status} ${response.statusText}` })
  }
  return sourceOf(new Uint8Array(await response.arrayBuffer()), url)
}

export interface WriteOptions {
  /** Whether a file that is there is replaced. Default true. */
  readonly overwrite?: boolean
}

/** Writes a file, all or nothing. */
export async function writeFile(
  location: string | URL,
  { overwrite = true }: WriteOptions,
  write: (sink: ByteSink) => Promise<void>,
): Promise<void> {
  const path = pathOf(location)
  if (!overwrite && (await exists(path))) {
    throw new SavingError({ where: path, problem: 'there is a file already', hint: 'choose another name, or say overwrite: true' })
  }
  await platform.writeParts(path, write)
}

export async function exists(location: string | URL): Promise<boolean> {
  const file = await platform.openFile(pathOf(location))
  await file?.close()
  return file !== undefined
}

/** What `write` writes, as bytes. */
export async function bytesFrom(write: (sink: ByteSink) => Promise<void>): Promise<Uint8Array> {
  const sink = new MemorySink()
  await write(sink)
  return sink.bytes
}

/** Names of the files below a folder, with `/` between, none of which leads out of it. */
export async function filesBelow(folder: string): Promise<string[]> {
  const names = await platform.listFolder(folder)
  const below = await Promise.all(
    names.map(async (name) => {
      const inner = await filesBelow(`${folder}/${name}`)
      return inner.length === 0 ? [name] : inner.map((path) => `${name}/${path}`)
    }),
  )
  return below.flat().sort()
}
