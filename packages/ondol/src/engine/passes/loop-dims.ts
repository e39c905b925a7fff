/** Dims of a loop in memory order and as few as strides allow. */
import type { LoopInput, LoopStep, LoopStore } from '../plan.js'

export function arrangeDims(step: LoopStep): LoopStep {
  const operands = [...step.inputs, ...step.stores, ...step.epilogueStores]
  const votes = [...step.stores, ...step.stores, ...step.epilogueStores, ...step.inputs.filter(({ kind }) => kind === 'memory')]
  const order = step.dims.map((_, dim) => dim).filter((dim) => step.dims[dim]?.size !== 1)
  const isOuter = (a: number, b: number): boolean => {
    let balance = 0
    for (const { strides } of votes) {
      const [x, y] = [Math.abs(strides[a] as number), Math.abs(strides[b] as number)]
      if (x !== 0 && y !== 0) balance += Math.sign(x - y)
    }
    return balance > 0
  }
  for (let i = 1; i < order.length; i++) {
    for (let j = i; j > 0 && isOuter(order[j] as number, order[j - 1] as number); j--) {
      ;[order[j], order[j - 1]] = [order[j - 1] as number, order[j] as number]
    }
  }
  const groups: number[][] = []
  for (const dim of order) {
    const group = groups[groups.length - 1]
    const last = group?.[group.length - 1]
    const size = step.dims[dim]?.size as number
    const joins =
      last !== undefined &&
      step.dims[last]?.reduced === step.dims[dim]?.reduced &&
      operands.every(({ strides }) => (strides[last] as number) === (strides[dim] as number) * size)
    if (joins) group?.push(dim)
    else groups.push([dim])
  }
  if (groups.length === 0) groups.push([])
  const dims = groups.map((group) => ({
    size: group.reduce((product, dim) => product * (step.dims[dim]?.size as number), 1),
    reduced: step.dims[group[0] as number]?.reduced ?? false,
  }))
  const pick = (strides: readonly number[]): number[] => groups.map((group) => strides[group[group.length - 1] as number] ?? 0)
  const store = (from: LoopStore): LoopStore => ({ ...from, strides: pick(from.strides) })
  const input = (from: LoopInput): LoopInput => ({ ...from, strides: pick(from.strides) })
  return { ...step, dims, inputs: step.inputs.map(input), stores: step.stores.map(store), epilogueStores: step.epilogueStores.map(store) }
}
