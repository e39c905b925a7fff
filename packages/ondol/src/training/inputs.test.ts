/** Data that fits, and what is said about data that does not. */
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { type Tensor, tensor, useBackend } from '../engine/index.js'
import * as layers from '../layers/index.js'
import * as losses from '../losses/index.js'
import { Model, Sequential } from '../models/index.js'
import { resetNames } from '../ops/naming.js'
import type { ClassWeights, DataLike, FitOptions } from './index.js'

const { Input } = layers
beforeAll(() => useBackend(createHostBackend()))
beforeEach(() => resetNames())

const silent = { verbose: 0 } as const
const column = (...values: number[]): number[][] => values.map((value) => [value])

function difference(): Model {
  const [p, q] = ['p', 'q'].map((name) => Input({ shape: [1], name }))
  const model = new Model({ inputs: [p!, q!], outputs: layers.subtract([p!, q!]) })
  model.compile({ loss: 'mae' })
  return model
}

const classifier = (classes = 2): Sequential => {
  const model = new Sequential([Input({ shape: [classes] }), layers.softmax()])
  model.compile({ loss: 'sparse_categorical_crossentropy', weightedMetrics: ['accuracy'] })
  return model
}

describe('records', () => {
  it('are taken by name, in any order, among other keys', async () => {
    const model = difference()
    const outputs = (await model.predict({ other: column(9, 9), q: column(1, 2), p: column(5, 5) }, silent)) as Tensor
    expect(outputs.arraySync()).toEqual(column(4, 3))
  })

  it('say which input is missing', async () => {
    await expect(difference().predict({ p: column(1) }, silent)).rejects.toThrow(/'q'[\s\S]*p/)
  })

  it('may be nested as the inputs and outputs are, as numbers too', async () => {
    const [a, b, c] = ['a', 'b', 'c'].map((name) => Input({ shape: [1], name }))
    const model = new Model({ inputs: { pair: [a!, b!], one: c! }, outputs: { sum: [layers.add([a!, b!]), c!], own: b! } })
    model.compile({ loss: 'mae' })
    const data = { pair: [column(1, 2), column(10, 20)], one: column(5, 6) }
    const { sum, own } = (await model.predict(data, silent)) as unknown as { sum: [Tensor, Tensor]; own: Tensor }
    expect([sum[0].arraySync(), sum[1].arraySync(), own.arraySync()]).toEqual([column(11, 22), column(5, 6), column(10, 20)])
    const targets = { sum: [column(11, 23), column(5, 6)], own: column(10, 20) }
    expect(await model.evaluate(data, targets, { ...silent, returnDict: true })).toMatchObject({
      loss: 0.5,
      'sum/add_loss': 0.5,
      own_loss: 0,
    })
  })
})

