/** Files of the network, kept in the user's cache folder. Follows `get_file` in `keras/src/utils/file_utils.py`. */
import { platform } from '#platform'
import { DataError, ValueError } from '../core/errors.js'
import { byName } from '../core/positional.js'
import { sha256 } from '../datasets/cache.js'
import { md5 } from './md5.js'
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
  /** Called as bytes arrive; `total` is undefined if the server does not say. Default: a line on the terminal. */
  readonly onProgress?: (received: number, total: number | undefined) => void
  /** Instead of the global `fetch`. */
  readonly fetch?: typeof fetch
  readonly signal?: AbortSignal
}

/** Bytes that are kept on the disk at once while more arrive. */
const PIECE = 2 ** 22

/**
 * The path of a file that is downloaded if it is not there yet; an interrupted download goes on where it stopped.
 *
 * @throws DataError when no address gives it, or its checksum is wrong.
 * @example
 * const path = await utils.getFile('flowers.tgz', 'https://example.com/flowers.tgz', { extract: true })
 */
export function getFile(options: GetFileOptions): Promise<string>
export function getFile(fname: string | null, origin: string | readonly string[], options?: GetFileOptions): Promise<string>
export async function getFile(...args: readonly unknown[]): Promise<string> {
  const options = byName<GetFileOptions>(['fname', 'origin'], args)
  const { origin, untar = false, extract = false, cacheSubdir = 'datasets', archiveFormat = 'auto', forceDownload = false } = options
  const origins = typeof origin === 'string' ? [origin] : (origin ?? [])
  if (origins.length === 0)
    throw new ValueError({ where: 'getFile', problem: 'it is not said where the file is', hint: 'give origin, its address' })
  const root = options.cacheDir ?? platform.cacheFolder()
  if (root === undefined)
    throw new DataError({ where: 'getFile', problem: 'there is no cache folder here', hint: 'use fetch() in a browser' })
  const given = options.fname || null
  const name = given ?? nameIn(origins[0] as string)
  if (/[\\/]/.test(name))
    throw new ValueError({ where: 'getFile', problem: 'a name has no folders', received: name, hint: 'use cacheDir and cacheSubdir' })
  const folder = `${root}/${cacheSubdir}`
  const isArchive = extract || untar
  const [target, unpacked] = isArchive ? archivePlaces(folder, name, given !== null) : [`${folder}/${name}`, '']
  const isThere = !forceDownload && (await isComplete(target, options))
  const bytes = isThere ? undefined : await download(origins, target, options)
  if (!isArchive) return target
  if (bytes !== undefined || (await platform.listFolder(unpacked)).length === 0) {
    const content = bytes ?? (await platform.readFile(target))
    await unpack(content as Uint8Array, unpacked, archiveFormat, target)
  }
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

/** What is wrong with the checksum, if anything. */
async function faultOf(bytes: Uint8Array, { fileHash, md5Hash, hashAlgorithm = 'auto' }: GetFileOptions): Promise<string | undefined> {
  const wanted = (fileHash ?? md5Hash)?.toLowerCase()
  if (wanted === undefined) return undefined
  const isMd5 = fileHash === undefined || fileHash === null || hashAlgorithm === 'md5' || (hashAlgorithm === 'auto' && wanted.length !== 64)
  const found = isMd5 ? md5(bytes) : await sha256(bytes)
  return found === wanted ? undefined : `the ${isMd5 ? 'MD5' : 'SHA-256'} checksum is ${found} instead of ${wanted}`
}

async function isComplete(path: string, options: GetFileOptions): Promise<boolean> {
  const file = await platform.openFile(path)
  await file?.close()
  if (file === undefined) return false
  if ((options.fileHash ?? options.md5Hash ?? null) === null) return true
  const bytes = await platform.readFile(path)
  return bytes !== undefined && (await faultOf(bytes, options)) === undefined
}

async function download(origins: readonly string[], target: string, options: GetFileOptions): Promise<Uint8Array> {
  const part = `${target}.download`
  const failures: string[] = []
  for (const origin of origins) {
    try {
      await fetchTo(part, origin, options)
      const bytes = (await platform.readFile(part)) ?? new Uint8Array(0)
      const fault = await faultOf(bytes, options)
      if (fault === undefined) {
        await platform.writeFile(target, bytes)
        await platform.remove(part)
        return bytes
      }
      await platform.remove(part)
      failures.push(`${origin}: ${fault}`)
    } catch (error) {
      if (options.signal?.aborted) throw error
      failures.push(`${origin}: ${reasonOf(error)}`)
    } finally {
      platform.showStatus('')
    }
  }
  throw new DataError({
    where: 'getFile',
    problem: 'the file cannot be had',
    expected: target,
    received: failures.join('; '),
    hint: 'look at the address and the network; a file that you put there yourself is used as it is',
  })
}

/** Adds what is missing of `part`. A server that knows no ranges begins anew. */
async function fetchTo(
  part: string,
  origin: string,
  { fetch: get = fetch, signal, onProgress = showProgress(origin) }: GetFileOptions,
): Promise<void> {
  const begun = await platform.openFile(part)
  const have = begun?.byteLength ?? 0
  await begun?.close()
  const ask = (headers: Record<string, string>): Promise<Response> => get(origin, { headers, ...(signal !== undefined && { signal }) })
  let response = await ask(have > 0 ? { range: `bytes=${have}-` } : {})
  // The part is whole already, or no part of this file.
  if (response.status === 416) response = await ask({})
  if (!response.ok || response.body === null) throw new DataError({ where: origin, problem: `the server answered ${response.status}` })
  const isContinued = response.status === 206 && have > 0
  if (!isContinued && have > 0) await platform.remove(part)
  let received = isContinued ? have : 0
  const announced = Number(response.headers.get('content-length') ?? Number.NaN)
  const total = Number.isFinite(announced) ? received + announced : undefined
  let waiting: Uint8Array[] = []
  let size = 0
  const keep = async (): Promise<void> => {
    const piece = new Uint8Array(size)
    let at = 0
    for (const chunk of waiting) {
      piece.set(chunk, at)
      at += chunk.length
    }
    waiting = []
    size = 0
    await platform.appendFile(part, piece)
  }
  const reader = response.body.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      waiting.push(value)
      size += value.length
      received += value.length
      onProgress(received, total)
      if (size >= PIECE) await keep()
    }
  } finally {
    // Also of a download that broke off: the next one goes on from here.
    await keep()
  }
  const isPacked = response.headers.has('content-encoding')
  if (total !== undefined && received < total && !isPacked)
    throw new DataError({ where: origin, problem: `the server sent ${received} of ${total} bytes` })
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
