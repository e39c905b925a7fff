/** A dense layer over any axes, by an einsum equation. Follows `keras/src/layers/core/einsum_dense.py`. */
import { ShapeError, ValueError } from '../core/errors.js'
import { formatShape, type PartialShape, type Shape } from '../core/shape.js'
import type { Tensor } from '../engine/index.js'
import * as initializers from '../initializers/index.js'
import * as ops from '../ops/index.js'
import type { LoraOptions } from './adaptable-layer.js'
import type { ConfigTable } from './config-table.js'
import { InputSpec } from './input-spec.js'
import { KERNEL_CONFIG, KernelLayer, type KernelOptions } from './kernel-layer.js'

export interface EinsumDenseOptions extends Omit<KernelOptions, 'useBias'>, LoraOptions {
  /** Letters of the output's axes that have a bias. Default: none. */
  readonly biasAxes?: string | null | undefined
}

/** Sizes and roles that follow from an equation and the shape of the input. */
interface Layout {
  readonly kernel: Shape
  readonly bias: Shape
  /** Axes of the kernel that are summed over, and those that stay. */
  readonly inputAxes: readonly number[]
  readonly outputAxes: readonly number[]
}

const { useBias: _, ...CONFIG } = KERNEL_CONFIG

/**
 * activation(einsum(equation, x, kernel) + bias).
 *
 * @example
 * const heads = layers.einsumDense('abc,cde->abde', [null, 8, 64], { biasAxes: 'de' })(steps)
 */
export class EinsumDense extends KernelLayer {
  static override readonly className: string = 'EinsumDense'
  static override readonly positional: readonly string[] = ['equation', 'outputShape']
  static override readonly configTable: ConfigTable = {
    equation: 'value',
    outputShape: 'value',
    biasAxes: 'value',
    ...CONFIG,
    activityRegularizer: 'regularizer',
  }
  readonly equation: string
  /** Without the batch and the axes that the ellipsis stands for; `null` takes the input's size. */
  readonly outputShape: PartialShape
  readonly biasAxes: string | null

  constructor(equation: string, outputShape: number | PartialShape, { biasAxes = null, ...options }: EinsumDenseOptions = {}) {
    super({ ...options, useBias: biasAxes !== null })
    this.equation = equation
    this.outputShape = typeof outputShape === 'number' ? [outputShape] : [...outputShape]
    this.biasAxes = biasAxes
    parse(equation, this.name)
  }

  override build(inputShape: PartialShape): void {
    const { kernel, bias, inputAxes, outputAxes } = layoutOf(this, inputShape)
    this.inputSpec = new InputSpec({ ndim: inputShape.length })
    this.addKernel(kernel, bias, withAxes(this.kernelInitializer, inputAxes, outputAxes))
  }

  override call(inputs: Tensor): Tensor {
    return this.finish(ops.einsum(this.equation, inputs, this.adapted()))
  }
}

/** The initializer with the fans of this equation, unless it knows its axes. */
function withAxes(
  initializer: initializers.Initializer,
  inputAxes: readonly number[],
  outputAxes: readonly number[],
): initializers.Initializer {
  if (!(initializer instanceof initializers.VarianceScaling) || (initializer.inputAxes !== null && initializer.outputAxes !== null))
    return initializer
  const Class = initializer.constructor as new (options: object) => initializers.Initializer
  const { scale, mode, distribution, seed } = initializer
  return new Class({ scale, mode, distribution, seed, inputAxes, outputAxes })
}

interface Equation {
  readonly input: string
  readonly kernel: string
  readonly output: string
  readonly ellipsis: 'left' | 'right' | 'none'
}

function parse(equation: string, where: string): Equation {
  const FORMS = [
    ['none', /^([a-z]+),([a-z]+)->([a-z]+)$/i],
    ['left', /^\.{3}([a-z]+),([a-z]+)->\.{3}([a-z]+)$/i],
    ['right', /^([a-z]{2,})\.{3},([a-z]+)->([a-z]+)\.{3}$/i],
  ] as const
  for (const [ellipsis, form] of FORMS) {
    const [, input, kernel, output] = form.exec(String(equation).replace(/\s/g, '')) ?? []
    if (input !== undefined && kernel !== undefined && output !== undefined) return { input, kernel, output, ellipsis }
  }
  throw new ValueError({
    where,
    problem: 'this is no equation of an input and a kernel',
    expected: "'ab,bc->ac', '...ab,bc->...ac' or 'ab...,bc->ac...', for example",
    received: `equation='${String(equation)}'`,
  })
}

function layoutOf({ equation, outputShape, biasAxes, name: where }: EinsumDense, inputShape: PartialShape): Layout {
  const { input, kernel, output, ellipsis } = parse(equation, where)
  const elided = inputShape.length - input.length
  const received = `equation '${equation}', input ${formatShape(inputShape)}, outputShape ${formatShape(outputShape)}`
  const refuse = (problem: string): never => {
    throw new ShapeError({ problem, received })
  }
  if (elided < 0 || (elided > 0 && ellipsis === 'none')) refuse('the input does not have the axes of the equation')
  const hidden = ellipsis === 'left' ? elided : 0
  const sizesIn = new Map([...input].map((label, i) => [label, inputShape[i + hidden] as number | null]))
  // What stands first is the batch (or the ellipsis), of which the output shape says nothing.
  const labelled = ellipsis === 'left' && elided > 0 ? [...output] : [...output].slice(1)
  if (labelled.length !== outputShape.length) refuse('the output shape does not have the axes of the equation, the batch left out')
  const sizesOut = new Map(labelled.map((label, i) => [label, outputShape[i] ?? null]))
  for (const [label, size] of sizesOut) {
    const wanted = sizesIn.get(label)
    if (size !== null && wanted !== undefined && wanted !== size)
      refuse(`axis '${label}' has one size in the input and another in the output`)
    if (wanted === undefined && !kernel.includes(label)) refuse(`axis '${label}' of the output is neither in the input nor in the kernel`)
  }
  const sizeOf = (label: string): number => {
    const size = sizesOut.get(label) ?? sizesIn.get(label)
    return size ?? refuse(`the size of axis '${label}' is not known`)
  }
  const axesWhere = (test: (label: string) => boolean): number[] => [...kernel].flatMap((label, axis) => (test(label) ? [axis] : []))
  const alien = [...kernel].find((label) => !output.includes(label) && !input.includes(label))
  if (alien !== undefined) refuse(`axis '${alien}' of the kernel is neither in the input nor in the output`)
  return {
    kernel: [...kernel].map(sizeOf),
    bias: biasShape(),
    inputAxes: axesWhere((label) => !output.includes(label)),
    outputAxes: axesWhere((label) => output.includes(label)),
  }

  function biasShape(): Shape {
    if (biasAxes === null) return []
    const unknown = [...biasAxes].find((label) => !output.includes(label))
    if (unknown !== undefined) refuse(`bias axis '${unknown}' is not in the output`)
    const from = Math.min(...[...biasAxes].map((label) => output.indexOf(label)))
    const behind = new Array<number>(ellipsis === 'right' ? elided : 0).fill(1)
    return [...[...output.slice(from)].map((label) => (biasAxes.includes(label) ? sizeOf(label) : 1)), ...behind]
  }
}

export const einsumDense = (...args: ConstructorParameters<typeof EinsumDense>): EinsumDense => new EinsumDense(...args)
