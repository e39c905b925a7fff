/** Numbers as the bins that they fall into. Follows `keras/src/layers/preprocessing/discretization.py`. */
import { ValueError } from '../../core/errors.js'
import { lax, type Tensor } from '../../engine/index.js'
import type { ConfigTable } from '../config-table.js'
import { Layer, type LayerOptions } from '../layer.js'
import { type AdaptData, adaptTo, tensorOf } from './batches.js'
import { binBoundaries, countBelow, EMPTY, mergeSummaries, type Summary, summarize } from './bins.js'
import { encodeCategorical, type OutputMode, refuseSparse, requireMode } from './encode.js'

export interface DiscretizationOptions extends LayerOptions {
  /** Ascending; n boundaries make n + 1 bins. */
  readonly binBoundaries?: readonly number[] | null | undefined
  /** How many bins `adapt` shall make, with equally many samples in each. */
  readonly numBins?: number | null | undefined
  /** How far quantiles may be off. Default 0.01. */
  readonly epsilon?: number | undefined
  /** `'int'` (default), `'one_hot'`, `'multi_hot'` or `'count'`. */
  readonly outputMode?: string | undefined
  readonly sparse?: boolean | undefined
}

/**
 * float (…) → int32 bins (…), or encoded as `outputMode` says. A number on a boundary belongs to the bin above.
 *
 * @example
 * layers.discretization({ binBoundaries: [0, 1] })([-1, 0.5, 1])   // [0, 1, 2]
 */
export class Discretization extends Layer {
  static override readonly className: string = 'Discretization'
  static override readonly configTable: ConfigTable = {
    binBoundaries: 'value',
    numBins: 'value',
    epsilon: 'value',
    outputMode: 'value',
    sparse: 'value',
  }
  static override readonly isStateless: boolean = true
  binBoundaries: readonly number[] | null
  readonly numBins: number | null
  readonly epsilon: number
  readonly outputMode: OutputMode
  readonly sparse: boolean
  #summary: Summary = EMPTY

  constructor(options: DiscretizationOptions = {}) {
    const { binBoundaries: given = null, numBins = null, epsilon = 0.01, outputMode = 'int', sparse = false, ...rest } = options
    super(rest)
    refuseSparse(sparse, this.name)
    if (numBins !== null && numBins < 0)
      throw new ValueError({ where: this.name, problem: 'numBins must not be negative', received: `${numBins}` })
    if ((numBins === null) === (given === null))
      throw new ValueError({
        where: this.name,
        problem: numBins === null ? 'it is not known what the bins are' : 'numBins and binBoundaries exclude each other',
        expected: 'either binBoundaries, or numBins and adapt()',
      })
    this.binBoundaries = given
    this.numBins = numBins
    this.epsilon = epsilon
    this.outputMode = requireMode(outputMode, ['int', 'one_hot', 'multi_hot', 'count'], this.name)
    this.sparse = sparse
  }

  /** Finds boundaries between `numBins` bins with equally many samples each. */
  async adapt(data: AdaptData, { steps }: { readonly steps?: number | null } = {}): Promise<void> {
    const { numBins } = this
    if (numBins === null)
      throw new ValueError({ where: this.name, problem: 'a layer with binBoundaries has nothing to learn', hint: 'use numBins instead' })
    const see = (array: unknown): void => {
      const numbers = lax.cast(tensorOf(array, this.name), 'float32').dataSync()
      this.#summary = mergeSummaries(summarize(numbers, this.epsilon), this.#summary, this.epsilon)
    }
    await adaptTo(data, steps, this.name, {
      start: () => {
        this.#summary = EMPTY
      },
      whole: see,
      batch: see,
      finish: () => {
        this.binBoundaries = binBoundaries(this.#summary, numBins)
      },
    })
  }

  override call(inputs: Tensor): Tensor {
    const { binBoundaries: boundaries } = this
    if (boundaries === null)
      throw new ValueError({
        problem: 'the boundaries of the bins are not known yet',
        hint: 'call adapt(data) first, or give binBoundaries',
      })
    const table = lax.constant(Float32Array.from(boundaries), [boundaries.length], 'float32')
    const bins = countBelow(lax.cast(inputs, 'float32'), table)
    return encodeCategorical(bins, this.outputMode, boundaries.length + 1, this.outputMode === 'int' ? 'int32' : this.computeDtype)
  }

  override getConfig(): Record<string, unknown> {
    const { trainable: _, ...config } = super.getConfig()
    return { ...config, dtype: this.dtype }
  }

  static override fromConfig(config: Readonly<Record<string, unknown>>): Discretization {
    // After `adapt` both are there; a constructor takes one only.
    const { bin_boundaries: boundaries, ...rest } = config
    const isAdapted = typeof rest.num_bins === 'number' && Array.isArray(boundaries)
    // biome-ignore lint/complexity/noThisInStatic: the base makes an object of this class
    const layer = super.fromConfig(isAdapted ? rest : config) as Discretization
    if (isAdapted) layer.binBoundaries = boundaries
    return layer
  }
}

export const discretization = (...args: ConstructorParameters<typeof Discretization>): Discretization => new Discretization(...args)
