/** Files of the network, kept in the user's cache folder. Follows `get_file` in `keras/src/utils/file_utils.py`. */
import { platform } from '#platform'
import { type ByteSource, MemorySink, sourceOf } from '../core/bytes.js'
import { DataError, ValueError } from '../core/errors.js'
import { byName } from '../core/positional.js'
import { concatenate } from './gzip.js'
import { checksumOf } from './hashes.js'
import { type ArchiveFormat, unpack } from './unpack.js'

export interface GetFileOptions {
  /** Name in the cache. Default: the end of the address. */
  readonly fname?: string | null
  /** Where it is; several addresses are tried in turn. */
  readonly origin?: string | readonly string[]
  /** The same as `extract`. */
  readonly untar?: boolean
  readonly md5Hash?: string | null
  /** In hexadecimal; a file that has another is got again, and refused if it stays so. */
  readonly fileHash?: string | null
  /** Folder in the cache. Default `datasets`. */
  readonly cacheSubdir?: string
  /** `'auto'` (default: by the length), `'sha256'` or `'md5'`. */
  readonly hashAlgorithm?: 'auto' | 'sha256' | 'md5'
  /** Unpack it, and give the folder. Default false. */
  readonly extract?: boolean
  /** `'auto'` (default), `'tar'` or `'zip'`. */
  readonly archiveFormat?: ArchiveFormat
  /** Default: ondol's folder in the user's cache. */
  readonly cacheDir?: string | null
  readonly forceDownload?: boolean
  /** A server that sends more is not listened to. Default: no limit. */
  readonly maxBytes?: number
  /** Called as bytes arrive; `total` is undefined if the server does not say. Default: a line on the terminal. */
  readonly onProgress?: (received: number, total: number | undefined) => void
  /** Instead of the global `fetch`. */
  readonly fetch?: typeof fetch
  readonly signal?: AbortSignal
}

/** One place where a file was looked for, and why it was not had there. */
export interface Attempt {
  readonly place: string
  readonly reason: string
}

/** Bytes that are kept on the disk at once while more arrive. */
const PIECE = 2 ** 22

/**
 * The path of a file that is downloaded if it is not there yet. An interrupted download goes on where it stopped, if the
 * server still has the same file; the file appears under its name when it is whole and its checksum right.
 *
 * @throws DataError when no address gives it, or its checksum is wrong.
 * @example
 * const path = await utils.getFile('flowers.tgz', 'https://example.com/flowers.tgz', { extract: true })
 */
export function getFile(options: GetFileOptions): Promise<string>
export function getFile(fname: string | null, origin: string | readonly string[], options?: GetFileOptions): Promise<string>
export async function getFile(...args: readonly unknown[]): Promise<string> {
  const attempts: Attempt[] = []
  const path = await obtainFile(byName<GetFileOptions>(['fname', 'origin'], args), attempts)
  if (path !== undefined) return path
  const [kept, ...addresses] = attempts
  throw new DataError({
    where: 'getFile',
    problem: 'the file cannot be had',
    expected: kept?.place ?? '',
    received: addresses.map(({ place, reason }) => `${place}: ${reason}`).join('; '),
    hint: 'look at the address and the network; a file that you put there yourself is used as it is',
  })
}

/** As `getFile`; where no address gives the file, undefined, and `attempts` has the places: the cache, then the addresses. */
export async function obtainFile(options: GetFileOptions, attempts: Attempt[]): Promise<string | undefined> {
  const { origin, untar = false, extract = false, cacheSubdir = 'datasets', archiveFormat = 'auto', forceDownload = false } = options
  const origins = typeof origin === 'string' ? [origin] : (origin ?? [])
  if (origins.length === 0)
    throw new ValueError({ where: 'getFile', problem: 'it is not said where the file is', hint: 'give origin, its address' })
  const root = options.cacheDir ?? platform.cacheFolder()
  if (root === undefined)
    throw new DataError({ where: 'getFile', problem: 'there is no cache folder here', hint: 'use fetch() in a browser' })
  const given = options.fname || null
  const name = given ?? nameIn(origins[0] as string)
  if (/[\\/]|^\.\.?$/.test(name))
    throw new ValueError({ where: 'getFile', problem: 'a name has no folders', received: name, hint: 'use cacheDir and cacheSubdir' })
  const folder = `${root}/${cacheSubdir}`
  const isArchive = extract || untar
  const [target, unpacked] = isArchive ? archivePlaces(folder, name, given !== null) : [`${folder}/${name}`, '']
  const isThere = !forceDownload && (await isComplete(target, options))
  if (!isThere) {
    attempts.push({ place: target, reason: 'no such file' })
    if (!(await download(origins, target, options, attempts))) return undefined
  }
  if (!isArchive) return target
  if (!isThere || (await platform.listFolder(unpacked)).length === 0)
    await withFile(target, (archive) => unpack(archive, unpacked, archiveFormat))
  return unpacked
}

