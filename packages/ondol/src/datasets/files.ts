/**
 * Where the files of data sets come from: a place that the caller names, the folder in `ONDOL_DATASETS`, folders of the
 * system, Keras's cache, the user's cache of ondol; else they are downloaded, checked and kept there.
 */
import { platform } from '#platform'
import { sourceOf } from '../core/bytes.js'
import { DataError, OndolError } from '../core/errors.js'
import { type Attempt, faultOf, fetchFile, obtainFile } from '../utils/get-file.js'

/** Where the data are, and how they are got. */
export interface SourceOptions {
  /**
   * A local file or folder; or an address, or several that have the same file; one that ends in `/` is a folder. A name without
   * folders that is no local file is the name in the cache, as in Keras. Default: where the data are published.
   */
  readonly path?: string | URL | readonly (string | URL)[]
  /**
   * Checksum (SHA-256, or MD5 by its length) of what is downloaded. Default: that of the published file; null: any file
   * will do. Local files are not checked.
   */
  readonly fileHash?: string | null
  /** Instead of ondol's folder in the user's cache. */
  readonly cacheDir?: string | null
  /** Called as bytes arrive; `total` is undefined if the server does not say. Default: a line on the terminal. */
  readonly onProgress?: (received: number, total: number | undefined) => void
  /** Instead of the global `fetch`. */
  readonly fetch?: typeof fetch
  readonly signal?: AbortSignal
}

/** A file as it is published. */
export interface PublishedFile {
  readonly name: string
  readonly origins: readonly string[]
  /** In hexadecimal: SHA-256, or MD5 by its length. */
  readonly hash: string
  /** A little more than its size: longer ones are not downloaded. */
  readonly atMost: number
}

/** A data set as files. */
export interface PublishedSet {
  /** Its folder in `ONDOL_DATASETS`: `'mnist'`. */
  readonly name: string
  /** What users call: `'datasets.mnist.loadData()'`. */
  readonly where: string
  /** Folders where packages of the system put it. */
  readonly systemFolders?: readonly string[]
  /** A folder of its own in caches, as Keras has it. */
  readonly cacheSubdir?: string
  /** All of it is one file: then a path may be a name in the cache. */
  readonly isOneFile?: boolean
  /** What else to do when it cannot be had. */
  readonly hint?: string
}

export interface Found {
  readonly bytes: Uint8Array
  /** For messages: a path or an address. */
  readonly place: string
}

const isAddress = (path: string | URL): boolean => path instanceof URL || /^https?:\/\//.test(path)

/** Looks for the files of one set, and remembers where it looked. */
export class Search {
  readonly #set: PublishedSet
  readonly #options: SourceOptions
  readonly #attempts: Attempt[] = []

  constructor(set: PublishedSet, options: SourceOptions) {
    this.#set = set
    this.#options = options
  }

