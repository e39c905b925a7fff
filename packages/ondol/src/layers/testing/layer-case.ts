/** One line of the tables in `cases/`: a layer, what it is called on, and what is expected of it. */
import { type DType, isFloat } from '../../core/dtype.js'
import { type Shape, sizeOf } from '../../core/shape.js'
import { flatten, type Tree } from '../../core/tree.js'
import { type Tensor, tensor } from '../../engine/index.js'
import * as ops from '../../ops/index.js'
import { KerasTensor } from '../../ops/operation.js'
import type { Places } from '../../testing/vectors.js'
import type { CallOptions, Layer, LayerOptions } from '../layer.js'
import type { CheckName } from './checks/index.js'
import { asOne, inPlaces } from './places.js'

export interface LayerCase {
  /** Makes the layer, with these base options beside those of the test. */
  readonly make: (options: LayerOptions) => Layer
  /** Shape of the input, with the batch; several for layers that take several. */
  readonly input: Shape | readonly Shape[]
  /** Where in the arguments the inputs stand: `[0, [1, 2]]`. Default: one list of all, where there are several. */
  readonly places?: Places
  /** Default float32. Whole numbers are 0, 1, 2, 0, 1, … */
  readonly inputDtype?: DType
  /** Other inputs than those that are made up. */
  readonly data?: () => unknown[]
  /** Whether it is called for training where nothing is said of it. Default false. */
  readonly training?: boolean
  /** Shapes of the outputs, with the batch. */
  readonly output: Shape | readonly Shape[]
  /** Default: the dtype in which the layer computes. */
  readonly outputDtype?: DType
  /** Axes of the first input, from behind, whose size has to be known. All others may be `null` in a symbolic call. */
  readonly known?: readonly number[]
  /** Names of the weights, in Keras's order. Default none. */
  readonly trainable?: readonly string[]
  readonly nonTrainable?: readonly string[]
  /** Paths, below the layer's, of weights whose gradient is 0. */
  readonly unmoved?: readonly string[]
  /** Which of the `nonTrainable` a step of training changes. */
  readonly updated?: readonly string[]
  /** Those of the layer and of the layers in it. Default 0. */
  readonly seedGenerators?: number
  /** Losses after a call. Default 0. */
  readonly losses?: number
  /** Whether a mask of the input goes on to the first output. Default false. */
  readonly passesMask?: boolean
  /** Whether what is masked has no influence on the rest. Default false: a mask changes no number. */
  readonly readsMask?: boolean
  /** Shape of a mask. Default: the first two axes, but not that of the features. */
  readonly maskShape?: Shape
  /** Nothing to build. Default: no weights. */
  readonly builtWhenMade?: boolean
  /** Checks that the layer cannot pass, and why. They are run, too: to see that they fail. */
  readonly without?: Partial<Record<CheckName, string>>
}

export type LayerCases = Readonly<Record<string, LayerCase>>

const isList = (shape: Shape | readonly Shape[]): shape is readonly Shape[] => Array.isArray(shape[0])
const listOf = (shape: Shape | readonly Shape[]): readonly Shape[] => (isList(shape) ? shape : [shape])

/** Numbers that differ, and are of both signs. */
export function wave(shape: Shape, dtype: DType = 'float32', phase = 0.3): Tensor {
  const at = (i: number): number => (isFloat(dtype) ? Math.sin(i * 1.7 + phase) : i % 3)
  return tensor(
    Array.from({ length: sizeOf(shape) }, (_, i) => at(i)),
    shape,
    dtype,
  )
}

/** A case, with what its checks have in common. */
export class Subject {
  readonly inputShapes: readonly Shape[]
  readonly outputShapes: readonly Shape[]

  constructor(readonly given: LayerCase) {
    this.inputShapes = listOf(given.input)
    this.outputShapes = listOf(given.output)
  }

  get inputDtype(): DType {
    return this.given.inputDtype ?? 'float32'
  }

  get builtWhenMade(): boolean {
    const { builtWhenMade, trainable = [], nonTrainable = [] } = this.given
    return builtWhenMade ?? trainable.length + nonTrainable.length === 0
  }

  make(options: LayerOptions = {}): Layer {
    return this.given.make(options)
  }

  /** Made, and built for the shapes of the case, with weights that are neither zeros nor ones. */
  makeBuilt(options: LayerOptions = {}): Layer {
    const layer = this.make(options)
    if (!layer.built) layer.build(...this.place(this.inputShapes))
    layer.trainableWeights.forEach((variable, i) => {
      variable.assign(ops.multiply(wave(variable.shape, variable.dtype, i + 0.3), 0.5))
    })
    return layer
  }

  /** Another with the same weights, at the beginning of its random numbers. */
  twinOf(layer: Layer, options: LayerOptions = {}): Layer {
    const twin = this.makeBuilt(options)
    twin.setWeights(layer.getWeights())
    return twin
  }

  inputs(dtype: DType = this.inputDtype, shapes: readonly Shape[] = this.inputShapes): Tensor[] {
    return (
      (this.given.data?.() as Tensor[] | undefined) ??
      shapes.map((shape, i) => wave(shape, isFloat(this.inputDtype) ? dtype : this.inputDtype, 0.3 + 1.1 * i))
    )
  }

  /** One for each input; `open` says which axes are unknown. */
  symbols(open: (axis: number, size: number, input: number) => boolean = (axis) => axis === 0): KerasTensor[] {
    return this.inputShapes.map(
      (shape, i) =>
        new KerasTensor(
          shape.map((size, axis) => (open(axis, size, i) ? null : size)),
          { dtype: this.inputDtype },
        ),
    )
  }

  /** The arguments of a call, or of build, from what belongs to each input. */
  place<T>(items: readonly T[]): Tree<T>[] {
    const { places } = this.given
    return places === undefined ? [asOne(items)] : inPlaces(places, items)
  }

  call(
    layer: Layer,
    inputs: readonly Tensor[] = this.inputs(),
    options: CallOptions = { training: this.given.training ?? false },
  ): Tensor[] {
    return flatten(layer(...(this.place(inputs) as [Tensor]), options) as Tensor | Tensor[])
  }

  describe(layer: Layer, symbols: readonly KerasTensor[] = this.symbols()): KerasTensor[] {
    const [first, ...others] = this.place(symbols) as [Tree<KerasTensor>, ...Tree<KerasTensor>[]]
    return flatten(layer(first, ...others) as KerasTensor | KerasTensor[])
  }
}
