/**
 * Groups as h5py writes them by default (spec III.A.1, III.B, III.C, III.D): names in a local heap, links in nodes of up
 * to 8, and a B-tree (version 1) over the nodes, all sorted by name.
 */
import { compareBytes, Encoder } from './encoder.js'

/** Half the entries of a symbol table node, and half the children of a B-tree node, as the superblock says. */
export const LEAF_K = 4
export const INTERNAL_K = 16

const HEAP_HEADER_SIZE = 32
const ENTRY_SIZE = 40
const LEAF_SIZE = 8 + 2 * LEAF_K * ENTRY_SIZE
const NODE_SIZE = 24 + 8 * (4 * INTERNAL_K + 1)

export interface LinkToWrite {
  readonly name: Uint8Array
  /** Where the object header is, known once everything has its place. */
  readonly address: () => number
}

export interface SymbolTableAddresses {
  readonly tree: number
  readonly heap: number
}

interface Child {
  readonly address: number
  /** Heap offset of the last name in it. */
  readonly lastName: number
}

type Allocate = (size: number, encode: () => Uint8Array) => number

/** Plans the heap, nodes and tree of a group with `links`, which are sorted here as the library compares names: byte by byte. */
export function planSymbolTable(links: readonly LinkToWrite[], allocate: Allocate): SymbolTableAddresses {
  const sorted = [...links].sort((a, b) => compareBytes(a.name, b.name))
  const names = new Encoder().zeros(8)
  const entries = sorted.map(({ name, address }) => {
    const nameAt = names.length
    names.raw(name).u8(0).align()
    return { nameAt, address }
  })
  const heap = allocate(HEAP_HEADER_SIZE + names.length, () => encodeHeap(heap, names.bytes))

  let children = groupsOf(entries, 2 * LEAF_K).map((leaf) => ({
    address: allocate(LEAF_SIZE, () => encodeLeaf(leaf)),
    lastName: leaf.at(-1)!.nameAt,
  }))
  for (let level = 0; ; level++) {
    const parts = children.length === 0 ? [[]] : groupsOf(children, 2 * INTERNAL_K)
    const nodes: Child[] = []
    let firstName = 0
    for (const [i, part] of parts.entries()) {
      const before = firstName
      const lastName = part.at(-1)?.lastName ?? 0
      const address = allocate(NODE_SIZE, () => encodeNode(level, part, before, nodes[i - 1], nodes[i + 1]))
      nodes.push({ address, lastName })
      firstName = lastName
    }
    if (nodes.length === 1) return { tree: nodes[0]!.address, heap }
    children = nodes
  }
}

function encodeHeap(address: number, names: Uint8Array): Uint8Array {
  const NO_FREE_BLOCK = 1
  const out = new Encoder().ascii('HEAP').u8(0, 0, 0, 0).u64(names.byteLength).u64(NO_FREE_BLOCK)
  return out.u64(address + HEAP_HEADER_SIZE).raw(names).bytes
}

function encodeLeaf(entries: readonly { nameAt: number; address: () => number }[]): Uint8Array {
  const out = new Encoder().ascii('SNOD').u8(1, 0).u16(entries.length)
  for (const { nameAt, address } of entries) out.u64(nameAt).u64(address()).zeros(24)
  return out.zeros(LEAF_SIZE - out.length).bytes
}

function encodeNode(level: number, children: readonly Child[], before: number, left?: Child, right?: Child): Uint8Array {
  const out = new Encoder().ascii('TREE').u8(0, level).u16(children.length).u64(left?.address).u64(right?.address)
  out.u64(before)
  for (const { address, lastName } of children) out.u64(address).u64(lastName)
  return out.zeros(NODE_SIZE - out.length).bytes
}

function groupsOf<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size))
}
