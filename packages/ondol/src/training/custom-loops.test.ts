/** Training loops of one's own: eagerly, compiled as one function, and without state. */
import { beforeEach, describe, expect, it, vi } from 'vitest'
import {
  GradientTape,
  Input,
  jit,
  layers,
  losses,
  Model,
  metrics,
  ops,
  optimizers,
  Sequential,
  type Tensor,
  tensor,
  utils,
  Variable,
  valueAndGrad,
} from '../index.js'

const zip = <A, B>(a: readonly A[], b: readonly B[]): (readonly [A, B])[] => a.map((item, i) => [item, b[i] as B] as const)
const numbers = (x: Tensor): number[] => [...x.dataSync()]
const x = tensor(
  Float32Array.from({ length: 32 }, (_, i) => Math.sin(i * 1.7)),
  [8, 4],
)
const y = tensor(
  Float32Array.from({ length: 8 }, (_, i) => Math.cos(i * 0.9)),
  [8, 1],
)
const snapshot = (variables: readonly Variable[]): number[][] => variables.map(({ value }) => numbers(value))
const expectClose = (actual: readonly number[][], expected: readonly number[][], tolerance = 1e-6): void => {
  expect(actual.map(({ length }) => length)).toEqual(expected.map(({ length }) => length))
  actual.forEach((row, i) => row.forEach((value, j) => expect(Math.abs(value - (expected[i]?.[j] as number))).toBeLessThan(tolerance)))
}

beforeEach(() => utils.setRandomSeed(7))

describe('a compiled step', () => {
  /** Everything that has state: dropout, batch statistics, an optimizer, metrics. */
  const makeLoop = () => {
    utils.setRandomSeed(3)
    const model = new Sequential([
      layers.dense(6, { activation: 'relu' }),
      layers.dropout(0.5, { seed: 5 }),
      layers.batchNormalization(),
      layers.dense(1),
    ])
    const optimizer = new optimizers.Adam({ learningRate: 0.05 })
    const [loss, mae] = [new metrics.Mean({ name: 'loss' }), new metrics.MeanAbsoluteError()]
    const step = (features: Tensor, targets: Tensor): Tensor[] => {
      using tape = new GradientTape()
      const predicted = model(features, { training: true })
      const value = losses.meanSquaredError(targets, predicted)
      const mean = ops.mean(value)
      const gradients = tape.gradient(mean, model.trainableVariables)
      optimizer.applyGradients(zip(gradients, model.trainableVariables))
      return [loss(mean), mae(targets, predicted)]
    }
    return { model, optimizer, step }
  }
  const run = ({ model, optimizer, step }: ReturnType<typeof makeLoop>) => {
    const reports = Array.from({ length: 4 }, () => step(x, y).map((value) => numbers(value)[0] as number))
    return [...reports, ...snapshot(model.variables), ...snapshot(optimizer.variables)]
  }

  it('builds, drops out, normalises, updates and counts as eager code does', () => {
    const eager = run(makeLoop())
    const loop = makeLoop()
    const compiled = run({ ...loop, step: jit(loop.step) })
    expectClose(compiled, eager, 2e-5)
    expect(numbers(loop.optimizer.iterations)).toEqual([4])
  })

  it('draws anew each time', () => {
    const dropout = layers.dropout(0.5)
    const draw = jit((t: Tensor) => dropout(t, { training: true }))
    const ones = ops.ones([64])
    expect(numbers(draw(ones))).not.toEqual(numbers(draw(ones)))
  })

  it('takes a new learning rate without being compiled again', () => {
    const v = new Variable(tensor([1]))
    const optimizer = new optimizers.SGD({ learningRate: 1 })
    let traces = 0
    const step = jit(() => {
      traces++
      optimizer.apply([ops.ones([1])], [v])
    })
    step()
    const traced = traces
    expect(numbers(v.value)).toEqual([0])
    optimizer.learningRate = 0.25
    step()
    expect(numbers(v.value)).toEqual([-0.25])
    expect(traces).toBe(traced)
    expect(numbers(optimizer.learningRate)).toEqual([0.25])
  })

  it('may make Variables when it is first called, and no others', () => {
    let v: Variable | undefined
    const count = jit(() => {
      v ??= new Variable(() => ops.zeros([]))
      v.assignAdd(ops.ones([]))
      return v.value
    })
    expect([count(), count()].map(numbers)).toEqual([[1], [2]])
    const wasteful = jit((t: Tensor) => layers.dense(2)(t))
    expect(() => wasteful(x)).toThrow(/makes new Variables each time[\s\S]*outside/)
  })

  it('skips Variables without a gradient, and warns; without any it throws', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    const [a, b] = [new Variable(tensor([1])), new Variable(tensor([2]), { name: 'unused' })]
    const optimizer = new optimizers.SGD({ learningRate: 1 })
    function* pairs(): Generator<[Tensor | null, Variable]> {
      yield [ops.ones([1]), a]
      yield [null, b]
    }
    optimizer.applyGradients(pairs())
    expect([...numbers(a.value), ...numbers(b.value)]).toEqual([0, 2])
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('unused'))
    expect(() => optimizer.applyGradients([[null, a]])).toThrow(/no Variable has a gradient/)
    const scaled = new optimizers.LossScaleOptimizer(new optimizers.SGD())
    expect(() => scaled.applyGradients([[null, a]])).toThrow(/no Variable has a gradient/)
    expect(() => new optimizers.LossScaleOptimizer(new optimizers.SGD()).apply([ops.ones([1])])).toThrow(/does not know the Variables yet/)
    warn.mockRestore()
  })

  it('updates some of the Variables that the optimizer was built for, but no stranger', () => {
    const [a, b, c] = [1, 2, 3].map((value) => new Variable(tensor([value]))) as [Variable, Variable, Variable]
    const optimizer = new optimizers.Adam({ learningRate: 0.5 })
    optimizer.build([a, b])
    expect(optimizer.variables.length).toBe(2 + 2 * 2)
    optimizer.apply([ops.ones([1])], [b])
    expect(numbers(a.value)).toEqual([1])
    expect(numbers(b.value)[0]).toBeCloseTo(1.5, 4)
    expect(() => optimizer.apply([ops.ones([1])], [c])).toThrow(/was not built for/)
    expect(() => optimizer.apply([ops.ones([1])])).toThrow(/do not pair up/)
  })
})

