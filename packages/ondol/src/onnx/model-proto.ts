/**
 * ONNX's data structures and their encoding (`onnx/onnx.proto`): only what is written. Field numbers stand beside
 * the fields.
 */
import type { DType } from '../core/dtype.js'
import { Message } from './protobuf.js'

export type OnnxDType = DType | 'int64'

/** `TensorProto.DataType`. */
const DATA_TYPES = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9, float16: 10, float64: 11, bfloat16: 16 } as const satisfies Record<
  OnnxDType,
  number
>

/** The number by which ONNX knows a dtype. */
export const dataType = (dtype: OnnxDType): number => DATA_TYPES[dtype]

export interface OnnxTensor {
  readonly name: string
  readonly dtype: OnnxDType
  readonly dims: readonly number[]
  /** Little-endian, row-major. */
  readonly bytes: Uint8Array
}

/** A number that is not whole has to be given as `{ float }`, since attributes know the difference. */
export type OnnxAttribute = number | string | readonly number[] | readonly string[] | { readonly float: number } | OnnxGraph

export interface OnnxNode {
  readonly name: string
  readonly op: string
  /** An empty name leaves an optional input out. */
  inputs: string[]
  outputs: string[]
  readonly attributes: Readonly<Record<string, OnnxAttribute>>
}

export interface OnnxValue {
  readonly name: string
  readonly dtype: OnnxDType
  /** A name for a size that is known only when data arrives. */
  readonly shape: readonly (number | string)[]
}

export interface OnnxGraph {
  readonly name: string
  readonly nodes: readonly OnnxNode[]
  readonly initializers: readonly OnnxTensor[]
  readonly inputs: readonly OnnxValue[]
  readonly outputs: readonly OnnxValue[]
}

export interface OnnxModel {
  readonly graph: OnnxGraph
  readonly opset: number
  readonly metadata: Readonly<Record<string, string>>
}

/** Where the bytes of large tensors go: behind each other in a file of their own. */
export interface ExternalData {
  readonly location: string
  /** Gives the tensor its place, or undefined to leave it in the model. */
  place(tensor: OnnxTensor): number | undefined
}

/** Opsets and the least version of the format that they go with. */
const IR_VERSIONS: readonly (readonly [opset: number, ir: number])[] = [
  [23, 11],
  [21, 10],
  [19, 9],
  [15, 8],
]

export function encodeModel({ graph, opset, metadata }: OnnxModel, external?: ExternalData): Message {
  const ir = IR_VERSIONS.find(([from]) => opset >= from)?.[1] ?? 8
  const model = new Message()
    .int(1, ir)
    .string(2, 'ondol')
    .message(7, encodeGraph(graph, external))
    .message(8, new Message().string(1, '').int(2, opset))
  for (const [key, value] of Object.entries(metadata)) model.message(14, new Message().string(1, key).string(2, value))
  return model
}

function encodeGraph({ name, nodes, initializers, inputs, outputs }: OnnxGraph, external?: ExternalData): Message {
  const graph = new Message()
  for (const node of nodes) graph.message(1, encodeNode(node))
  graph.string(2, name)
  for (const tensor of initializers) graph.message(5, encodeTensor(tensor, external))
  for (const value of inputs) graph.message(11, encodeValue(value))
  for (const value of outputs) graph.message(12, encodeValue(value))
  return graph
}

function encodeNode({ name, op, inputs, outputs, attributes }: OnnxNode): Message {
  const node = new Message()
  for (const input of inputs) node.string(1, input)
  for (const output of outputs) node.string(2, output)
  node.string(3, name).string(4, op)
  for (const [key, value] of Object.entries(attributes)) node.message(5, encodeAttribute(key, value))
  return node
}

/** Field 20 says what kind of value it is. */
function encodeAttribute(name: string, value: OnnxAttribute): Message {
  const attribute = new Message().string(1, name)
  if (typeof value === 'number') return attribute.int(3, value).int(20, 2)
  if (typeof value === 'string') return attribute.string(4, value).int(20, 3)
  if ('float' in value) return attribute.float(2, value.float).int(20, 1)
  if ('nodes' in value) return attribute.message(6, encodeGraph(value)).int(20, 5)
  for (const item of value) {
    if (typeof item === 'string') attribute.string(9, item)
    else attribute.int(8, item)
  }
  return attribute.int(20, typeof value[0] === 'string' ? 8 : 7)
}

function encodeTensor(tensor: OnnxTensor, external: ExternalData | undefined): Message {
  const { name, dtype, dims, bytes } = tensor
  const message = new Message().packed(1, dims).int(2, dataType(dtype)).string(8, name)
  const offset = external?.place(tensor)
  if (external === undefined || offset === undefined) return message.bytes(9, bytes)
  const entries = { location: external.location, offset: String(offset), length: String(bytes.byteLength) }
  for (const [key, value] of Object.entries(entries)) message.message(13, new Message().string(1, key).string(2, value))
  return message.int(14, 1)
}

function encodeValue({ name, dtype, shape }: OnnxValue): Message {
  const dims = new Message()
  for (const size of shape) dims.message(1, typeof size === 'number' ? new Message().int(1, size) : new Message().string(2, size))
  return new Message().string(1, name).message(2, new Message().message(1, new Message().int(1, dataType(dtype)).message(2, dims)))
}
