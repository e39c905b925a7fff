/** The base of layers that read strings: they are called on strings outside of a model, and on numbers inside of it. */
import { INVOKE } from '../../core/callable.js'
import { OndolError, ValueError } from '../../core/errors.js'
import { Tensor } from '../../engine/index.js'
import { isSymbolic } from '../../ops/operation.js'
import type { CallOptions } from '../layer.js'
import { Layer } from '../layer.js'
import { asStrings, holdsStrings, type StringLike, StringTensor } from './string-tensor.js'

export interface TextLayer {
  /** Strings in: arrays of strings, nested as their shape says. */
  // biome-ignore lint/style/useShorthandFunctionType: merges with the class
  (inputs: StringLike, options?: CallOptions): Tensor
}

/** A layer that is called on strings, by `callOnStrings`. */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: instances are callable
export abstract class TextLayer extends Layer {
  static override readonly isStateless: boolean = true

  override [INVOKE](...args: unknown[]): unknown {
    const [inputs] = args
    if (!holdsStrings(inputs)) return super[INVOKE](...args)
    try {
      const strings = asStrings(inputs, this.name)
      if (!this.built) this.build([...strings.shape])
      return this.callOnStrings(strings)
    } catch (error) {
      throw error instanceof OndolError ? error.within(this.name) : error
    }
  }

  /** What strings become. */
  protected abstract callOnStrings(inputs: StringTensor): Tensor | StringTensor

  /** The error for numbers where strings are needed: a model computes with numbers only. */
  protected needsStrings(received: unknown): ValueError {
    return new ValueError({
      problem: `${this.className} reads strings, and a model computes with numbers`,
      expected: 'strings: an array of them, nested arrays, or a StringTensor',
      received: received instanceof Tensor || isSymbolic(received) ? String(received) : typeof received,
      hint: 'apply the layer before the model: `dataset.map((text) => layer(text))`, or `layer(texts)`; the model then starts with an int32 Input',
    })
  }
}

/** Values in ordinary memory, strings or numbers. */
export interface HostValues {
  readonly values: ArrayLike<string | number>
  readonly shape: readonly number[]
}

/** The values of strings, or of a tensor that is not being traced. */
export function hostValues(input: StringTensor | Tensor, layer: Layer, why: string): HostValues {
  if (input instanceof StringTensor) return { values: input.dataSync(), shape: input.shape }
  if (input.isTraced)
    throw new ValueError({
      where: layer.name,
      problem: `${layer.className} ${why}, which cannot be compiled into a model`,
      hint: 'apply it before the model: `dataset.map((x) => layer(x))`',
    })
  return { values: input.dataSync(), shape: input.shape }
}
