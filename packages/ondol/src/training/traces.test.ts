import { beforeEach, describe, expect, it } from 'vitest'
import { setBackend } from '../backends/load.js'
import * as callbacks from '../callbacks/index.js'
import { isSerializedObject, type SerializedObject, toCamelCase } from '../core/spelling.js'
import { flatten, type Tree } from '../core/tree.js'
import { GradientTape, type Tensor } from '../engine/index.js'
import { Layer } from '../layers/layer.js'
import * as losses from '../losses/index.js'
import * as metrics from '../metrics/index.js'
import { Model, modelFromJSON } from '../models/index.js'
import * as ops from '../ops/index.js'
import { resetNames } from '../ops/naming.js'
import * as optimizers from '../optimizers/index.js'
import { elements, readVectorNames, readVectors, type VectorTensor } from '../testing/vectors.js'
import type { Batch, CompileOptions, FitOptions } from './index.js'
import { backends } from './testing/backends.js'
import { asTensor, expectClose } from './testing/vectors.js'

type Json = Readonly<Record<string, unknown>>
type Tensors = VectorTensor | readonly VectorTensor[] | { readonly [name: string]: VectorTensor }

interface Trace {
  /** Of all numbers, where float32's do not fit. */
  readonly tolerance?: number
  readonly model: SerializedObject
  readonly weights: readonly { readonly name: string; readonly value: VectorTensor }[]
  readonly compile: Json & { readonly optimizer: SerializedObject }
  /** Names of variables without weight decay. */
  readonly excluded?: readonly string[]
  readonly callbacks: readonly SerializedObject[]
  readonly fit: Json & { readonly batch_size: number }
  readonly x: Tensors
  readonly y: Tensors
  readonly heldX?: Tensors
  readonly heldY?: Tensors
  readonly history: Readonly<Record<string, readonly number[]>>
  readonly evaluated: Readonly<Record<string, number>>
  readonly predictions: Tensors
  readonly weightsAfter: readonly VectorTensor[]
}

/** The classes of tools/oracle/trace_models.py. */
class Spread extends Layer {
  static override readonly className = 'Spread'
  override call(x: Tensor): Tensor {
    this.addLoss(ops.multiply(0.1, ops.mean(ops.square(x))))
    return x
  }
}

class OwnStep extends Model {
  static override readonly className = 'OwnStep'
  override trainStep([x, y]: Batch): Record<string, Tensor> {
    using tape = new GradientTape()
    const yPred = this.callOn([x], { training: true }) as Tensor
    const pull = ops.mean(ops.square(yPred))
    const loss = ops.add(this.computeLoss({ x, y, yPred }), ops.multiply(0.2, pull))
    const gradients = tape.gradient(loss, this.trainableVariables)
    const halved = gradients.map((gradient, i) => ops.multiply(gradient as Tensor, this.trainableVariables[i]?.name === 'bias' ? 0.5 : 1))
    this.optimizer?.apply(halved, this.trainableVariables)
    return { ...this.computeMetrics({ x, y, yPred }), own: loss, pull }
  }
}

const isTensor = (value: unknown): value is VectorTensor =>
  typeof value === 'object' && value !== null && 'shape' in value && 'data' in value

/** Lists and records with every leaf changed; tensors and configs are leaves. */
function leaves(value: unknown, change: (leaf: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => leaves(item, change))
  if (typeof value !== 'object' || value === null || isTensor(value) || isSerializedObject(value)) return change(value)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, leaves(item, change)]))
}

const asTensors = (tensors: Tensors): Tree<Tensor> => leaves(tensors, (leaf) => (isTensor(leaf) ? asTensor(leaf) : leaf)) as Tree<Tensor>
const restored = (value: unknown, restore: (config: SerializedObject) => unknown): unknown =>
  leaves(value, (leaf) => (isSerializedObject(leaf) ? restore(leaf) : leaf))