describe('without state', () => {
  const build = () => {
    const input = Input({ shape: [4] })
    const hidden = layers.batchNormalization({ momentum: 0.5 })(layers.dense(3, { kernelRegularizer: 'l2', useBias: false })(input))
    const model = new Model({ inputs: input, outputs: layers.dense(1)(hidden) })
    const optimizer = new optimizers.Adam({ learningRate: 0.1 })
    optimizer.build(model.trainableVariables)
    return { model, optimizer }
  }
  const valuesOf = (variables: readonly Variable[]): Tensor[] => variables.map(({ value }) => value)

  it('trains as with state, in the manner of JAX, and changes nothing', () => {
    const { model, optimizer } = build()
    const before = [...snapshot(model.variables), ...snapshot(optimizer.variables)]
    const lossOf = (weights: readonly Tensor[], state: readonly Tensor[]): readonly [Tensor, Tensor[]] => {
      const [predicted, next, penalties] = model.statelessCall(weights, state, x, { training: true, returnLosses: true })
      const error = ops.mean(ops.square(ops.subtract(y, predicted as Tensor)))
      return [[error, ...(penalties as Tensor[])].reduce((a, b) => ops.add(a, b)), next]
    }
    const both = valueAndGrad(lossOf, { hasAux: true })
    const step = jit((weights: readonly Tensor[], state: readonly Tensor[], optimizerState: readonly Tensor[]) => {
      const [[loss, nextState], gradients] = both(weights, state)
      const [nextWeights, nextOptimizer] = optimizer.statelessApply(optimizerState, gradients, weights)
      return { loss, weights: nextWeights, state: nextState, optimizerState: nextOptimizer }
    })
    let now = {
      weights: valuesOf(model.trainableVariables),
      state: valuesOf(model.nonTrainableVariables),
      optimizerState: valuesOf(optimizer.variables),
    }
    for (let i = 0; i < 3; i++) now = step(now.weights, now.state, now.optimizerState)
    expect([...snapshot(model.variables), ...snapshot(optimizer.variables)]).toEqual(before)

    for (let i = 0; i < 3; i++) {
      using tape = new GradientTape()
      const error = ops.mean(ops.square(ops.subtract(y, model(x, { training: true }))))
      const loss = model.losses.reduce((a, b) => ops.add(a, b), error)
      optimizer.apply(tape.gradient(loss, model.trainableVariables), model.trainableVariables)
    }
    expectClose(now.weights.map(numbers), snapshot(model.trainableVariables), 1e-5)
    expectClose(now.state.map(numbers), snapshot(model.nonTrainableVariables), 1e-5)
    expectClose(now.optimizerState.map(numbers), snapshot(optimizer.variables), 1e-5)
  })

  it('advances random state that goes in', () => {
    const dropout = layers.dropout(0.5, { seed: 1 })
    dropout(x)
    const state = valuesOf(dropout.nonTrainableVariables)
    const [first, next] = dropout.statelessCall([], state, x, { training: true })
    const [again] = dropout.statelessCall([], state, x, { training: true })
    const [second] = dropout.statelessCall([], next, x, { training: true })
    expect(numbers(again as Tensor)).toEqual(numbers(first as Tensor))
    expect(numbers(second as Tensor)).not.toEqual(numbers(first as Tensor))
    expect(snapshot(dropout.variables)).toEqual(state.map(numbers))
  })

  it('updates, reads and resets metrics', () => {
    const metric = new metrics.Mean()
    const start = metric.statelessResetState()
    const state = metric.statelessUpdateState(metric.statelessUpdateState(start, tensor([1, 2])), tensor([6]))
    expect(numbers(metric.statelessResult(state))).toEqual([3])
    expect(numbers(metric.result())).toEqual([0])
  })

  it('computes the loss of a model', () => {
    const { model } = build()
    model.compile({ loss: 'mse' })
    const doubled = valuesOf(model.trainableVariables).map((value) => ops.multiply(value, 2))
    const [loss, [weights, state]] = model.statelessComputeLoss(
      doubled,
      valuesOf(model.nonTrainableVariables),
      valuesOf(model.metricsVariables),
      { y, yPred: y },
    )
    // No error: what is left is the penalty on the kernel, four times as large.
    const penalty = numbers(ops.sum(model.losses[0] as Tensor))[0] as number
    expect(numbers(loss)[0]).toBeCloseTo(4 * penalty, 5)
    expect([weights.length, state.length]).toEqual([5, 2])
  })

  it('says which values do not fit', () => {
    const { model, optimizer } = build()
    const [weights, state] = [valuesOf(model.trainableVariables), valuesOf(model.nonTrainableVariables)]
    expect(() => model.statelessCall(weights.slice(1), state, x)).toThrow(/trainableVariables[\s\S]*5 values: kernel \(4, 3\)[\s\S]*4/)
    expect(() =>
      model.statelessCall(
        weights,
        [...state].map(() => x),
        x,
      ),
    ).toThrow(/value 0 does not fit[\s\S]*\(3,\)[\s\S]*\(8, 4\)/)
    expect(() => layers.dense(2).statelessCall([], [], x)).toThrow(/has no Variables yet/)
    expect(() => new optimizers.SGD().statelessApply([], [], [])).toThrow(/build\(variables\)/)
    expect(() => optimizer.statelessApply([], [], weights)).toThrow(/optimizerVariables/)
  })
})

