/**
 * A graph of ONNX nodes under construction: names, initializers, sizes known only at run time.
 *
 * Equal nodes are made once, movements of weights are carried out here, and what nobody reads is left out at the end.
 */
import { allocate, type DType, readElement, type TypedArray, writeElement } from '../core/dtype.js'
import { SavingError } from '../core/errors.js'
import { rowMajorStrides, sizeOf } from '../core/shape.js'
import type { OnnxAttribute, OnnxDType, OnnxGraph, OnnxNode, OnnxTensor, OnnxValue } from './model-proto.js'
import { isKnown, keyOf, known, productOf, relate, type Size, sameSize } from './sizes.js'

/** A tensor of the ONNX graph. */
export interface Named {
  readonly name: string
  readonly dtype: OnnxDType
  readonly shape: readonly Size[]
}

interface Stored extends Named {
  readonly data: TypedArray | BigInt64Array
}

/** What all graphs of a model share. */
interface Shared {
  readonly names: Set<string>
  readonly stored: Map<string, Stored>
}

export class GraphBuilder {
  readonly nodes: OnnxNode[] = []
  /** The layer that asks for what is being made. */
  scope = ''
  readonly #known = new Map<string, Named[]>()
  readonly #sources: Map<string, { readonly tensor: Named; readonly axis: number; readonly size: Size }>
  readonly #makers = new Map<string, OnnxNode>()
  readonly #shared: Shared
  readonly #renamed = new Map<string, string>()

  constructor(
    readonly opset: number,
    readonly parent?: GraphBuilder,
  ) {
    this.#shared = parent === undefined ? { names: new Set(), stored: new Map() } : parent.#shared
    this.#sources = new Map(parent === undefined ? [] : parent.#sources)
    this.scope = parent?.scope ?? ''
  }

  /** A name that is still free, inner graphs included. */
  claim(wanted: string): string {
    let name = wanted
    for (let i = 1; this.#shared.names.has(name); i++) name = `${wanted}_${i}`
    this.#shared.names.add(name)
    return name
  }

  /** Makes known what exists, such as an input, so that its sizes can be asked for. */
  declare(tensor: Named): Named {
    tensor.shape.forEach((size, axis) => {
      if (!isKnown(size) && !this.#sources.has(keyOf(size))) this.#sources.set(keyOf(size), { tensor, axis, size })
    })
    return tensor
  }

  /** Adds a node, or finds the one that does the same. */
  nodeOf(
    op: string,
    inputs: readonly (Named | undefined)[],
    attributes: Readonly<Record<string, OnnxAttribute>>,
    outputs: readonly Omit<Named, 'name'>[],
  ): Named[] {
    const names = inputs.map((input) => input?.name ?? '')
    const isPlain = Object.values(attributes).every((value) => typeof value !== 'object' || !('nodes' in value))
    const key = isPlain ? JSON.stringify([op, names, attributes]) : undefined
    const same = key === undefined ? undefined : this.#known.get(key)
    if (same !== undefined) return same
    const name = this.claim(this.scope === '' ? op : `${this.scope}/${op}`)
    const made = outputs.map((output, i) => this.declare({ ...output, name: i === 0 ? name : this.claim(`${name}:${i}`) }))
    const node: OnnxNode = { name, op, inputs: names, outputs: made.map((output) => output.name), attributes }
    this.nodes.push(node)
    for (const output of made) this.#makers.set(output.name, node)
    if (key !== undefined) this.#known.set(key, made)
    return made
  }

  /** A node with one output, of the first input's dtype unless another is given. */
  node(
    op: string,
    inputs: readonly (Named | undefined)[],
    shape: readonly Size[],
    { dtype = (inputs[0] as Named).dtype, ...attributes }: Readonly<Record<string, OnnxAttribute>> & { readonly dtype?: OnnxDType } = {},
  ): Named {
    return this.nodeOf(op, inputs, attributes, [{ dtype: dtype as OnnxDType, shape }])[0] as Named
  }

  /** The node of this graph that makes a tensor. */
  makerOf(tensor: Named): OnnxNode | undefined {
    return this.#makers.get(tensor.name)
  }

  // ---- data ----

  /** Data of the model's own. */
  store(wanted: string, dtype: OnnxDType, shape: readonly number[], data: TypedArray | BigInt64Array): Named {
    const name = this.claim(wanted)
    const tensor = { name, dtype, shape: shape.map(known), data }
    this.#shared.stored.set(name, tensor)
    return tensor
  }

  dataOf(tensor: Named): TypedArray | undefined {
    const data = this.#shared.stored.get(tensor.name)?.data
    return data instanceof BigInt64Array ? undefined : data
  }

  /** Whole numbers as ONNX takes shapes, axes and places. */
  integers(values: readonly number[]): Named {
    return this.#constant(`int64[${values}]`, () => this.store('shape', 'int64', [values.length], BigInt64Array.from(values, BigInt)))
  }

  /** One number, without axes. */
  scalar(value: number, dtype: DType): Named {
    const text = Object.is(value, -0) ? '-0' : String(value)
    return this.#constant(`${dtype} ${text}`, () => {
      const data = allocate(dtype, 1)
      writeElement(dtype, data, 0, value)
      return this.store('number', dtype, [], data)
    })
  }

