// Training that is interrupted and taken up again, in one process; backup-and-restore.kill.test.ts kills real ones.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import type { DType } from '../core/dtype.js'
import { type Tensor, tensor, useBackend, type Variable } from '../engine/index.js'
import * as layers from '../layers/index.js'
import { Model, Sequential } from '../models/index.js'
import * as ops from '../ops/index.js'
import * as random from '../ops/random.js'
import { Adam, LossScaleOptimizer, MultiOptimizer, OptimizerMap, SGD } from '../optimizers/index.js'
import type { CompileOptions, FitOptions } from '../training/index.js'
import { setRandomSeed } from '../utils/index.js'
import { readCheckpoint, writeCheckpoint } from './checkpoint-file.js'
import {
  BackupAndRestore,
  type BackupAndRestoreOptions,
  Callback,
  type CallbackState,
  EarlyStopping,
  LambdaCallback,
  LearningRateScheduler,
  ModelCheckpoint,
  ReduceLROnPlateau,
  TerminateOnNaN,
} from './index.js'

beforeAll(() => useBackend(createHostBackend()))

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ondol-backup-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const x = Array.from({ length: 10 }, (_, i) => [Math.sin(i), Math.cos(i)])
const y = x.map(([a, b]) => [(a as number) - (b as number)])

interface Setting {
  readonly compile?: CompileOptions
  readonly fit?: FitOptions
  readonly backup?: BackupAndRestoreOptions
  readonly data?: () => unknown
}

function makeModel(compile: CompileOptions = {}): Model {
  setRandomSeed(5)
  const input = layers.Input({ shape: [2] })
  const hidden = layers.dropout(0.25)(layers.batchNormalization()(layers.dense(3, { activation: 'tanh' })(input)))
  const model = new Model({ inputs: input, outputs: layers.dense(1)(hidden) })
  model.compile({ optimizer: new Adam({ learningRate: 0.05 }), loss: 'mse', metrics: ['mae'], ...compile })
  return model
}

/** A new model of the same kind trains for three epochs of four batches; `crash` throws in some hook. */
async function train({ compile, fit, backup, data }: Setting, crash?: Callback): Promise<Record<string, unknown>> {
  const model = makeModel(compile)
  const batches = data?.()
  const { history, epoch } = await model.fit((batches ?? x) as never, batches === undefined ? y : null, {
    epochs: 3,
    verbose: 0,
    ...(batches === undefined && { batchSize: 3 }),
    ...fit,
    callbacks: [
      new BackupAndRestore(`${folder}/backup`, backup),
      new ReduceLROnPlateau({ monitor: 'loss', patience: 1, factor: 0.5, minDelta: 1 }),
      ...((fit?.callbacks ?? []) as Callback[]),
      ...(crash === undefined ? [] : [crash]),
    ],
  })
  const bits = (variables: readonly Variable[]): Promise<unknown[]> => Promise.all(variables.map((variable) => variable.array()))
  return {
    history,
    epoch,
    weights: await bits(model.variables),
    optimizer: await bits(model.optimizer!.variables),
    next: await random.uniform([2]).array(),
  }
}

const crashAt = (epoch: number, batch: number): Callback => {
  let present = 0
  return new LambdaCallback({
    onEpochBegin: (now) => {
      present = now
    },
    onTrainBatchEnd: (now) => {
      if (present === epoch && now >= batch) throw new Error('power cut')
    },
  })
}

function* generated(): Generator<unknown> {
  for (let i = 0; i < 4; i++) yield [x.slice(2 * i, 2 * i + 2), y.slice(2 * i, 2 * i + 2)]
}

