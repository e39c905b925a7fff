import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fetchCached, type RemoteFile, sha256 } from './cache.js'

/** Node's bytes as a page's body. */
const page = (bytes: Uint8Array): Response => new Response(Uint8Array.from(bytes))

const content = new TextEncoder().encode('warmth from below '.repeat(500))
let folder: string
let file: RemoteFile

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ondol-cache-'))
  file = { name: 'set/file.gz', urls: ['http://one/file.gz', 'http://two/file.gz'], sha256: await sha256(content), bytes: content.length }
})
afterEach(() => rm(folder, { recursive: true }))

/** A network of addresses; those it lacks cannot be reached. */
const network = (pages: Record<string, () => Response>) => {
  const asked: string[] = []
  const get = async (url: unknown): Promise<Response> => {
    asked.push(String(url))
    const page = pages[String(url)]
    if (page === undefined) throw new TypeError('fetch failed', { cause: new Error('getaddrinfo ENOTFOUND') })
    return page()
  }
  return { asked, get: get as typeof fetch }
}

describe('fetchCached', () => {
  it('downloads once, checks, keeps, and reads the kept file after that', async () => {
    const { asked, get } = network({ 'http://one/file.gz': () => page(gzipSync(content)) })
    const progress: number[] = []
    const options = { cacheFolder: folder, fetch: get, onProgress: (received: number) => void progress.push(received) }
    expect(await fetchCached(file, options)).toEqual(content)
    expect(await fetchCached(file, options)).toEqual(content)
    expect(asked).toEqual(['http://one/file.gz'])
    expect(progress.at(-1)).toBe(gzipSync(content).length)
    expect(await readdir(join(folder, 'set'))).toEqual(['file.gz'])
  })

  it('accepts an uncompressed copy', async () => {
    const { get } = network({ 'http://one/file.gz': () => page(content) })
    expect(await fetchCached(file, { cacheFolder: folder, fetch: get })).toEqual(content)
  })

  it('goes on to the next address when one is missing, wrong, cut off or endless', async () => {
    const good = (): Response => page(gzipSync(content))
    const wrong = Uint8Array.from(content, (byte) => byte ^ 1)
    const bad: [() => Response, string][] = [
      [() => new Response('gone', { status: 404 }), 'the server answered 404'],
      [() => page(gzipSync(wrong)), 'the checksum differs'],
      [() => page(gzipSync(content).subarray(0, 40)), 'the gzip file is damaged'],
      [() => new Response('<html>'), `6 bytes where ${content.length} belong`],
      [() => page(gzipSync(new Uint8Array(1e6))), 'the gzip file holds more than it may'],
      [() => page(new Uint8Array(1e6)), 'the server sends more than the file can hold'],
    ]
    for (const [answer, reason] of bad) {
      await rm(join(folder, 'set'), { recursive: true, force: true })
      const both = network({ 'http://one/file.gz': answer, 'http://two/file.gz': good })
      expect(await fetchCached(file, { cacheFolder: folder, fetch: both.get })).toEqual(content)
      await rm(join(folder, 'set'), { recursive: true, force: true })
      const one = network({ 'http://one/file.gz': answer })
      expect(await fetchCached(file, { cacheFolder: folder, fetch: one.get })).toEqual([
        { place: `${folder}/set/file.gz`, reason: 'no such file' },
        { place: 'http://one/file.gz', reason },
        { place: 'http://two/file.gz', reason: 'getaddrinfo ENOTFOUND' },
      ])
      expect(await readdir(folder)).toEqual([])
    }
  })

  it('replaces a damaged cached file', async () => {
    const { get } = network({ 'http://one/file.gz': () => page(gzipSync(content)) })
    await fetchCached(file, { cacheFolder: folder, fetch: get })
    await writeFile(join(folder, 'set/file.gz'), 'damaged')
    expect(await fetchCached(file, { cacheFolder: folder, fetch: get })).toEqual(content)
    expect(await readFile(join(folder, 'set/file.gz'))).toEqual(Buffer.from(gzipSync(content)))
  })

  it('still answers when the cache cannot be written', async () => {
    await writeFile(join(folder, 'set'), 'a file where the folder should be')
    const { get } = network({ 'http://one/file.gz': () => page(gzipSync(content)) })
    expect(await fetchCached(file, { cacheFolder: folder, fetch: get })).toEqual(content)
  })
})
