/**
 * The Plan: what a graph becomes on its way to a backend. A flat list of steps over numbered buffers;
 * all fusion, layout, scheduling and memory decisions have been made, a backend only executes.
 *
 * Element type inside loops: float16 and bfloat16 are loaded as float32, uint8 as int32 and bool as
 * 0/1 int32, and converted back when stored (rules: `writeElement` in core/dtype.ts).
 */
import type { DType, TypedArray } from '../core/dtype.js'
import type { Shape } from '../core/shape.js'
import type { ConvSpec, ElementwiseName, PoolSpec } from './primitives.js'

export type BufferId = number

/** Where a buffer's memory comes from. */
export type BufferRole =
  /** Bound by the caller, only read. */
  | { readonly kind: 'input'; readonly index: number }
  /** Bound by the caller, dense, written whole. A donated output is bound to its input's memory. */
  | { readonly kind: 'output'; readonly index: number }
  /** Known when compiled. */
  | { readonly kind: 'constant'; readonly storage: TypedArray }
  /** Inside the plan's arena, at a byte offset that is a multiple of 64. */
  | { readonly kind: 'temporary'; readonly offset: number }

export interface PlanBuffer {
  readonly dtype: DType
  /** Elements. */
  readonly size: number
  readonly role: BufferRole
}

/** A strided window on a buffer; offset and strides in elements. Strides may be 0 or negative. */
export interface View {
  readonly buffer: BufferId
  readonly offset: number
  readonly shape: Shape
  readonly strides: readonly number[]
}

/** A loop's source of elements: memory, or the number `offset + Σ index·stride` itself (int32). */
export type LoopInput =
  | { readonly kind: 'memory'; readonly buffer: BufferId; readonly offset: number; readonly strides: readonly number[] }
  | { readonly kind: 'index'; readonly offset: number; readonly strides: readonly number[] }

/** Type of a value inside a loop. */
export type LoopType = 'f32' | 'f64' | 'i32' | 'bool'

/**
 * One scalar instruction. `args` are instruction numbers. `load` reads input `input`;
 * `cast` converts to `type` from the argument's type (to a narrower dtype: `rounding` says which,
 * so that a float32 → bfloat16 → float32 round trip keeps its loss); `randomBits` takes (key0, key1, index).
 * Reduction results are read in the epilogue by `reduced`.
 */
export type LoopInstruction =
  | { readonly op: 'load'; readonly input: number; readonly type: LoopType }
  | { readonly op: 'literal'; readonly value: number; readonly type: LoopType }
  | { readonly op: 'reduced'; readonly reduction: number; readonly type: LoopType }
  | { readonly op: ElementwiseName; readonly args: readonly number[]; readonly type: LoopType; readonly rounding?: DType }

export interface LoopReduction {
  readonly op: 'sum' | 'prod' | 'max' | 'min'
  /** The body instruction whose values are combined. */
  readonly value: number
}

/** Where an instruction's value is stored. Body stores: every iteration point; epilogue stores: strides of reduced dims are 0. */
export interface LoopStore {
  readonly value: number
  readonly buffer: BufferId
  readonly offset: number
  readonly strides: readonly number[]
}

/**
 * A fused loop: an iteration space, a scalar program for each point, reductions over some of the
 * dims, and a program for each reduced point. Dims are ordered outermost first in memory order
 * (the last one is contiguous in most operands), already merged where strides allow, and the order
 * in which points are visited is the backend's choice.
 * Several stores may go to one buffer; a buffer that is read and written is read and written at equal points only.
 */
export interface LoopStep {
  readonly kind: 'loop'
  readonly dims: readonly { readonly size: number; readonly reduced: boolean }[]
  readonly inputs: readonly LoopInput[]
  readonly body: readonly LoopInstruction[]
  readonly stores: readonly LoopStore[]
  readonly reductions: readonly LoopReduction[]
  /** Runs once for each point of the dims that are not reduced. Its `load`s use those dims' strides only. */
  readonly epilogue: readonly LoopInstruction[]
  readonly epilogueStores: readonly LoopStore[]
  readonly scope: string
}

export type Activation = 'relu' | 'none'