describe('what does not fit', () => {
  const dense = (): Sequential => {
    const model = new Sequential([Input({ shape: [3], name: 'features' }), layers.dense(2)])
    model.compile({ loss: 'mse', optimizer: 'sgd' })
    return model
  }

  it('names the input and both shapes: features, rank, a single sample', async () => {
    await expect(dense().fit([[1, 2]], [[1, 2]], silent)).rejects.toThrow(/input 'features'[\s\S]*\(None, 3\)[\s\S]*\(1, 2\)/)
    await expect(dense().predict([[[1, 2, 3]]], silent)).rejects.toThrow(/input 'features'[\s\S]*\(None, 3\)[\s\S]*\(1, 1, 3\)/)
    await expect(dense().predict([1, 2, 3], silent)).rejects.toThrow(/input 'features'[\s\S]*\(3,\)[\s\S]*expandDims/)
  })

  it('says that it is no data, or none is there', async () => {
    for (const bad of ['text', ['a', 'b'], [{ a: 'x' }], new Date()] as never[])
      await expect(dense().fit(bad, [[1, 2]], silent)).rejects.toThrow(/x[^\n]*: |no data/)
    await expect(dense().fit(undefined as never, undefined, silent)).rejects.toThrow(/x: there is no data/)
    await expect(dense().fit([], [], silent)).rejects.toThrow(/no samples|no data|shape/)
  })

  it('names validationData without targets', async () => {
    const model = classifier()
    const x = [
      [1, 2],
      [3, 4],
    ]
    await expect(model.fit(x, [0, 1], { ...silent, validationData: [x] })).rejects.toThrow(
      /validationData[\s\S]*\[x, y\][\s\S]*1 element\n/,
    )
    await expect(model.fit(x, [0, 1], { ...silent, validationData: [x, null] })).rejects.toThrow(/validationData/)
  })

  it('counts samples of everything', async () => {
    const three = [
      [1, 2, 3],
      [1, 2, 3],
      [1, 2, 3],
    ]
    const two = [
      [1, 2],
      [1, 2],
    ]
    await expect(dense().fit(three, two, silent)).rejects.toThrow(/same number of samples[\s\S]*x: 3; y: 2/)
    await expect(dense().fit(three, [...two, [1, 2]], { ...silent, sampleWeight: [1, 2] })).rejects.toThrow(/x: 3; y: 3; sampleWeight: 2/)
    await expect(dense().evaluate(tensor(3), tensor(two), silent)).rejects.toThrow(/a single number is no array of samples/)
  })

  it('tells weights that do not fit the losses', async () => {
    const three = { x: [[1, 2, 3]], y: [[1, 2]] }
    await expect(dense().fit(three.x, three.y, { ...silent, sampleWeight: [[1, 2, 3]] })).rejects.toThrow(/sample weights do not fit/)
  })

  it('is found where somebody asks for finite numbers', async () => {
    const broken = [
      [1, 2, 3],
      [1, Number.NaN, 3],
    ]
    const fine = [
      [1, 2],
      [1, 2],
    ]
    const check = { ...silent, checkData: true }
    await expect(dense().fit(broken, fine, check)).rejects.toThrow(/x: there is a NaN in the data[\s\S]*sample 1, at \[1, 1\]; 1 of 6/)
    await expect(dense().predict([[1, 2, Number.NEGATIVE_INFINITY]], check)).rejects.toThrow(/infinite number[\s\S]*-Infinity in sample 0/)
    await expect(dense().evaluate([[1, 2, 3]], [[Number.NaN, 1]], check)).rejects.toThrow(/y: there is a NaN/)
    const batches = function* (): Generator<readonly [DataLike, DataLike]> {
      yield [[[1, 2, 3]], [[1, 2]]]
      yield [{ features: [[1, 2, Number.NaN]] }, [[1, 2]]]
    }
    await expect(dense().fit(batches, check)).rejects.toThrow(/batch 1: x.features: there is a NaN[\s\S]*\[0, 2\]/)
    const { history } = await dense().fit(broken, fine, silent)
    expect(history.loss).toEqual([Number.NaN])
    await dense().fit([[1, 2, 3]], [[1, 2]], check)
  })
})

describe('numbers that name something', () => {
  const check = { ...silent, checkData: true }

  it('are classes of a sparse loss', async () => {
    const x = [
      [1, 2],
      [3, 4],
    ]
    await expect(classifier().fit(x, [0, 2], check)).rejects.toThrow(
      /targets of output 'softmax[\s\S]*none of the 2 classes has[\s\S]*from 0 to 1[\s\S]*2 in sample 1, at \[1\]; 1 of 2/,
    )
    await expect(classifier().evaluate(x, [-1, 0], check)).rejects.toThrow(/-1 in sample 0/)
    await expect(classifier().fit(() => [[x, [0, 5]] as const].values(), { ...check, epochs: 1 })).rejects.toThrow(/batch 0: targets/)
    const model = classifier()
    model.compile({ loss: new losses.SparseCategoricalCrossentropy({ ignoreClass: -1 }) })
    expect(await model.evaluate(x, [-1, 0], check)).toBeGreaterThan(0)
    await expect(model.evaluate(x, [-2, 0], check)).rejects.toThrow(/-2 in sample 0/)
  })

  it('are rows of an Embedding', async () => {
    const [words, other] = [Input({ shape: [2], dtype: 'int32', name: 'words' }), Input({ shape: [2], name: 'other' })]
    const rows = layers.flatten()(layers.embedding(3, 1, { name: 'table' })(words))
    const model = new Model({ inputs: [other, words], outputs: layers.add([rows, other]) })
    const data = (word: number): { words: number[][]; other: number[][] } => ({ words: [[0, word]], other: [[9, 9]] })
    await expect(model.predict(data(3), check)).rejects.toThrow(/input 'words'[\s\S]*3 rows of 'table'[\s\S]*3 in sample 0, at \[0, 1\]/)
    expect(((await model.predict(data(2), check)) as Tensor).shape).toEqual([1, 2])
  })
})