describe('training that is taken up again', () => {
  const averaging = (): SGD => new SGD({ learningRate: 0.1, momentum: 0.9, useEma: true, gradientAccumulationSteps: 2 })

  it.each<[string, () => Setting]>([
    ['from the end of an epoch', () => ({})],
    ['from the middle of an epoch', () => ({ backup: { saveFreq: 3 } })],
    ['from every batch', () => ({ backup: { saveFreq: 1, doubleCheckpoint: true } })],
    ['from the last batch of an epoch', () => ({ backup: { saveFreq: 4 } })],
    ['operation by operation', () => ({ backup: { saveFreq: 3 }, compile: { runEagerly: true } })],
    ['in executions of two batches', () => ({ backup: { saveFreq: 2 }, compile: { stepsPerExecution: 2 } })],
    ['with a generator', () => ({ backup: { saveFreq: 3 }, data: () => generated })],
    ['with a generator, from the end of its batches', () => ({ backup: { saveFreq: 4 }, data: () => generated })],
    ['with epochs that are parts of a pass', () => ({ backup: { saveFreq: 2 }, fit: { stepsPerEpoch: 2, epochs: 5 } })],
    ['with validation', () => ({ backup: { saveFreq: 3 }, fit: { validationData: [x, y] } })],
    ['with averages and gathered gradients', () => ({ backup: { saveFreq: 3 }, compile: { optimizer: averaging() } })],
    [
      'with a loss scale',
      () => ({ backup: { saveFreq: 3 }, compile: { optimizer: new LossScaleOptimizer(new Adam(), { dynamicGrowthSteps: 3 }) } }),
    ],
    ['with a schedule', () => ({ backup: { saveFreq: 3 }, fit: { callbacks: [new LearningRateScheduler((_, rate) => rate * 0.7)] } })],
  ])('%s ends with the same bits', async (_, setting) => {
    const whole = await train(setting())
    for (const [epoch, batch] of [
      [0, 1],
      [1, 0],
      [2, 1],
    ] as const) {
      await expect(train(setting(), crashAt(epoch, batch))).rejects.toThrow('power cut')
    }
    expect(await train(setting())).toEqual(whole)
    expect(await readdir(folder)).toEqual([])
  })

  it('goes on with the learning rates of several optimizers', async () => {
    const several = (): Setting => ({
      compile: { optimizer: new MultiOptimizer(new OptimizerMap(new SGD({ learningRate: 0.1 }), { 'dense.*': new Adam() })) },
      fit: { callbacks: [new LearningRateScheduler((epoch, rate) => rate / (epoch + 1))] },
    })
    const whole = await train(several())
    expect(Object.keys(whole.history as object).filter((key) => key.startsWith('learning_rate_'))).toHaveLength(2)
    await expect(train(several(), crashAt(2, 0))).rejects.toThrow('power cut')
    expect(await train(several())).toEqual({ ...whole, history: expect.anything() })
  })

  it('stays stopped, and restores the best weights of before', async () => {
    const early = (): Setting => ({
      fit: { epochs: 9, callbacks: [new EarlyStopping({ monitor: 'loss', mode: 'max', patience: 2, restoreBestWeights: true })] },
    })
    const whole = await train(early())
    expect((whole.epoch as number[]).length).toBeLessThan(9)
    const crash = new LambdaCallback({ onTrainEnd: () => Promise.reject(new Error('power cut')) })
    await expect(train(early(), crash)).rejects.toThrow('power cut')
    expect(await train(early())).toEqual(whole)
  })

  it('saves no batch that ends training', async () => {
    const stop = new LambdaCallback({ onTrainBatchEnd: (batch) => void (stop.model.stopTraining = batch === 1) })
    const seen: number[] = []
    const watch = new LambdaCallback({ onEpochEnd: (epoch) => void seen.push(epoch) })
    const crash = new LambdaCallback({ onTrainEnd: () => Promise.reject(new Error('power cut')) })
    const setting = { backup: { saveFreq: 2 }, fit: { callbacks: [stop, watch, new TerminateOnNaN()] } }
    await expect(train(setting, crash)).rejects.toThrow('power cut')
    expect((await train(setting)).epoch).toEqual([0])
    expect(seen).toEqual([0])
  })

  it('keeps what callbacks of your own know', async () => {
    class Shadow extends Callback {
      best: Tensor | null = null
      override async onEpochEnd(): Promise<void> {
        this.best = ops.add(this.best ?? ops.zeros([]), 1)
      }
      override getState(): CallbackState {
        return { best: this.best, odd: [Number.NaN, -0, Number.NEGATIVE_INFINITY, 1e-320, '$tensor', null, true] }
      }
      override setState(state: CallbackState): void {
        const { best, odd } = state as { best: Tensor; odd: unknown[] }
        expect(odd).toEqual([Number.NaN, -0, Number.NEGATIVE_INFINITY, 1e-320, '$tensor', null, true])
        this.best = best
      }
    }
    await expect(train({ fit: { callbacks: [new Shadow()] } }, crashAt(2, 0))).rejects.toThrow('power cut')
    const shadow = new Shadow()
    await train({ fit: { callbacks: [shadow] } })
    expect(await shadow.best?.item()).toBe(3)
  })

  it('counts the batches of a ModelCheckpoint on', async () => {
    const saves: string[] = []
    const checkpoint = (): Setting => ({
      backup: { saveFreq: 1 },
      fit: { callbacks: [new ModelCheckpoint(`${folder}/{epoch}-{batch}.keras`, { saveFreq: 3 })] },
    })
    await train(checkpoint())
    saves.push(...(await readdir(folder)))
    for (const name of saves) await rm(`${folder}/${name}`)
    await expect(train(checkpoint(), crashAt(1, 0))).rejects.toThrow('power cut')
    await train(checkpoint())
    expect(await readdir(folder)).toEqual(saves)
  })

  it('is kept, where it was asked for, and then has nothing left to do', async () => {
    const setting = { backup: { deleteCheckpoint: false } }
    const whole = await train(setting)
    expect(await readdir(`${folder}/backup`)).toEqual(['checkpoint-a.safetensors'])
    const batches = vi.fn()
    expect(await train({ ...setting, fit: { callbacks: [new LambdaCallback({ onTrainBatchBegin: batches })] } })).toEqual(whole)
    expect(batches).not.toHaveBeenCalled()
    expect((await train({ ...setting, fit: { epochs: 5 } })).epoch).toEqual([0, 1, 2, 3, 4])
  })

  it('leaves nothing of itself to later runs when it fails before its first batch', async () => {
    await expect(train({ backup: { saveFreq: 3 } }, crashAt(1, 1))).rejects.toThrow('power cut')
    const model = makeModel()
    const crash = new LambdaCallback({ onTrainBatchBegin: () => Promise.reject(new Error('power cut')) })
    const options = { verbose: 0, batchSize: 3, callbacks: [new BackupAndRestore(`${folder}/backup`), crash] } as const
    await expect(model.fit(x, y, options)).rejects.toThrow('power cut')
    // Else the metrics of the next run would begin with the state of this one.
    expect([model.onMetricsMade, model.fitPosition]).toEqual([undefined, null])
  })

  it('says nothing by itself with saveFreq false', async () => {
    await expect(train({ backup: { saveFreq: false } }, crashAt(2, 0))).rejects.toThrow('power cut')
    expect(await readdir(folder)).toEqual([])
  })
})