/** Attributes of each kernel; operands are views in `inputs`/`outputs`, in the primitive's order. */
export interface KernelAttributes {
  /**
   * Batched matrix product on 3-D views (batch, m, k) · (batch, k, n) [+ bias (n)] [activation] → (batch, m, n).
   * In each operand the strides of at least one of the two matrix axes is 1; the output is dense.
   */
  matmul: { readonly bias: boolean; readonly activation: Activation }
  /** Views dense in the spec's layout; inputs (x, kernel[, bias]). */
  conv: ConvSpec & { readonly bias: boolean; readonly activation: Activation }
  convInputGrad: ConvSpec
  convKernelGrad: ConvSpec
  /** Outputs: [y] or [y, positions]; positions are there only if something uses them, as uint8 when the window has at most 256 places, else int32. */
  maxPool: PoolSpec & { readonly positions: boolean }
  maxPoolGrad: PoolSpec
  maxPoolGather: PoolSpec
  avgPool: PoolSpec
  avgPoolGrad: PoolSpec
  /** x as (outer, reduced, inner) 3-D view → mean and variance, each dense (outer, inner). */
  moments: Readonly<Record<string, never>>
  /** (outer, n, inner) → (outer, inner). */
  argMax: Readonly<Record<string, never>>
  argMin: Readonly<Record<string, never>>
  /** (outer, n, inner). */
  cumSum: { readonly reverse: boolean }
  cumProd: { readonly reverse: boolean }
  cumMax: { readonly reverse: boolean }
  /** x (outer, n, inner), indices (m) → (outer, m, inner). */
  gather: Readonly<Record<string, never>>
  /** Output already holds x (the plan copied or shares it): indices (m), updates (outer, m, inner) → (outer, n, inner) in place. */
  scatterAdd: Readonly<Record<string, never>>
  scatterSet: Readonly<Record<string, never>>
  /** (outer, n, inner) → values, positions. */
  sort: { readonly descending: boolean }
}

export type KernelName = keyof KernelAttributes

export interface KernelStep<K extends KernelName = KernelName> {
  readonly kind: 'kernel'
  readonly kernel: K
  readonly attributes: KernelAttributes[K]
  readonly inputs: readonly View[]
  readonly outputs: readonly View[]
  readonly scope: string
}

/**
 * Runs `body` `length` times. The body's inputs are (constants, carries, elements) and its outputs
 * (carries, results), bound anew each time: elements and results to their slice at step t
 * (`offset + t·stride`), carries to one of two buffers in turn. `reverse` starts at the last step.
 */
export interface ScanStep {
  readonly kind: 'scan'
  readonly body: Plan
  readonly length: number
  readonly reverse: boolean
  /** Dense views, as the body sees them. */
  readonly constants: readonly View[]
  /** `other` is dense scratch of the carry's size. */
  readonly carries: readonly { readonly initial: View; readonly final: View; readonly other: View }[]
  /** Views of one element each (at step 0), dense inside; `stride` from step to step, in elements. */
  readonly elements: readonly { readonly view: View; readonly stride: number }[]
  readonly results: readonly { readonly view: View; readonly stride: number }[]
  /** Arena of the body: a temporary buffer of the outer plan, in bytes (uint8). */
  readonly arena: View
  readonly scope: string
}

/** Runs `body` while `condition` yields true; carries alternate between two buffers as in a scan. */
export interface WhileStep {
  readonly kind: 'while'
  readonly condition: Plan
  readonly body: Plan
  readonly conditionConstants: readonly View[]
  readonly bodyConstants: readonly View[]
  readonly carries: ScanStep['carries']
  /** Dense bool scalar that the condition writes. */
  readonly flag: View
  readonly arena: View
  readonly scope: string
}

/** Runs one of two plans on the same operands into the same outputs. */
export interface CondStep {
  readonly kind: 'cond'
  readonly predicate: View
  readonly whenTrue: Plan
  readonly whenFalse: Plan
  readonly inputs: readonly View[]
  readonly outputs: readonly View[]
  readonly arena: View
  readonly scope: string
}

export type Step = LoopStep | KernelStep | ScanStep | WhileStep | CondStep

export interface Plan {
  readonly buffers: readonly PlanBuffer[]
  readonly steps: readonly Step[]
  /** Buffer of each input; an input that nothing reads has its buffer all the same. */
  readonly inputs: readonly BufferId[]
  readonly outputs: readonly BufferId[]
  /** Outputs that live in an input's memory: the caller binds the same memory to both. */
  readonly donations: readonly (readonly [input: number, output: number])[]
  /** Inputs whose content lasts from run to run, until a run says that some of it is new. Default: none. */
  readonly lasting?: readonly number[]
  readonly arenaBytes: number
}