describe('class weights', () => {
  const zeros = (count: number, size = 2): number[][] => Array.from({ length: count }, () => new Array<number>(size).fill(0))
  const lossOf = async (model: Model, y: DataLike, options: FitOptions): Promise<number> =>
    (await model.fit(zeros(4), y, { ...silent, ...options })).history.loss![0]!

  it('go with sample weights', async () => {
    // keras: labels [0,1,1,1], weights {0: 1, 1: 2}, uniform softmax: 0.6931 · 7 / 4.
    expect(await lossOf(classifier(), [0, 1, 1, 1], { classWeight: { 0: 1, 1: 2 } })).toBeCloseTo((Math.LN2 * 7) / 4, 5)
    expect(await lossOf(classifier(), column(0, 1, 1, 1), { classWeight: { 1: 2 }, sampleWeight: [1, 0, 0, 1] })).toBeCloseTo(
      (Math.LN2 * 3) / 4,
      5,
    )
  })

  it('are by output, also of one, and leave others alone', async () => {
    const input = Input({ shape: [2] })
    const [left, right] = ['left', 'right'].map((name) => layers.softmax({ name })(input))
    const model = new Model({ inputs: input, outputs: [left!, right!] })
    model.compile({ loss: 'sparse_categorical_crossentropy' })
    const labels = [0, 1, 1, 1]
    const classWeight = { right: { 1: 3 } }
    expect(await lossOf(model, [labels, labels], { classWeight })).toBeCloseTo(Math.LN2 * (1 + 10 / 4), 5)
    expect(await lossOf(model, { right: labels, left: labels }, { classWeight, sampleWeight: { left: [0, 0, 0, 0] } })).toBeCloseTo(
      (Math.LN2 * 10) / 4,
      5,
    )
    await expect(lossOf(model, [labels, labels], { classWeight: { 0: 1 } })).rejects.toThrow(/several outputs[\s\S]*left, right/)
    await expect(lossOf(model, [labels, labels], { classWeight: { up: { 0: 1 } } })).rejects.toThrow(/no output called 'up'/)
  })

  it('count once a time step for labels of steps', async () => {
    const model = new Sequential([Input({ shape: [2, 2] }), layers.softmax()])
    model.compile({ loss: 'categorical_crossentropy' })
    const steps = [
      [
        [1, 0],
        [0, 1],
      ],
    ]
    const run = async (sampleWeight?: DataLike): Promise<number> =>
      (await model.fit([zeros(2)], steps, { ...silent, classWeight: { 1: 3 }, sampleWeight: sampleWeight ?? null })).history.loss![0]!
    expect(await run()).toBeCloseTo(Math.LN2 * 2, 5)
    expect(await run([[1, 0]])).toBeCloseTo(Math.LN2 / 2, 5)
    expect(await run([2])).toBeCloseTo(Math.LN2 * 4, 5)
  })

  it('must be weights', async () => {
    for (const classWeight of [{ cat: 1 }, { 0: Number.NaN }, { 0: 'a' }, {}] as unknown as ClassWeights[])
      await expect(lossOf(classifier(), [0, 1, 1, 1], { classWeight })).rejects.toThrow(/classWeight[\s\S]*class numbers from 0/)
    await expect(classifier().fit(zeros(2), null, { ...silent, classWeight: { 0: 1 } })).rejects.toThrow(/no targets to weigh by/)
  })
})