function nameIn(origin: string): string {
  const name = new URL(origin).pathname.split('/').at(-1)
  if (name) return decodeURIComponent(name)
  throw new ValueError({ where: 'getFile', problem: 'the address has no file name', received: origin, hint: 'give fname' })
}

/** Where an archive and what is in it are kept: Keras's names. */
function archivePlaces(folder: string, name: string, isGiven: boolean): [archive: string, content: string] {
  if (!isGiven || !name.includes('.')) return [`${folder}/${name}_archive`, `${folder}/${name}`]
  return [`${folder}/${name}`, `${folder}/${name.slice(0, name.indexOf('.'))}_extracted`]
}

/** Opens a file, which is there, and closes it again. */
async function withFile<R>(path: string, use: (file: ByteSource) => Promise<R>): Promise<R> {
  const file = await platform.openFile(path)
  if (file === undefined) throw new DataError({ where: path, problem: 'the file is gone' })
  try {
    return await use(file)
  } finally {
    await file.close()
  }
}

type Checksum = Pick<GetFileOptions, 'fileHash' | 'md5Hash' | 'hashAlgorithm'>

/** What is wrong with the checksum, if anything. */
export async function faultOf(file: ByteSource, { fileHash, md5Hash, hashAlgorithm = 'auto' }: Checksum): Promise<string | undefined> {
  const wanted = (fileHash ?? md5Hash)?.toLowerCase()
  if (wanted === undefined) return undefined
  const isMd5 = fileHash === undefined || fileHash === null || hashAlgorithm === 'md5' || (hashAlgorithm === 'auto' && wanted.length !== 64)
  const found = await checksumOf(file, isMd5 ? 'md5' : 'sha256')
  return found === wanted ? undefined : `the ${isMd5 ? 'MD5' : 'SHA-256'} checksum is ${found} instead of ${wanted}`
}

async function isComplete(path: string, options: GetFileOptions): Promise<boolean> {
  const file = await platform.openFile(path)
  if (file === undefined) return false
  try {
    return (await faultOf(file, options)) === undefined
  } finally {
    await file.close()
  }
}

/** Where a download is until it is whole, and what tells the version of the file that it belongs to. */
const placesOf = (target: string): { readonly part: string; readonly version: string } => ({
  part: `${target}.download`,
  version: `${target}.download-version`,
})

/** Whether the file is there now. */
async function download(origins: readonly string[], target: string, options: GetFileOptions, attempts: Attempt[]): Promise<boolean> {
  const { part, version } = placesOf(target)
  const clear = async (): Promise<void> => {
    await platform.remove(part)
    await platform.remove(version)
  }
  for (const origin of origins) {
    // What was begun may be another file's beginning; then the whole file is asked for.
    for (const isSecond of [false, true]) {
      try {
        const isContinued = await fetchTo(target, origin, options)
        const fault = await withFile(part, (file) => faultOf(file, options))
        if (fault === undefined) {
          await platform.rename(part, target)
          await clear()
          return true
        }
        await clear()
        if (isContinued && !isSecond) continue
        attempts.push({ place: origin, reason: fault })
      } catch (error) {
        if (options.signal?.aborted) throw error
        attempts.push({ place: origin, reason: reasonOf(error) })
      } finally {
        platform.showStatus('')
      }
      break
    }
  }
  return false
}

