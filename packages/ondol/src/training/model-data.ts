/** The arguments of `fit`, `evaluate` and `predict` as sources of batches, told by the model what they should be. */
import { DataError, ValueError } from '../core/errors.js'
import { flatten, type Tree } from '../core/tree.js'
import type { Tensor } from '../engine/index.js'
import type { KerasTensor } from '../ops/operation.js'
import { type Arrays, type Converter, countSamples, type DataLike, type Expected, sliceArrays } from './convert.js'
import type { FitOptions } from './options.js'
import { ArraySource, type BatchIterable, type Feed, IterableSource, isBatchIterable, type Source } from './source.js'

/** What a model knows of its data. */
export interface DataModel {
  readonly inputSymbols: readonly KerasTensor[] | undefined
  readonly inputNames: readonly string[] | undefined
  readonly outputNames: readonly string[] | undefined
  readonly inputStructure: Tree<unknown> | undefined
  readonly outputStructure: Tree<unknown> | undefined
}

/** How data becomes batches. */
export interface Batching {
  readonly batchSize?: number | undefined
  /** Of a pass: where `batchSize` is not given, it follows from it. */
  readonly steps?: number | undefined
  readonly shuffle: boolean | 'batch'
}

export class ModelData {
  readonly #model: DataModel
  readonly #converter: Converter

  /** What is made of numbers on the way belongs to `converter`. */
  constructor(model: DataModel, converter: Converter) {
    this.#model = model
    this.#converter = converter
  }

  /** What to train on and what to validate on. */
  fitSources(x: DataLike | BatchIterable, y: DataLike | null, options: FitOptions): { training: Source; validation: Source | undefined } {
    const { batchSize, validationSplit = 0, validationData, shuffle = true, sampleWeight, stepsPerEpoch: steps, validationSteps } = options
    const validating = { batchSize: options.validationBatchSize ?? batchSize, steps: validationSteps, shuffle: false }
    const validationOf = (): Source | undefined => {
      if (validationData == null) return undefined
      if (!Array.isArray(validationData)) return this.source(validationData as BatchIterable, null, undefined, validating)
      const [valX, valY, valWeight] = validationData as unknown as readonly [DataLike, (DataLike | null)?, (DataLike | null)?]
      if (y !== null && valY == null) throw noValidationTargets(validationData)
      return this.source(valX, valY ?? null, valWeight, validating)
    }
    if (validationSplit === 0 || validationData != null)
      return { training: this.source(x, y, sampleWeight, { batchSize, steps, shuffle }), validation: validationOf() }
    if (isBatchIterable(x)) {
      throw new DataError({
        where: 'validationSplit',
        problem: 'batches that come one by one cannot be split',
        expected: 'arrays or tensors',
        hint: 'pass validationData; utils.splitDataset makes two datasets of one',
      })
    }
    const arrays = this.arrays(x, y, sampleWeight)
    const count = countSamples(arrays)
    const at = Math.floor(count * (1 - validationSplit))
    if (!(at > 0 && at < count)) {
      throw new ValueError({
        where: 'validationSplit',
        problem: 'one part would be empty',
        expected: 'a number between 0 and 1',
        received: `${validationSplit} of ${count} samples`,
      })
    }
    const part = (from: number, to: number): Arrays => sliceArrays(arrays, from, to, this.#converter)
    return {
      training: arraySource(part(0, at), { batchSize, steps, shuffle }),
      validation: arraySource(part(at, count), validating),
    }
  }

  /** All of it as one batch. */
  batch(x: DataLike, y: DataLike | null, sampleWeight: DataLike | null | undefined): Feed {
    const arrays = this.arrays(x, y, sampleWeight)
    countSamples(arrays)
    return { kind: 'batch', arrays, dispose: () => undefined }
  }

  arrays(x: DataLike, y: DataLike | null, sampleWeight: DataLike | null | undefined): Arrays {
    const { inputs, outputs } = this.#expected()
    if (x == null)
      throw new DataError({ where: 'x', problem: 'there is no data', expected: 'tensors, arrays, or batches', received: String(x) })
    const converted = this.#converter.convert(x, 'x', inputs)
    const samples = flatten(converted)[0]?.shape[0]
    const forOutputs = (data: DataLike, what: string): Tree<Tensor> =>
      areLists(data, samples)
        ? data.map((item, i) => this.#converter.convert(item, `${what}[${i}]`))
        : this.#converter.convert(data, what, outputs)
    return {
      x: converted,
      y: y === null ? null : forOutputs(y, 'y'),
      sampleWeight: sampleWeight == null ? null : forOutputs(sampleWeight, 'sampleWeight'),
    }
  }

  #expected(): { inputs: Expected; outputs: Expected } {
    const { inputSymbols, inputNames, outputNames, inputStructure, outputStructure } = this.#model
    return {
      inputs: { symbols: inputSymbols, names: inputNames, structure: inputStructure },
      outputs: { names: outputNames, count: outputNames?.length, structure: outputStructure },
    }
  }

  /** Arrays in batches, or batches as they come. */
  source(x: DataLike | BatchIterable, y: DataLike | null, sampleWeight: DataLike | null | undefined, batching: Batching): Source {
    if (!isBatchIterable(x)) return arraySource(this.arrays(x, y, sampleWeight), batching)
    if (y !== null || sampleWeight != null) {
      throw new DataError({
        where: y !== null ? 'y' : 'sampleWeight',
        problem: 'batches bring their targets and weights along',
        expected: 'an iterable of [x, y] or [x, y, sampleWeight]',
        received: `an iterable and separate ${y !== null ? 'targets' : 'weights'}`,
      })
    }
    const { inputs, outputs } = this.#expected()
    return new IterableSource(x, inputs, outputs, batching.shuffle !== false)
  }
}

const noValidationTargets = ({ length }: readonly unknown[]): DataError =>
  new DataError({
    where: 'validationData',
    problem: 'there are targets to train on, but none to validate on',
    expected: '[x, y] or [x, y, sampleWeight]',
    received: `${length} element${length === 1 ? '' : 's'}${length > 1 ? ', of which the second is null' : ''}`,
    ...(length > 1 ? {} : { hint: 'several inputs belong in a list of their own: [[a, b], y]' }),
  })

/** Numbers in a list of another length than the samples, whose items have that length, are for several outputs. */
const areLists = (data: DataLike, samples: number | undefined): data is readonly DataLike[] =>
  Array.isArray(data) && data.length !== samples && data.every((item) => Array.isArray(item) && item.length === samples)

function arraySource(arrays: Arrays, { batchSize, steps, shuffle }: Batching): ArraySource {
  return new ArraySource(arrays, batchSize ?? (steps === undefined ? 32 : Math.max(1, Math.ceil(countSamples(arrays) / steps))), shuffle)
}