  #constant(key: string, make: () => Named): Named {
    const root = this.parent
    if (root !== undefined) return root.#constant(key, make)
    const found = this.#known.get(key)?.[0] ?? make()
    this.#known.set(key, [found])
    return found
  }

  // ---- movements, carried out at once on data ----

  transpose(tensor: Named, permutation: readonly number[]): Named {
    if (permutation.every((axis, i) => axis === i)) return tensor
    const shape = permutation.map((axis) => tensor.shape[axis] as Size)
    const moved = this.#moved(tensor, `transpose ${permutation}`, shape, (data) => {
      const strides = rowMajorStrides(tensor.shape.map(([size]) => size))
      return permuted(
        data,
        shape.map(([size]) => size),
        permutation.map((axis) => strides[axis] as number),
      )
    })
    return moved ?? this.node('Transpose', [tensor], shape, { perm: permutation })
  }

  /** The same elements in another shape. */
  reshape(tensor: Named, shape: readonly Size[]): Named {
    if (shape.length === tensor.shape.length && shape.every((size, i) => sameSize(size, tensor.shape[i] as Size))) return tensor
    const moved = this.#moved(tensor, `reshape ${shape.map(keyOf)}`, shape, (data) => data)
    return moved ?? this.node('Reshape', [tensor, this.#target(tensor.shape, shape)], shape)
  }

  /** The shape as Reshape takes it: -1 for what follows from the rest, 0 for what stays in its place. */
  #target(from: readonly Size[], to: readonly Size[]): Named {
    const hasZero = to.some((size) => size[0] === 0)
    if (hasZero) return this.shape(to)
    const unknown = to.flatMap((size, axis) => (isKnown(size) ? [] : [axis]))
    const stays = (axis: number): boolean => from[axis] !== undefined && sameSize(from[axis], to[axis] as Size)
    const open = unknown.length <= 1 ? unknown : unknown.filter((axis) => !stays(axis))
    if (open.length > 1) return this.shape(to)
    return this.integers(to.map(([size], axis) => (open.includes(axis) ? -1 : unknown.includes(axis) ? 0 : size)))
  }

  squeeze(tensor: Named, axes: readonly number[]): Named {
    if (axes.length === 0) return tensor
    const shape = tensor.shape.filter((_, axis) => !axes.includes(axis))
    const moved = this.#moved(tensor, `reshape ${shape.map(keyOf)}`, shape, (data) => data)
    return moved ?? this.node('Squeeze', [tensor, this.integers(axes)], shape)
  }

  /** Axes of size 1 at these places of the result. */
  unsqueeze(tensor: Named, axes: readonly number[]): Named {
    if (axes.length === 0) return tensor
    const shape = [...tensor.shape]
    for (const axis of [...axes].sort((a, b) => a - b)) shape.splice(axis, 0, known(1))
    const moved = this.#moved(tensor, `reshape ${shape.map(keyOf)}`, shape, (data) => data)
    return moved ?? this.node('Unsqueeze', [tensor, this.integers(axes)], shape)
  }

  expand(tensor: Named, shape: readonly Size[]): Named {
    if (shape.length === tensor.shape.length && shape.every((size, i) => sameSize(size, tensor.shape[i] as Size))) return tensor
    return this.node('Expand', [tensor, this.shape(shape)], shape)
  }

  cast(tensor: Named, dtype: DType, code: number): Named {
    if (tensor.dtype === dtype) return tensor
    const from = tensor.dtype
    const moved =
      from === 'int64' ? undefined : this.#moved(tensor, `cast ${dtype}`, tensor.shape, (data) => converted(data, from, dtype), dtype)
    return moved ?? this.node('Cast', [tensor], tensor.shape, { dtype, to: code })
  }

  #moved(
    tensor: Named,
    what: string,
    shape: readonly Size[],
    move: (data: TypedArray) => TypedArray,
    dtype: OnnxDType = tensor.dtype,
  ): Named | undefined {
    const data = this.dataOf(tensor)
    if (data === undefined || !shape.every(isKnown)) return undefined
    const suffix = what.split(' ')[0] as string
    return this.#constant(`${tensor.name} ${what}`, () =>
      this.store(
        `${tensor.name}/${suffix}`,
        dtype,
        shape.map(([size]) => size),
        move(data),
      ),
    )
  }

  // ---- sizes at run time ----

  /** A shape as a tensor of int64. */
  shape(sizes: readonly Size[]): Named {
    if (sizes.every(isKnown)) return this.integers(sizes.map(([size]) => size))
    const parts = sizes.map((size) => this.size(size))
    return parts.length === 1 ? (parts[0] as Named) : this.node('Concat', parts, [known(sizes.length)], { axis: 0 })
  }

  /** One size, int64 (1). */
  size(size: Size): Named {
    return this.findSize(size) ?? this.#unknownSize(size)
  }

  findSize(size: Size): Named | undefined {
    if (isKnown(size)) return this.integers([size[0]])
    const source = this.#sources.get(keyOf(size))
    if (source !== undefined) {
      const { tensor, axis } = source
      return this.node('Shape', [tensor], [known(1)], { dtype: 'int64', start: axis, end: axis + 1 })
    }
    const sources = [...this.#sources.values()]
    for (const { size: other } of sources) {
      const relation = relate(size, other)
      if (relation === undefined) continue
      const base = this.size(other)
      const one = [known(1)]
      if (relation.kind === 'part') return this.node('Div', [base, this.integers([relation.divisor])], one)
      const scaled = relation.factor === 1 ? base : this.node('Mul', [base, this.integers([relation.factor])], one)
      return relation.offset === 0 ? scaled : this.node('Add', [scaled, this.integers([relation.offset])], one)
    }
    for (const { size: x } of sources) {
      for (const { size: y } of sources) {
        const [xy] = [productOf([x, y])]
        const factor = size[0] / xy[0]
        if (!Number.isInteger(factor) || factor * xy[1] !== size[1]) continue
        const product = this.node('Mul', [this.size(x), this.size(y)], [known(1)])
        return factor === 1 ? product : this.node('Mul', [product, this.integers([factor])], [known(1)])
      }
    }
    return undefined
  }

  #unknownSize(size: Size): never {
    throw new SavingError({
      where: this.scope,
      problem: 'a size follows from those of the inputs in a way that cannot be found out',
      received: `sizes ${size[0]} and ${size[1]} in two trials`,
      hint: 'give Input(...) a fixed size',
    })
  }

  /** A graph inside this one. */
  inner(): GraphBuilder {
    return new GraphBuilder(this.opset, this)
  }

  /** The same tensor under another name, made here. */
  copy({ name, dtype, shape }: Named): Named {
    const copied = this.claim(`${name}/copy`)
    const node: OnnxNode = { name: copied, op: 'Identity', inputs: [name], outputs: [copied], attributes: {} }
    this.nodes.push(node)
    const tensor = { name: copied, dtype, shape }
    this.#makers.set(copied, node)
    return tensor
  }

  // ---- the end ----

  /** The graph with what its outputs need; weights go with the outermost one. */
  finish(name: string, inputs: readonly OnnxValue[], outputs: readonly OnnxValue[]): OnnxGraph {
    const needed = new Set(outputs.map((output) => output.name))
    const nodes: OnnxNode[] = []
    for (const node of [...this.nodes].reverse()) {
      if (!node.outputs.some((output) => needed.has(output))) continue
      nodes.push(node)
      for (const input of namesReadBy(node)) needed.add(input)
    }
    const initializers = this.parent !== undefined ? [] : [...this.#shared.stored.values()].filter((tensor) => needed.has(tensor.name))
    return { name, nodes: nodes.reverse(), initializers: initializers.map(encoded), inputs, outputs }
  }

  /** Calls a tensor that is an output `wanted`, a name that was claimed; through a copy where it has to keep its own. */
  name(tensor: Named, wanted: string): string {
    const isReadInside = this.nodes.some((node) => namesReadBy(node).slice(node.inputs.length).includes(tensor.name))
    const made = this.makerOf(tensor)
    if (made === undefined || isReadInside || this.#renamed.has(tensor.name)) {
      this.nodes.push({
        name: wanted,
        op: 'Identity',
        inputs: [this.#renamed.get(tensor.name) ?? tensor.name],
        outputs: [wanted],
        attributes: {},
      })
      return wanted
    }
    this.#renamed.set(tensor.name, wanted)
    const change = (name: string): string => (name === tensor.name ? wanted : name)
    for (const node of this.nodes) {
      node.inputs = node.inputs.map(change)
      node.outputs = node.outputs.map(change)
    }
    return wanted
  }
}

/** Inner graphs read outer tensors by name. */
function namesReadBy(node: OnnxNode): string[] {
  const graphs = Object.values(node.attributes).filter((value): value is OnnxGraph => typeof value === 'object' && 'nodes' in value)
  return [...node.inputs, ...graphs.flatMap((graph) => [...graph.nodes.flatMap(namesReadBy), ...graph.outputs.map(({ name }) => name)])]
}

function encoded({ name, dtype, shape, data }: Stored): OnnxTensor {
  const { buffer, byteOffset, byteLength } = data
  return { name, dtype, dims: shape.map(([size]) => size), bytes: new Uint8Array(buffer, byteOffset, byteLength) }
}

/** Elements at strided places, row by row. */
function permuted(data: TypedArray, shape: readonly number[], strides: readonly number[]): TypedArray {
  const result = new (data.constructor as new (length: number) => TypedArray)(data.length)
  const place = shape.map(() => 0)
  let from = 0
  for (let to = 0; to < sizeOf(shape); to++) {
    result[to] = data[from] as number
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis] as number
      if (++(place[axis] as number) < (shape[axis] as number)) break
      from -= (strides[axis] as number) * (shape[axis] as number)
      place[axis] = 0
    }
  }
  return result
}

function converted(data: TypedArray, from: DType, to: DType): TypedArray {
  const result = allocate(to, data.length)
  for (let i = 0; i < data.length; i++) writeElement(to, result, i, readElement(from, data, i))
  return result
}
