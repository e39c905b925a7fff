/** What every layer must do, in one function; in the spirit of Keras's `run_layer_test`. */
import { expect, it } from 'vitest'
import { type DType, isFloat } from '../../core/dtype.js'
import type { PartialShape, Shape } from '../../core/shape.js'
import { sizeOf } from '../../core/shape.js'
import { flatten } from '../../core/tree.js'
import { GradientTape, jit, type Tensor, tensor, type Variable } from '../../engine/index.js'
import * as ops from '../../ops/index.js'
import { KerasTensor } from '../../ops/operation.js'
import { type GlobalAveragePooling2D, type Layer, type LayerOptions, setMask } from '../index.js'
import { maskOf } from '../masks.js'
import { deserialize } from '../serialization.js'

export interface LayerTest {
  /** Makes the layer, with these base options beside those of the test. */
  readonly make: (options: LayerOptions) => Layer
  /** Shape of the input, with the batch; several for layers that merge. */
  readonly input: Shape | readonly Shape[]
  /** Default float32. Integer inputs are 0, 1, 2, 0, 1, … */
  readonly inputDtype?: DType
  /** Shapes of the outputs, with the batch. */
  readonly output: Shape | readonly Shape[]
  /** Names of the weights, in order. Default none. */
  readonly trainable?: readonly string[]
  readonly nonTrainable?: readonly string[]
  /** Default 0. */
  readonly seedGenerators?: number
  /** Losses after a call. Default 0. */
  readonly losses?: number
  /** Whether a mask (batch, steps) goes on to the first output. Leave out where no mask makes sense. */
  readonly passesMask?: boolean
  /** Nothing to build. Default: no weights. */
  readonly builtWhenMade?: boolean
}

const isList = (shape: Shape | readonly Shape[]): shape is readonly Shape[] => Array.isArray(shape[0])
const listOf = (shape: Shape | readonly Shape[]): readonly Shape[] => (isList(shape) ? shape : [shape])

/** Numbers that differ, and are of both signs. */
function makeInput(shape: Shape, dtype: DType): Tensor {
  const wave = (i: number): number => (isFloat(dtype) ? Math.sin(i * 1.7 + 0.3) : i % 3)
  return tensor(
    Array.from({ length: sizeOf(shape) }, (_, i) => wave(i)),
    shape,
    dtype,
  )
}

