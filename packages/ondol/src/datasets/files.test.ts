/** Where data sets are looked for, and how they are downloaded: real files, a real server on this machine. */
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { MemorySink } from '../core/bytes.js'
import { useBackend } from '../engine/index.js'
import { readVectors } from '../testing/vectors.js'
import { bostonHousing, cifar10, fashionMnist, imdb, mnist } from './index.js'

const { boston_housing: boston, imdb: words } = readVectors<Record<'boston_housing' | 'imdb', { readonly file: string }>>('datasets')
const archive = new Uint8Array(Buffer.from(boston.file, 'base64'))
const hash = createHash('sha256').update(archive).digest('hex')

const idx = (shape: number[], fill: number): Uint8Array => {
  const header = [0, 0, 8, shape.length, ...shape.flatMap((size) => [0, 0, size >> 8, size & 255])]
  return Uint8Array.from([...header, ...new Uint8Array(shape.reduce((a, b) => a * b, 1)).fill(fill)])
}

/** Three training and two test pictures. */
async function writeSmallSet(folder: string, { labels = 3 } = {}): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'train-images-idx3-ubyte.gz'), gzipSync(idx([3, 28, 28], 7)))
  await writeFile(join(folder, 'train-labels-idx1-ubyte'), idx([labels], 1))
  await writeFile(join(folder, 't10k-images-idx3-ubyte'), idx([2, 28, 28], 9))
  await writeFile(join(folder, 't10k-labels-idx1-ubyte.gz'), gzipSync(idx([2], 4)))
}

const unreachable = (async () => {
  throw new TypeError('fetch failed', { cause: new Error('no network') })
}) as unknown as typeof fetch

let folder: string
let cacheDir: string
const servers: Server[] = []
beforeAll(() => useBackend(createHostBackend()))
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ondol-sets-'))
  cacheDir = join(folder, 'cache')
  vi.stubEnv('HOME', join(folder, 'home'))
  vi.stubEnv('KERAS_HOME', '')
  vi.stubEnv('ONDOL_DATASETS', '')
})
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const server of servers.splice(0)) server.close()
  await rm(folder, { recursive: true })
})

/** Serves files by their paths on this machine, ranges too; tells the ranges that were asked for. */
async function serve(
  files: Record<string, Uint8Array>,
  {
    most = Number.POSITIVE_INFINITY,
    tag = '"1"',
    answer,
  }: { most?: number; tag?: string; answer?: (request: IncomingMessage, response: ServerResponse) => boolean } = {},
): Promise<{ readonly at: string; readonly asked: string[]; readonly drop: () => void }> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    const { range, 'if-range': condition } = request.headers
    asked.push(`${request.url} ${range ?? 'whole'}`)
    if (answer?.(request, response) === true) return
    const file = files[request.url as string]
    if (file === undefined) {
      response.writeHead(404).end()
      return
    }
    const from = range !== undefined && (condition === undefined || condition === tag) ? Number(/\d+/.exec(range)?.[0]) : 0
    if (from >= file.length) {
      response.writeHead(416).end()
      return
    }
    const rest = file.subarray(from)
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': rest.length, etag: tag })
    // What it does not send whole, it never ends: the line is dropped when the beginning has come.
    if (most < rest.length) response.write(rest.subarray(0, most))
    else response.end(rest)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { at: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, drop: () => server.closeAllConnections() }
}

const quiet = { onProgress: () => undefined }

