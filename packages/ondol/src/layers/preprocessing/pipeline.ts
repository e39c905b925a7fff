/** Layers one after the other as one layer. Follows `keras/src/layers/preprocessing/pipeline.py`. */
import { INVOKE } from '../../core/callable.js'
import type { Tensor } from '../../engine/index.js'
import type { ConfigTable } from '../config-table.js'
import { type CallOptions, Layer, type LayerOptions } from '../layer.js'
import { holdsStrings } from './string-tensor.js'

/**
 * Preprocessing as one layer, for a `Dataset.map` or a model; by itself it takes a call for training.
 *
 * @example
 * layers.pipeline([layers.rescaling(1 / 255), layers.normalization({ mean: 0.5, variance: 0.25 })])
 */
export class Pipeline extends Layer {
  static override readonly className: string = 'Pipeline'
  static override readonly positional: readonly string[] = ['layers']
  static override readonly configTable: ConfigTable = { layers: 'value' }
  static override readonly isStateless: boolean = true
  static override readonly trainsByDefault: boolean = true
  readonly layers: readonly Layer[]

  constructor(layers: readonly Layer[], options: Pick<LayerOptions, 'name'> = {}) {
    super(options)
    this.layers = [...layers]
  }

  override [INVOKE](...args: unknown[]): unknown {
    const [inputs, options] = args
    if (!holdsStrings(inputs)) return super[INVOKE](...args)
    return this.layers.reduce<unknown>((x, layer) => layer(x as Tensor, ...(options === undefined ? [] : [options as CallOptions])), inputs)
  }

  /** A mask travels with the tensors, as far as the layers hand it on; one that is given is the first layer's. */
  override call(inputs: Tensor, { training, mask }: CallOptions = {}): Tensor {
    return this.layers.reduce((x, layer, i): Tensor => layer(x, i === 0 ? { training, mask } : { training }), inputs)
  }

  override getConfig(): Record<string, unknown> {
    return { layers: this.layers.map((layer) => layer.serialize()), name: this.name }
  }
}

export const pipeline = (...args: ConstructorParameters<typeof Pipeline>): Pipeline => new Pipeline(...args)