export function runLayerTest(title: string, test: LayerTest): void {
  const { make, inputDtype = 'float32', trainable = [], nonTrainable = [], seedGenerators = 0, losses = 0, passesMask } = test
  const inputShapes = listOf(test.input)
  const outputShapes = listOf(test.output)
  const isBuiltWhenMade = test.builtWhenMade ?? trainable.length + nonTrainable.length === 0
  const one = <T>(list: readonly T[]): T | readonly T[] => (isList(test.input) ? list : (list[0] as T))
  const inputs = (): Tensor[] => inputShapes.map((shape) => makeInput(shape, inputDtype))
  const callOn = (layer: Layer, given: readonly Tensor[], options = {}): Tensor[] =>
    flatten(layer(one(given) as Tensor, options) as Tensor | Tensor[])
  const symbols = (): KerasTensor[] => inputShapes.map((shape) => new KerasTensor([null, ...shape.slice(1)], { dtype: inputDtype }))
  const describeOn = (layer: Layer): KerasTensor[] => flatten(layer(one(symbols()) as KerasTensor) as KerasTensor | KerasTensor[])
  const names = (variables: readonly Variable[]): string[] => variables.map(({ name }) => name)

  it(`${title}: goes through a file and comes back the same`, () => {
    const layer = make({ name: 'it' })
    const again = deserialize(JSON.parse(JSON.stringify(layer.serialize())))
    expect(again.constructor).toBe(layer.constructor)
    expect(again.getConfig()).toEqual(layer.getConfig())
    expect(JSON.parse(JSON.stringify(layer.getConfig()))).toEqual(layer.getConfig())
    const built = make({ name: 'it' })
    built(one(inputs()) as Tensor)
    const rebuilt = deserialize(JSON.parse(JSON.stringify(built.serialize())))
    expect(rebuilt.weights.map(({ shape }) => shape)).toEqual(built.weights.map(({ shape }) => shape))
  })

  it(`${title}: makes its weights in build`, () => {
    const layer = make({ name: 'it' })
    expect(layer.built).toBe(isBuiltWhenMade)
    layer.build(one(inputShapes))
    expect(layer.built).toBe(true)
    expect(names(layer.trainableWeights)).toEqual(trainable)
    expect(names(layer.nonTrainableWeights)).toEqual(nonTrainable)
    expect(layer.seedGenerators.length + layer.sublayers.reduce((sum, inner) => sum + inner.seedGenerators.length, 0)).toBe(seedGenerators)
    expect(layer.variables.length).toBe(trainable.length + nonTrainable.length + seedGenerators)
    for (const { path } of layer.weights) expect(path).toMatch(/^it\//)
    expect(layer.countParams()).toBe(layer.weights.reduce((sum, { shape }) => sum + sizeOf(shape), 0))
    layer.trainable = false
    expect(layer.trainableWeights).toEqual([])
  })

  it(`${title}: gives the same shapes and dtypes eagerly, compiled and described`, () => {
    const layer = make({})
    const eager = callOn(layer, inputs())
    expect(eager.map(({ shape }) => shape)).toEqual(outputShapes)
    expect(layer.losses.length).toBe(losses)
    const symbolic = describeOn(layer)
    expect(symbolic.map(({ dtype }) => dtype)).toEqual(eager.map(({ dtype }) => dtype))
    expect(symbolic.map(({ shape }) => shape)).toEqual(outputShapes.map((shape): PartialShape => [null, ...shape.slice(1)]))
    expect(describeOn(make({})).map(({ shape }) => shape)).toEqual(symbolic.map(({ shape }) => shape))
    const compiled = jit((given: Tensor[]) => callOn(layer, given))(inputs())
    compiled.forEach((output, i) => {
      output.dataSync().forEach((value, at) => expect(value).toBeCloseTo(eager[i]?.dataSync()[at] as number, 5))
    })
    expect(
      callOn(
        layer,
        inputs().map((x) => ops.concatenate([x, x], { axis: 0 })),
      )[0]?.shape[0],
    ).toBe((outputShapes[0]?.[0] as number) * 2)
  })

  it(`${title}: trains by a compiled step`, () => {
    const layer = make({})
    layer.build(one(inputShapes))
    const before = layer.trainableWeights.map((variable) => variable.uncastValue)
    const step = jit((given: Tensor[]) => {
      using tape = new GradientTape()
      const outputs = callOn(layer, given, { training: true })
      const penalties = layer.losses
      const loss = [...outputs.map((output) => ops.mean(ops.square(ops.add(ops.cast(output, 'float32'), 1)))), ...penalties].reduce(
        (a, b) => ops.add(a, b),
      )
      const { trainableVariables } = layer
      const gradients = tape.gradient(loss, trainableVariables)
      gradients.forEach((gradient, i) => {
        expect(gradient, `gradient of ${trainableVariables[i]?.path}`).not.toBeNull()
        trainableVariables[i]?.assignSub(ops.multiply(gradient as Tensor, 0.1))
      })
      return loss
    })
    const values = [step(inputs()), step(inputs())].map((loss) => loss.dataSync()[0] as number)
    for (const value of values) expect(Number.isFinite(value)).toBe(true)
    layer.trainableWeights.forEach((variable, i) => expect(variable.dataSync(), variable.path).not.toEqual(before[i]?.dataSync()))
  })

  for (const policy of ['mixed_bfloat16', 'mixed_float16'] as const) {
    it(`${title}: computes as ${policy} says`, () => {
      const layer = make({ dtype: policy })
      const eager = callOn(layer, inputs(), { training: true })
      expect(describeOn(layer).map(({ dtype }) => dtype)).toEqual(eager.map(({ dtype }) => dtype))
      for (const { dtype } of eager) expect(dtype).toBe(policy.slice('mixed_'.length))
      for (const variable of layer.weights) expect(variable.dtype).toBe('float32')
      const wide = callOn(Object.assign(make({})), inputs())
      expect(wide.every(({ dtype }) => dtype === 'float32')).toBe(true)
    })
  }

  if (passesMask !== undefined) {
    it(`${title}: ${passesMask ? 'hands a mask on' : 'ends a mask'}`, () => {
      const layer = make({})
      const given = inputs()
      for (const x of given) setMask(x, ops.ones(x.shape.slice(0, 2), 'bool'))
      const [output] = callOn(layer, given) as [Tensor]
      expect(maskOf(output) !== undefined).toBe(passesMask)
      const open = symbols()
      for (const x of open) x.mask = new KerasTensor(x.shape.slice(0, 2), { dtype: 'bool' })
      const [described] = flatten(make({})(one(open) as KerasTensor) as KerasTensor | KerasTensor[]) as [KerasTensor]
      expect(described.mask?.shape).toEqual(passesMask ? [null, ...(maskOf(output)?.shape ?? []).slice(1)] : undefined)
    })
  }

  if (isBuiltWhenMade) {
    it(`${title}: leaves a subclass with its own build to be built`, () => {
      const Class = make({}).constructor as typeof GlobalAveragePooling2D
      class Built extends Class {
        override build(): void {}
      }
      const config = make({}).getConfig()
      expect(Built.fromConfig(config).built).toBe(false)
    })
  }
}