describe('a downloaded set', () => {
  it('is asked for once, checked and kept', async () => {
    const { at, asked } = await serve({ '/boston.npz': archive })
    const progress: number[] = []
    const options = { path: `${at}/boston.npz`, fileHash: hash, cacheDir, onProgress: (received: number) => void progress.push(received) }
    const [[xTrain], [xTest]] = await bostonHousing.loadData(options)
    expect([xTrain.shape, xTest.shape]).toEqual([
      [9, 2],
      [3, 2],
    ])
    await bostonHousing.loadData(options)
    expect(asked).toEqual(['/boston.npz whole'])
    expect(progress.at(-1)).toBe(archive.length)
    expect(await readdir(join(cacheDir, 'datasets'))).toEqual(['boston_housing.npz'])
  })

  it('comes from the next mirror where one has nothing, another file, or no voice', async () => {
    const good = await serve({ '/a.npz': archive })
    const bad = await serve({ '/a.npz': archive.map((byte) => byte ^ 1) })
    const gone = await serve({})
    await new Promise((resolve) => servers.pop()?.close(resolve))
    const path = [`${bad.at}/none.npz`, `${bad.at}/a.npz`, `${gone.at}/a.npz`, `${good.at}/a.npz`]
    await bostonHousing.loadData({ path, fileHash: hash, cacheDir, ...quiet })
    expect([bad.asked, good.asked]).toEqual([['/none.npz whole', '/a.npz whole'], ['/a.npz whole']])
    await rm(cacheDir, { recursive: true })
    const failed = bostonHousing.loadData({ path: path.slice(0, 3), fileHash: hash, cacheDir, ...quiet })
    await expect(failed).rejects.toThrow(
      /boston_housing\.npz was not found[\s\S]*none\.npz: the server answered 404[\s\S]*the SHA-256 checksum is/,
    )
    await expect(failed).rejects.toThrow(/127\.0\.0\.1:\d+\/a\.npz: .*ECONNREFUSED/)
    expect(await readdir(join(cacheDir, 'datasets'))).toEqual([])
  })

  it('goes on where it stopped, if the server has the same file', async () => {
    const broken = await serve({ '/a.npz': archive }, { most: 400 })
    const options = { fileHash: hash, cacheDir, ...quiet }
    await expect(bostonHousing.loadData({ ...options, path: `${broken.at}/a.npz`, onProgress: broken.drop })).rejects.toThrow(
      /was not found/,
    )
    const whole = await serve({ '/a.npz': archive })
    await bostonHousing.loadData({ ...options, path: `${whole.at}/a.npz` })
    expect(whole.asked).toEqual(['/a.npz bytes=400-'])
    expect(new Uint8Array(await readFile(join(cacheDir, 'datasets/boston_housing.npz')))).toEqual(archive)
  })

  it('begins anew where the server has another version by now', async () => {
    for (const [fileHash, asked] of [
      [null, ['/a.npz bytes=400-']],
      [hash, ['/a.npz bytes=400-']],
    ] as const) {
      const old = await serve({ '/a.npz': archive.map(() => 3) }, { most: 400, tag: '"old"' })
      await expect(bostonHousing.loadData({ path: `${old.at}/a.npz`, fileHash, cacheDir, onProgress: old.drop })).rejects.toThrow(
        /was not found/,
      )
      const whole = await serve({ '/a.npz': archive }, { tag: '"new"' })
      await bostonHousing.loadData({ path: `${whole.at}/a.npz`, fileHash, cacheDir, ...quiet })
      expect(whole.asked).toEqual(asked)
      await rm(cacheDir, { recursive: true })
    }
  })

  it('begins anew where parts of two files were put together', async () => {
    await mkdir(join(cacheDir, 'datasets'), { recursive: true })
    await writeFile(join(cacheDir, 'datasets/boston_housing.npz.download'), new Uint8Array(400))
    const { at, asked } = await serve({ '/a.npz': archive })
    await bostonHousing.loadData({ path: `${at}/a.npz`, fileHash: hash, cacheDir, ...quiet })
    expect(asked).toEqual(['/a.npz bytes=400-', '/a.npz whole'])
  })

  it('is not listened to without end', async () => {
    const { at } = await serve(
      {},
      {
        answer: (_, response) => {
          const chunk = new Uint8Array(65536)
          const more = (): boolean => response.destroyed || response.write(chunk, () => setImmediate(more))
          response.writeHead(200)
          return more() || true
        },
      },
    )
    const failed = bostonHousing.loadData({ path: `${at}/a.npz`, cacheDir, ...quiet })
    await expect(failed).rejects.toThrow(/the server sends more than the file can have/)
  })

  it('is replaced when the kept file is damaged', async () => {
    const { at, asked } = await serve({ '/a.npz': archive })
    const options = { path: `${at}/a.npz`, fileHash: hash, cacheDir, ...quiet }
    await bostonHousing.loadData(options)
    await writeFile(join(cacheDir, 'datasets/boston_housing.npz'), archive.subarray(0, 100))
    await bostonHousing.loadData(options)
    expect(asked).toHaveLength(2)
  })

  it('can be stopped', async () => {
    const { at } = await serve({}, { answer: (_, response) => response.writeHead(200).write('x') || true })
    const stop = new AbortController()
    const loading = bostonHousing.loadData({ path: `${at}/a.npz`, cacheDir, signal: stop.signal, onProgress: () => stop.abort() })
    await expect(loading).rejects.toThrow(/abort/)
  })
})

