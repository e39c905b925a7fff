import { describe, expect, it, vi } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { GraphError, ShapeError, ValueError } from '../core/errors.js'
import type { PartialShape } from '../core/shape.js'
import { GradientTape, jit, type Tensor, tensor, useBackend, type Variable } from '../engine/index.js'
import * as initializers from '../initializers/index.js'
import * as ops from '../ops/index.js'
import { KerasTensor } from '../ops/operation.js'
import { SeedGenerator } from '../ops/random.js'
import { type CallOptions, Layer, type LayerOptions } from './layer.js'
import { maskOf, setMask } from './masks.js'

useBackend(createHostBackend())

class Affine extends Layer {
  static override readonly className: string = 'Affine'
  static override readonly configTable = { units: 'value', kernelInitializer: 'initializer' } as const
  static override readonly positional = ['units']
  kernel!: Variable
  bias!: Variable
  counter!: Variable
  calls: CallOptions[] = []
  readonly kernelInitializer: initializers.Initializer

  constructor(
    readonly units: number,
    { kernelInitializer = 'ones', ...options }: LayerOptions & { kernelInitializer?: initializers.InitializerLike } = {},
  ) {
    super(options)
    this.kernelInitializer = initializers.get(kernelInitializer)
  }

  override build(shape: PartialShape): void {
    this.counter = this.addWeight({ name: 'counter', initializer: 'zeros', trainable: false })
    this.kernel = this.addWeight({
      name: 'kernel',
      shape: [shape.at(-1) as number, this.units],
      initializer: this.kernelInitializer,
      regularizer: 'l2',
    })
    this.bias = this.addWeight({ name: 'bias', shape: [this.units], initializer: 'zeros' })
  }

  override call(x: Tensor, options: CallOptions): Tensor {
    this.calls.push(options)
    if (options.training) this.counter.assignAdd(tensor(1))
    return ops.add(ops.matmul(x, this.kernel), this.bias)
  }
}

class Pair extends Layer {
  readonly seed = new SeedGenerator(7)
  readonly stages: { first: Affine; second: Affine }

  constructor(options: LayerOptions = {}) {
    super(options)
    this.stages = { first: new Affine(3, { name: 'first' }), second: new Affine(2, { name: 'second' }) }
  }

  override call(x: Tensor): Tensor {
    return this.stages.second(this.stages.first(x))
  }
}

