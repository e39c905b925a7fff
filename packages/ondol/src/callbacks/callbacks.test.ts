import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { type Tensor, useBackend } from '../engine/index.js'
import * as layers from '../layers/index.js'
import { loadModel, Model, Sequential } from '../models/index.js'
import type { TensorLike } from '../ops/define.js'
import * as ops from '../ops/index.js'
import { resetNames } from '../ops/naming.js'
import { SGD } from '../optimizers/index.js'
import type { FitOptions } from '../training/index.js'
import {
  type Callback,
  CallbackList,
  CSVLogger,
  EarlyStopping,
  LambdaCallback,
  LearningRateScheduler,
  ModelCheckpoint,
  ProgbarLogger,
  ReduceLROnPlateau,
  RemoteMonitor,
  SwapEMAWeights,
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

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'ondol-'))
  try {
    await body(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

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

describe('a monitor', () => {
  const direction = async (monitor: string, callback = new EarlyStopping({ monitor, patience: 9 })): Promise<string> => {
    const x = layers.Input({ shape: [2] })
    const [a, b] = [layers.dense(1, { name: 'a', activation: 'sigmoid' })(x), layers.dense(2, { name: 'b', activation: 'softmax' })(x)]
    const model = new Model({ inputs: x, outputs: [a, b] })
    model.compile({
      loss: ['mse', 'categorical_crossentropy'],
      metrics: [
        ['accuracy', 'mae'],
        ['accuracy', (_: unknown, yPred: TensorLike) => ops.mean(yPred, { axis: -1 })],
      ],
      weightedMetrics: [[], ['accuracy']],
    })
    const data = [[[1, 2]], [[[1]], [[0, 1]]], { verbose: 0 as const }] as const
    await model.evaluate(...data)
    const list = new CallbackList([callback], { model })
    await list.onTrainBegin()
    await list.onEpochEnd(0, { [monitor]: 0.5 })
    const before = callback.best
    await list.onEpochEnd(1, { [monitor]: 0.25 })
    return before === callback.best ? 'up' : 'down'
  }

  it.each([
    ['loss', 'down'],
    ['val_loss', 'down'],
    ['a_loss', 'down'],
    ['val_b_loss', 'down'],
    ['a_accuracy', 'up'],
    ['val_b_accuracy', 'up'],
    ['val_a_mae', 'down'],
    ['mae', 'down'],
    ['val_b_weighted_accuracy', 'up'],
    ['b_accuracy_1', 'up'],
  ])('of %s goes %s', async (monitor, expected) => {
    expect(await direction(monitor)).toBe(expected)
  })

  it.each(['val_something', 'lambda', 'accuracy_of_mine', 'c_loss'])('of %s has to be told', async (monitor) => {
    await expect(direction(monitor)).rejects.toThrow(
      /EarlyStopping \(monitor: '.*'\): whether this metric should be maximized or minimized is not known[\s\S]*mode: 'max'/,
    )
    expect(await direction(monitor, new EarlyStopping({ monitor, mode: 'max', patience: 9 }))).toBe('up')
  })

  it('takes NaN for no improvement, and any number for one over none', async () => {
    const early = new EarlyStopping({ patience: 2, restoreBestWeights: true })
    const { history, model } = await run([Number.NaN, 3, Number.NaN, 4, 1], [early])
    expect([history.loss!.length, early.best, early.bestEpoch]).toEqual([4, 3, 1])
    expect(weightOf(model)).toBeCloseTo(3)
  })
})

describe('ModelCheckpoint', () => {
  it('writes files that can be loaded, into folders that it makes', async () => {
    await inFolder(async (folder) => {
      const { model } = await run(
        [5, 3, 4],
        [
          new ModelCheckpoint(`${folder}/best/{epoch:02d}-{val_loss:.1f}.keras`, { saveBestOnly: true }),
          new ModelCheckpoint(`${folder}/last.weights.h5`, { saveWeightsOnly: true }),
        ],
      )
      expect((await readdir(folder, { recursive: true })).sort()).toEqual([
        'best',
        'best/01-5.0.keras',
        'best/02-3.0.keras',
        'last.weights.h5',
      ])
      expect(weightOf((await loadModel(`${folder}/best/02-3.0.keras`)) as Sequential)).toBeCloseTo(3)
      model.setWeights([[[0]]])
      await model.loadWeights(`${folder}/last.weights.h5`)
      expect(weightOf(model)).toBeCloseTo(4)
    })
  })

  it('refuses other endings, and says what is wrong with a folder', async () => {
    expect(() => new ModelCheckpoint('model.ckpt')).toThrow(/must end in `\.keras`[\s\S]*filepath=model\.ckpt/)
    expect(() => new ModelCheckpoint('model.keras', { saveWeightsOnly: true })).toThrow(/must end in `\.weights\.h5`/)
    expect(() => new ModelCheckpoint('model.keras', { saveFreq: 'batch' as never })).toThrow(/unrecognized saveFreq[\s\S]*saveFreq=batch/)
    await expect(run([1], [new ModelCheckpoint('{val_acc:.2f}.keras')])).rejects.toThrow(/there is no value for \{val_acc:\.2f\}/)
    await inFolder(async (folder) => {
      await mkdir(`${folder}/model.keras`)
      await expect(run([1], [new ModelCheckpoint(`${folder}/model.keras`)])).rejects.toThrow(/non-directory filepath[\s\S]*model\.keras/)
    })
  })
})

describe('RemoteMonitor', () => {
  const serve = async (answer: (response: ServerResponse) => void, body: (root: string) => Promise<void>): Promise<string[]> => {
    const requests: string[] = []
    const server = createServer(async (request, response) => {
      const text = await new Response(request as never).text()
      requests.push([request.method, request.url, request.headers['content-type'], request.headers['x-run'], text].join(' '))
      answer(response)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    await body(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    return requests
  }

  it('posts forms, or JSON', async () => {
    const requests = await serve(
      (response) => response.end('thanks'),
      async (root) => {
        await run([2], [new RemoteMonitor({ root })])
        await run([2, 3], [new RemoteMonitor({ root, path: '/here', sendAsJson: true, headers: { 'X-Run': '7' } })])
      },
    )
    const json = (epoch: number, loss: number): string => JSON.stringify({ epoch, loss, mae: loss, val_loss: loss, val_mae: loss })
    expect(requests).toEqual([
      `POST /publish/epoch/end/ application/x-www-form-urlencoded;charset=UTF-8  ${new URLSearchParams({ data: json(0, 2) })}`,
      `POST /here application/json 7 ${json(0, 2)}`,
      `POST /here application/json 7 ${json(1, 3)}`,
    ])
  })

  it('warns, and lets training go on, when nobody answers', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    let root = ''
    const requests = await serve(
      (response) => response.destroy(),
      async (address) => {
        root = address
        expect((await run([1, 2], [new RemoteMonitor({ root })])).history.loss).toHaveLength(2)
      },
    )
    expect(requests).toHaveLength(2)
    expect((await run([1], [new RemoteMonitor({ root })])).history.loss).toHaveLength(1)
    expect(warn.mock.calls.map(([text]) => text.split(':')[1])).toEqual(
      Array.from({ length: 3 }, () => ' Could not reach RemoteMonitor root server at http'),
    )
    warn.mockRestore()
  })
})

describe('SwapEMAWeights', () => {
  /** y = w·x with w from 0 towards 1, its average behind it. */
  const train = async (callbacks: readonly Callback[], epochs = 3): Promise<{ model: Sequential; history: Record<string, number[]> }> => {
    const model = new Sequential([layers.Input({ shape: [1] }), layers.dense(1, { useBias: false, kernelInitializer: 'zeros' })])
    model.compile({ optimizer: new SGD({ learningRate: 0.25, useEma: true, emaMomentum: 0.5 }), loss: 'mse' })
    const { history } = await model.fit([[1]], [[1]], { epochs, verbose: 0, validationData: [[[1]], [[1]]], callbacks })
    return { model, history }
  }
  const weights = (model: Sequential): number[] => [weightOf(model), model.optimizer!.averagedVariables[0]![1].dataSync()[0] as number]

  it('validates with the averages, and trains on with the weights', async () => {
    const { model, history } = await train([new SwapEMAWeights()])
    // Weights 0.5, 0.75, 0.875; the first average is the weight, then halves meet.
    expect(history.loss).toEqual([1, 0.25, 0.0625])
    expect(history.val_loss).toEqual([0.25, 0.140625, 0.0625])
    expect(weights(model)).toEqual([0.75, 0.75])
  })

  it('shows the averages to callbacks at the end of epochs', async () => {
    const seen: number[] = []
    const look = new LambdaCallback({
      onEpochEnd: () => void seen.push(weightOf(look.model as Sequential)),
      onTrainBatchBegin: () => void seen.push(weightOf(look.model as Sequential)),
    })
    const { model } = await train([new SwapEMAWeights({ swapOnEpoch: true }), look])
    expect(seen).toEqual([0, 0.5, 0.5, 0.625, 0.75, 0.75])
    expect(weights(model)).toEqual([0.75, 0.75])
  })

  it('ends with the averages when another callback stops training', async () => {
    const stop = new LambdaCallback({ onEpochEnd: (epoch) => void (stop.model.stopTraining = epoch === 1) })
    const { model } = await train([new SwapEMAWeights({ swapOnEpoch: true }), stop])
    expect(weights(model)).toEqual([0.625, 0.625])
  })

  it('evaluates and predicts with the averages, and takes them back', async () => {
    const { model } = await train([], 2)
    model.setWeights([[[0]]])
    const swap = new SwapEMAWeights()
    expect(await model.evaluate([[1]], [[1]], { verbose: 0, callbacks: [swap] })).toBe(0.140625)
    expect(await ((await model.predict([[2]], { verbose: 0, callbacks: [swap] })) as Tensor).array()).toEqual([[1.25]])
    expect(weights(model)).toEqual([0, 0.625])
  })

  it('takes the averages out when a validation failed with them in', async () => {
    const swap = new SwapEMAWeights()
    const fail = new LambdaCallback({
      onTestBatchEnd: () => {
        throw new RangeError('enough')
      },
    })
    const { model } = await train([], 2)
    model.setWeights([[[0.25]]])
    const options: FitOptions = { verbose: 0, validationData: [[[1]], [[1]]] }
    await expect(model.fit([[1]], [[1]], { ...options, callbacks: [swap, fail] })).rejects.toThrow('enough')
    const before: number[] = []
    const look = new LambdaCallback({ onEpochBegin: () => void before.push(weightOf(model)) })
    await model.fit([[1]], [[1]], { ...options, callbacks: [swap, look] })
    expect(before).toEqual([0.625])
  })

  it('wants averages', async () => {
    await expect(run([1], [new SwapEMAWeights()])).rejects.toThrow(
      /SwapEMAWeights → sgd: the optimizer keeps no averages[\s\S]*useEma: true/,
    )
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
    await inFolder(async (folder) => {
      const path = `${folder}/runs/log.csv`
      const seen: string[] = []
      const look = new LambdaCallback({ onEpochEnd: async () => void seen.push(await readFile(path, 'utf8')) })
      await run([1, 2], [new CSVLogger(path), look])
      await run([4], [new CSVLogger(path, { append: true }), look])
      const lines = ['epoch,loss,mae,val_loss,val_mae', '0,1.0,1.0,1.0,1.0', '1,2.0,2.0,2.0,2.0', '0,4.0,4.0,4.0,4.0']
      // On the disk at the end of each epoch: nothing is lost in a crash.
      expect(seen).toEqual([2, 3, 4].map((count) => `${lines.slice(0, count).join('\r\n')}\r\n`))
      await expect(
        run([1], [new CSVLogger(path), new LambdaCallback({ onTrainBegin: () => Promise.reject(new Error('too early')) })]),
      ).rejects.toThrow()
      expect((await readFile(path, 'utf8')).split('\r\n')).toHaveLength(5)
    })
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

describe('options that no callback has', () => {
  const wrong = (name: string): object => ({ [name]: 1 })
  it.each([
    ['patience', () => new EarlyStopping(wrong('patiance'))],
    ['saveBestOnly', () => new ModelCheckpoint('x.keras', wrong('savebestOnly'))],
    ['minLr', () => new ReduceLROnPlateau(wrong('minLR'))],
    ['separator', () => new CSVLogger('x.csv', wrong('seperator'))],
  ])('are answered with %s', (near, make) => {
    expect(make).toThrow(new RegExp(`there is no option[\\s\\S]*did you mean '${near}'`))
  })
})
