// Three faults of Keras that its users know, and that ondol must not have.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { callbacks, Input, layers, loadModel, Model, modelFromJSON, Sequential, type Tensor, utils } from '../index.js'

beforeEach(() => utils.clearSession())

const silent = { verbose: 0 } as const

describe('a layer shared by a nested and the outer model', () => {
  function shared(): { readonly outer: Model; readonly layer: InstanceType<typeof layers.Dense> } {
    const layer = layers.dense(3, { name: 'shared', kernelInitializer: 'ones' })
    const inside = Input({ shape: [3] })
    const inner = new Model({ inputs: inside, outputs: layer(inside), name: 'inner' })
    const input = Input({ shape: [3], name: 'features' })
    return { outer: new Model({ inputs: input, outputs: layer(inner(layer(input))), name: 'outer' }), layer }
  }

  const answer = async (model: Model): Promise<unknown> => ((await model.predict([[1, 0, 0]], silent)) as Tensor).array()

  it('is one layer with one set of weights', async () => {
    const { outer, layer } = shared()
    expect(outer.weights).toEqual(layer.weights)
    expect(outer.countParams()).toBe(12)
    expect(((await outer.predict([[1, 0, 0]], silent)) as Tensor).arraySync()).toEqual([[9, 9, 9]])
  })

  it('is trained once a step, with the gradients of all its uses', async () => {
    const { outer, layer } = shared()
    outer.compile({ optimizer: 'sgd', loss: 'mae' })
    outer.optimizer!.learningRate = 1
    await outer.fit([[1, 0, 0]], [[0, 0, 0]], silent)
    // y = x W³ with all ones: each output grows by 9 x₀-paths; the sum of all entries' derivatives is 3 · Σ y = 27, over 3 outputs in the mean.
    const kernel = (await layer.weights[0]!.array()) as number[][]
    const change = kernel.flat().reduce((sum, value) => sum + 1 - value, 0)
    expect(change).toBeCloseTo(27, 4)
  })

  it('is still one after saving and loading', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ondol-'))
    try {
      const { outer } = shared()
      outer.setWeights([
        [
          [1, 2, 3],
          [4, 5, 6],
          [7, 8, 9],
        ],
        [1, 0, 0],
      ])
      const expected = await answer(outer)
      await outer.save(join(folder, 'outer.keras'))
      const loaded = await loadModel(join(folder, 'outer.keras'))
      expect(await answer(loaded)).toEqual(expected)
      expect(loaded.weights).toHaveLength(2)
      await outer.saveWeights(join(folder, 'outer.weights.h5'))
      const again = modelFromJSON(outer.toJson())
      expect(again.weights).toHaveLength(2)
      await again.loadWeights(join(folder, 'outer.weights.h5'))
      expect(await answer(again)).toEqual(expected)
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('appears in the summary once, with all its connections', () => {
    let text = ''
    shared().outer.summary({ lineLength: 100, printFn: (part) => (text += part) })
    expect(text.match(/shared \(Dense\)/g)).toHaveLength(1)
    expect(text).toContain('features[0][0]')
    expect(text).toMatch(/inner\[\d\]\[0\]/)
    expect(text).toContain('Total params: 12')
  })
})

describe('a fit that fails', () => {
  function model(): Sequential {
    const own = new Sequential([Input({ shape: [2] }), layers.dense(4, { activation: 'tanh' }), layers.dense(1)])
    own.compile({ optimizer: 'adam', loss: 'mse' })
    return own
  }
  const x = Array.from({ length: 8 }, (_, i) => [i / 8, 1 - i / 8])
  const y = x.map(([a]) => [a as number])
  const weights = (own: Sequential): Promise<unknown[]> => Promise.all(own.weights.map((weight) => weight.array()))

  it.each([1, 3])('in a callback leaves the weights of the last finished step (batch %i)', async (at) => {
    const [failing, stopping] = [model(), model()]
    stopping.setWeights(failing.getWeights())
    const fail = new callbacks.LambdaCallback({
      onTrainBatchEnd: (batch) => {
        if (batch === at) throw new Error('the lamp went out')
      },
    })
    await expect(failing.fit(x, y, { ...silent, batchSize: 2, shuffle: false, callbacks: [fail] })).rejects.toThrow('the lamp went out')
    await stopping.fit(x.slice(0, 2 * at + 2), y.slice(0, 2 * at + 2), { ...silent, batchSize: 2, shuffle: false })
    expect(await weights(failing)).toEqual(await weights(stopping))
    expect(await failing.optimizer!.iterations.item()).toBe(at + 1)
  })

  it('in the data leaves the model to be used, trained and evaluated', async () => {
    const own = model()
    function* batches(): Generator<readonly [number[][], number[][]]> {
      yield [x, y]
      throw new Error('the disk is gone')
    }
    await expect(own.fit(batches, silent)).rejects.toThrow('the disk is gone')
    expect(((await own.predict(x, silent)) as Tensor).shape).toEqual([8, 1])
    const before = (await own.evaluate(x, y, silent)) as number
    await own.fit(x, y, { ...silent, epochs: 20 })
    expect(await own.evaluate(x, y, silent)).toBeLessThan(before)
  })

  it('because the data do not fit, changes nothing', async () => {
    const own = model()
    const before = await weights(own)
    await expect(
      own.fit(
        x,
        [
          [1, 2],
          [3, 4],
        ],
        silent,
      ),
    ).rejects.toThrow()
    await expect(own.fit([[1, 2, 3]], [[1]], silent)).rejects.toThrow()
    expect(await weights(own)).toEqual(before)
  })

  it('by a signal leaves the weights of the last finished step', async () => {
    const own = model()
    const abort = new AbortController()
    const stop = new callbacks.LambdaCallback({ onTrainBatchEnd: (batch) => void (batch === 1 && abort.abort(new Error('enough'))) })
    await expect(own.fit(x, y, { ...silent, batchSize: 2, callbacks: [stop], signal: abort.signal })).rejects.toThrow('enough')
    expect(await own.optimizer!.iterations.item()).toBe(2)
    await own.fit(x, y, silent)
  })
})

describe('targets that do not fit', () => {
  const x = [
    [1, 2],
    [3, 4],
  ]
  const heads = (): Model => {
    const input = Input({ shape: [2] })
    const model = new Model({
      inputs: input,
      outputs: [layers.dense(5, { name: 'price' })(input), layers.dense(3, { activation: 'softmax', name: 'kind' })(input)],
    })
    model.compile({ loss: ['mse', 'categorical_crossentropy'] })
    return model
  }

  it('are explained with the output, the loss and both shapes', async () => {
    const fives = [
      [1, 2, 3, 4, 5],
      [1, 2, 3, 4, 5],
    ]
    await expect(
      heads().fit(
        x,
        [
          x,
          [
            [1, 0, 0],
            [0, 1, 0],
          ],
        ],
        silent,
      ),
    ).rejects.toThrow(/mse|mean_squared_error/)
    await expect(
      heads().fit(
        x,
        [
          x,
          [
            [1, 0, 0],
            [0, 1, 0],
          ],
        ],
        silent,
      ),
    ).rejects.toThrow(/'price'[\s\S]*\(2, 2\)[\s\S]*\(2, 5\)/)
    await expect(heads().fit(x, [fives, [0, 1]], silent)).rejects.toThrow(
      /categorical_crossentropy[\s\S]*'kind'[\s\S]*sparse_categorical_crossentropy/,
    )
  })

  it('are missed by name', async () => {
    const own = new Sequential([Input({ shape: [2] }), layers.dense(1)])
    own.compile({ loss: 'mse' })
    await expect(own.fit(x, null, silent)).rejects.toThrow(/no targets/)
  })
})