describe('Layer', () => {
  it('builds on the first call, and computes', () => {
    const layer = new Affine(2, { name: 'affine' })
    expect(layer.built).toBe(false)
    expect(layer([[1, 2, 3]]).arraySync()).toEqual([[6, 6]])
    expect(layer.built).toBe(true)
    expect(layer.weights.map(({ path }) => path)).toEqual(['affine/kernel', 'affine/bias', 'affine/counter'])
    expect(layer.trainableWeights.map(({ name }) => name)).toEqual(['kernel', 'bias'])
    expect(layer.countParams()).toBe(9)
    expect(`${layer}`).toBe('<Affine name=affine, built=true>')
  })

  it('is named after its class, numbered', () => {
    const [a, b] = [new Pair(), new Pair()]
    expect(b.name).toMatch(/^pair_\d+$/)
    expect(a.name).not.toBe(b.name)
    expect(a.className).toBe('Pair')
    expect(() => new Pair({ name: 'a/b' })).toThrow(/without '\/'/)
  })

  it('finds weights of sub-layers in fields, in order, with their paths', () => {
    const pair = new Pair({ name: 'pair' })
    pair(ops.ones([1, 4]))
    expect(pair.trainableVariables.map(({ path }) => path)).toEqual([
      'pair/first/kernel',
      'pair/first/bias',
      'pair/second/kernel',
      'pair/second/bias',
    ])
    expect(pair.variables.map(({ name }) => name)).toEqual([
      'seed_generator_state',
      'kernel',
      'bias',
      'counter',
      'kernel',
      'bias',
      'counter',
    ])
    expect(pair.weights.length).toBe(6)
  })

  it('freezes and thaws with its sub-layers', () => {
    const pair = new Pair()
    pair(ops.ones([1, 4]))
    pair.trainable = false
    expect(pair.trainableWeights).toEqual([])
    expect(pair.nonTrainableWeights.length).toBe(6)
    expect(pair.stages.first.kernel.trainable).toBe(false)
    pair.trainable = true
    expect(pair.trainableWeights.length).toBe(4)
    expect(pair.stages.first.counter.trainable).toBe(false)
    const frozen = new Affine(2, { trainable: false })
    frozen(ops.ones([1, 4]))
    expect(frozen.kernel.trainable).toBe(false)
  })

  it('hands training on to inner calls', () => {
    const pair = new Pair()
    pair(ops.ones([1, 4]))
    pair(ops.ones([1, 4]), { training: true })
    expect(pair.stages.second.calls.map(({ training }) => training)).toEqual([false, true])
    expect(pair.stages.first.counter.dataSync()).toEqual(Float32Array.of(1))
  })

  it('builds for real inside a trace, and assigns through it', () => {
    const layer = new Affine(2)
    const run = jit((x: Tensor) => layer(x, { training: true }))
    expect(run(ops.ones([1, 3])).arraySync()).toEqual([[3, 3]])
    run(ops.ones([1, 3]))
    expect(layer.counter.dataSync()).toEqual(Float32Array.of(2))
  })

  it('is symbolic on symbolic tensors, sizes unknown', () => {
    const pair = new Pair()
    const input = new KerasTensor([null, 4], { name: 'x' })
    const output = pair(input)
    expect([output.shape, output.dtype]).toEqual([[null, 2], 'float32'])
    expect(output.history?.operation).toBe(pair)
    expect(pair.input).toBe(input)
    expect(pair.output).toBe(output)
    expect(pair.stages.first.getBuildConfig()).toEqual({ input_shape: [null, 4] })
    expect(pair.callOn([ops.ones([2, 4])])).toHaveProperty('shape', [2, 2])
    expect(pair.computeOutputShape([null, 7, 4])).toEqual([null, 7, 2])
  })

  it('computes in the compute dtype, and keeps weights in the variable dtype', () => {
    const layer = new Affine(2, { dtype: 'mixed_bfloat16' })
    expect(layer(ops.ones([1, 3])).dtype).toBe('bfloat16')
    expect(layer.kernel.dtype).toBe('float32')
    expect(layer(new KerasTensor([null, 3])).dtype).toBe('bfloat16')
  })

  it('collects losses of the last call, and of weights', () => {
    const layer = new Affine(2, { activityRegularizer: 'l1' })
    layer(ops.ones([4, 3]))
    layer(ops.ones([4, 3]))
    // Σ|y| · 0.01 / batch = 8 · 3 · 0.01 / 4, and 0.01 · Σ kernel².
    expect(layer.losses.map((loss) => loss.dataSync()[0])).toEqual([expect.closeTo(0.06, 6), expect.closeTo(0.06, 6)])
    const inside = jit((x: Tensor) => {
      layer(x)
      return layer.losses
    })
    expect(inside(ops.ones([4, 3])).length).toBe(2)
    expect(layer.losses.length).toBe(1)
  })

  it('differentiates', () => {
    const layer = new Affine(2)
    using tape = new GradientTape()
    const loss = ops.sum(layer(ops.ones([4, 3])))
    const [kernel, bias] = tape.gradient(loss, layer.trainableVariables)
    expect([kernel?.shape, bias?.arraySync()]).toEqual([
      [3, 2],
      [4, 4],
    ])
  })

  it('keeps state locked after building', () => {
    const layer = new Affine(2)
    layer(ops.ones([1, 3]))
    expect(() => layer.addWeight({ name: 'late' })).toThrow(/weight 'late' is added to a layer that is already built/)
    const open = layer as Affine & { extra?: Layer }
    open.extra = new Affine(1, { name: 'extra' })
    expect(() => layer.weights).toThrow(/layer 'extra' is added/)
  })

  it('sets and gets weights, with errors that say which', () => {
    const layer = new Affine(2, { name: 'affine' })
    layer.build([null, 3])
    layer.setWeights([ops.full([3, 2], 2), [1, 1], 5])
    expect(layer.getWeights().map((value) => value.arraySync())).toEqual([
      [
        [2, 2],
        [2, 2],
        [2, 2],
      ],
      [1, 1],
      5,
    ])
    expect(() => layer.setWeights([])).toThrow(/3 weights: affine\/kernel \(3, 2\)/)
    expect(() => layer.setWeights([ops.zeros([2, 2]), [1, 1], 5])).toThrow(ShapeError)
  })

  it('lets masks through, computes them, or says that they are lost', () => {
    class Through extends Layer {
      override supportsMasking = true
      seen: unknown
      override call(x: Tensor, { mask }: CallOptions): Tensor {
        this.seen = mask
        return ops.multiply(x, 2)
      }
    }
    const x = ops.ones([2, 3])
    const mask = ops.ones([2, 3], 'bool')
    setMask(x, mask)
    const through = new Through()
    expect(maskOf(through(x))).toBe(mask)
    expect(through.seen).toBe(mask)
    const symbol = new KerasTensor([null, 3])
    symbol.mask = new KerasTensor([null, 3], { dtype: 'bool' })
    expect(through(symbol).mask?.shape).toEqual([null, 3])

    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    class Blind extends Layer {
      override call(x: Tensor): Tensor {
        return ops.multiply(x, 2)
      }
    }
    expect(maskOf(new Blind()(x))).toBeUndefined()
    expect(warn).toHaveBeenCalledWith(expect.stringMatching(/layers after it will not see the mask/))
    warn.mockRestore()
  })

  it('brings each argument its own mask, by position, by name, and in graphs', () => {
    class Attend extends Layer {
      static override readonly callArguments = ['query', 'value'] as const
      override supportsMasking = true
      seen: Record<string, unknown> = {}
      override call(query: Tensor, _value: Tensor, options: CallOptions): Tensor {
        this.seen = options
        return ops.multiply(query, 1)
      }
    }
    const masked = (size: number): Tensor => {
      const x = ops.ones([2, size])
      setMask(x, ops.ones([2, size], 'bool'))
      return x
    }
    const [query, value, key] = [masked(2), masked(3), masked(4)]
    const attend = new Attend()
    expect(maskOf(attend(query, value, { key }))).toBe(maskOf(query))
    expect(attend.seen).toMatchObject({ queryMask: maskOf(query), valueMask: maskOf(value), keyMask: maskOf(key), mask: maskOf(query) })
    const own = ops.zeros([2, 3], 'bool')
    attend(query, value, { valueMask: own })
    expect(attend.seen.valueMask).toBe(own)
    attend(ops.ones([2, 2]), value, { queryMask: null })
    expect([attend.seen.queryMask, attend.seen.mask]).toEqual([null, null])

    const symbols = [2, 3, 4].map((size) => {
      const symbol = new KerasTensor([null, size])
      symbol.mask = new KerasTensor([null, size], { dtype: 'bool' })
      return symbol
    }) as [KerasTensor, KerasTensor, KerasTensor]
    expect(attend(symbols[0], symbols[1], { key: symbols[2] }).mask?.shape).toEqual([null, 2])
    expect(['queryMask', 'valueMask', 'keyMask'].map((name) => (attend.seen[name] as Tensor).shape[1])).toEqual([2, 3, 4])
  })

  it('round-trips through its config', () => {
    const layer = new Affine(2, { name: 'a', dtype: 'mixed_bfloat16', activityRegularizer: 'l2' })
    const config = layer.getConfig()
    expect(config).toMatchObject({
      name: 'a',
      trainable: true,
      units: 2,
      dtype: { class_name: 'DTypePolicy', config: { name: 'mixed_bfloat16' } },
    })
    expect(config.activity_regularizer).toEqual({
      module: 'keras.regularizers',
      class_name: 'L2',
      config: { l2: 0.01 },
      registered_name: null,
    })
    expect(config.kernel_initializer).toEqual({ module: 'keras.initializers', class_name: 'Ones', config: {}, registered_name: null })
    const again = Affine.fromConfig(JSON.parse(JSON.stringify(config)))
    expect(again).toBeInstanceOf(Affine)
    expect(again.getConfig()).toEqual(config)
  })

  it('says what is wrong, and in which layer', () => {
    expect(() => new Affine(2, { unitz: 3 } as LayerOptions)).toThrow(/there is no option 'unitz'[\s\S]*did you mean 'units'\?/)
    expect(() => new Affine(2, { traineble: true } as LayerOptions)).toThrow(/did you mean 'trainable'/)
    expect(() => new Layer({ name: 'bare' })(ops.ones([1]))).toThrow(/bare: the class Layer has no call method/)
    expect(() => new Affine(2)('text' as unknown as Tensor)).toThrow(ValueError)
    expect(() => new Affine(2, { name: 'own' })(new KerasTensor([null, null]))).toThrow(/^own: the shape of weight/)
    const pair = new Pair({ name: 'pair' })
    pair(ops.ones([1, 4]))
    expect(() => pair(ops.ones([1, 5]))).toThrow(/pair → first/)
    expect(() => pair.input).toThrow(GraphError)
    expect(() => new Affine(2).countParams()).toThrow(/no weights to count yet/)
  })
})