describe('a backup folder', () => {
  const checkpointOf = async (backup: BackupAndRestoreOptions = {}): Promise<string> => {
    await expect(train({ backup }, crashAt(2, 0))).rejects.toThrow('power cut')
    return `${folder}/backup/checkpoint-a.safetensors`
  }

  it('loses what a killed process did not finish writing, and keeps what is not its own', async () => {
    const path = await checkpointOf()
    await writeFile(`${path}.1234.part`, 'half')
    await writeFile(`${folder}/backup/mine.txt`, 'mine')
    await train({})
    expect(await readdir(`${folder}/backup`)).toEqual(['mine.txt'])
  })

  it('that is damaged is told of, unless there is a copy', async () => {
    const path = await checkpointOf()
    const whole = await readFile(path)
    for (const damage of [whole.subarray(0, whole.length - 1), whole.subarray(0, 5), new Uint8Array(0), Buffer.from('not a checkpoint')]) {
      await writeFile(path, damage)
      await expect(train({})).rejects.toThrow(/checkpoint-a\.safetensors: not a whole safetensors file/)
    }
    await rm(`${folder}/backup`, { recursive: true })
    const expected = await train({})
    await checkpointOf({ doubleCheckpoint: true })
    const names = await readdir(`${folder}/backup`)
    expect(names).toEqual(['checkpoint-a.safetensors', 'checkpoint-b.safetensors'])
    for (const name of names) {
      await checkpointOf({ doubleCheckpoint: true })
      await writeFile(`${folder}/backup/${name}`, 'damaged')
      const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
      expect(await train({ backup: { doubleCheckpoint: true } })).toEqual(expected)
      expect(warn.mock.calls.flat().join()).toMatch(/not a whole safetensors file/)
      warn.mockRestore()
    }
  })

  it('of another model is refused, and the model is as it was', async () => {
    await checkpointOf()
    const other = new Sequential([layers.Input({ shape: [2] }), layers.dense(1, { kernelInitializer: 'ones' })])
    other.compile({ loss: 'mse' })
    const resume = (model: Model): Promise<unknown> =>
      model.fit(x, y, { verbose: 0, callbacks: [new BackupAndRestore(`${folder}/backup`)] })
    await expect(resume(other)).rejects.toThrow(/the checkpoint is of another model[\s\S]*remove the folder/)
    expect(await other.weights[0]?.array()).toEqual([[1], [1]])
    const model = makeModel({ optimizer: new SGD() })
    await expect(resume(model)).rejects.toThrow(/Expected: .* Variables/)
  })

  it('with something else in it is refused', async () => {
    const path = await checkpointOf()
    await writeCheckpoint(path, { serial: 1 })
    await expect(train({})).rejects.toThrow(/is no checkpoint of BackupAndRestore/)
  })

  it('needs a name, a built model and a frequency', async () => {
    expect(() => new BackupAndRestore('')).toThrow(/empty backupDir/)
    expect(() => new BackupAndRestore('a', { saveFreq: 'batch' as never })).toThrow(/BackupAndRestore: unrecognized saveFreq/)
    const model = new Sequential([layers.dense(1)])
    model.compile({ loss: 'mse' })
    await expect(model.fit(generated as never, { verbose: 0, callbacks: [new BackupAndRestore(folder)] })).rejects.toThrow(
      /the model must be built before you call fit\(\)/,
    )
  })
})

