// What ondol does otherwise than Keras, on purpose: the rows of docs/differences.md that are about training.
import { beforeEach, describe, expect, it } from 'vitest'
import { callbacks, Input, layers, Model, Sequential, Tensor, tensor, utils } from '../index.js'

beforeEach(() => utils.clearSession())

const silent = { verbose: 0 } as const

/** Gives its input. */
function through(width = 1, options: object = {}): Sequential {
  const model = new Sequential([Input({ shape: [width], name: 'x' }), layers.activation('linear', { name: 'answer' })])
  model.compile({ loss: 'mae', ...options })
  return model
}

function two(options: object): Model {
  const input = Input({ shape: [1] })
  const outputs = ['p', 'q'].map((name) => layers.activation('linear', { name })(input))
  const model = new Model({ inputs: input, outputs })
  model.compile({ optimizer: 'sgd', ...options })
  return model
}

describe('losses, metrics and weights', () => {
  it('a list of losses has one for each output', async () => {
    await expect(two({ loss: ['mae'] }).evaluate([[1]], [[[0]], [[0]]], silent)).rejects.toThrow(/each output/)
  })

  it('evaluate lists each value once, also of metrics with one name', async () => {
    expect(await through(1, { metrics: ['mae', 'mae'] }).evaluate([[3]], [[0]], silent)).toEqual([3, 3, 3])
  })

  it('metricsNames are the names of what is reported', async () => {
    const model = through(1, { metrics: ['mse'] })
    await model.evaluate([[1]], [[1]], silent)
    expect(model.metricsNames).toEqual(['loss', 'mse'])
  })

  it('class weights and sample weights are multiplied', async () => {
    const model = through(1, { loss: 'mae', optimizer: 'sgd' })
    const logs = await model.trainOnBatch([[3], [5]], [[0], [1]], {
      classWeight: { 0: 2, 1: 10 },
      sampleWeight: [1, 0.1],
      returnDict: true,
    })
    expect(logs.loss).toBeCloseTo((3 * 2 * 1 + 4 * 10 * 0.1) / 2, 5)
  })

  it('targets may come by name for a single output too', async () => {
    expect(await through().evaluate([[3]], { answer: [[1]] }, silent)).toBe(2)
  })
})

describe('runs', () => {
  it('the last execution of several steps tells the last batch that there is', async () => {
    const ends: number[] = []
    const spy = new callbacks.LambdaCallback({ onTestBatchEnd: (batch: number) => void ends.push(batch) } as never)
    await through(1, { stepsPerExecution: 2 }).evaluate([[1], [1], [1], [1], [1]], [[1], [1], [1], [1], [1]], {
      ...silent,
      batchSize: 1,
      callbacks: [spy],
    })
    expect(ends).toEqual([1, 3, 4])
  })

  it('predict gives tensors', async () => {
    expect(await through().predict([[1]], silent)).toBeInstanceOf(Tensor)
  })

  it('two at once are refused', async () => {
    const model = through()
    const first = model.evaluate([[1]], [[1]], silent)
    await expect(model.evaluate([[1]], [[1]], silent)).rejects.toThrow(/busy/)
    await first
  })

  it('integers of 64 bits are taken where they fit into 32', async () => {
    expect(tensor(BigInt64Array.of(5n) as never).dtype).toBe('int32')
    expect(() => tensor(BigInt64Array.of(2n ** 40n) as never)).toThrow()
  })
})
