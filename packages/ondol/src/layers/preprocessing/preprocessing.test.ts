/** Strings, adapt on streams, files, and what preprocessing layers refuse. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { createHostBackend } from '../../backends/host/index.js'
import { Dataset } from '../../data/index.js'
import { jit, type Tensor, tensor, useBackend } from '../../engine/index.js'
import { loadModel, Model, Sequential } from '../../models/index.js'
import { saveModel } from '../../models/saving.js'
import type { CallOptions } from '../index.js'
import * as layers from '../index.js'

beforeAll(() => useBackend(createHostBackend()))

const texts = ['the cat sat', 'the dog sat on the cat']

describe('StringTensor', () => {
  it('keeps strings with a shape', async () => {
    const words = new layers.StringTensor(['a', 'b', 'c', 'd'], [2, 2])
    expect(words.arraySync()).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ])
    expect(await words.reshape([4]).array()).toEqual(['a', 'b', 'c', 'd'])
    expect([words.rank, words.dtype, String(words)]).toEqual([2, 'string', 'StringTensor(shape=(2, 2))'])
    expect(() => new layers.StringTensor(['a'], [2])).toThrow(/do not fill the shape/)
  })
})

describe('strings', () => {
  const lookup = layers.stringLookup({ vocabulary: ['a', 'b'] })

  it('come as arrays, and are refused where they are ragged or none', () => {
    expect(lookup([['a'], ['x']]).arraySync()).toEqual([[1], [0]])
    expect(lookup('b').arraySync()).toBe(2)
    expect(() => lookup([['a'], ['a', 'b']])).toThrow(/ragged/)
    expect(() => lookup([['a'], 'b'] as never)).toThrow(/ragged/)
    expect(() => lookup(tensor([1]))).toThrow(/reads strings, and a model computes with numbers[\s\S]*dataset\.map/)
  })

  it('are told apart from what can be compiled', () => {
    expect(() => lookup(layers.Input({ shape: [1], dtype: 'int32' }))).toThrow(/apply the layer before the model/)
    const hashing = layers.hashing(7)
    expect(() => jit((x: Tensor) => hashing(x))(tensor([1, 2], [2], 'int32'))).toThrow(/cannot be compiled[\s\S]*dataset\.map/)
  })

  it('pass through a dataset', async () => {
    const vectorize = layers.textVectorization({ outputSequenceLength: 4 })
    await vectorize.adapt(texts)
    const dataset = Dataset.from(texts)
      .batch(2)
      .map((batch) => vectorize(batch as string[]))
    const [batch] = (await dataset.toArray()) as Tensor[]
    expect(batch?.shape).toEqual([2, 4])
  })
})

describe('Pipeline', () => {
  it('hands a mask on as far as its layers do', () => {
    const [x, mask] = [tensor([[[1], [2]]]), tensor([[1, 0]], undefined, 'bool')]
    const seen: unknown[] = []
    class Look extends layers.Layer {
      override readonly supportsMasking = true
      override call(inputs: Tensor, { mask: given }: CallOptions): Tensor {
        seen.push(given)
        return tensor(inputs.dataSync(), inputs.shape)
      }
    }
    const end = layers.pipeline([new Look(), layers.flatten()])(x, { mask })
    expect(layers.maskOf(end)).toBeUndefined()
    expect(layers.maskOf(layers.pipeline([layers.rescaling(2)])(x, { mask }))).toBe(mask)
    expect(seen).toEqual([mask])
  })
})

describe('adapt', () => {
  it('learns from streams what it learns from arrays', async () => {
    const rows = Array.from({ length: 10 }, (_, i) => [i, i * i])
    const [whole, streamed] = [layers.normalization(), layers.normalization()]
    await whole.adapt(rows)
    await streamed.adapt(Dataset.fromTensorSlices([tensor(rows), tensor(rows)]).batch(3))
    whole.getWeights().forEach((weight, i) => {
      const wanted = weight.dataSync()
      streamed
        .getWeights()
        [i]?.dataSync()
        .forEach((value, j) => {
          expect(value).toBeCloseTo(wanted[j] as number, 3)
        })
    })
    const [one, many] = [layers.textVectorization(), layers.textVectorization()]
    await one.adapt(texts)
    await many.adapt(Dataset.from(texts).batch(1))
    expect(many.getVocabulary()).toEqual(one.getVocabulary())
    const limited = layers.stringLookup()
    await limited.adapt(Dataset.from(['a', 'b', 'c']).batch(1), { steps: 2 })
    expect(limited.getVocabulary()).toEqual(['[UNK]', 'b', 'a'])
  })

  it('has learnt from data at hand when it returns', () => {
    const layer = layers.discretization({ numBins: 2 })
    void layer.adapt([1, 2, 3, 4])
    expect(layer.binBoundaries).toHaveLength(1)
  })

  it('says what it cannot learn from', async () => {
    await expect(layers.normalization().adapt(null)).rejects.toThrow(/cannot learn from this/)
    await expect(layers.normalization().adapt(Dataset.from([]))).rejects.toThrow(/no batch/)
    await expect(layers.normalization().adapt(['a'])).rejects.toThrow(/no array of numbers/)
    await expect(layers.stringLookup({ vocabulary: ['a'] }).adapt(['b'])).rejects.toThrow(/vocabulary was given/)
    await expect(layers.discretization({ binBoundaries: [1] }).adapt([1])).rejects.toThrow(/nothing to learn/)
    const built = layers.normalization()
    built.build([null, 3])
    await expect(built.adapt([[1, 2]])).rejects.toThrow(/another shape/)
  })
})

describe('vocabularies', () => {
  it('come from files', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ondol-vocabulary-'))
    try {
      await writeFile(join(folder, 'words.txt'), 'x\ny\n\n')
      const lookup = layers.stringLookup({ vocabulary: join(folder, 'words.txt') })
      expect(lookup.getVocabulary()).toEqual(['[UNK]', 'x', 'y'])
      expect(lookup.getConfig().vocabulary).toBeNull()
      expect(() => layers.stringLookup({ vocabulary: join(folder, 'none.txt') })).toThrow(/no such vocabulary file/)
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it.each([
    [{ vocabulary: [] as string[] }, /empty/],
    [{ vocabulary: ['a', 'a'] }, /more than once/],
    [{ vocabulary: ['a', ''], maskToken: '' }, /mask token stands among/],
    [{ vocabulary: ['a', '[UNK]'], invert: true }, /OOV token stands among/],
    [{ vocabulary: ['a', 'b'], maxTokens: 2 }, /larger than maxTokens/],
    [{ vocabulary: ['a'], outputMode: 'tf_idf' }, /needs idfWeights/],
    [{ padToMaxTokens: true }, /needs maxTokens/],
    [{ outputMode: 'many' }, /unknown output mode/],
    [{ sparse: true, outputMode: 'count' }, /no sparse tensors/],
    [{ encoding: 'latin-1' }, /Unicode/],
  ])('%j is refused', (options, problem) => {
    expect(() => layers.stringLookup(options)).toThrow(problem)
  })

  it('must hold every token where there is no OOV index', () => {
    expect(() => layers.integerLookup({ vocabulary: [1, 2], numOovIndices: 0 })([1, 5])).toThrow(/not in the vocabulary[\s\S]*5/)
    expect(() => layers.stringLookup({ outputMode: 'count' })(['a'])).toThrow(/size of the vocabulary/)
  })
})

describe('many classes', () => {
  it('takes memory for the result alone: one-hot rows of these tokens would be 80 GB', async () => {
    const [rows, tokens, depth] = [4, 50_000, 100_000]
    const numbers = tensor(
      Int32Array.from({ length: rows * tokens }, (_, i) => (i % tokens) * 2),
      [rows, tokens],
    )
    for (const outputMode of ['multi_hot', 'count'] as const) {
      const encoded: Tensor = layers.categoryEncoding(depth, { outputMode })(numbers)
      const values = Array.from(await encoded.data())
      expect([encoded.shape, values.length, values.reduce((sum, one) => sum + one, 0)]).toEqual([
        [rows, depth],
        rows * depth,
        rows * tokens,
      ])
    }
  })
})

describe('texts', () => {
  it('go through functions of your own', async () => {
    const vectorize = layers.textVectorization({
      standardize: (text) => text.toUpperCase(),
      split: (text) => text.split('-'),
      vocabulary: ['A', 'B'],
    })
    expect(vectorize(['a-b', 'q']).arraySync()).toEqual([
      [2, 3],
      [1, 0],
    ])
    expect(() => layers.textVectorization({ split: 'sentences' })).toThrow(/unknown split/)
    expect(() => layers.textVectorization({ ragged: true })).toThrow(/ragged/)
    expect(() => layers.textVectorization({ outputMode: 'count', outputSequenceLength: 3 })).toThrow(/is for the output mode 'int'/)
    expect(() => vectorize([['a', 'b']])).toThrow(/stand one a row/)
    expect(() => layers.textVectorization({ outputMode: 'one_hot', vocabulary: ['a'] })(['a', 'a a'])).toThrow(/as many vectors/)
  })
})

describe('files', () => {
  class Classifier extends Model {
    vectorize = new layers.TextVectorization({ outputMode: 'tf_idf', name: 'vectorize' })
    lookup = new layers.IntegerLookup({ name: 'lookup' })
    dense = new layers.Dense(2)
    override call(x: Tensor): Tensor {
      return this.dense(x)
    }
  }

  it('keep what adapt found', async () => {
    const model = new Classifier()
    await model.vectorize.adapt(texts)
    await model.lookup.adapt([5, 5, 7])
    const before = model.vectorize(texts)
    model(before)
    const folder = await mkdtemp(join(tmpdir(), 'ondol-assets-'))
    try {
      const path = join(folder, 'it.keras')
      await saveModel(model, path)
      const again = (await loadModel(path, { customObjects: { Classifier } })) as Classifier
      expect(again.vectorize.getVocabulary()).toEqual(model.vectorize.getVocabulary())
      expect(again.lookup.getVocabulary()).toEqual([-1, 5, 7])
      expect(again.vectorize(texts).arraySync()).toEqual(before.arraySync())
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('keep numeric layers inside of models', async () => {
    const normalize = layers.normalization()
    await normalize.adapt([[1], [3]])
    const lookup = layers.integerLookup({ vocabulary: [4, 8], outputMode: 'one_hot' })
    const model = new Sequential([layers.Input({ shape: [1] }), normalize, layers.rescaling(2)])
    const ids = new Sequential([layers.Input({ shape: [1], dtype: 'int32' }), lookup, layers.dense(1)])
    const folder = await mkdtemp(join(tmpdir(), 'ondol-numeric-'))
    try {
      for (const [each, x] of [
        [model, tensor([[5]])],
        [ids, tensor([[8]], undefined, 'int32')],
      ] as const) {
        await saveModel(each, join(folder, 'it.keras'))
        const again = (await loadModel(join(folder, 'it.keras'))) as Sequential
        expect((again.call(x) as Tensor).arraySync()).toEqual((each.call(x) as Tensor).arraySync())
      }
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
