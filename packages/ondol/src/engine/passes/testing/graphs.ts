/** Small graphs for tests: a builder, random inputs, and the comparison with the host's interpreter. */
import { expect } from 'vitest'
import { interpret } from '../../../backends/host/interpret.js'
import { allocate, type DType, isFloat, readElement, type TypedArray, writeElement } from '../../../core/dtype.js'
import { type Shape, sizeOf } from '../../../core/shape.js'
import { type Abstract, type Graph, makeInput, makeNode, type Node, type Value } from '../../graph.js'
import {
  type BinaryName,
  type DotSpec,
  inferOutputs,
  type PrimitiveAttributes,
  type PrimitiveName,
  type UnaryName,
} from '../../primitives.js'
import { type LoweringTarget, lowerToPlan } from '../lower.js'
import { optimize } from '../optimize.js'
import { interpretPlan } from './interpret-plan.js'

export class GraphBuilder {
  readonly nodes: Node[] = []

  all<P extends PrimitiveName>(primitive: P, attributes: PrimitiveAttributes[P], ...inputs: Value[]): Value[] {
    const node = makeNode(primitive, attributes, inputs, inferOutputs(primitive, attributes, inputs))
    this.nodes.push(node as unknown as Node)
    return [...node.outputs]
  }

  one<P extends PrimitiveName>(primitive: P, attributes: PrimitiveAttributes[P], ...inputs: Value[]): Value {
    return this.all(primitive, attributes, ...inputs)[0] as Value
  }

  unary(name: UnaryName, x: Value): Value {
    return this.one(name, {}, x)
  }

  binary(name: BinaryName, x: Value, y: Value): Value {
    return this.one(name, {}, x, y)
  }

  full(shape: Shape, dtype: DType, value: number): Value {
    return this.one('full', { shape, dtype, value })
  }

  broadcast(x: Value, shape: Shape, axes: readonly number[]): Value {
    return this.one('broadcast', { shape, axes }, x)
  }

  reshape(x: Value, shape: Shape): Value {
    return this.one('reshape', { shape }, x)
  }

  transpose(x: Value, permutation: readonly number[]): Value {
    return this.one('transpose', { permutation }, x)
  }

  slice(x: Value, start: readonly number[], size: readonly number[], step: readonly number[] = size.map(() => 1)): Value {
    return this.one('slice', { start, size, step }, x)
  }

  pad(x: Value, value: Value, low: readonly number[], high: readonly number[], interior: readonly number[] = low.map(() => 0)): Value {
    return this.one('pad', { low, high, interior }, x, value)
  }

  sum(x: Value, axes: readonly number[]): Value {
    return this.one('reduceSum', { axes }, x)
  }

  dot(a: Value, b: Value, spec: DotSpec): Value {
    return this.one('dot', spec, a, b)
  }
}

/** A graph with tuples of inputs and outputs. */
export function graphOf(
  inputs: readonly Abstract[],
  build: (g: GraphBuilder, inputs: Value[] & { 0: Value; 1: Value; 2: Value; 3: Value; 4: Value; 5: Value; 6: Value }) => readonly Value[],
  donations: Graph['donations'] = [],
): Graph {
  const values = inputs.map(makeInput)
  const builder = new GraphBuilder()
  const outputs = build(builder, values as never)
  return { inputs: values, nodes: builder.nodes, outputs, donations }
}

/** The same small numbers for the same seed. */
export function randomStorage({ dtype, shape }: Abstract, seed: number): TypedArray {
  const storage = allocate(dtype, sizeOf(shape))
  let state = (seed * 2654435761 + 12345) >>> 0
  for (let i = 0; i < storage.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    const unit = state / 2 ** 32
    writeElement(dtype, storage, i, isFloat(dtype) ? unit * 4 - 2 : Math.floor(unit * 8) - (dtype === 'int32' ? 3 : 0))
  }
  return storage
}

/** Optimising, lowering and running the plan gives what the host gives. */
export function expectSameAsHost(graph: Graph, target: LoweringTarget, passes: (graph: Graph) => Graph = optimize): void {
  const inputs = graph.inputs.map((abstract, i) => ({ ...abstract, storage: randomStorage(abstract, i + 1) }))
  const expected = interpret(graph, inputs)
  const plan = lowerToPlan(passes(graph), target)
  const actual = interpretPlan(plan, inputs)
  graph.outputs.forEach(({ dtype }, index) => {
    const wanted = expected[index]?.storage as TypedArray
    const found = actual[index]?.storage as TypedArray
    const tolerance = dtype === 'float64' ? 1e-10 : dtype === 'bfloat16' ? 2e-2 : dtype === 'float16' ? 4e-3 : 2e-5
    for (let i = 0; i < wanted.length; i++) {
      const [a, b] = [readElement(dtype, wanted, i), readElement(dtype, found, i)]
      const isSame = Object.is(a, b) || a === b || Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(a))
      if (!isSame) expect.fail(`output ${index}[${i}]: host ${a}, plan ${b}`)
    }
  })
}
