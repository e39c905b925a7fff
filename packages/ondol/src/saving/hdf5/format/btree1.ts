/** B-trees of version 1 (spec III.A.1): over the symbol table nodes of a group, or over the chunks of a dataset. */
import type { Cursor } from './cursor.js'
import { type FileBytes, Walk } from './file-bytes.js'

export const GROUP_TREE = 0
export const CHUNK_TREE = 1

/** The children of the leaves, in order, each with the key before it. */
export async function* leafChildren(
  file: FileBytes,
  root: number,
  kind: number,
  keySize: number,
): AsyncGenerator<{ key: Cursor; address: number }> {
  const walk = new Walk(file)
  const { address: width } = file.widths
  const waiting = [{ address: root, level: -1 }]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const headerSize = 8 + 2 * width
    const header = (await file.cursor(next.address, headerSize)).expectSignature('TREE')
    if (header.u8() !== kind) throw header.damaged('a B-tree is of the wrong kind', -1)
    const level = header.u8()
    if (next.level >= 0 && level !== next.level - 1)
      throw header.damaged(`a B-tree node of level ${level} hangs under level ${next.level}`, -1)
    const size = header.u16() * (keySize + width)
    walk.claim(next.address, headerSize + size)
    const entries = await file.cursor(next.address + headerSize, size)
    const children: { address: number; level: number }[] = []
    while (entries.remaining > 0) {
      const key = entries.part(keySize)
      const address = entries.address()
      if (address === undefined) throw entries.damaged('a B-tree has a child that is nowhere')
      if (level === 0) yield { key, address }
      else children.push({ address, level })
    }
    waiting.push(...children.reverse())
  }
}
