/**
 * A Plan as one stream of numbers (and its constants), as packages/native/src/plan.cc reads it.
 * Operations and kernels are numbered by the lists that the add-on gives; everything else in the order written here.
 */
import { DTYPES, type DType, type TypedArray } from '../../core/dtype.js'
import type {
  KernelAttributes,
  KernelName,
  KernelStep,
  LoopInput,
  LoopInstruction,
  LoopStep,
  LoopStore,
  Plan,
  ScanStep,
  Step,
  View,
} from '../../engine/plan.js'
import type { ConvSpec, PoolSpec } from '../../engine/primitives.js'
import { splitRows } from './split-rows.js'

/** Names that the add-on knows, each standing for its position. */
export interface Vocabulary {
  readonly ops: readonly string[]
  readonly kernels: readonly string[]
  /** Threads that parts of a step can be made for. */
  readonly threads: number
}

export interface EncodedPlan {
  readonly code: Float64Array
  readonly constants: readonly TypedArray[]
}

const DTYPE_ORDER = ['float32', 'float64', 'float16', 'bfloat16', 'int32', 'uint8', 'bool'] as const satisfies readonly DType[]
const dtypeNumber = (dtype: DType): number => DTYPE_ORDER.indexOf(dtype)
const LOOP_TYPES = ['f32', 'f64', 'i32', 'bool'] as const
const ROLES = ['input', 'output', 'constant', 'temporary'] as const
const FOLDS = ['sum', 'prod', 'max', 'min'] as const

/** Encodes plans for an add-on with this vocabulary. */
export function createEncoder({ ops, kernels, threads }: Vocabulary): (plan: Plan) => EncodedPlan {
  const opNumbers = new Map(ops.map((name, index) => [name, index]))
  const kernelNumbers = new Map(kernels.map((name, index) => [name, index]))
  return (plan) => {
    const encoder = new Encoder(opNumbers, kernelNumbers, threads)
    encoder.plan(plan)
    return { code: Float64Array.from(encoder.code), constants: encoder.constants }
  }
}

class Encoder {
  readonly code: number[] = []
  readonly constants: TypedArray[] = []

  constructor(
    readonly ops: ReadonlyMap<string, number>,
    readonly kernels: ReadonlyMap<string, number>,
    readonly threads: number,
  ) {}

  plan({ arenaBytes, buffers, inputs, outputs, lasting = [], steps }: Plan): void {
    this.#put(arenaBytes, buffers.length)
    for (const { dtype, size, role } of buffers) {
      this.#put(dtypeNumber(dtype), size, ROLES.indexOf(role.kind))
      if (role.kind === 'constant') this.#put(this.constants.push(role.storage) - 1)
      else this.#put(role.kind === 'temporary' ? role.offset : role.index)
    }
    this.#list(inputs)
    this.#list(outputs)
    this.#list(lasting.map((input) => inputs[input] as number))
    this.#put(steps.length)
    for (const step of steps) this.#step(step)
  }

