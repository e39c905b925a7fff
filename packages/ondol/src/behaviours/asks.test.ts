// What users of Keras have asked for, or suffered from, for years; see docs/differences.md.
import { beforeEach, describe, expect, it } from 'vitest'
import {
  GradientTape,
  Input,
  initializers,
  layers,
  losses,
  Model,
  memory,
  modelFromJSON,
  ops,
  optimizers,
  Sequential,
  type Tensor,
  tensor,
  utils,
} from '../index.js'

beforeEach(() => utils.clearSession())

const silent = { verbose: 0 } as const

describe('several outputs', () => {
  const x = [[1], [2]]
  /** Outputs that are the input times 1 and times 10. */
  function model(names: readonly string[], options: object): Model {
    const input = Input({ shape: [1] })
    const factors: Record<string, number> = { one: 1, ten: 10 }
    const outputs = names.map((name) =>
      layers.dense(1, {
        name,
        useBias: false,
        kernelInitializer: new initializers.Constant({ value: factors[name] as number }),
      })(input),
    )
    const own = new Model({ inputs: input, outputs })
    own.compile({ optimizer: 'sgd', ...options })
    return own
  }
  const zeros = [[0], [0]]

  it.each([[['one', 'ten']], [['ten', 'one']]])(
    'are matched by name wherever losses, weights, metrics and targets stand (%j)',
    async (names) => {
      const own = model(names, { loss: { ten: 'mae', one: 'mae' }, lossWeights: { one: 100, ten: 1 }, metrics: { ten: ['mse'] } })
      const found = await own.evaluate(x, { ten: zeros, one: zeros }, { ...silent, returnDict: true })
      expect(found).toEqual({ loss: 150 + 15, one_loss: 1.5, ten_loss: 15, ten_mse: 250 })
    },
  )

  it('take class weights of their own, and sample weights beside', async () => {
    const own = model(['one', 'ten'], { loss: { one: 'mae', ten: 'mae' } })
    const logs = await own.trainOnBatch(x, { one: [[0], [1]], ten: zeros }, { classWeight: { one: { 0: 3, 1: 0 } }, returnDict: true })
    expect([logs.one_loss, logs.ten_loss]).toEqual([1.5, 15])
  })
})

describe('looking inside', () => {
  it('a Sequential knows its outputs, so that gradients by feature maps are a few lines', () => {
    const model = new Sequential([
      Input({ shape: [4, 4, 1] }),
      layers.conv2d(2, 3, { name: 'maps' }),
      layers.globalAveragePooling2d(),
      layers.dense(3, { activation: 'softmax' }),
    ])
    const inside = new Model({ inputs: model.inputs, outputs: [model.getLayer('maps').output as never, model.output as never] })
    using tape = new GradientTape()
    const [maps, scores] = inside(ops.ones([1, 4, 4, 1])) as never as [Tensor, Tensor]
    const [importance] = tape.gradient(ops.max(scores), [maps])
    expect(importance?.shape).toEqual([1, 2, 2, 2])
    // Every place of a map counts the same in its mean.
    const [first, second] = importance!.arraySync() as never as number[][][]
    expect(second).toBeUndefined()
    expect(first!.flat(1)).toEqual(new Array(4).fill(first![0]![0]))
  })

  it('a model of another’s graph shares its weights', async () => {
    const input = Input({ shape: [2] })
    const hidden = layers.dense(3, { name: 'hidden' })(input)
    const model = new Model({ inputs: input, outputs: layers.dense(1)(hidden) })
    const features = new Model({ inputs: model.inputs, outputs: model.getLayer('hidden').output })
    const before = ((await features.predict([[1, 2]], silent)) as Tensor).arraySync()
    model.compile({ optimizer: 'sgd', loss: 'mse' })
    await model.fit([[1, 2]], [[5]], silent)
    expect(((await features.predict([[1, 2]], silent)) as Tensor).arraySync()).not.toEqual(before)
  })

  it('nested models come back from their description', async () => {
    const inside = Input({ shape: [2] })
    const inner = new Model({ inputs: inside, outputs: { a: layers.dense(2)(inside), b: layers.dense(1)(inside) }, name: 'inner' })
    const input = Input({ shape: [2] })
    const { a, b } = inner(input) as never as Record<'a' | 'b', ReturnType<typeof Input>>
    const model = new Model({ inputs: input, outputs: layers.concatenate([a, b]) })
    const again = modelFromJSON(model.toJson())
    again.setWeights(model.getWeights())
    const answers = await Promise.all([model, again].map(async (one) => ((await one.predict([[1, 2]], silent)) as Tensor).array()))
    expect(answers[1]).toEqual(answers[0])
  })
})

