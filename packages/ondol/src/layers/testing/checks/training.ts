/** A step of training in a model, compiled: the loss is a number, and what is trained moves, nothing else. */
import { expect } from 'vitest'
import type { Tree } from '../../../core/tree.js'
import type { Tensor, Variable } from '../../../engine/index.js'
import { Model } from '../../../models/index.js'
import * as ops from '../../../ops/index.js'
import type { KerasTensor } from '../../../ops/operation.js'
import { SGD } from '../../../optimizers/index.js'
import { Input } from '../../input-layer.js'
import type { Layer } from '../../layer.js'
import type { Subject } from '../layer-case.js'

/** Depends on every output, also on those of softmax, whose sum is always 1. */
function objective(_: Tensor, output: Tensor): Tensor {
  const x = ops.square(ops.add(ops.cast(output, 'float32'), 1))
  return x.rank > 1 ? ops.mean(x, { axis: -1 }) : x
}

async function step(subject: Subject, layer: Layer): Promise<number> {
  const symbols = subject.inputShapes.map(([, ...shape]) => Input({ shape, dtype: subject.inputDtype }))
  const [first, ...others] = subject.place(symbols) as [Tree<KerasTensor>, ...Tree<KerasTensor>[]]
  const outputs = layer(first, ...others) as KerasTensor | KerasTensor[]
  const model = new Model({ inputs: symbols, outputs })
  model.compile({ optimizer: new SGD({ learningRate: 0.1 }), loss: subject.outputShapes.map(() => objective) as never })
  const targets = subject.outputShapes.map(([batch]) => ops.zeros([batch as number]))
  const { history } = await model.fit(subject.inputs(), (targets.length === 1 ? targets[0] : targets) as never, {
    batchSize: subject.inputShapes[0]?.[0] as number,
    epochs: 1,
    verbose: 0,
  })
  return (history.loss as number[])[0] as number
}

export async function trains(subject: Subject): Promise<void> {
  const { trainable = [], updated = [], unmoved = [] } = subject.given
  const layer = subject.makeBuilt()
  const moved = async (): Promise<Variable[]> => {
    const before = layer.weights.map((variable) => variable.dataSync())
    expect(Number.isFinite(await step(subject, layer)), 'the loss is a finite number').toBe(true)
    return layer.weights.filter((variable, i) => variable.dataSync().some((value, at) => value !== before[i]?.[at]))
  }
  const order = layer.weights
  const nonTrainable = layer.nonTrainableWeights.filter(({ name }) => updated.includes(name))
  const moving = layer.trainableWeights.filter(({ path }) => !unmoved.includes(path.slice(layer.name.length + 1)))
  const expected = [...moving, ...nonTrainable].sort((a, b) => order.indexOf(a) - order.indexOf(b))
  expect((await moved()).map(({ path }) => path)).toEqual(expected.map(({ path }) => path))
  if (trainable.length === 0) return
  layer.trainable = false
  expect((await moved()).filter(({ name }) => trainable.includes(name) && !updated.includes(name)).map(({ path }) => path)).toEqual([])
}
