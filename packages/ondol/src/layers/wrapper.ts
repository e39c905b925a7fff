/** The base of layers around a layer. Follows `keras/src/layers/core/wrapper.py`. */
import { ValueError } from '../core/errors.js'
import type { PartialShape } from '../core/shape.js'
import { Layer, type LayerOptions } from './layer.js'

/**
 * Holds a layer and builds it; what it does with it is the subclass's to say.
 *
 * @example
 * class Residual extends layers.Wrapper {
 *   override call(x: Tensor) { return ops.add(x, this.layer(x)) }
 * }
 */
export class Wrapper extends Layer {
  static override readonly className: string = 'Wrapper'
  static override readonly positional: readonly string[] = ['layer']
  readonly layer: Layer

  constructor(layer: Layer, options: LayerOptions = {}) {
    super(options)
    if (!(layer instanceof Layer)) {
      throw new ValueError({ where: this.name, problem: 'a wrapper needs a layer to wrap', received: String(layer) })
    }
    this.layer = layer
  }

  override build(inputShape: PartialShape): void {
    if (!this.layer.built) this.layer.build(inputShape)
  }

  override getConfig(): Record<string, unknown> {
    return { ...super.getConfig(), layer: this.layer.serialize() }
  }
}

export const wrapper = (...args: ConstructorParameters<typeof Wrapper>): Wrapper => new Wrapper(...args)
