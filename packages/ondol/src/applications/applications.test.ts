// Every network against what the real Keras makes (tools/oracle/applications.py). Weights are never made here: they are
// made when they are first needed.
import { createHash } from 'node:crypto'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { loadDefaultBackend } from '../backends/load.js'
import { toCamelCase } from '../core/spelling.js'
import { memory } from '../engine/index.js'
import * as config from '../layers/config.js'
import * as layers from '../layers/index.js'
import { Model } from '../models/index.js'
import { readVectors } from '../testing/vectors.js'
import { getFile } from '../utils/get-file.js'
import { clearSession } from '../utils/session.js'
import type { Application, ApplicationOptions } from './application.js'
import * as applications from './index.js'

vi.mock('../utils/get-file.js', () => ({ getFile: vi.fn() }))
await loadDefaultBackend()

interface Case {
  readonly application: string
  readonly options: Readonly<Record<string, unknown>>
}
interface Network extends Case {
  readonly name: string
  readonly layers: number
  readonly trainable: number
  readonly nonTrainable: number
  readonly outputShape: readonly (number | null)[]
  readonly layerHash: string
  readonly weightHash: string
  readonly configHash: string
}
interface WeightsFile extends Case {
  readonly name: string
  readonly url: string
  readonly hash: string | null
}
const { networks, files } = readVectors<{ networks: readonly Network[]; files: readonly WeightsFile[] }>('applications')

const OMITTED = ['quantization_config', 'build_config', 'compile_config', 'shared_object_id']

/** As the script's: text that is the same in every language. */
function canonical(value: unknown): string {
  if (value === null || value === undefined) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'string') return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value === 'number') {
    const bits = Buffer.alloc(8)
    bits.writeDoubleBE(value)
    return bits.toString('hex')
  }
  const members = Object.entries(value).filter(([key]) => !OMITTED.includes(key))
  const sorted = members.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${sorted.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(',')}}`
}
const digest = (value: unknown): string => createHash('sha256').update(canonical(value)).digest('hex').slice(0, 16)

const applicationOf = (name: string): Application => (applications as unknown as Record<string, Application>)[name] as Application

const optionsOf = (options: Case['options']): ApplicationOptions =>
  Object.fromEntries(Object.entries(options).map(([key, value]) => [toCamelCase(key), value]))

async function make({ application, options }: Case): Promise<Model> {
  const { channels_first, tensor, imagenet, ...rest } = options
  config.setImageDataFormat(channels_first === true ? 'channels_first' : 'channels_last')
  const given = optionsOf(rest)
  if (imagenet === true) {
    vi.mocked(getFile).mockResolvedValue('weights.h5')
    vi.spyOn(Model.prototype, 'loadWeights').mockResolvedValue()
    return (await applicationOf(application)(given)) as unknown as Model
  }
  if (tensor !== true) return applicationOf(application)({ ...given, weights: null }) as unknown as Model
  const pixels = layers.Input({ shape: [null, null, 1], name: 'grey' })
  const inputTensor = layers.concatenate([pixels, pixels, pixels], { name: 'colours' })
  return applicationOf(application)({ ...given, weights: null, inputTensor }) as unknown as Model
}

const countOf = (weights: Model['weights']): number => weights.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)

afterEach(() => {
  config.setImageDataFormat('channels_last')
  vi.restoreAllMocks()
})

describe('networks', () => {
  it.each(networks.map((network) => [network.application, JSON.stringify(network.options), network] as const))(
    '%s %s is made of what it is in Keras',
    async (_, __, { application, options, ...expected }) => {
      clearSession()
      const before = memory().bytes
      const model = await make({ application, options })
      expect(memory().bytes - before).toBeLessThan(2 ** 20)
      expect({
        name: model.name,
        layers: model.layers.length,
        trainable: countOf(model.trainableWeights),
        nonTrainable: countOf(model.nonTrainableWeights),
        outputShape: model.outputShape,
        layerHash: digest(model.layers.map(({ className, name }) => [className, name])),
        weightHash: digest(model.weights.map(({ path, shape, trainable }) => [path.split('/').slice(-2).join('/'), shape, trainable])),
        configHash: digest(JSON.parse(model.toJson())),
      }).toEqual(expected)
    },
  )

  it('are all there', () => {
    const names = Object.keys(applications).filter((name) => /^[A-Z]/.test(name))
    expect(new Set(networks.map(({ application }) => application))).toEqual(new Set(names))
    expect(names.length).toBe(40)
  })
})

describe('weights from ImageNet', () => {
  it.each(files.map((file) => [file.application, JSON.stringify(file.options), file] as const))(
    "of %s %s are Keras's",
    async (_, __, { application, options, name, url, hash }) => {
      const stopped = new Error('this would be fetched')
      vi.mocked(getFile).mockRejectedValue(stopped)
      vi.spyOn(console, 'warn').mockReturnValue()
      await expect(applicationOf(application)(optionsOf(options))).rejects.toBe(stopped)
      expect(vi.mocked(getFile).mock.lastCall).toEqual([name, url, { cacheSubdir: 'models', ...(hash !== null && { fileHash: hash }) }])
    },
  )
})
