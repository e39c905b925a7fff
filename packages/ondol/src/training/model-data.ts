/** The arguments of `fit`, `evaluate` and `predict` as sources of batches, told by the model what they should be. */
import { DataError, ValueError } from '../core/errors.js'
import type { KerasTensor } from '../ops/operation.js'
import { type Arrays, type Converter, countSamples, type DataLike, type Expected, sliceArrays } from './convert.js'
import type { FitOptions } from './options.js'
import { ArraySource, type BatchIterable, type Feed, IterableSource, isBatchIterable, type Source } from './source.js'

/** What a model knows of its data. */
export interface DataModel {
  readonly inputSymbols: readonly KerasTensor[] | undefined
  readonly inputNames: readonly string[] | undefined
  readonly outputNames: readonly string[] | undefined
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
    const { batchSize = 32, validationSplit = 0, validationData, validationBatchSize = batchSize, shuffle = true, sampleWeight } = options
    const validationOf = (): Source | undefined => {
      if (validationData === undefined) return undefined
      if (!Array.isArray(validationData)) return this.source(validationData as BatchIterable, null, undefined, validationBatchSize, false)
      const [valX, valY, valWeight] = validationData as unknown as readonly [DataLike, (DataLike | null)?, (DataLike | null)?]
      return this.source(valX, valY ?? null, valWeight ?? undefined, validationBatchSize, false)
    }
    if (validationSplit === 0 || validationData !== undefined)
      return { training: this.source(x, y, sampleWeight, batchSize, shuffle), validation: validationOf() }
    if (isBatchIterable(x)) {
      throw new DataError({
        where: 'validationSplit',
        problem: 'batches that come one by one cannot be split',
        expected: 'arrays or tensors',
        hint: 'pass validationData',
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
      training: new ArraySource(part(0, at), batchSize, shuffle),
      validation: new ArraySource(part(at, count), validationBatchSize, false),
    }
  }

  /** All of it as one batch. */
  batch(x: DataLike, y: DataLike | null, sampleWeight: DataLike | undefined): Feed {
    const arrays = this.arrays(x, y, sampleWeight)
    countSamples(arrays)
    return { kind: 'batch', arrays, dispose: () => undefined }
  }

  arrays(x: DataLike, y: DataLike | null, sampleWeight: DataLike | undefined): Arrays {
    const { inputs, outputs } = this.#expected()
    if (x == null)
      throw new DataError({ where: 'x', problem: 'there is no data', expected: 'tensors, arrays, or batches', received: String(x) })
    return {
      x: this.#converter.convert(x, 'x', inputs),
      y: y === null ? null : this.#converter.convert(y, 'y', outputs),
      sampleWeight: sampleWeight === undefined ? null : this.#converter.convert(sampleWeight, 'sampleWeight', outputs),
    }
  }

  #expected(): { inputs: Expected; outputs: Expected } {
    const { inputSymbols, inputNames, outputNames } = this.#model
    return { inputs: { symbols: inputSymbols, names: inputNames }, outputs: { names: outputNames, count: outputNames?.length } }
  }

  /** Arrays in batches of `batchSize`, or batches as they come. */
  source(
    x: DataLike | BatchIterable,
    y: DataLike | null,
    sampleWeight: DataLike | undefined,
    batchSize: number,
    shuffle: boolean | 'batch',
  ): Source {
    if (!isBatchIterable(x)) return new ArraySource(this.arrays(x, y, sampleWeight), batchSize, shuffle)
    if (y !== null || sampleWeight !== undefined) {
      throw new DataError({
        where: 'y',
        problem: 'batches bring their targets and weights along',
        expected: 'an iterable of [x, y] or [x, y, sampleWeight]',
        received: 'an iterable and separate targets',
      })
    }
    const { inputs, outputs } = this.#expected()
    return new IterableSource(x, inputs, outputs)
  }
}
