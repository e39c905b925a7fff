/** Reads what tests ask of an ONNX file, as a check of the writer: Protocol Buffers, fields by number. */

export interface ReadNode {
  readonly name: string
  readonly op: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
}

export interface ReadValue {
  readonly name: string
  readonly type: number
  readonly shape: readonly (number | string)[]
}

export interface ReadTensor {
  readonly name: string
  readonly type: number
  readonly dims: readonly number[]
  readonly raw: Uint8Array | undefined
  readonly external: Readonly<Record<string, string>>
}

export interface ReadModel {
  readonly ir: number
  readonly opset: number
  readonly nodes: readonly ReadNode[]
  readonly initializers: readonly ReadTensor[]
  readonly inputs: readonly ReadValue[]
  readonly outputs: readonly ReadValue[]
}

type Fields = Map<number, (number | Uint8Array)[]>

/** A message's fields: numbers, and what is delimited as bytes. */
function fieldsOf(bytes: Uint8Array): Fields {
  const fields: Fields = new Map()
  let at = 0
  const varint = (): number => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++] as number
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return Number(BigInt.asIntN(64, value))
    }
  }
  while (at < bytes.length) {
    const tag = varint()
    const kind = tag & 7
    const length = kind === 0 ? 0 : kind === 5 ? 4 : kind === 1 ? 8 : varint()
    const value = kind === 0 ? varint() : bytes.subarray(at, at + length)
    at += length
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), value])
  }
  return fields
}

const messages = (fields: Fields, field: number): Fields[] => (fields.get(field) ?? []).map((bytes) => fieldsOf(bytes as Uint8Array))
const texts = (fields: Fields, field: number): string[] =>
  (fields.get(field) ?? []).map((bytes) => new TextDecoder().decode(bytes as Uint8Array))
const text = (fields: Fields, field: number): string => texts(fields, field)[0] ?? ''
const number = (fields: Fields, field: number): number => (fields.get(field)?.[0] as number | undefined) ?? 0
const first = (fields: Fields, field: number): Fields => messages(fields, field)[0] ?? new Map()

function valueOf(fields: Fields): ReadValue {
  const type = first(first(fields, 2), 1)
  const shape = messages(first(type, 2), 1).map((dim) => (dim.has(2) ? text(dim, 2) : number(dim, 1)))
  return { name: text(fields, 1), type: number(type, 1), shape }
}

function tensorOf(fields: Fields): ReadTensor {
  // Packed varints are a message of numbers without tags: small sizes are read off two bytes at most.
  const packed = [...((fields.get(1)?.[0] as Uint8Array | undefined) ?? [])]
  const dims: number[] = []
  for (let i = 0; i < packed.length; i++) {
    let value = 0
    let shift = 0
    for (; (packed[i] as number) >= 0x80; i++, shift += 7) value += ((packed[i] as number) & 0x7f) * 2 ** shift
    dims.push(value + (packed[i] as number) * 2 ** shift)
  }
  const external = Object.fromEntries(messages(fields, 13).map((entry) => [text(entry, 1), text(entry, 2)]))
  return { name: text(fields, 8), type: number(fields, 2), dims, raw: fields.get(9)?.[0] as Uint8Array | undefined, external }
}

export function readOnnx(bytes: Uint8Array): ReadModel {
  const model = fieldsOf(bytes)
  const graph = first(model, 7)
  return {
    ir: number(model, 1),
    opset: number(first(model, 8), 2),
    nodes: messages(graph, 1).map((node) => ({ name: text(node, 3), op: text(node, 4), inputs: texts(node, 1), outputs: texts(node, 2) })),
    initializers: messages(graph, 5).map(tensorOf),
    inputs: messages(graph, 11).map(valueOf),
    outputs: messages(graph, 12).map(valueOf),
  }
}
