/** Several features together put into bins by their hash. Follows `keras/src/layers/preprocessing/hashed_crossing.py`. */
import { INVOKE } from '../../core/callable.js'
import { isFloat } from '../../core/dtype.js'
import { DTypeError, ShapeError, ValueError } from '../../core/errors.js'
import { formatShape } from '../../core/shape.js'
import { Tensor, tensor } from '../../engine/index.js'
import { asTensor, type TensorLike } from '../../ops/define.js'
import { isSymbolic, type KerasTensor } from '../../ops/operation.js'
import type { ConfigTable } from '../config-table.js'
import { Layer, type LayerOptions } from '../layer.js'
import { requirePositive } from '../options.js'
import { encodeCategorical, type OutputMode, refuseSparse, requireMode } from './encode.js'
import { crossedBinOf } from './fingerprint.js'
import { asStrings, holdsStrings, type StringLike, type StringTensor } from './string-tensor.js'
import { hostValues } from './text-layer.js'

export interface HashedCrossingOptions extends LayerOptions {
  /** `'int'` (default) or `'one_hot'`. */
  readonly outputMode?: string | undefined
  readonly sparse?: boolean | undefined
}

export interface HashedCrossing {
  /** Two or more features of equal shape: (), (batch,) or (batch, 1). */
  // biome-ignore lint/style/useShorthandFunctionType: merges with the class
  (inputs: readonly (TensorLike | StringLike)[]): Tensor
}

/**
 * Strings or ints, two or more of (batch,) or (batch, 1) → int32 bins of that shape, or one-hot (batch, numBins).
 *
 * @example
 * layers.hashedCrossing(5)([['A', 'B', 'A', 'B', 'A'], [101, 101, 101, 102, 102]])   // [1, 4, 1, 1, 3]
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: instances are callable
export class HashedCrossing extends Layer {
  static override readonly className: string = 'HashedCrossing'
  static override readonly positional: readonly string[] = ['numBins']
  static override readonly configTable: ConfigTable = { numBins: 'value', outputMode: 'value', sparse: 'value' }
  static override readonly isStateless: boolean = true
  readonly numBins: number
  readonly outputMode: OutputMode
  readonly sparse: boolean

  constructor(numBins: number, { outputMode = 'int', sparse = false, dtype, ...rest }: HashedCrossingOptions = {}) {
    const mode = requireMode(outputMode, ['int', 'one_hot'], 'HashedCrossing')
    super({ ...rest, dtype: dtype ?? (mode === 'int' ? 'int64' : undefined) })
    refuseSparse(sparse, this.name)
    this.numBins = requirePositive(numBins, 'numBins', this.name)
    this.outputMode = mode
    this.sparse = sparse
  }

  override [INVOKE](...args: unknown[]): unknown {
    const [inputs] = args
    if (Array.isArray(inputs) && inputs.some((input) => isSymbolic(input as KerasTensor))) return super[INVOKE](...args)
    return this.#cross(inputs)
  }

  override call(inputs: readonly Tensor[]): Tensor {
    return this.#cross(inputs)
  }

  #cross(inputs: unknown): Tensor {
    const where = this.name
    if (!Array.isArray(inputs) || inputs.length < 2)
      throw new ValueError({
        where,
        problem: 'crossing needs at least two features',
        expected: 'a list of inputs',
        received: String(inputs),
      })
    const features = inputs.map((input) => (holdsStrings(input) ? asStrings(input, where) : asTensor(input as TensorLike)))
    if (!this.built) this.build(features.map((feature) => [...feature.shape]))
    const { shape } = features[0] as Tensor
    if (shape.length > 2 || (shape.length === 2 && shape[1] !== 1))
      throw new ShapeError({
        where,
        problem: 'features have one value a sample',
        expected: '(), (batch,) or (batch, 1)',
        received: formatShape(shape),
      })
    const columns = features.map((feature: Tensor | StringTensor) => {
      if (`${feature.shape}` !== `${shape}`)
        throw new ShapeError({
          where,
          problem: 'all features must have one shape',
          expected: formatShape(shape),
          received: formatShape(feature.shape),
        })
      // Numbers that were written down without a dtype are whole ones if they look so.
      const { values } = hostValues(feature, this, 'hashes text')
      const isWhole = feature.dtype === 'string' || !isFloat(feature.dtype) || !(inputs[features.indexOf(feature)] instanceof Tensor)
      if (!isWhole || Array.from(values).some((value) => typeof value === 'number' && !Number.isInteger(value)))
        throw new DTypeError({ where, problem: 'only integers and strings can be crossed', received: String(feature.dtype) })
      return values
    })
    const count = (columns[0] as ArrayLike<unknown>).length
    const bins = Int32Array.from({ length: count }, (_, row) =>
      crossedBinOf(
        columns.map((column) => column[row] as string | number),
        this.numBins,
      ),
    )
    return encodeCategorical(tensor(bins, shape), this.outputMode, this.numBins, this.computeDtype)
  }

  override getConfig(): Record<string, unknown> {
    const { trainable: _, ...config } = super.getConfig()
    return { ...config, dtype: this.dtypePolicy.name }
  }
}

export const hashedCrossing = (...args: ConstructorParameters<typeof HashedCrossing>): HashedCrossing => new HashedCrossing(...args)
