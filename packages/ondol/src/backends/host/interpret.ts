/**
 * The interpreter: one primitive at a time, in the order of the graph, with the obvious kernel.
 * Other backends call `runPrimitive` for what they have no kernel of their own for.
 */
import type { Abstract, Graph, Value } from '../../engine/graph.js'
import { inferOutputs, type PrimitiveAttributes, type PrimitiveName } from '../../engine/primitives.js'
import { type HostArray, makeArray } from './array.js'
import { contractionKernels } from './contractions.js'
import { controlKernels } from './control.js'
import { elementwiseKernels } from './elementwise.js'
import { indexingKernels } from './indexing.js'
import type { HostKernel, HostKernels, Operands } from './kernel.js'
import { movementKernels } from './movement.js'
import { poolingKernels } from './pooling.js'
import { randomKernels } from './random.js'
import { reductionKernels } from './reductions.js'

const KERNELS: HostKernels<PrimitiveName> = {
  ...elementwiseKernels,
  ...movementKernels,
  ...reductionKernels,
  ...indexingKernels,
  ...contractionKernels,
  ...poolingKernels,
  ...controlKernels,
  ...randomKernels,
}

/** Runs one primitive on arrays; `outputs` are the rule's unless the caller knows them. */
export function runPrimitive<P extends PrimitiveName>(
  primitive: P,
  attributes: PrimitiveAttributes[P],
  inputs: readonly HostArray[],
  outputs: readonly Abstract[] = inferOutputs(primitive, attributes, inputs),
): HostArray[] {
  const results = outputs.map(({ dtype, shape }) => makeArray(dtype, shape))
  const kernel: HostKernel<P> = KERNELS[primitive]
  kernel(attributes, inputs as unknown as Operands, results as unknown as Operands, interpret)
  return results
}

/** Runs a graph on arrays. Outputs may share memory with inputs. `observe` sees every value as it is made. */
export function interpret(graph: Graph, inputs: readonly HostArray[], observe?: (value: Value, array: HostArray) => void): HostArray[] {
  const arrays = new Map<Value, HostArray>()
  const arrayOf = (value: Value): HostArray => arrays.get(value) as HostArray
  graph.inputs.forEach((value, i) => arrays.set(value, inputs[i] as HostArray))
  for (const { primitive, attributes, inputs: operands, outputs } of graph.nodes) {
    const results = runPrimitive(primitive, attributes, operands.map(arrayOf), outputs)
    outputs.forEach((value, i) => {
      const result = results[i] as HostArray
      arrays.set(value, result)
      observe?.(value, result)
    })
  }
  return graph.outputs.map(arrayOf)
}