describe('checkpoint files', () => {
  it('give back what was written', async () => {
    const leaf = fc.oneof(fc.double(), fc.integer(), fc.boolean(), fc.constant(null), fc.string())
    const tree = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 3 },
        leaf,
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(
          fc.string().filter((key) => !key.startsWith('$')),
          tie('tree'),
          { maxKeys: 3, noNullPrototype: true },
        ),
      ),
    })).tree
    await fc.assert(
      fc.asyncProperty(tree, async (state) => {
        await writeCheckpoint(`${folder}/state`, { state: state as CallbackState })
        expect(await readCheckpoint(`${folder}/state`)).toEqual({ state })
      }),
      { numRuns: 60 },
    )
  })

  it.each<DType>(['float64', 'float32', 'float16', 'bfloat16', 'int32', 'uint8', 'bool'])('keep tensors of %s', async (dtype) => {
    const value = tensor(
      [
        [0, 1],
        [1, 0],
      ],
      [2, 2],
      dtype,
    )
    await writeCheckpoint(`${folder}/state`, { value, nothing: ops.zeros([0, 3], dtype) })
    const { value: again, nothing } = (await readCheckpoint(`${folder}/state`)) as { value: Tensor; nothing: Tensor }
    expect([again.dtype, again.shape, await again.data()]).toEqual([dtype, [2, 2], await value.data()])
    expect(nothing.shape).toEqual([0, 3])
  })
})
