/**
 * Files that come from the network once: downloaded, checked against a SHA-256 digest and kept in the
 * user's cache folder. The digest is that of the content after decompression, so that every
 * re-compressed copy of a public file is as good as the first.
 */
import { platform } from '#platform'
import { DataError } from '../core/errors.js'
import { concatenate, gunzip, isGzip } from './gzip.js'

export interface RemoteFile {
  /** Place inside the cache folder: `fashion-mnist/train-labels-idx1-ubyte.gz`. */
  readonly name: string
  /** Where it can be had, best first. */
  readonly urls: readonly string[]
  /** Of the decompressed content, in hexadecimal. */
  readonly sha256: string
  /** Length of the decompressed content. */
  readonly bytes: number
}

export interface FetchOptions {
  /** Instead of the user's cache folder. */
  readonly cacheFolder?: string
  /** Called as bytes arrive; `total` is undefined if the server does not say. */
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

/**
 * The content of `file`: from the cache, else from the first URL that gives the right bytes, which are
 * then kept (a cache that cannot be written is no error).
 *
 * @returns The decompressed content, or the places tried when none had it.
 */
export async function fetchCached(file: RemoteFile, options: FetchOptions = {}): Promise<Uint8Array | readonly Attempt[]> {
  const folder = options.cacheFolder ?? platform.cacheFolder()
  const cached = folder === undefined ? undefined : `${folder}/${file.name}`
  const attempts: Attempt[] = []
  if (cached !== undefined) {
    const bytes = await platform.readFile(cached)
    const content = bytes === undefined ? 'no such file' : await checked(bytes, file, cached)
    if (typeof content !== 'string') return content
    attempts.push({ place: cached, reason: content })
  }
  for (const url of file.urls) {
    try {
      const bytes = await download(url, file, options)
      const content = await checked(bytes, file, url)
      if (typeof content === 'string') attempts.push({ place: url, reason: content })
      else {
        if (cached !== undefined) await platform.writeFile(cached, bytes).catch(() => undefined)
        return content
      }
    } catch (error) {
      if (options.signal?.aborted) throw error
      attempts.push({ place: url, reason: reasonOf(error) })
    }
  }
  return attempts
}

/** The decompressed content, or what is wrong with it. */
async function checked(bytes: Uint8Array, file: RemoteFile, where: string): Promise<Uint8Array | string> {
  try {
    const content = isGzip(bytes) ? await gunzip(bytes, file.bytes, where) : bytes
    if (content.length !== file.bytes) return `${content.length} bytes where ${file.bytes} belong`
    return (await sha256(content)) === file.sha256 ? content : 'the checksum differs'
  } catch (error) {
    return reasonOf(error)
  }
}

async function download(url: string, file: RemoteFile, { fetch: get = fetch, onProgress = showProgress(file.name), signal }: FetchOptions) {
  const response = await get(url, signal === undefined ? {} : { signal })
  if (!response.ok || response.body === null) throw new DataError({ where: url, problem: `the server answered ${response.status}` })
  const announced = Number(response.headers.get('content-length') ?? Number.NaN)
  const total = Number.isFinite(announced) ? announced : undefined
  // A compressed copy is never much longer than its content: more is an error page or worse.
  const limit = file.bytes * 1.01 + 65536
  const reader = response.body.getReader()
  const chunks: Uint8Array[] = []
  let received = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    received += value.length
    if (received > limit) {
      await reader.cancel()
      throw new DataError({ where: url, problem: 'the server sends more than the file can hold' })
    }
    chunks.push(value)
    onProgress(received, total)
  }
  platform.showStatus('')
  return concatenate(chunks, received)
}

const showProgress =
  (name: string) =>
  (received: number, total: number | undefined): void =>
    platform.showStatus(`downloading ${name}: ${mega(received)}${total === undefined ? '' : ` of ${mega(total)}`} MB`)

const mega = (bytes: number): string => (bytes / 1e6).toFixed(1)

export async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as BufferSource))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** What went wrong, in a clause: `fetch` hides the interesting part in its cause. */
function reasonOf(error: unknown): string {
  if (error instanceof DataError) return error.problem
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}