/** Adds what is missing of a part, or begins anew where the server has another version or knows no ranges. Tells whether it went on. */
async function fetchTo(target: string, origin: string, options: GetFileOptions): Promise<boolean> {
  const { fetch: get = fetch, signal } = options
  const { part, version } = placesOf(target)
  const begun = await platform.openFile(part)
  const have = begun?.byteLength ?? 0
  await begun?.close()
  const known = have > 0 ? await platform.readFile(version) : undefined
  // Packed on the way, its ranges would be those of something else.
  const ask = (headers: Record<string, string>): Promise<Response> =>
    get(origin, { headers: { 'accept-encoding': 'identity', ...headers }, ...(signal !== undefined && { signal }) })
  // Without a version and a checksum, nothing would tell whether the parts belong together.
  const canGoOn = known !== undefined || (options.fileHash ?? options.md5Hash ?? null) !== null
  const range: Record<string, string> = have > 0 && canGoOn ? { range: `bytes=${have}-` } : {}
  let response = await ask(known === undefined ? range : { ...range, 'if-range': new TextDecoder().decode(known) })
  // The part is whole already, or no part of this file.
  if (response.status === 416) response = await ask({})
  if (!response.ok || response.body === null) throw new DataError({ where: origin, problem: `the server answered ${response.status}` })
  const isContinued = response.status === 206 && have > 0
  if (!isContinued) {
    await platform.remove(part)
    const tag = response.headers.get('etag')
    const told = tag === null || tag.startsWith('W/') ? response.headers.get('last-modified') : tag
    if (told === null) await platform.remove(version)
    else await platform.writeFile(version, new TextEncoder().encode(told))
  }
  await receive(response, origin, isContinued ? have : 0, options, (bytes) => platform.appendFile(part, bytes))
  return isContinued
}

/** Hands over what a server sends, in pieces. */
async function receive(
  response: Response,
  origin: string,
  have: number,
  { onProgress = showProgress(origin), maxBytes = Number.POSITIVE_INFINITY }: GetFileOptions,
  keep: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  let received = have
  const announced = Number(response.headers.get('content-length') ?? Number.NaN)
  const total = Number.isFinite(announced) ? received + announced : undefined
  let waiting: Uint8Array[] = []
  let size = 0
  const flush = async (): Promise<void> => {
    const piece = concatenate(waiting, size)
    waiting = []
    size = 0
    await keep(piece)
  }
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const refuse = async (problem: string): Promise<never> => {
    await reader.cancel()
    throw new DataError({ where: origin, problem })
  }
  if ((total ?? 0) > maxBytes) return refuse(`the server wants to send ${total} bytes, more than the file can have`)
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      waiting.push(value)
      size += value.length
      received += value.length
      if (received > maxBytes) return await refuse('the server sends more than the file can have')
      onProgress(received, total)
      if (size >= PIECE) await flush()
    }
  } finally {
    // Also of a download that broke off: the next one goes on from here.
    await flush()
  }
  const isPacked = response.headers.has('content-encoding')
  if (total !== undefined && received < total && !isPacked)
    throw new DataError({ where: origin, problem: `the server sent ${received} of ${total} bytes` })
}

/** The bytes of a file from the first address that gives them, where there are no files to keep it in; undefined as `obtainFile`. */
export async function fetchFile(origins: readonly string[], options: GetFileOptions, attempts: Attempt[]): Promise<Uint8Array | undefined> {
  const { fetch: get = fetch, signal } = options
  for (const origin of origins) {
    try {
      const response = await get(origin, signal === undefined ? {} : { signal })
      if (!response.ok || response.body === null) throw new DataError({ where: origin, problem: `the server answered ${response.status}` })
      const sink = new MemorySink()
      await receive(response, origin, 0, options, (bytes) => sink.write(bytes))
      const fault = await faultOf(sourceOf(sink.bytes, origin), options)
      if (fault === undefined) return sink.bytes
      attempts.push({ place: origin, reason: fault })
    } catch (error) {
      if (options.signal?.aborted) throw error
      attempts.push({ place: origin, reason: reasonOf(error) })
    }
  }
  return undefined
}

const showProgress =
  (origin: string) =>
  (received: number, total: number | undefined): void =>
    platform.showStatus(
      `downloading ${origin}: ${(received / 1e6).toFixed(1)}${total === undefined ? '' : ` of ${(total / 1e6).toFixed(1)}`} MB`,
    )

/** `fetch` hides the interesting part in its cause. */
function reasonOf(error: unknown): string {
  if (error instanceof DataError) return error.problem
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}
