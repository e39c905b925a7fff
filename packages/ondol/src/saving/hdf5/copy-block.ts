/** Copies a block of a chunked array to its place in the whole. */

/**
 * Copies what of `block` (row-major, of `blockShape`) lies in `target` (row-major, of `shape`) when its first element goes to
 * `origin`, which may lie before the beginning along an axis. Sizes count elements of `itemSize` bytes.
 */
export function copyBlock(
  block: Uint8Array,
  blockShape: readonly number[],
  target: Uint8Array,
  shape: readonly number[],
  origin: readonly number[],
  itemSize: number,
): void {
  const begin = origin.map((start) => Math.max(0, -start))
  const end = origin.map((start, axis) => Math.min(blockShape[axis]!, shape[axis]! - start))
  if (begin.some((start, axis) => start >= end[axis]!)) return
  const last = shape.length - 1
  const run = (end[last]! - begin[last]!) * itemSize
  const position = [...begin]
  for (;;) {
    let [from, to] = [0, 0]
    for (let axis = 0; axis <= last; axis++) {
      from = from * blockShape[axis]! + position[axis]!
      to = to * shape[axis]! + origin[axis]! + position[axis]!
    }
    from *= itemSize
    target.set(block.subarray(from, from + run), to * itemSize)
    let axis = last - 1
    while (axis >= 0 && ++position[axis]! === end[axis]) {
      position[axis] = begin[axis]!
      axis--
    }
    if (axis < 0) return
  }
}
