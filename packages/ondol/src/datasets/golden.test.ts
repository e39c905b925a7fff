/** Data sets against the real Keras, and files against NumPy, SciPy and Python's pickle, without a network. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { sourceOf } from '../core/bytes.js'
import { type Tensor, useBackend } from '../engine/index.js'
import { setImageDataFormat } from '../ops/config.js'
import { elements, readVectors, type VectorTensor } from '../testing/vectors.js'
import { tarMembers } from '../utils/tar.js'
import { bostonHousing, californiaHousing, cifar10, cifar100, imdb, mnist, reuters, svhn } from './index.js'
import { readMat } from './mat5.js'
import { RandomState } from './numpy-random.js'
import { NumpyArray, type PickleValue, unpickle } from './unpickle.js'

type Options = Readonly<Record<string, number | string | null>>
interface Run<P> {
  readonly options: Options
  readonly train: P
  readonly test: P
}
type Pair = readonly [VectorTensor, VectorTensor]
interface Runs<P> {
  readonly file: string
  readonly runs: readonly Run<P>[]
}
type TextRuns = Runs<readonly [number[][], number[]]>

const vectors = readVectors<{
  readonly mnist: { readonly file: string; readonly train: Pair; readonly test: Pair }
  readonly imdb: TextRuns
  readonly reuters: TextRuns
  readonly california_housing: Runs<Pair>
  readonly boston_housing: Runs<Pair>
  readonly cifar10: { readonly python: string; readonly binary: string; readonly train: Pair; readonly test: Pair }
  readonly cifar100: {
    readonly python: string
    readonly binary: string
    readonly images: { readonly train: VectorTensor; readonly test: VectorTensor }
    readonly runs: readonly { readonly mode: 'fine' | 'coarse'; readonly labels: Pair }[]
  }
  readonly mat: readonly {
    readonly title: string
    readonly file: string
    readonly arrays: Readonly<Record<string, { readonly shape: number[]; readonly columns: number[] | string }>>
  }[]
  readonly pickles: readonly { readonly title: string; readonly pickle: string; readonly value?: unknown; readonly refused?: string }[]
  readonly orders: readonly { readonly seed: number; readonly n: number; readonly order: number[] }[]
  readonly reuters_labels: readonly string[]
}>('datasets')

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'))
const camel = (options: Options): Options =>
  Object.fromEntries(
    Object.entries(options).map(([name, value]) => [name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()), value]),
  )

function expectTensor(found: Tensor, wanted: VectorTensor): void {
  expect([found.shape, found.dtype]).toEqual([wanted.shape, wanted.dtype])
  expect([...found.dataSync()]).toEqual([...elements(wanted)])
}

let folder = ''
const place = async (name: string, content: string | Uint8Array): Promise<string> => {
  const path = join(folder, name)
  await writeFile(path, typeof content === 'string' ? bytesOf(content) : content)
  return path
}

beforeAll(async () => {
  useBackend(createHostBackend())
  folder = await mkdtemp(join(tmpdir(), 'ondol-datasets-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('lists of words', () => {
  it.each(vectors.imdb.runs)('imdb with $options', async ({ options, train, test }) => {
    const [[xTrain, yTrain], [xTest, yTest]] = await imdb.loadData(await place('words.npz', vectors.imdb.file), camel(options))
    expect([xTrain, [...yTrain.dataSync()], xTest, [...yTest.dataSync()]]).toEqual([...train, ...test])
    expect(yTrain.dtype).toBe('int32')
  })

  it.each(vectors.reuters.runs)('reuters with $options', async ({ options, train, test }) => {
    const [[xTrain, yTrain], [xTest, yTest]] = await reuters.loadData({
      path: await place('wires.npz', vectors.reuters.file),
      ...camel(options),
    })
    expect([xTrain, [...yTrain.dataSync()], xTest, [...yTest.dataSync()]]).toEqual([...train, ...test])
  })

  it('knows topics, and the numbers of words', async () => {
    expect(reuters.getLabelNames()).toEqual(vectors.reuters_labels)
    const path = await place('index.json', new TextEncoder().encode('{"the": 1, "constructor": 2, "été": 3, "__proto__": 4}'))
    for (const { getWordIndex } of [imdb, reuters]) {
      const index = await getWordIndex(path)
      expect(Object.entries(index)).toEqual([['the', 1], ['constructor', 2], ['été', 3], ['__proto__', 4]]) // biome-ignore format: one line
      expect(index.toString).toBeUndefined()
    }
    for (const bad of ['[1]', '{"a": "b"}', '{"a": 1', '7'])
      await expect(imdb.getWordIndex(await place('bad.json', new TextEncoder().encode(bad))), bad).rejects.toThrow(/bad\.json: /)
  })

  it('says what is wrong with options', async () => {
    const path = await place('words.npz', vectors.imdb.file)
    await expect(imdb.loadData({ path, maxlen: 1 })).rejects.toThrow('no text is shorter than maxlen = 1')
    await expect(imdb.loadData({ path, seed: -1 })).rejects.toThrow('this is no seed')
    await expect(reuters.loadData({ path, testSplit: 2 })).rejects.toThrow('testSplit is no share')
    await expect(reuters.loadData({ path })).rejects.toThrow(/no array 'x'[\s\S]*x_train\.npy/)
  })
})

describe('tables', () => {
  it.each(vectors.california_housing.runs)('californiaHousing with $options', async ({ options, train, test }) => {
    const [[xTrain, yTrain], [xTest, yTest]] = await californiaHousing.loadData({
      path: await place('houses.npz', vectors.california_housing.file),
      ...camel(options),
    })
    ;[xTrain, yTrain].forEach((part, i) => void expectTensor(part, train[i] as VectorTensor))
    ;[xTest, yTest].forEach((part, i) => void expectTensor(part, test[i] as VectorTensor))
  })

  it.each(vectors.boston_housing.runs)('bostonHousing with $options', async ({ options, train, test }) => {
    const [[xTrain, yTrain], [xTest, yTest]] = await bostonHousing.loadData(
      await place('boston.npz', vectors.boston_housing.file),
      camel(options),
    )
    ;[xTrain, yTrain].forEach((part, i) => void expectTensor(part, train[i] as VectorTensor))
    ;[xTest, yTest].forEach((part, i) => void expectTensor(part, test[i] as VectorTensor))
  })

  it('say what is wrong with options', async () => {
    await expect(bostonHousing.loadData({ testSplit: 1 })).rejects.toThrow('testSplit is no share')
    await expect(californiaHousing.loadData('middle' as 'small')).rejects.toThrow("unknown version.\n  Expected: 'large' or 'small'")
    const path = await place('words.npz', vectors.imdb.file)
    await expect(bostonHousing.loadData({ path })).rejects.toThrow("no array 'x'")
  })

  it.each(vectors.orders)('come in the order of NumPy: seed $seed, $n rows', ({ seed, n, order }) => {
    expect([...new RandomState(seed, 'here').permutation(n)]).toEqual(order)
  })
})

describe('pictures', () => {
  it('of MNIST, in an archive of NumPy', async () => {
    const { file, train, test } = vectors.mnist
    const [[xTrain, yTrain], [xTest, yTest]] = await mnist.loadData(await place('digits.npz', file))
    ;[xTrain, yTrain].forEach((part, i) => void expectTensor(part, train[i] as VectorTensor))
    ;[xTest, yTest].forEach((part, i) => void expectTensor(part, test[i] as VectorTensor))
  })

  it.each(['python', 'binary'] as const)('of CIFAR-10, %s, packed and in folders', async (form) => {
    const { train, test } = vectors.cifar10
    const expectAll = async (path: string): Promise<void> => {
      const [[xTrain, yTrain], [xTest, yTest]] = await cifar10.loadData({ path })
      ;[xTrain, yTrain].forEach((part, i) => void expectTensor(part, train[i] as VectorTensor))
      ;[xTest, yTest].forEach((part, i) => void expectTensor(part, test[i] as VectorTensor))
    }
    const archive = bytesOf(vectors.cifar10[form])
    await expectAll(await place('cifar.tgz', archive))
    await expectAll(await place('cifar.tar', new Uint8Array(gunzipSync(archive))))
    const root = join(folder, `cifar-${form}`)
    await mkdir(root)
    await writeFile(join(root, `cifar-10-${form}.tar.gz`), archive)
    await expectAll(root)
    await rm(join(root, `cifar-10-${form}.tar.gz`))
    for await (const { name, pieces } of tarMembers(sourceOf(archive))) {
      await mkdir(join(root, name, '..'), { recursive: true })
      const parts: Uint8Array[] = []
      for await (const piece of pieces()) parts.push(piece.slice())
      await writeFile(join(root, name), Buffer.concat(parts))
    }
    await expectAll(root)
    const inner = join(root, form === 'python' ? 'cifar-10-batches-py' : 'cifar-10-batches-bin')
    await expectAll(inner)
    setImageDataFormat('channels_first')
    try {
      const [[xTrain]] = await cifar10.loadData({ path: root })
      expect(xTrain.shape).toEqual([8, 3, 32, 32])
      const wanted = elements(train[0])
      const found = xTrain.dataSync()
      for (const [channel, row, column] of [[0, 0, 0], [1, 3, 5], [2, 31, 30]] as const) // biome-ignore format: one line
        expect(found[channel * 1024 + row * 32 + column]).toBe(wanted[(row * 32 + column) * 3 + channel])
    } finally {
      setImageDataFormat('channels_last')
    }
    await rm(join(inner, form === 'python' ? 'data_batch_2' : 'data_batch_2.bin'))
    await expect(cifar10.loadData({ path: inner })).rejects.toThrow(/the file data_batch_2 is missing[\s\S]*batches: \[1\]/)
    const [[some, labels]] = await cifar10.loadData({ path: inner, batches: [1, 3] })
    expect([some.shape, labels.shape]).toEqual([
      [4, 32, 32, 3],
      [4, 1],
    ])
    expect(some.dataSync().slice(0, 3072)).toEqual(Uint8Array.from(elements(train[0]).slice(0, 3072)))
    await expect(cifar10.loadData({ path: inner, batches: [0] })).rejects.toThrow(/batches are no part of the five/)
  })

  it.each(['python', 'binary'] as const)('of CIFAR-100, %s', async (form) => {
    const { images, runs } = vectors.cifar100
    const path = await place('cifar100.tgz', vectors.cifar100[form])
    for (const { mode, labels } of runs) {
      const [[xTrain, yTrain], [xTest, yTest]] = await cifar100.loadData(mode, { path })
      expectTensor(xTrain, images.train)
      expectTensor(xTest, images.test)
      expectTensor(yTrain, labels[0])
      expectTensor(yTest, labels[1])
    }
    await expect(cifar100.loadData('both' as 'fine', { path })).rejects.toThrow('unknown labelMode')
    await expect(cifar10.loadData({ path })).rejects.toThrow(/data_batch_1 is missing/)
    expect([cifar10.classNames.length, cifar100.fineNames.length, cifar100.coarseNames.length]).toEqual([10, 100, 20])
  })

  it('of SVHN', async () => {
    const [{ file, arrays }] = vectors.mat as [(typeof vectors.mat)[0]]
    const root = join(folder, 'svhn')
    await mkdir(root)
    for (const part of ['train', 'test', 'extra']) await writeFile(join(root, `${part}_32x32.mat`), bytesOf(file))
    const columns = bytesOf(arrays.X?.columns as string)
    const [[xTrain, yTrain], [xTest, yTest]] = await svhn.loadData({ path: root })
    expect([xTrain.shape, yTrain.shape, yTest.shape]).toEqual([[3, 32, 32, 3], [3], [3]])
    expect([...yTrain.dataSync()]).toEqual([1, 0, 7])
    const at = (n: number, row: number, column: number, channel: number): number | undefined =>
      xTest.dataSync()[((n * 32 + row) * 32 + column) * 3 + channel]
    for (const [n, row, column, channel] of [[0, 0, 1, 0], [1, 30, 7, 2], [2, 31, 31, 1]] as const) // biome-ignore format: one line
      expect(at(n, row, column, channel)).toBe(columns[row + 32 * (column + 32 * (channel + 3 * n))])
    const [[xMore, yMore]] = await svhn.loadData({ path: root, extra: true })
    expect([xMore.shape, [...yMore.dataSync()]]).toEqual([
      [6, 32, 32, 3],
      [1, 0, 7, 1, 0, 7],
    ])
    await writeFile(join(root, 'test_32x32.mat'), bytesOf(vectors.mat[1]?.file as string))
    await expect(svhn.loadData({ path: root })).rejects.toThrow(/test_32x32\.mat: the file has no pictures of SVHN/)
  })
})

describe('MATLAB files', () => {
  it.each(vectors.mat)('$title', async ({ file, arrays }) => {
    const found = await readMat(bytesOf(file), 'it.mat')
    expect([...found.keys()].sort()).toEqual(Object.keys(arrays).sort())
    for (const [name, { shape, columns }] of Object.entries(arrays)) {
      const { shape: foundShape, data } = found.get(name) as { shape: number[]; data: Uint8Array }
      expect(foundShape, name).toEqual(shape)
      if (typeof columns === 'string') expect(Buffer.from(data).toString('base64')).toBe(columns)
      else expect([...data], name).toEqual(columns)
    }
  })

  it('that are damaged are refused, with the place', async () => {
    for (const { file } of vectors.mat) {
      const whole = bytesOf(file)
      for (const length of [0, 127, 130, 140, Math.floor(whole.length / 2) + 3, whole.length - 1])
        await expect(readMat(whole.subarray(0, length), 'it.mat'), `${length} bytes`).rejects.toThrow(/^it\.mat, byte \d+: /)
    }
    // A packed array that says it has 4 GB.
    const huge = bytesOf(vectors.mat[2]?.file as string)
    new DataView(huge.buffer).setUint32(128 + 4, 0xfffffff0, true)
    await expect(readMat(huge, 'it.mat')).rejects.toThrow(/an element is cut off/)
  })
})

/** As JSON has it. */
const plain = (value: PickleValue): unknown => {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [String(key), plain(item)]))
  if (value instanceof NumpyArray) return plain(value.data as PickleValue)
  return Array.isArray(value) ? value.map(plain) : value
}

