// Callbacks against those of the real Keras: what they print, warn of, save, and do to the model.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { platform } from '#platform'
import { createHostBackend } from '../backends/host/index.js'
import { fromKerasConfig } from '../core/spelling.js'
import { useBackend } from '../engine/index.js'
import * as layers from '../layers/index.js'
import { Sequential } from '../models/index.js'
import { SGD } from '../optimizers/index.js'
import { readVectors } from '../testing/vectors.js'
import * as callbacks from './index.js'
import { formatPython, PythonFloat } from './python-format.js'

type Told = Readonly<Record<string, number | string | readonly number[]>>

interface Script {
  readonly title: string
  readonly callbacks: readonly { readonly name: string; readonly options: Readonly<Record<string, unknown>> }[]
  readonly epochs: readonly (readonly [batches: readonly Told[], logs: Told])[]
  readonly runs: number
  readonly output: string
  readonly warnings: readonly string[]
  readonly stopped: number | null
  readonly rates: readonly number[]
  readonly saved: readonly (readonly [kind: string, path: string])[]
  readonly weight: number
  readonly history: readonly Told[]
  readonly files: Readonly<Record<string, string>>
}

beforeAll(() => useBackend(createHostBackend()))

let folder: string
let output = ''
let warnings: string[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ondol-'))
  output = ''
  warnings = []
  vi.spyOn(platform, 'print').mockImplementation((text) => {
    output += text
  })
  vi.spyOn(console, 'warn').mockImplementation((text) => {
    warnings.push(String(text))
  })
})
afterEach(async () => {
  vi.restoreAllMocks()
  await rm(folder, { recursive: true, force: true })
})

/** As the vectors spell it: keyword arguments, some of which come by position here. */
const MAKERS: Readonly<Record<string, (options: Readonly<Record<string, unknown>>) => callbacks.Callback>> = {
  EarlyStopping: (options) => new callbacks.EarlyStopping(options),
  ReduceLROnPlateau: (options) => new callbacks.ReduceLROnPlateau(options),
  LearningRateScheduler: ({ factor, ...options }) => new callbacks.LearningRateScheduler((_, rate) => rate * (factor as number), options),
  ModelCheckpoint: ({ filepath, ...options }) => new callbacks.ModelCheckpoint(filepath as string, options),
  CSVLogger: ({ filename, ...options }) => new callbacks.CSVLogger(join(folder, filename as string), options),
  TerminateOnNaN: (options) => new callbacks.TerminateOnNaN(options),
}

const make = ({ name, options }: Script['callbacks'][number]): callbacks.Callback => MAKERS[name]!(fromKerasConfig(options))

/** Infinities and NaN are strings in vectors. */
const numbers = (logs: Told): Record<string, number> =>
  Object.fromEntries(
    Object.entries(logs).map(([key, value]) => [key, value === 'NaN' || value === 'Infinity' ? Number(value) : (value as number)]),
  )

describe('callbacks like those of Keras', () => {
  it.each(readVectors<Script[]>('callbacks'))('$title', async (script) => {
    const model = new Sequential([layers.Input({ shape: [1] }), layers.dense(1, { useBias: false, kernelInitializer: 'zeros' })])
    model.compile({ optimizer: new SGD({ learningRate: 0.1 }), loss: 'mse', metrics: ['mae', 'accuracy'] })
    await model.evaluate([[1]], [[1]], { verbose: 0 })
    const saved: [string, string][] = []
    vi.spyOn(model, 'save').mockImplementation((async (path: string) => saved.push(['model', path])) as never)
    vi.spyOn(model, 'saveWeights').mockImplementation((async (path: string) => saved.push(['weights', path])) as never)
    const history: Record<string, number>[] = []
    const recorder = new callbacks.LambdaCallback({ onEpochEnd: (_, logs) => void history.push({ ...logs }) })
    const rates: number[] = []
    let stopped: number | null = null
    for (let run = 0; run < script.runs; run++) {
      const list = new callbacks.CallbackList([...script.callbacks.map(make), recorder], { model, epochs: script.epochs.length })
      model.stopTraining = false
      await list.onTrainBegin()
      for (const [epoch, [batches, logs]] of script.epochs.entries()) {
        model.setWeights([[[epoch + 0.5]]])
        await list.onEpochBegin(epoch)
        for (const [i, batch] of batches.entries()) {
          await list.onTrainBatchBegin(i)
          await list.onTrainBatchEnd(i, numbers(batch))
        }
        await list.onEpochEnd(epoch, numbers(logs))
        rates.push(await model.optimizer!.learningRate.item())
        stopped = model.stopTraining ? epoch : stopped
        if (model.stopTraining) break
      }
      await list.onTrainEnd(numbers(script.epochs.at(-1)![1]))
    }
    expect(output).toBe(script.output)
    expect(warnings.map((text) => text.replace(/^ondol: /, ''))).toEqual(
      script.warnings.map((text) => text.replace(/(learning_rate)\.$/, '$1')),
    )
    expect({ stopped, rates, saved, weight: model.weights[0]!.dataSync()[0] }).toEqual({
      stopped: script.stopped,
      rates: script.rates,
      saved: script.saved,
      weight: script.weight,
    })
    expect(history).toEqual(script.history.map(numbers))
    expect(history.map((logs) => Object.keys(logs))).toEqual(script.history.map((logs) => Object.keys(logs)))
    const names = await readdir(folder)
    expect(Object.fromEntries(await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), 'utf8')])))).toEqual(
      script.files,
    )
  })
})

describe("Python's formats", () => {
  it('are written as Python writes them', () => {
    for (const [template, value, text] of readVectors<[string, number | string, string][]>('python-format')) {
      const field = typeof value === 'number' ? value : new PythonFloat(Buffer.from(value, 'hex').readDoubleBE(0))
      expect([template, value, formatPython(template, { v: field })]).toEqual([template, value, text])
    }
  })

  it('keep doubled braces, and refuse what Python refuses', () => {
    expect(formatPython('{{{a}}}', { a: 1 })).toBe('{1}')
    expect(() => formatPython('{b}.keras', { a: 1 })).toThrow(/there is no value for \{b\}/)
    expect(() => formatPython('{a', { a: 1 })).toThrow(/single '\{'/)
    expect(() => formatPython('{a:d}', { a: new PythonFloat(1) })).toThrow(/'d' is no format of a float/)
    expect(() => formatPython('{a:.2d}', { a: 1 })).toThrow(/is no format of an int/)
    expect(() => formatPython('{a:wide}', { a: 1 })).toThrow(/is no format/)
    expect(() => formatPython('{a:99999d}', { a: 1 })).toThrow(/is no format/)
  })
})