  #put(...numbers: readonly number[]): void {
    for (const number of numbers) this.code.push(number)
  }

  #list(numbers: readonly number[]): void {
    this.#put(numbers.length, ...numbers)
  }

  #each<T>(items: readonly T[], put: (item: T) => void): void {
    this.#put(items.length)
    for (const item of items) put(item)
  }

  readonly #view = ({ buffer, offset, shape, strides }: View): void => {
    this.#put(buffer, offset)
    this.#list(shape)
    this.#list(strides)
  }

  #step(step: Step): void {
    switch (step.kind) {
      case 'loop':
        this.#put(0)
        this.#loop(step)
        return
      case 'kernel':
        this.#put(1)
        this.#kernel(step)
        return
      case 'scan':
        this.#put(2)
        this.plan(step.body)
        this.#each(splitRows(step, this.threads), (plan) => this.plan(plan))
        this.#put(step.length, Number(step.reverse))
        this.#each(step.constants, this.#view)
        this.#carries(step.carries)
        this.#stacked(step.elements)
        this.#stacked(step.results)
        this.#view(step.arena)
        return
      case 'while':
        this.#put(3)
        this.plan(step.condition)
        this.plan(step.body)
        this.#each(step.conditionConstants, this.#view)
        this.#each(step.bodyConstants, this.#view)
        this.#carries(step.carries)
        this.#view(step.flag)
        this.#view(step.arena)
        return
      case 'cond':
        this.#put(4)
        this.plan(step.whenTrue)
        this.plan(step.whenFalse)
        this.#view(step.predicate)
        this.#each(step.inputs, this.#view)
        this.#each(step.outputs, this.#view)
        this.#view(step.arena)
        return
      default:
        step satisfies never
    }
  }

  #carries(carries: ScanStep['carries']): void {
    this.#each(carries, ({ initial, final, other }) => {
      this.#view(initial)
      this.#view(final)
      this.#view(other)
    })
  }

  #stacked(items: ScanStep['elements']): void {
    this.#each(items, ({ view, stride }) => {
      this.#view(view)
      this.#put(stride)
    })
  }

  #loop({ dims, inputs, body, stores, reductions, epilogue, epilogueStores }: LoopStep): void {
    this.#each(dims, ({ size, reduced }) => this.#put(size, Number(reduced)))
    this.#each(inputs, this.#loopInput)
    this.#each(body, this.#instruction)
    this.#each(stores, this.#store)
    this.#each(reductions, ({ op, value }) => this.#put(FOLDS.indexOf(op), value))
    this.#each(epilogue, this.#instruction)
    this.#each(epilogueStores, this.#store)
  }

  readonly #loopInput = (input: LoopInput): void => {
    this.#put(Number(input.kind === 'index'), input.kind === 'index' ? -1 : input.buffer, input.offset)
    this.#list(input.strides)
  }

  readonly #store = ({ value, buffer, offset, strides }: LoopStore): void => {
    this.#put(value, buffer, offset)
    this.#list(strides)
  }

  readonly #instruction = (instruction: LoopInstruction): void => {
    const { op, type } = instruction
    this.#put(this.ops.get(op) as number, LOOP_TYPES.indexOf(type))
    switch (op) {
      case 'load':
        this.#put(instruction.input)
        return
      case 'literal':
        this.#put(instruction.value)
        return
      case 'reduced':
        this.#put(instruction.reduction)
        return
      default:
        this.#list(instruction.args)
        this.#put(instruction.rounding === undefined ? -1 : dtypeNumber(instruction.rounding))
    }
  }

  #kernel(step: KernelStep): void {
    this.#put(this.kernels.get(step.kernel) as number)
    this.#each(step.inputs, this.#view)
    this.#each(step.outputs, this.#view)
    if (isKernel(step, 'matmul')) {
      const { bias, activation } = step.attributes
      this.#put(Number(bias), Number(activation === 'relu'))
    } else if (isKernel(step, 'conv')) {
      const { bias, activation } = step.attributes
      this.#conv(step.attributes)
      this.#put(Number(bias), Number(activation === 'relu'))
    } else if (isKernel(step, 'convInputGrad') || isKernel(step, 'convKernelGrad')) {
      this.#conv(step.attributes)
    } else if (isKernel(step, 'maxPool')) {
      this.#pool(step.attributes)
      this.#put(Number(step.attributes.positions))
    } else if (
      isKernel(step, 'maxPoolGrad') ||
      isKernel(step, 'maxPoolGather') ||
      isKernel(step, 'avgPool') ||
      isKernel(step, 'avgPoolGrad')
    ) {
      this.#pool(step.attributes)
    } else if (isKernel(step, 'cumSum') || isKernel(step, 'cumProd') || isKernel(step, 'cumMax')) {
      this.#put(Number(step.attributes.reverse))
    } else if (isKernel(step, 'sort')) {
      this.#put(Number(step.attributes.descending))
    }
  }

  #conv({ strides, padding, dilation, groups, layout }: ConvSpec): void {
    this.#list(strides)
    this.#list(padding.flat())
    this.#list(dilation)
    this.#put(groups, Number(layout === 'channelsLast'))
  }

  #pool({ window, strides, padding, layout }: PoolSpec): void {
    this.#list(window)
    this.#list(strides)
    this.#list(padding.flat())
    this.#put(Number(layout === 'channelsLast'))
  }
}

function isKernel<K extends KernelName>(step: KernelStep, kernel: K): step is KernelStep<K> & { readonly attributes: KernelAttributes[K] } {
  return step.kernel === kernel
}

/** Every dtype that the add-on stores. */
export const NATIVE_DTYPES: ReadonlySet<DType> = new Set(Object.keys(DTYPES) as DType[])
