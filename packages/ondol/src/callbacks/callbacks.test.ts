import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { useBackend } from '../engine/index.js'
import * as layers from '../layers/index.js'
import { Sequential } from '../models/index.js'
import { resetNames } from '../ops/naming.js'
import {
  type Callback,
  CSVLogger,
  EarlyStopping,
  LambdaCallback,
  LearningRateScheduler,
  ProgbarLogger,
  ReduceLROnPlateau,
  TerminateOnNaN,
} from './index.js'

beforeAll(() => useBackend(createHostBackend()))
beforeEach(() => resetNames())

/** A model whose validation losses are given: its only weight is set at each epoch. */
async function run(
  losses: readonly number[],
  callbacks: readonly Callback[],
): Promise<{ model: Sequential; history: Record<string, number[]> }> {
  const model = new Sequential([layers.Input({ shape: [1] }), layers.dense(1, { useBias: false, kernelInitializer: 'zeros' })])
  model.compile({ optimizer: 'sgd', loss: 'mae', metrics: ['mae'] })
  model.optimizer!.learningRate = 1e-12
  const script = new LambdaCallback({ onEpochBegin: (epoch) => model.setWeights([[[losses[epoch] as number]]]) })
  const { history } = await model.fit([[1]], [[0]], {
    epochs: losses.length,
    verbose: 0,
    validationData: [[[1]], [[0]]],
    callbacks: [script, ...callbacks],
  })
  return { model, history }
}

const weightOf = (model: Sequential): number => model.weights[0]!.dataSync()[0] as number

describe('EarlyStopping', () => {
  it('waits as long as it is told, and restores the best', async () => {
    const early = new EarlyStopping({ patience: 2, restoreBestWeights: true })
    const { model, history } = await run([5, 3, 4, 3.5, 1], [early])
    expect(history.val_loss).toHaveLength(4)
    expect([early.stoppedEpoch, early.bestEpoch]).toEqual([3, 1])
    expect(weightOf(model)).toBeCloseTo(3)
  })

  it('ignores small changes and asks metrics for their direction', async () => {
    expect((await run([5, 4.9, 4.8], [new EarlyStopping({ monitor: 'val_mae', minDelta: 0.5 })])).history.loss).toHaveLength(2)
  })

  it('warns of what is not reported', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    await run([1, 2], [new EarlyStopping({ monitor: 'val_accuracy', mode: 'max' })])
    expect(warn.mock.calls.flat().join()).toMatch(
      /Early stopping conditioned on metric `val_accuracy` which is not available. Available metrics are: loss,mae,val_loss,val_mae/,
    )
    warn.mockRestore()
  })
})

describe('learning rates', () => {
  it('are reduced on a plateau', async () => {
    const { history } = await run([3, 3, 3, 3, 3], [new ReduceLROnPlateau({ patience: 2, factor: 0.5, minLr: 1e-13 })])
    expect(history.learning_rate!.map((rate) => rate.toPrecision(2))).toEqual(['1.0e-12', '1.0e-12', '1.0e-12', '5.0e-13', '5.0e-13'])
    expect(() => new ReduceLROnPlateau({ factor: 1 })).toThrow(/would not make the rate smaller/)
  })

  it('follow a schedule', async () => {
    const { history } = await run([1, 1, 1], [new LearningRateScheduler((epoch) => 2 ** -(epoch + 40))])
    expect(history.learning_rate).toEqual([2 ** -40, 2 ** -41, 2 ** -42])
  })
})

describe('others', () => {
  it('TerminateOnNaN stops', async () => {
    const print = vi.spyOn(process.stdout, 'write').mockImplementation(() => true)
    const { history } = await run([1, Number.NaN, 1], [new TerminateOnNaN()])
    print.mockRestore()
    expect(history.loss).toHaveLength(2)
    await expect(run([Number.POSITIVE_INFINITY], [new TerminateOnNaN({ raiseError: true })])).rejects.toThrow(
      /NaN or Inf loss encountered at batch 0/,
    )
  })

  it('CSVLogger writes a line an epoch', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ondol-'))
    try {
      const path = join(folder, 'log.csv')
      await run([1, 2], [new CSVLogger(path)])
      await run([4], [new CSVLogger(path, { append: true })])
      expect(await readFile(path, 'utf8')).toBe(
        'epoch,loss,mae,val_loss,val_mae\r\n0,1.0,1.0,1.0,1.0\r\n1,2.0,2.0,2.0,2.0\r\n0,4.0,4.0,4.0,4.0\r\n',
      )
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('ProgbarLogger prints epochs and their values', async () => {
    let text = ''
    let now = 0
    const logger = new ProgbarLogger({ isDynamic: false, print: (part) => (text += part), clock: () => now++ })
    const model = new Sequential([layers.Input({ shape: [1] }), layers.dense(1, { useBias: false, kernelInitializer: 'zeros' })])
    model.compile({ optimizer: 'sgd', loss: 'mae' })
    await model.fit([[0], [0]], [[2], [2]], { epochs: 2, batchSize: 1, verbose: 2, callbacks: [logger] })
    expect(text).toBe('Epoch 1/2\n2/2 - 1s - 500ms/step - loss: 2.0000\nEpoch 2/2\n2/2 - 1s - 500ms/step - loss: 2.0000\n')
  })
})