const inCamelCase = (options: Json): Json => Object.fromEntries(Object.entries(options).map(([key, value]) => [toCamelCase(key), value]))

function compileOptions({ compile: { optimizer: config, loss, ...rest }, excluded }: Trace): CompileOptions {
  const optimizer = optimizers.deserialize(config)
  if (excluded !== undefined) optimizer.excludeFromWeightDecay({ names: excluded })
  return {
    optimizer,
    loss: restored(loss, losses.deserialize),
    ...inCamelCase(restored(rest, metrics.deserialize) as Json),
  } as CompileOptions
}

function callbackOf({ class_name: name, config }: SerializedObject): callbacks.Callback {
  if (name === 'LearningRateScheduler') {
    const rates = config.rates as readonly number[]
    return new callbacks.LearningRateScheduler((epoch) => rates[epoch] as number)
  }
  const Class = callbacks[name as keyof typeof callbacks] as unknown as new (options: Json) => callbacks.Callback
  return new Class(inCamelCase(config))
}

async function expectTrace(trace: Trace, runEagerly: boolean): Promise<void> {
  const model = modelFromJSON(trace.model, { customObjects: { Spread, OwnStep } })
  expect(model.weights.map(({ name }) => name)).toEqual(trace.weights.map(({ name }) => name))
  model.setWeights(trace.weights.map(({ value }) => asTensor(value)))
  model.compile({ ...compileOptions(trace), runEagerly })

  const [x, y] = [asTensors(trace.x), asTensors(trace.y)]
  const held = trace.heldX === undefined ? undefined : ([asTensors(trace.heldX), asTensors(trace.heldY as Tensors)] as const)
  const { history } = await model.fit(x, y, {
    ...(leaves(inCamelCase(trace.fit), (leaf) => (isTensor(leaf) ? asTensor(leaf) : leaf)) as FitOptions),
    ...(held !== undefined && { validationData: held }),
    callbacks: trace.callbacks.map(callbackOf),
  })
  const { tolerance = 1e-4 } = trace
  expect(Object.keys(history)).toEqual(Object.keys(trace.history))
  for (const [key, values] of Object.entries(trace.history)) expectClose(history[key] as number[], values, tolerance)

  const [shownX, shownY] = held ?? [x, y]
  const options = { batchSize: trace.fit.batch_size, verbose: 0 } as const
  const evaluated = await model.evaluate(shownX, shownY, { ...options, returnDict: true })
  expect(Object.keys(evaluated).sort()).toEqual(Object.keys(trace.evaluated).sort())
  for (const [key, value] of Object.entries(trace.evaluated)) expectClose([evaluated[key] as number], [value], tolerance)

  const predictions = flatten(await model.predict(shownX, options))
  const expected: VectorTensor[] = []
  leaves(trace.predictions, (leaf) => expected.push(leaf as VectorTensor))
  const close = Math.max(1e-3, tolerance)
  await Promise.all(predictions.map(async (tensor, i) => expectClose(await tensor.data(), elements(expected[i] as VectorTensor), close)))
  await Promise.all(
    model.weights.map(async (weight, i) => expectClose(await weight.data(), elements(trace.weightsAfter[i] as VectorTensor), close)),
  )
}

const titles = readVectorNames('traces')

/** The host interprets, slowly; a few traces show that it does the same. */
const shown = (backend: string): readonly string[] =>
  backend === 'host' ? titles.filter((title) => ['everything', 'heads-by-name', 'tagger', 'frozen'].includes(title)) : titles

describe.each(backends)('fit does what Keras does on %s', (backend) => {
  beforeEach(async () => {
    await setBackend(backend)
    resetNames()
  })

  describe.each([
    ['compiled', false],
    ['eagerly', true],
  ])('%s', (_, runEagerly) => {
    it.each(shown(backend))('%s', (title) => expectTrace(readVectors<Trace>(`traces/${title}`), runEagerly))
  })
})