describe('a local set', () => {
  it('is a file, a folder, a URL of a file, or lies in ONDOL_DATASETS', async () => {
    const path = join(folder, 'boston_housing.npz')
    await writeFile(path, archive)
    const load = async (options: bostonHousing.LoadDataOptions): Promise<void> => {
      expect((await bostonHousing.loadData({ fetch: unreachable, cacheDir, ...options }))[0][0].shape).toEqual([9, 2])
    }
    await load({ path })
    await load({ path: folder })
    await load({ path: new URL(`file://${path}`) })
    vi.stubEnv('ONDOL_DATASETS', folder)
    await load({})
    await mkdir(join(folder, 'boston-housing'))
    await writeFile(join(folder, 'boston-housing/boston_housing.npz'), archive)
    await rm(path)
    await load({})
    await expect(bostonHousing.loadData({ path })).rejects.toThrow(`datasets.bostonHousing.loadData(): there is nothing at ${path}`)
    await expect(bostonHousing.loadData({ path: [path, path] })).rejects.toThrow(/mirrors are addresses/)
  })

  it('may be what Keras has downloaded, if it is whole, and have a name in the cache', async () => {
    const keras = join(folder, 'home/.keras/datasets')
    await mkdir(keras, { recursive: true })
    await writeFile(join(keras, 'boston_housing.npz'), archive)
    const failed = bostonHousing.loadData({ fetch: unreachable, cacheDir })
    await expect(failed).rejects.toThrow(/\.keras\/datasets\/boston_housing\.npz: the SHA-256 checksum is/)
    await mkdir(join(cacheDir, 'datasets'), { recursive: true })
    await writeFile(join(cacheDir, 'datasets/mine.npz'), archive)
    expect((await bostonHousing.loadData('mine.npz', { cacheDir, fileHash: null, fetch: unreachable }))[0][0].shape).toEqual([9, 2])
  })

  it('that is not there is told with everything that was tried, and what to do', async () => {
    const message = await imdb.loadData({ fetch: unreachable, cacheDir }).catch(String)
    expect(message).toMatch(/datasets\.imdb\.loadData\(\): imdb\.npz was not found/)
    expect(message).toMatch(/imdb\.npz: no network/)
    expect(message).toMatch(
      /Hint: without a network: download https:\/\/storage\.googleapis\.com\/\S+\/imdb\.npz, put it into a folder, and pass \{ path \}/,
    )
    await expect(cifar10.loadData({ path: folder, fetch: unreachable })).rejects.toThrow(
      /neither cifar-10-python\.tar\.gz nor data_batch_1 was found[\s\S]*cifar-10-batches-bin\/data_batch_1\.bin: no such file/,
    )
  })
})

