/** What a host kernel is: one primitive on dense arrays, written by its definition. */
import type { Graph } from '../../engine/graph.js'
import type { PrimitiveAttributes, PrimitiveName } from '../../engine/primitives.js'
import type { HostArray } from './array.js'

/** As many arrays as the primitive has; the type spares every kernel the proof. */
export type Operands = readonly [HostArray, HostArray, HostArray, ...HostArray[]]

/** Runs a graph on arrays: what `scan`, `while` and `cond` call for their bodies. */
export type RunGraph = (graph: Graph, inputs: readonly HostArray[]) => HostArray[]

/** Fills every element of `outputs`, which share no memory with `inputs`. */
export type HostKernel<P extends PrimitiveName> = (
  attributes: PrimitiveAttributes[P],
  inputs: Operands,
  outputs: Operands,
  run: RunGraph,
) => void

export type HostKernels<P extends PrimitiveName> = { readonly [Name in P]: HostKernel<Name> }