describe('memory', () => {
  it('stays as it is over many calls of predict, evaluate and fit', async () => {
    const model = new Sequential([Input({ shape: [4] }), layers.dense(16, { activation: 'relu' }), layers.dense(2)])
    model.compile({ optimizer: 'adam', loss: 'mse' })
    const [x, y] = [ops.ones([8, 4]), ops.ones([8, 2])]
    const once = async (): Promise<void> => {
      const out = (await model.predict(x, silent)) as Tensor
      out.dispose()
      await model.evaluate(x, y, silent)
      await model.fit(x, y, silent)
    }
    for (let i = 0; i < 3; i++) await once()
    const before = memory().bytes
    for (let i = 0; i < 60; i++) await once()
    expect(memory().bytes - before).toBeLessThan(4096)
  })
})

describe('one trainStep', () => {
  it('is enough for two networks against each other', async () => {
    class Adversaries extends Model {
      readonly generator = new Sequential([Input({ shape: [2] }), layers.dense(4, { activation: 'tanh' }), layers.dense(2)])
      readonly critic = new Sequential([Input({ shape: [2] }), layers.dense(4, { activation: 'tanh' }), layers.dense(1)])
      readonly rates = { generator: new optimizers.Adam(), critic: new optimizers.Adam() }
      readonly crossentropy = new losses.BinaryCrossentropy({ fromLogits: true })
      override call(noise: Tensor): Tensor {
        return this.generator(noise) as Tensor
      }
      override trainStep([real]: Parameters<Model['trainStep']>[0]): Record<string, Tensor> {
        const truth = real as Tensor
        const noise = ops.multiply(truth, 0.5)
        using criticTape = new GradientTape()
        const judged = ops.concatenate([this.critic(truth) as Tensor, this.critic(this.generator(noise) as Tensor) as Tensor], 0)
        const criticLoss = this.crossentropy(ops.concatenate([ops.ones([4, 1]), ops.zeros([4, 1])], 0), judged)
        const { critic, generator, rates } = this
        rates.critic.apply(criticTape.gradient(criticLoss, critic.trainableVariables), critic.trainableVariables)
        using generatorTape = new GradientTape()
        const generatorLoss = this.crossentropy(ops.ones([4, 1]), this.critic(this.generator(noise) as Tensor) as Tensor)
        rates.generator.apply(generatorTape.gradient(generatorLoss, generator.trainableVariables), generator.trainableVariables)
        return { criticLoss, generatorLoss }
      }
    }
    const run = async (runEagerly: boolean): Promise<Record<string, number[]>> => {
      utils.clearSession()
      utils.setRandomSeed(1)
      const model = new Adversaries()
      model.compile({ runEagerly })
      return (
        await model.fit(tensor(Array.from({ length: 8 }, (_, i) => [i / 8, -i / 8])), null, {
          ...silent,
          batchSize: 4,
          epochs: 3,
          shuffle: false,
        })
      ).history
    }
    const [compiled, eager] = [await run(false), await run(true)]
    expect(Object.keys(compiled)).toEqual(['criticLoss', 'generatorLoss'])
    for (const [key, values] of Object.entries(compiled))
      values.forEach((value, i) => expect(value).toBeCloseTo(eager[key]![i] as number, 4))
  })
})

describe('mistakes', () => {
  it('a layer that was not called is named, with what to do', () => {
    const input = Input({ shape: [2] })
    expect(() => new Model({ inputs: input, outputs: layers.dense(1) as never })).toThrow(/call/)
    expect(() => layers.dense(1)(layers.dense(2) as never)).toThrow(/call|tensor/)
  })

  it('a batch without its first axis is explained', async () => {
    const model = new Sequential([Input({ shape: [3] }), layers.dense(1)])
    await expect(model.predict([1, 2, 3], silent)).rejects.toThrow(/expandDims|batch/)
  })
})

describe('freezing', () => {
  it('after compile holds for the next step, compiled or not', async () => {
    for (const runEagerly of [false, true]) {
      utils.clearSession()
      const model = new Sequential([Input({ shape: [1] }), layers.dense(1), layers.dense(1)])
      model.compile({ optimizer: 'sgd', loss: 'mse', runEagerly })
      await model.fit([[1]], [[2]], silent)
      model.layers[0]!.trainable = false
      const before = await model.layers[0]!.weights[0]!.array()
      await model.fit([[1]], [[2]], silent)
      expect(await model.layers[0]!.weights[0]!.array()).toEqual(before)
      model.layers[0]!.trainable = true
      await model.fit([[1]], [[9]], silent)
      expect(await model.layers[0]!.weights[0]!.array()).not.toEqual(before)
    }
  })
})
