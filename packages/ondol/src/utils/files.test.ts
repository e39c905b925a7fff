/** Files: folders as datasets, downloads, archives, pictures on the disk. */
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { MemorySink, sourceOf } from '../core/bytes.js'
import type { HostArray } from '../data/index.js'
import { tensor, useBackend } from '../engine/index.js'
import * as ops from '../ops/index.js'
import { ZipWriter } from '../saving/zip/writer.js'
import { fetchFile } from './get-file.js'
import { checksumOf } from './hashes.js'
import {
  audioDatasetFromDirectory,
  getFile,
  imageDatasetFromDirectory,
  imgToArray,
  loadImg,
  saveImg,
  smartResize,
  textDatasetFromDirectory,
} from './index.js'
import { unpack } from './unpack.js'
import { decodeWav } from './wav.js'

let folder = ''
beforeAll(async () => {
  useBackend(createHostBackend())
  folder = await mkdtemp(join(tmpdir(), 'ondol-utils-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const text = (content: string): Uint8Array => new TextEncoder().encode(content)

function wav(samples: readonly number[], samplingRate = 8000): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(44 + samples.length * 2))
  const put = (at: number, tag: string): void => [...tag].forEach((letter, i) => bytes.setUint8(at + i, letter.charCodeAt(0)))
  put(0, 'RIFF')
  put(8, 'WAVEfmt ')
  bytes.setUint32(16, 16, true)
  bytes.setUint16(20, 1, true)
  bytes.setUint16(22, 1, true)
  bytes.setUint32(24, samplingRate, true)
  bytes.setUint16(32, 2, true)
  bytes.setUint16(34, 16, true)
  put(36, 'data')
  bytes.setUint32(40, samples.length * 2, true)
  samples.forEach((sample, i) => {
    bytes.setInt16(44 + 2 * i, sample, true)
  })
  return new Uint8Array(bytes.buffer)
}

describe('folders as datasets', () => {
  const quiet = { verbose: false, shuffle: false }

  beforeAll(async () => {
    for (const [name, shade] of [
      ['cats', 10],
      ['dogs', 200],
    ] as const) {
      for (let i = 0; i < 3; i++) {
        const picture = new Uint8Array(4 * 4 * 3).fill(shade + i)
        const at = `${folder}/animals/${name}/${i}`
        await saveImg(`${at}.png`, tensor(picture, [4, 4, 3]), { scale: false })
        await writeFile(`${at}.txt`, `${name} ${i}`)
        await writeFile(`${at}.wav`, wav([0, 16384, -32768]))
      }
    }
    await mkdir(`${folder}/animals/.hidden`)
  })

  it('gives pictures and labels', async () => {
    const dataset = await imageDatasetFromDirectory(`${folder}/animals`, { ...quiet, imageSize: [2, 3], batchSize: 4 })
    expect(dataset.classNames).toEqual(['cats', 'dogs'])
    const batches = (await dataset.toArray()) as [
      { shape: number[]; data: Float32Array },
      { shape: number[]; data: Int32Array; dtype: string },
    ][]
    expect(batches.map(([x, y]) => [x.shape, [...y.data], y.dtype])).toEqual([
      [[4, 2, 3, 3], [0, 0, 0, 1], 'int32'],
      [[2, 2, 3, 3], [1, 1], 'int32'],
    ])
    expect(batches[0]?.[0].data.subarray(18, 36).every((value) => value === 11)).toBe(true)
  })

  it('resizes as ops.image.resize and smartResize do', async () => {
    const directory = `${folder}/sized`
    const x = tensor(
      Uint8Array.from({ length: 9 * 7 * 3 }, (_, i) => (i * i * 31) % 256),
      [9, 7, 3],
    )
    await mkdir(`${directory}/a`, { recursive: true })
    await saveImg(`${directory}/a/it.png`, x, { scale: false })
    for (const imageSize of [[4, 6], [13, 5], [9, 7]] as const) // biome-ignore format: one line
      for (const cropToAspectRatio of [false, true])
        for (const interpolation of ['bilinear', 'nearest'])
          for (const dataFormat of ['channels_last', 'channels_first']) {
            const options = { ...quiet, labels: null, batchSize: null, imageSize, cropToAspectRatio, interpolation, dataFormat }
            const [found] = (await (await imageDatasetFromDirectory(directory, options)).toArray()) as HostArray[]
            const sized = cropToAspectRatio
              ? smartResize(ops.cast(x, 'float32'), imageSize, { interpolation })
              : ops.image.resize(ops.cast(x, 'float32'), imageSize, { interpolation: interpolation as 'bilinear' })
            const wanted = dataFormat === 'channels_first' ? ops.transpose(sized, [2, 0, 1]) : sized
            expect(found?.shape).toEqual(wanted.shape)
            const values = wanted.dataSync()
            for (const [i, value] of found?.data.entries() ?? []) expect(Math.abs(value - (values[i] as number))).toBeLessThan(1e-3)
          }
  })

  it('gives texts, labels in other forms, and parts', async () => {
    const directory = `${folder}/animals`
    const dataset = await textDatasetFromDirectory(directory, {
      ...quiet,
      labelMode: 'categorical',
      batchSize: null,
      classNames: ['dogs', 'cats'],
      maxLength: 4,
    })
    const [first] = (await dataset.toArray()) as [string, { data: Float32Array }][]
    expect([first?.[0], [...(first?.[1].data ?? [])]]).toEqual(['dogs', [1, 0]])
    const [training, validation] = await textDatasetFromDirectory(directory, {
      verbose: false,
      validationSplit: 0.34,
      subset: 'both',
      seed: 1,
      labels: null,
      batchSize: null,
    })
    const [left, right] = [await training.toArray(), await validation.toArray()]
    expect([left.length, right.length]).toEqual([4, 2])
    expect(new Set([...left, ...right]).size).toBe(6)
    await expect(textDatasetFromDirectory(directory, { validationSplit: 0.5, subset: 'training' })).rejects.toThrow(/needs a seed/)
    await expect(textDatasetFromDirectory(directory, { classNames: ['cows'] })).rejects.toThrow(/no folder 'cows'/)
    await expect(textDatasetFromDirectory(`${folder}/nowhere`, quiet)).rejects.toThrow(/there are no files/)
  })

  it('gives audio', async () => {
    const dataset = await audioDatasetFromDirectory(`${folder}/animals`, { ...quiet, labelMode: 'binary', outputSequenceLength: 5 })
    const [[x, y]] = (await dataset.toArray()) as [[{ shape: number[]; data: Float32Array }, { shape: number[] }]]
    expect([x.shape, y.shape]).toEqual([
      [6, 5, 1],
      [6, 1],
    ])
    expect([...x.data.subarray(0, 5)]).toEqual([0, 0.5, -1, 0, 0])
    const more = await audioDatasetFromDirectory(`${folder}/animals`, { ...quiet, labels: null, samplingRate: 16000 })
    expect(((await more.toArray()) as { shape: number[] }[]).map(({ shape }) => shape)).toEqual([[6, 6, 1]])
    expect(() => decodeWav(text('RIFF1234WAVE'), 'it')).toThrow(/no samples/)
    expect(() => decodeWav(new Uint8Array(3), 'it')).toThrow(/no WAV file/)
  })

  it('writes pictures that it reads', async () => {
    const x = tensor(
      Uint8Array.from({ length: 5 * 3 * 4 }, (_, i) => (i * 37) % 256),
      [5, 3, 4],
    )
    await saveImg(`${folder}/one.png`, x, { scale: false })
    expect(imgToArray(await loadImg(`${folder}/one.png`, { colorMode: 'rgba' })).arraySync()).toEqual(x.arraySync())
    await expect(saveImg(`${folder}/one.jpg`, x)).rejects.toThrow(/as PNG/)
    await expect(loadImg(`${folder}/none.png`)).rejects.toThrow(/no such file/)
  })
})

describe('getFile', () => {
  const content = text('0123456789'.repeat(100))
  const sha = createHash('sha256').update(content).digest('hex')
  let asked: (string | null)[] = []
  beforeEach(() => {
    asked = []
  })
  /** A server that knows ranges; it breaks off after `most` bytes. */
  const server =
    (body: Uint8Array, most = Number.POSITIVE_INFINITY): typeof fetch =>
    async (_, init) => {
      const range = new Headers(init?.headers).get('range')
      asked.push(range)
      const from = range === null ? 0 : Number(/\d+/.exec(range)?.[0])
      const rest = body.subarray(from)
      let sent = false
      const stream = new ReadableStream({
        pull(controller) {
          // What is queued is lost with an error: the first part must have been read before.
          if (sent) controller.error(new Error('the line broke'))
          else controller.enqueue(rest.slice(0, most))
          sent = true
          if (most >= rest.length) controller.close()
        },
      })
      return new Response(stream, { status: range === null ? 200 : 206, headers: { 'content-length': String(rest.length) } })
    }
  const origin = 'https://example.com/data/numbers.txt?x=1'

  it('downloads once, and goes on where it stopped', async () => {
    const options = { cacheDir: `${folder}/cache`, fileHash: sha, onProgress: () => undefined }
    await expect(getFile(null, origin, { ...options, fetch: server(content, 300) })).rejects.toThrow(/cannot be had[\s\S]*the line broke/)
    const path = await getFile(null, origin, { ...options, fetch: server(content) })
    expect(path).toBe(`${folder}/cache/datasets/numbers.txt`)
    expect(new Uint8Array(await readFile(path))).toEqual(content)
    expect(asked.at(-1)).toMatch(/^bytes=\d+-$/)
    const count = asked.length
    await getFile(null, origin, { ...options, fetch: server(content) })
    expect(asked.length).toBe(count)
    await getFile(null, origin, { ...options, fetch: server(content), forceDownload: true })
    expect(asked.length).toBe(count + 1)
    expect(await readdir(`${folder}/cache/datasets`)).toEqual(['numbers.txt'])
  })

  it('tries other addresses, and refuses wrong content', async () => {
    const wrong = server(text('wrong'))
    const get: typeof fetch = (url, init) => (String(url).includes('mirror') ? server(content)(url, init) : wrong(url, init))
    const options = { cacheDir: `${folder}/mirrors`, fetch: get, fname: 'a.txt' }
    const md5Hash = createHash('md5').update(content).digest('hex')
    const path = await getFile({ ...options, origin: [origin, 'https://mirror.example.com/b'], md5Hash })
    expect(new Uint8Array(await readFile(path))).toEqual(content)
    await expect(getFile({ ...options, fname: 'b.txt', origin, md5Hash })).rejects.toThrow(/MD5 checksum/)
    for (const fname of ['x/y', 'x\\y', '..']) await expect(getFile({ ...options, fname, origin })).rejects.toThrow(/no folders/)
    await expect(getFile({ ...options, fname: null, origin: 'https://example.com/%2e%2e%2fx' })).rejects.toThrow(/no folders/)
    await expect(getFile({})).rejects.toThrow(/where the file is/)
  })

  it('unpacks archives', async () => {
    const tar = (name: string, body: string): Uint8Array => {
      const bytes = new Uint8Array(2048)
      bytes.set(text(name))
      bytes.set(text(`${body.length.toString(8).padStart(11, '0')}\0`), 124)
      bytes.set(text('0'), 156)
      const sum = bytes.subarray(0, 512).reduce((total, byte) => total + byte, 8 * 32)
      bytes.set(text(`${sum.toString(8).padStart(6, '0')}\0 `), 148)
      bytes.set(text(body), 512)
      return bytes
    }
    const options = { cacheDir: `${folder}/archives`, extract: true, fetch: server(gzipSync(tar('in/it.txt', 'hello'))) }
    const unpacked = await getFile('it.tar.gz', 'https://example.com/it.tar.gz', options)
    expect(unpacked).toBe(`${folder}/archives/datasets/it_extracted`)
    expect(await readFile(`${unpacked}/in/it.txt`, 'utf8')).toBe('hello')
    for (const name of ['../out.txt', '/out.txt', 'a/../../out.txt'])
      await expect(unpack(sourceOf(tar(name, 'bad'), 'it'), `${folder}/x`, 'auto'), name).rejects.toThrow(/leads out of its folder/)
    await expect(unpack(sourceOf(text('x'.repeat(600)), 'it'), `${folder}/x`, 'auto')).rejects.toThrow(/no tar file/)
    await expect(unpack(sourceOf(text('x'), 'it'), `${folder}/x`, 'zip')).rejects.toThrow(/no zip file/)
  })

  it('unpacks tar files of all kinds, and zip files', async () => {
    const long = `${'deep/'.repeat(30)}name.txt`
    const member = (name: string, body: string, type = '0'): Uint8Array => {
      const bytes = new Uint8Array(512 + Math.ceil(body.length / 512) * 512)
      bytes.set(text(name.slice(0, 100)))
      bytes.set(text(`${body.length.toString(8).padStart(11, '0')}\0`), 124)
      bytes.set(text(type), 156)
      const sum = bytes.subarray(0, 512).reduce((total, byte) => total + byte, 8 * 32)
      bytes.set(text(`${sum.toString(8).padStart(6, '0')}\0 `), 148)
      bytes.set(text(body), 512)
      return bytes
    }
    const record = (key: string, value: string): string => {
      const rest = ` ${key}=${value}\n`
      return `${rest.length + 3}${rest}`
    }
    const end = new Uint8Array(1024)
    const tars = {
      gnu: [member('././@LongLink', `${long}\0`, 'L'), member(long, 'one')],
      pax: [member('PaxHeaders/x', record('path', long), 'x'), member('short', 'one')],
      links: [
        member('link', '', '2'),
        member('folder/', '', '5'),
        member('old/', ''),
        ...[member('././@LongLink', `${long}\0`, 'L'), member(long, 'one')],
      ],
    }
    for (const [kind, parts] of Object.entries(tars)) {
      const source = sourceOf(Buffer.concat([...parts, end]), kind)
      await unpack(source, `${folder}/tars/${kind}`, 'auto')
      expect(await readFile(`${folder}/tars/${kind}/${long}`, 'utf8'), kind).toBe('one')
      const names = (await readdir(`${folder}/tars/${kind}`, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
      expect(names, kind).toHaveLength(1)
    }
    // Cut off in its second member: nothing appears, and the next try begins anew.
    const whole = Buffer.concat([member('a.txt', 'one'), member('b.txt', 'x'.repeat(2000)), end])
    await expect(unpack(sourceOf(whole.subarray(0, 2000), 'cut'), `${folder}/tars/cut`, 'auto')).rejects.toThrow(
      /^cut → b\.txt: the tar file ends too early/,
    )
    expect(await readdir(`${folder}/tars`)).not.toContain('cut')
    await unpack(sourceOf(gzipSync(whole), 'cut'), `${folder}/tars/cut`, 'auto')
    expect((await readdir(`${folder}/tars/cut`)).sort()).toEqual(['a.txt', 'b.txt'])
    await expect(unpack(sourceOf(gzipSync(whole).subarray(0, 60), 'cut'), `${folder}/x`, 'tar')).rejects.toThrow(
      /the gzip file is damaged or was cut off/,
    )
    await expect(unpack(sourceOf(member('only/', '', '5'), 'empty'), `${folder}/x`, 'tar')).rejects.toThrow(/no files in the archive/)
    const sink = new MemorySink()
    const zip = new ZipWriter(sink)
    for (const name of ['a/b.txt', 'c.txt']) await zip.addParts(name, (part) => part.write(text(name)))
    await zip.finish()
    await unpack(sourceOf(sink.bytes, 'zip'), `${folder}/tars/zip`, 'auto')
    expect(await readFile(`${folder}/tars/zip/a/b.txt`, 'utf8')).toBe('a/b.txt')
  })

  it('gives bytes where there are no files', async () => {
    const wrong = server(text('wrong'))
    const get: typeof fetch = (url, init) => (String(url).includes('mirror') ? server(content)(url, init) : wrong(url, init))
    const options = { fetch: get, fileHash: sha, onProgress: () => undefined }
    expect(await fetchFile([origin, 'https://mirror.example.com/b'], options, [])).toEqual(content)
    const attempts: { readonly place: string; readonly reason: string }[] = []
    expect(await fetchFile([origin], options, attempts)).toBeUndefined()
    expect(await fetchFile([origin], { ...options, maxBytes: 3 }, attempts)).toBeUndefined()
    expect(attempts.map(({ place }) => place)).toEqual([origin, origin])
    expect(attempts[0]?.reason).toMatch(/the SHA-256 checksum is/)
    expect(attempts[1]?.reason).toMatch(/more than the file can have/)
  })

  it.each(['md5', 'sha256'] as const)('knows %s, at once and in pieces', async (algorithm) => {
    for (const length of [0, 1, 55, 56, 63, 64, 65, 200, 2 ** 22 + 5]) {
      const bytes = Uint8Array.from({ length }, (_, i) => i * 7)
      const wanted = createHash(algorithm).update(bytes).digest('hex')
      for (const fits of [0, 2 ** 30]) expect(await checksumOf(sourceOf(bytes), algorithm, fits), `${length} bytes`).toBe(wanted)
    }
  })
})