describe('pickles', () => {
  it.each(vectors.pickles.filter(({ refused }) => refused === undefined))('$title', ({ pickle, value }) => {
    expect(plain(unpickle(bytesOf(pickle), 'it'))).toEqual(value)
  })

  it.each(vectors.pickles.filter(({ refused }) => refused !== undefined))('$title is refused by name', ({ pickle, refused }) => {
    expect(() => unpickle(bytesOf(pickle), 'it')).toThrow(`the pickle asks for '${refused}', which is refused`)
  })

  it('that are damaged end with an error, wherever the damage is', () => {
    for (const { pickle } of vectors.pickles) {
      const whole = bytesOf(pickle)
      for (let length = 0; length < whole.length; length += 1 + (length >> 6))
        expect(() => unpickle(whole.subarray(0, length), 'it'), `${length} bytes`).toThrow(/^it, byte \d+ of the pickle: /)
      for (let at = 0; at < whole.length; at += 3) {
        const damaged = Uint8Array.from(whole)
        damaged[at] = (damaged[at] as number) ^ 0x15
        try {
          unpickle(damaged, 'it')
        } catch (error) {
          expect(String(error)).toMatch(/it, byte \d+ of the pickle: /)
        }
      }
    }
  })

  it('refuse instructions that make objects', () => {
    for (const [
      code,
      name,
    ] of [['(i__main__\nx\n.', 'INST'], ['(P1\n.', 'PERSID'], ['\x80\x04\x8f.', 'EMPTY_SET'], [')\x81.', 'NEWOBJ']] as const) // biome-ignore format: one line
      expect(() =>
        unpickle(
          Uint8Array.from(code, (letter) => letter.charCodeAt(0)),
          'it',
        ),
      ).toThrow(`the instruction ${name}`)
    for (const code of ['cnumpy\nndarray\n)R.', 'cnumpy\ndtype\n(tR.', ']]b.', 'cnumpy\ndtype\nb.', 'h\x07.', 't.', 'a.', '\x80\x09.'])
      expect(
        () =>
          unpickle(
            Uint8Array.from(code, (letter) => letter.charCodeAt(0)),
            'it',
          ),
        code,
      ).toThrow(/of the pickle: /)
  })
})