describe('other manners', () => {
  it('two optimizers in turn, as for a GAN', () => {
    const train = (wrap: <A extends unknown[], R>(f: (...args: A) => R) => (...args: A) => R): number[][] => {
      utils.setRandomSeed(11)
      const generator = new Sequential([layers.dense(4, { activation: 'tanh' }), layers.dense(2)])
      const critic = new Sequential([layers.dense(4, { activation: 'tanh' }), layers.dense(1)])
      const [forGenerator, forCritic] = [new optimizers.Adam({ learningRate: 0.01 }), new optimizers.Adam({ learningRate: 0.02 })]
      const crossEntropy = new losses.BinaryCrossentropy({ fromLogits: true })
      const [noise, real] = [ops.multiply(x, 0.5), ops.slice(x, [0, 1], [8, 2])]
      const step = wrap(() => {
        using forward = new GradientTape({ persistent: true })
        const fake = generator(noise)
        const [onReal, onFake] = [critic(real), critic(fake)]
        const generatorLoss = crossEntropy(ops.onesLike(onFake), onFake)
        const criticLoss = ops.add(crossEntropy(ops.onesLike(onReal), onReal), crossEntropy(ops.zerosLike(onFake), onFake))
        const generatorGradients = forward.gradient(generatorLoss, generator.trainableVariables)
        const criticGradients = forward.gradient(criticLoss, critic.trainableVariables)
        forGenerator.applyGradients(zip(generatorGradients, generator.trainableVariables))
        forCritic.applyGradients(zip(criticGradients, critic.trainableVariables))
        return [generatorLoss, criticLoss]
      })
      const reports = Array.from({ length: 3 }, () => step().flatMap(numbers))
      // Each has taken its own steps with its own Variables: two moments each, the count and the rate.
      expect([forGenerator, forCritic].map(({ variables }) => variables.length)).toEqual([2 + 2 * 4, 2 + 2 * 4])
      return [...reports, ...snapshot(generator.weights), ...snapshot(critic.weights)]
    }
    expectClose(
      train(jit),
      train((f) => f),
      1e-5,
    )
  })

  it('a gradient penalty: gradients of gradients', () => {
    // critic(x) = w · x, so |d critic / d x| = |w| and the penalty (|w| - 1)² has the gradient 2 (|w| - 1) w / |w|.
    const critic = layers.dense(1, { useBias: false })
    critic.build([null, 4])
    critic.setWeights([tensor([[1], [2], [2], [4]])])
    const penaltyGradient = (batch: Tensor): Tensor => {
      using tape = new GradientTape()
      using inner = new GradientTape()
      inner.watch(batch)
      const slopes = inner.gradient(critic(batch), batch) as Tensor
      const norms = ops.sqrt(ops.sum(ops.square(slopes), { axis: 1 }))
      return tape.gradient(ops.mean(ops.square(ops.subtract(norms, 1))), critic.trainableVariables)[0] as Tensor
    }
    const expected = [1, 2, 2, 4].map((w) => (2 * 4 * w) / 5)
    expectClose([numbers(penaltyGradient(x))], [expected], 1e-5)
    expectClose([numbers(jit(penaltyGradient)(x))], [expected], 1e-5)
  })

  it('gradients gathered by hand over parts of a batch', () => {
    const train = (parts: number): number[][] => {
      utils.setRandomSeed(2)
      const model = new Sequential([Input({ shape: [4] }), layers.dense(1)])
      const optimizer = new optimizers.SGD({ learningRate: 0.1, momentum: 0.9 })
      const sums = model.trainableVariables.map((variable) => new Variable(() => ops.zeros(variable.shape), { trainable: false }))
      const gather = jit((features: Tensor, targets: Tensor) => {
        using tape = new GradientTape()
        const loss = ops.divide(ops.mean(ops.square(ops.subtract(model(features), targets))), parts)
        tape.gradient(loss, model.trainableVariables).forEach((gradient, i) => sums[i]?.assignAdd(gradient as Tensor))
      })
      const update = jit(() => {
        optimizer.apply(
          sums.map(({ value }) => value),
          model.trainableVariables,
        )
        for (const sum of sums) sum.assign(ops.zerosLike(sum))
      })
      const size = 8 / parts
      for (let i = 0; i < 3; i++) {
        for (let part = 0; part < parts; part++)
          gather(ops.slice(x, [part * size, 0], [size, 4]), ops.slice(y, [part * size, 0], [size, 1]))
        update()
      }
      return snapshot(model.weights)
    }
    expectClose(train(4), train(1), 1e-5)
  })

  it('a loop in the manner of PyTorch: forward, loss, gradients, step, running sums', async () => {
    const model = new Sequential([Input({ shape: [4] }), layers.dense(16, { activation: 'relu' }), layers.dense(1)])
    const criterion = new losses.MeanSquaredError()
    const optimizer = new optimizers.SGD({ learningRate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 1e-4 })
    const epochs: number[] = []
    for (let epoch = 0; epoch < 5; epoch++) {
      let running = 0
      for (let start = 0; start < 8; start += 4) {
        const [inputs, targets] = [ops.slice(x, [start, 0], [4, 4]), ops.slice(y, [start, 0], [4, 1])]
        using tape = new GradientTape()
        const loss = criterion(targets, model(inputs, { training: true }))
        optimizer.apply(tape.gradient(loss, model.trainableVariables), model.trainableVariables)
        running += await loss.item()
      }
      epochs.push(running / 2)
    }
    expect(epochs[4] as number).toBeLessThan((epochs[0] as number) * 0.5)
  })
})
