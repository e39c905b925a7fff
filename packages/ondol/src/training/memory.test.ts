// Runs leave nothing to the garbage collector: after many steps as many tensors are alive as after few.
import { beforeAll, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import * as callbacks from '../callbacks/index.js'
import { GradientTape, memory, type Tensor, useBackend } from '../engine/index.js'
import * as layers from '../layers/index.js'
import { Model, Sequential } from '../models/index.js'
import * as ops from '../ops/index.js'
import type { Batch } from './step.js'

beforeAll(() => useBackend(createHostBackend()))

/** Trains by hand. */
class ByHand extends Model {
  readonly dense = new layers.Dense(1)

  override call(x: Tensor): Tensor {
    return this.dense(x)
  }

  override trainStep([x, y]: Batch): Record<string, Tensor> {
    using tape = new GradientTape()
    const loss = ops.mean(ops.square(ops.subtract(this.call(x as Tensor), y as Tensor)))
    this.optimizer?.apply(tape.gradient(loss, this.trainableVariables), this.trainableVariables)
    return { loss }
  }
}

function network(options: object = {}): Sequential {
  const model = new Sequential([layers.Input({ shape: [4] }), layers.dense(3), layers.dropout(0.1), layers.dense(1)])
  model.compile({ optimizer: 'adam', loss: 'mse', metrics: ['mae'], ...options })
  return model
}

function byHand(): Model {
  const model = new ByHand()
  model.compile({ optimizer: 'sgd' })
  return model
}

const [x, y] = [Array.from({ length: 20 }, (_, i) => [i, 1, 2, 3]), Array.from({ length: 20 }, (_, i) => [i])]
const fitting = { verbose: 0, batchSize: 8 } as const
const watcher = new callbacks.LambdaCallback({ onTrainBatchEnd: () => undefined })

it.each<[string, () => (times: number) => Promise<unknown>]>([
  [
    'epochs over arrays',
    (model = network()) =>
      (epochs) =>
        model.fit(x, y, { ...fitting, epochs }),
  ],
  [
    'epochs with validation',
    (model = network()) =>
      (epochs) =>
        model.fit(x, y, { ...fitting, epochs, validationSplit: 0.3 }),
  ],
  [
    'epochs with logs of batches',
    (model = network()) =>
      (epochs) =>
        model.fit(x, y, { ...fitting, epochs, callbacks: [watcher] }),
  ],
  [
    'several steps per execution',
    (model = network({ stepsPerExecution: 2 })) =>
      (epochs) =>
        model.fit(x, y, { ...fitting, epochs }),
  ],
  [
    'batches of a generator',
    (model = network()) =>
      (epochs) =>
        model.fit(() => [[x, y]].values(), { ...fitting, epochs }),
  ],
  [
    'steps of the user’s own',
    (model = byHand()) =>
      (epochs) =>
        model.fit(x, y, { ...fitting, epochs }),
  ],
  [
    'calls of fit',
    (model = network()) =>
      (times) =>
        repeat(times, () => model.fit(x, y, fitting)),
  ],
  [
    'calls of evaluate',
    (model = network()) =>
      (times) =>
        repeat(times, () => model.evaluate(x, y, fitting)),
  ],
  [
    'calls of trainOnBatch',
    (model = network()) =>
      (times) =>
        repeat(times, () => model.trainOnBatch(x, y)),
  ],
  [
    'calls of predict',
    (model = network()) =>
      (times) =>
        repeat(times, async () => ((await model.predict(x, fitting)) as Tensor).dispose()),
  ],
] as [string, () => (times: number) => Promise<unknown>][])('%s', async (_, make) => {
  const run = make()
  await run(2)
  const before = memory().tensors
  await run(12)
  expect(memory().tensors - before).toBeLessThanOrEqual(0)
})

async function repeat(times: number, body: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < times; i++) await body()
}