describe('four IDX files', () => {
  const sets = [
    ['mnist', mnist],
    ['fashion-mnist', fashionMnist],
  ] as const

  it.each(sets)('make %s, from a folder or ONDOL_DATASETS', async (name, { loadData }) => {
    await writeSmallSet(folder)
    const [[xTrain, yTrain], [xTest, yTest]] = await loadData({ path: folder })
    expect([xTrain, yTrain, xTest, yTest].map(({ shape, dtype }) => [shape, dtype])).toEqual([
      [[3, 28, 28], 'uint8'],
      [[3], 'uint8'],
      [[2, 28, 28], 'uint8'],
      [[2], 'uint8'],
    ])
    expect(await yTest.data()).toEqual(Uint8Array.of(4, 4))
    const root = join(folder, 'root')
    await writeSmallSet(join(root, name))
    vi.stubEnv('ONDOL_DATASETS', root)
    expect((await loadData({ fetch: unreachable }))[0][0].shape).toEqual([3, 28, 28])
  })

  it.each(sets)('of %s must belong together', async (_, { loadData }) => {
    await writeSmallSet(folder, { labels: 5 })
    await expect(loadData({ path: folder })).rejects.toThrow(
      'there are not as many labels as images.\n  Received: images (3, 28, 28), labels (5,)',
    )
    await writeSmallSet(folder)
    await writeFile(join(folder, 'train-labels-idx1-ubyte'), idx([3, 2], 1))
    await expect(loadData({ path: folder })).rejects.toThrow('Expected: uint8 of rank 1\n  Received: Uint8Array (3, 2)')
    await rm(join(folder, 'train-labels-idx1-ubyte'))
    await expect(loadData({ path: folder })).rejects.toThrow(
      /train-labels-idx1-ubyte\.gz was not found[\s\S]*train-labels-idx1-ubyte: no such file/,
    )
  })

  it('come from mirrors that are folders', async () => {
    const small = join(folder, 'small')
    await writeSmallSet(small)
    await writeFile(join(small, 'train-labels-idx1-ubyte.gz'), gzipSync(idx([3], 1)))
    await writeFile(join(small, 't10k-images-idx3-ubyte.gz'), gzipSync(idx([2, 28, 28], 1)))
    const files = await Promise.all(
      (await readdir(small)).map(async (name) => [`/set/${name}`, new Uint8Array(await readFile(join(small, name)))] as const),
    )
    const { at, asked } = await serve(Object.fromEntries(files))
    const failed = fashionMnist.loadData({ path: `${at}/set/`, cacheDir, ...quiet })
    await expect(failed).rejects.toThrow(/the MD5 checksum is/)
    const [[x]] = await fashionMnist.loadData({ path: `${at}/set/`, cacheDir, fileHash: null, ...quiet })
    expect(x.shape).toEqual([3, 28, 28])
    expect(asked).toHaveLength(5)
  })

  it('have names for their classes', () => {
    expect(fashionMnist.classNames).toHaveLength(10)
    expect(fashionMnist.classNames[9]).toBe('Ankle boot')
  })
})

describe('files of strangers', () => {
  it('that are damaged or something else are refused with their place', async () => {
    const path = join(folder, 'imdb.npz')
    const whole = new Uint8Array(Buffer.from(words.file, 'base64'))
    for (const length of [0, 50, whole.length >> 1, whole.length - 1]) {
      await writeFile(path, whole.subarray(0, length))
      await expect(imdb.loadData({ path }), `${length} bytes`).rejects.toThrow(/imdb\.npz: [\s\S]*get it again/)
    }
    await writeFile(path, '<html>')
    await expect(mnist.loadData({ path })).rejects.toThrow(/imdb\.npz: /)
    await writeFile(path, gzipSync('<html>'.repeat(500)))
    await expect(cifar10.loadData({ path })).rejects.toThrow(/byte 0 of the tar file: this is no tar file/)
  })

  it('cannot make long lists of short ones', async () => {
    // One list of 100 numbers, 60,000 times.
    const text = (value: string): number[] => [...value].map((letter) => letter.charCodeAt(0))
    const list = [...text(']('), ...Array.from({ length: 100 }, () => [0x4b, 7]).flat(), ...text('eq'), 1]
    const shape = [0x4a, 0x60, 0xea, 0, 0, 0x85]
    const start = text('cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\0tU\x01btR(K\x01')
    const dtype = text('cnumpy\ndtype\n(U\x02O8K\0K\x01tR(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x3ftb')
    const rows = Array.from({ length: 59_999 }, () => [0x68, 1]).flat()
    const pickle = Uint8Array.from([0x80, 2, ...start, ...shape, ...dtype, 0x89, ...text(']('), ...list, ...rows, ...text('etb.')])
    const header = "{'descr': '|O', 'fortran_order': False, 'shape': (60000,), }\n"
    const npy = Uint8Array.from([0x93, ...text('NUMPY'), 1, 0, header.length, 0, ...text(header), ...pickle])
    const { ZipWriter } = await import('../saving/zip/writer.js')
    const sink = new MemorySink()
    const zip = new ZipWriter(sink)
    await zip.addParts('x_train.npy', (member) => member.write(npy))
    await zip.finish()
    const path = join(folder, 'imdb.npz')
    await writeFile(path, sink.bytes)
    await expect(imdb.loadData({ path })).rejects.toThrow(/x_train\[\d+\]: there are more numbers than bytes/)
  })
})
