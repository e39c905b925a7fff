/** Windows of a series as a dataset. Follows `keras/src/utils/timeseries_dataset_utils.py`. */
import { ValueError } from '../core/errors.js'
import { collate } from '../data/collate.js'
import { type ArrayInput, array, Dataset, type HostArray } from '../data/index.js'
import { makeRandom, shuffleInPlace } from '../data/random.js'
import { makeDefaultSeed } from '../ops/random.js'

export interface TimeseriesOptions {
  /** Steps from the start of a window to that of the next. Default 1. */
  readonly sequenceStride?: number
  /** Steps from one element of a window to the next. Default 1. */
  readonly samplingRate?: number
  /** Default 128; null for windows one by one. */
  readonly batchSize?: number | null
  readonly shuffle?: boolean
  readonly seed?: number | null
  /** Steps before it are not used. */
  readonly startIndex?: number | null
  /** It, and steps after it, are not used. */
  readonly endIndex?: number | null
  /** One kind of dataset here, whatever it says. */
  readonly format?: string
}

/**
 * Windows of `sequenceLength` steps of `data` (steps, …), and if there are `targets`, that of the window's first step.
 *
 * @example
 * // Ten hours of weather, and the temperature of the next.
 * const dataset = utils.timeseriesDatasetFromArray(hours, temperatures.slice(10), 10)
 */
export function timeseriesDatasetFromArray(
  data: ArrayInput,
  targets: ArrayInput | null,
  sequenceLength: number,
  options: TimeseriesOptions = {},
): Dataset<HostArray | [HostArray, HostArray]> {
  const { sequenceStride = 1, samplingRate = 1, batchSize = 128, shuffle = false, seed, startIndex = null, endIndex = null } = options
  const series = array(data)
  const total = series.shape[0] as number
  const require = (isTrue: boolean, problem: string, received: unknown): void => {
    if (!isTrue) throw new ValueError({ where: 'timeseriesDatasetFromArray', problem, received: `${received}, for data of ${total} steps` })
  }
  if (startIndex !== null) require(startIndex >= 0 && startIndex < total, 'startIndex is outside of the data', startIndex)
  if (endIndex !== null) {
    require(endIndex > 0 && endIndex < total, 'endIndex is outside of the data', endIndex)
    require(endIndex > (startIndex ?? 0), 'endIndex must be greater than startIndex', endIndex)
  }
  require(samplingRate > 0 && samplingRate < total, 'samplingRate must be at least 1 and less than the data', samplingRate)
  require(sequenceStride > 0 && sequenceStride < total, 'sequenceStride must be at least 1 and less than the data', sequenceStride)
  require(Number.isInteger(sequenceLength) && sequenceLength > 0, 'sequenceLength must be at least 1', sequenceLength)
  const start = startIndex ?? 0
  const wanted = targets === null ? null : array(targets)
  const windows = (endIndex ?? total) - start - (sequenceLength - 1) * samplingRate
  // A window without a target is none.
  const count = Math.max(0, Math.min(windows, (wanted?.shape[0] ?? Number.POSITIVE_INFINITY) - start))
  const places = Array.from({ length: Math.ceil(count / sequenceStride) }, (_, i) => start + i * sequenceStride)
  const base = seed ?? makeDefaultSeed()
  if (shuffle) shuffleInPlace(places, makeRandom(base))
  const windowAt = (place: number): HostArray =>
    samplingRate === 1
      ? series.slice(place, place + sequenceLength)
      : collate(Array.from({ length: sequenceLength }, (_, i) => series.row(place + i * samplingRate)))
  const ordered = Dataset.from(places)
  const mixed = shuffle && places.length > 0 ? ordered.shuffle(batchSize === null ? 1024 : batchSize * 8, { seed: base }) : ordered
  const dataset = mixed.map((place) =>
    wanted === null ? windowAt(place) : ([windowAt(place), wanted.row(place)] as [HostArray, HostArray]),
  )
  return (batchSize === null ? dataset : dataset.batch(batchSize)) as unknown as Dataset<HostArray | [HostArray, HostArray]>
}
