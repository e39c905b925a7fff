/**
 * Applying a primitive: recorded while tracing, else run at once as a one-node program
 * (compiled once for each primitive, attributes, shapes and dtypes).
 */
import { DTypeError } from '../core/errors.js'
import { type Backend, currentBackend, type Program } from './backend.js'
import { Buffer } from './buffer.js'
import { type Abstract, isGraph, makeInput, makeNode, type Node } from './graph.js'
import { inferOutputs, type PrimitiveAttributes, type PrimitiveName } from './primitives.js'
import { recordOnTapes } from './tape.js'
import { Tensor } from './tensor.js'
import { currentTrace } from './trace.js'

export function bind<P extends PrimitiveName>(primitive: P, attributes: PrimitiveAttributes[P], inputs: readonly Tensor[]): Tensor[] {
  const trace = currentTrace()
  const outputs = trace === undefined ? runEagerly(primitive, attributes, inputs) : trace.record(primitive, attributes, inputs)
  recordOnTapes({ primitive, attributes, inputs, outputs })
  return outputs
}

interface EagerProgram {
  readonly program: Program
  readonly outputs: readonly Abstract[]
}

/** Programs a backend keeps for single operations; the oldest give way. */
const EAGER_PROGRAMS = 2048
const programs = new WeakMap<Backend, Map<string, EagerProgram>>()
const graphIds = new WeakMap<object, number>()
let nextGraphId = 0

function runEagerly<P extends PrimitiveName>(primitive: P, attributes: PrimitiveAttributes[P], inputs: readonly Tensor[]): Tensor[] {
  if (primitive === 'constant') {
    const { shape, dtype, storage } = attributes as PrimitiveAttributes['constant']
    return [new Tensor({ shape, dtype }, { buffer: Buffer.from(storage) })]
  }
  if (primitive === 'reshape') {
    const [x] = inputs as [Tensor]
    return [
      new Tensor({ shape: (attributes as PrimitiveAttributes['reshape']).shape, dtype: x.dtype }, { buffer: x.buffer(primitive).retain() }),
    ]
  }
  const backend = currentBackend()
  const memories = inputs.map((input) => memoryOn(backend, input, primitive))
  const { program, outputs } = eagerProgram(backend, primitive, attributes, inputs)
  const buffers = outputs.map((output) => Buffer.allocate(output))
  try {
    program.run(
      memories,
      buffers.map((buffer) => buffer.memory),
    )
  } catch (error) {
    for (const buffer of buffers) buffer.release()
    throw error
  }
  return outputs.map((output, index) => new Tensor(output, { buffer: buffers[index] as Buffer }))
}

function memoryOn(backend: Backend, input: Tensor, where: string): Buffer['memory'] {
  const buffer = input.buffer(where)
  return buffer.backend === backend ? buffer.memory : moveTo(backend, input).memory
}

const moved = new WeakMap<Tensor, Buffer>()

/** A copy of a tensor's memory on another backend, made once for each tensor. */
export function moveTo(backend: Backend, input: Tensor): Buffer {
  const known = moved.get(input)
  if (known?.backend === backend) return known
  const storage = input.buffer('move').readSync(input.dtype, input.size)
  const memory = backend.allocate(storage.byteLength)
  backend.write(memory, storage)
  const buffer = new Buffer(backend, memory)
  moved.set(input, buffer)
  releaseWith.register(input, buffer)
  return buffer
}

const releaseWith = new FinalizationRegistry<Buffer>((buffer) => buffer.release())

function eagerProgram<P extends PrimitiveName>(
  backend: Backend,
  primitive: P,
  attributes: PrimitiveAttributes[P],
  inputs: readonly Tensor[],
): EagerProgram {
  let cache = programs.get(backend)
  if (cache === undefined) programs.set(backend, (cache = new Map()))
  const key = keyOf(primitive, attributes, inputs)
  let entry = cache.get(key)
  if (entry === undefined) {
    requireDTypes(backend, primitive, inputs)
    const values = inputs.map((input, index) => makeInput({ shape: input.shape, dtype: input.dtype }, index))
    const outputs = inferOutputs(primitive, attributes, values)
    requireDTypes(backend, primitive, outputs)
    const node = makeNode(primitive, attributes, values, outputs) as unknown as Node
    entry = { program: backend.compile({ inputs: values, nodes: [node], outputs: node.outputs, donations: [] }), outputs }
    if (cache.size >= EAGER_PROGRAMS) {
      const [oldest, { program }] = cache.entries().next().value as [string, EagerProgram]
      program.dispose()
      cache.delete(oldest)
    }
    cache.set(key, entry)
  }
  return entry
}

export function requireDTypes(backend: Backend, where: string, tensors: readonly Abstract[]): void {
  for (const { dtype } of tensors) {
    if (backend.dtypes.has(dtype)) continue
    throw new DTypeError({
      where,
      problem: `the ${backend.name} backend has no ${dtype}`,
      expected: `one of ${[...backend.dtypes].join(', ')}`,
      received: dtype,
      hint:
        dtype === 'float64'
          ? "cast to float32, or await setBackend('native') or 'host', which compute in float64"
          : 'cast the tensor with ops.cast',
    })
  }
}

function keyOf(primitive: PrimitiveName, attributes: object, inputs: readonly Abstract[]): string {
  let key: string = primitive
  for (const { dtype, shape } of inputs) key += `|${dtype}:${shape}`
  for (const name in attributes) {
    const attribute = (attributes as Record<string, unknown>)[name]
    key += `|${name}=${isGraph(attribute) ? `#${graphId(attribute)}` : printable(attribute)}`
  }
  return key
}

function printable(attribute: unknown): string {
  if (typeof attribute === 'object') return JSON.stringify(attribute)
  return Object.is(attribute, -0) ? '-0' : String(attribute)
}

function graphId(graph: object): number {
  let id = graphIds.get(graph)
  if (id === undefined) graphIds.set(graph, (id = nextGraphId++))
  return id
}
