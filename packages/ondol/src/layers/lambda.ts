/** A function as a layer. Follows `keras/src/layers/core/lambda_layer.py`; code is never read from files. */
import type { CustomObjects } from '../core/custom-objects.js'
import { getRegisteredObject } from '../core/custom-objects.js'
import { SavingError, ValueError } from '../core/errors.js'
import { customFor, describeFunction, isFunctionDescription } from '../core/serialized.js'
import type { PartialShape } from '../core/shape.js'
import { isSerializedObject } from '../core/spelling.js'
import { flatten, type Tree } from '../core/tree.js'
import { Tensor } from '../engine/index.js'
import type { ConfigTable } from './config-table.js'
import { type CallOptions, Layer, type LayerOptions } from './layer.js'
import type { Masks } from './masks.js'

/** Gets the inputs, and in a second parameter, if it has one, `arguments` with `training` and `mask`. */
export type LambdaFunction = (inputs: never, options: never) => Tree<Tensor>
type Shapes = Tree<number | null>

export interface LambdaOptions extends LayerOptions {
  /** Shape of the output without the batch, or a function from the shape of the input. Default: found by running it. */
  readonly outputShape?: PartialShape | ((inputShape: Shapes) => Shapes) | null | undefined
  /** The mask of the output, or a function of inputs and their masks. Default: none. */
  readonly mask?: Tensor | ((inputs: Tree<Tensor>, mask: Masks | null) => Masks | null) | null | undefined
  /** Options that the function gets. */
  readonly arguments?: Readonly<Record<string, unknown>> | undefined
}

/**
 * A function of tensors, as a layer. It is saved by its name: only a function that was registered
 * (`saving.registerKerasSerializable`) is found again. It has no weights; for those write a `Layer`.
 *
 * @example
 * const halves = layers.lambda((x: Tensor) => ops.multiply(x, 0.5))
 */
export class Lambda extends Layer {
  static override readonly className: string = 'Lambda'
  static override readonly positional: readonly string[] = ['function']
  static override readonly configTable: ConfigTable = { arguments: 'value' }
  readonly function: LambdaFunction
  readonly outputShape: NonNullable<LambdaOptions['outputShape']> | null
  readonly mask: NonNullable<LambdaOptions['mask']> | null
  override readonly arguments: Readonly<Record<string, unknown>>

  constructor(fn: LambdaFunction, { outputShape = null, mask = null, arguments: given = {}, ...options }: LambdaOptions = {}) {
    super(options)
    if (typeof fn !== 'function') throw new ValueError({ where: this.name, problem: 'a function is needed', received: String(fn) })
    this.function = fn
    this.outputShape = outputShape
    this.mask = mask
    this.arguments = given
    this.supportsMasking = mask !== null
  }

  override call(inputs: Tree<Tensor>, { training, mask }: CallOptions): Tree<Tensor> {
    const run = this.function as (inputs: unknown, options?: unknown) => Tree<Tensor>
    // As Keras asks for the names of the parameters: many a function would refuse options that it does not know.
    if (run.length > 1) return run(inputs, { ...this.arguments, training, mask })
    return Object.keys(this.arguments).length === 0 ? run(inputs) : run(inputs, this.arguments)
  }

  override computeMask(inputs: Tree<Tensor>, previous: Masks | null): Masks | null {
    return typeof this.mask === 'function' && !(this.mask instanceof Tensor) ? this.mask(inputs, previous) : (this.mask as Tensor | null)
  }

  override computeOutputShape(inputShape: Shapes): Tree<PartialShape> {
    if (this.outputShape === null) return super.computeOutputShape(inputShape)
    if (typeof this.outputShape === 'function') return this.outputShape(inputShape) as unknown as PartialShape
    return [(flatten(inputShape)[0] ?? null) as number | null, ...this.outputShape]
  }

  /** @throws SavingError when a function has no name. */
  override getConfig(): Record<string, unknown> {
    const written = (value: unknown): unknown => (typeof value === 'function' ? describeFunction(value) : value)
    const { outputShape, mask } = this
    if (mask instanceof Tensor) {
      throw new SavingError({ where: this.name, problem: 'a mask that is a tensor cannot be saved', hint: 'give a function that makes it' })
    }
    return {
      ...super.getConfig(),
      function: describeFunction(this.function),
      ...(outputShape !== null && { output_shape: written(outputShape) }),
      ...(mask !== null && { mask: written(mask) }),
    }
  }

  /** @throws SavingError when a function is not registered, or is Python code. */
  static override fromConfig(config: Readonly<Record<string, unknown>>, customObjects: CustomObjects = {}): Layer {
    const read = (value: unknown): unknown => (isSerializedObject(value) ? findFunction(value, customObjects) : value)
    const { function: fn, output_shape: outputShape = null, mask = null, ...rest } = config
    return Layer.fromConfig.call(Lambda, { ...rest, function: read(fn), output_shape: read(outputShape), mask: read(mask) })
  }
}

function findFunction(description: Parameters<typeof customFor>[0] & object, customObjects: CustomObjects): unknown {
  if (description.class_name === '__lambda__') {
    throw new SavingError({
      where: 'Lambda',
      problem: 'the file holds a Python lambda, which is Python code and is not run here',
      hint: 'in Python, give the layer a named function and save it again; here, register one under that name',
    })
  }
  const name = String(description.config)
  const found = isFunctionDescription(description) ? (customFor(description) ?? getRegisteredObject(name, customObjects)) : undefined
  if (typeof found === 'function') return found
  throw new SavingError({
    where: 'Lambda',
    problem: `there is no function '${name}'`,
    hint: `register it before: saving.registerKerasSerializable('my_package')(${name.split('>').at(-1)}), or pass it as customObjects`,
  })
}

export const lambda = (...args: ConstructorParameters<typeof Lambda>): Lambda => new Lambda(...args)