  /** The addresses that the caller gave. */
  get #addresses(): readonly string[] {
    const { path } = this.#options
    const paths = path === undefined ? [] : Array.isArray(path) ? path : [path as string | URL]
    return paths.filter((each) => isAddress(each) && new URL(each).protocol !== 'file:').map(String)
  }

  /** The local place that the caller gave. */
  get #place(): string | undefined {
    const { path } = this.#options
    if (path === undefined || this.#addresses.length > 0) return undefined
    if (Array.isArray(path)) throw this.failure('mirrors are addresses; a local place is one path')
    return path instanceof URL ? decodeURIComponent(path.pathname) : (path as string)
  }

  /** What Keras calls a path: a name in its cache. */
  async #nameInCache(): Promise<string | undefined> {
    const place = this.#place
    if (place === undefined || this.#set.isOneFile !== true || /[\\/]/.test(place) || (await exists(place))) return undefined
    return place
  }

  /** The file that the caller gave as the whole set, if it is one. */
  async given(): Promise<Found | undefined> {
    const place = this.#place
    if (place === undefined || (await platform.isFolder(place))) return undefined
    const bytes = await platform.readFile(place)
    if (bytes !== undefined) return { bytes, place }
    if ((await this.#nameInCache()) === undefined) throw this.failure(`there is nothing at ${place}`)
    return undefined
  }

  /** The first of these files that lies in a local folder (or in `inner` folders there). */
  async local(names: readonly string[], inner: readonly string[] = []): Promise<Found | undefined> {
    if (this.#addresses.length > 0) return undefined
    for (const folder of await this.#folders()) {
      for (const below of ['', ...inner]) {
        for (const name of names) {
          const place = [folder, below, name].filter((part) => part !== '').join('/')
          const bytes = (await platform.isFolder(place)) ? undefined : await platform.readFile(place)
          if (bytes !== undefined) return { bytes, place }
          this.#attempts.push({ place, reason: 'no such file' })
        }
      }
    }
    return undefined
  }

  async #folders(): Promise<string[]> {
    const place = this.#place
    if (place !== undefined && (await this.#nameInCache()) === undefined) return [place]
    const { name, systemFolders = [] } = this.#set
    const folder = platform.environment('ONDOL_DATASETS') || undefined
    return [...(folder === undefined ? [] : [`${folder}/${name}`, folder]), ...systemFolders]
  }

  /** A file from Keras's cache or from the net; nothing if the caller said that it is in a folder. */
  async published(file: PublishedFile): Promise<Found | undefined> {
    const name = await this.#nameInCache()
    if (this.#place !== undefined && name === undefined) return undefined
    const { fetch, signal, onProgress, cacheDir = null } = this.#options
    const fileHash = this.#options.fileHash === undefined ? file.hash : this.#options.fileHash
    const addresses = this.#addresses
    const cached = addresses.length > 0 ? undefined : await this.#ofKeras(file)
    if (cached !== undefined) return cached
    const given = addresses.map((address) => (address.endsWith('/') ? `${address}${file.name}` : address))
    const origins = given.length > 0 ? given : file.origins
    const options = {
      fileHash,
      maxBytes: fileHash === file.hash ? file.atMost : Number.POSITIVE_INFINITY,
      ...(fetch !== undefined && { fetch }),
      ...(signal !== undefined && { signal }),
      ...(onProgress !== undefined && { onProgress }),
    }
    if (cacheDir === null && platform.cacheFolder() === undefined) {
      const bytes = await fetchFile(origins, options, this.#attempts)
      return bytes && { bytes, place: origins[0] as string }
    }
    const cacheSubdir = this.#set.cacheSubdir ?? 'datasets'
    const wanted = { ...options, fname: name ?? file.name, origin: origins, cacheDir, cacheSubdir }
    const place = await obtainFile(wanted, this.#attempts)
    return place === undefined ? undefined : { bytes: (await platform.readFile(place)) as Uint8Array, place }
  }

  /** What the real Keras has downloaded; it may have been interrupted. */
  async #ofKeras(file: PublishedFile): Promise<Found | undefined> {
    const home = platform.environment('HOME') || platform.environment('USERPROFILE')
    const keras = platform.environment('KERAS_HOME') || (home === undefined ? undefined : `${home}/.keras`)
    if (keras === undefined) return undefined
    const place = `${keras}/${this.#set.cacheSubdir ?? 'datasets'}/${file.name}`
    const bytes = await platform.readFile(place)
    if (bytes === undefined) return undefined
    const fault = await faultOf(sourceOf(bytes, place), { fileHash: file.hash })
    if (fault === undefined) return { bytes, place }
    this.#attempts.push({ place, reason: fault })
    return undefined
  }

  /** Tells every place that was tried, and what to download to where. */
  failure(problem: string, files: readonly PublishedFile[] = []): DataError {
    const { where, name, hint } = this.#set
    const tried = this.#attempts.map(({ place, reason }) => `    ${place}: ${reason}`).join('\n')
    const names = files.map((file) => file.origins[0]).join(', ')
    const help = `without a network: download ${names}, put it into a folder, and pass { path } or set ONDOL_DATASETS (in it, ${name}/ is looked into first)`
    const hints = [hint, files.length > 0 ? help : undefined].filter((one) => one !== undefined)
    return new DataError({
      where,
      problem,
      ...(tried !== '' && { received: `tried\n${tried}` }),
      ...(hints.length > 0 && { hint: hints.join('; ') }),
    })
  }
}

async function exists(path: string): Promise<boolean> {
  if (await platform.isFolder(path)) return true
  const file = await platform.openFile(path)
  await file?.close()
  return file !== undefined
}

/** Runs a reader; what other rooms say of a damaged file is told as an error of the data. */
export async function reading<R>(place: string, read: () => Promise<R>): Promise<R> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof DataError || !(error instanceof OndolError)) throw error
    throw new DataError({
      where: place,
      problem: error.problem,
      ...(error.received !== undefined && { received: error.received }),
      hint: 'the file is damaged, was cut off, or is another one: get it again',
      cause: error,
    })
  }
}
