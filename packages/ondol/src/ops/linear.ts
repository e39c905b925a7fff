/** Products: `matmul`, `dot`, `tensordot`, `einsum`, `outer`. All become the one contraction primitive. */
import { ShapeError, ValueError } from '../core/errors.js'
import { broadcastShapes, formatShape, normalizeAxis } from '../core/shape.js'
import { lax, type Tensor, withScope } from '../engine/index.js'
import { type AnyDefinition, type AnyTensor, defineOp, OpNode, type TensorLike } from './define.js'
import { isSymbolic } from './operation.js'
import { resultType, toDType } from './promotion.js'

type None = Record<never, never>

const promoted = (a: TensorLike, b: TensorLike): [Tensor, Tensor] => {
  const dtype = resultType([a, b])
  return [toDType(a, dtype), toDType(b, dtype)]
}
const range = (start: number, length: number): number[] => Array.from({ length }, (_, i) => start + i)

/** Matrix product over the last two axes, batch axes broadcast; vectors count as a row or a column. */
export const matmul = defineOp<[Tensor, Tensor], None, Tensor>({
  name: 'Matmul',
  module: 'numpy',
  tensors: 2,
  parameters: [],
  call: (operands) => matrixProduct(...promoted(...operands)),
})

function matrixProduct(a: Tensor, b: Tensor): Tensor {
  if (a.rank === 0 || b.rank === 0)
    throw new ShapeError({ where: 'matmul', problem: 'scalars have no matrix product', hint: 'use ops.multiply' })
  const innerA = a.shape[a.rank - 1]
  const innerB = b.shape[Math.max(b.rank - 2, 0)]
  if (innerA !== innerB) {
    throw new ShapeError({
      where: 'matmul',
      problem: 'inner dimensions differ',
      expected: 'the last axis of the first operand as long as the second-last of the second',
      received: `${formatShape(a.shape)} and ${formatShape(b.shape)}`,
    })
  }
  const contractB = Math.max(b.rank - 2, 0)
  if (a.rank <= 2 && b.rank <= 2) return lax.dot(a, b, { batchA: [], batchB: [], contractA: [a.rank - 1], contractB: [contractB] })
  // (…, k) · (k, n): the batch axes of a are free axes of one big product.
  if (b.rank <= 2) return lax.dot(a, b, { batchA: [], batchB: [], contractA: [a.rank - 1], contractB: [contractB] })
  const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2), 'matmul')
  const row = a.rank === 1 ? lax.reshape(a, [1, a.size]) : a
  const left = lax.broadcastTo(row, [...batch, ...row.shape.slice(-2)])
  const right = lax.broadcastTo(b, [...batch, ...b.shape.slice(-2)])
  const n = batch.length
  const result = lax.dot(left, right, { batchA: range(0, n), batchB: range(0, n), contractA: [n + 1], contractB: [n] })
  return a.rank === 1 ? lax.reshape(result, [...batch, b.shape.at(-1) as number]) : result
}

/** NumPy's dot: the last axis of the one with the second-last of the other. */
export const dot = defineOp<[Tensor, Tensor], None, Tensor>({
  name: 'Dot',
  module: 'numpy',
  tensors: 2,
  parameters: [],
  call: (operands) => {
    const [a, b] = promoted(...operands)
    if (a.rank === 0 || b.rank === 0) {
      const shape = a.rank === 0 ? b.shape : a.shape
      return lax.mul(lax.broadcastTo(a, shape), lax.broadcastTo(b, shape))
    }
    return tensordotOf(a, b, [a.rank - 1], [Math.max(b.rank - 2, 0)])
  },
})

/** Contraction over given axes: a number (the last n with the first n) or two lists. */
export const tensordot = defineOp<
  [Tensor, Tensor],
  { axes?: number | readonly [number | readonly number[], number | readonly number[]] },
  Tensor
>({
  name: 'Tensordot',
  module: 'numpy',
  tensors: 2,
  parameters: ['axes'],
  call: (operands, { axes = 2 }) => {
    const [a, b] = promoted(...operands)
    if (typeof axes === 'number') return tensordotOf(a, b, range(a.rank - axes, axes), range(0, axes))
    const list = (given: number | readonly number[], rank: number): number[] =>
      ([given].flat() as number[]).map((axis) => normalizeAxis(axis, rank, 'tensordot'))
    return tensordotOf(a, b, list(axes[0], a.rank), list(axes[1], b.rank))
  },
})

function tensordotOf(a: Tensor, b: Tensor, contractA: number[], contractB: number[]): Tensor {
  const fits = contractA.length === contractB.length && contractA.every((axis, i) => a.shape[axis] === b.shape[contractB[i] as number])
  if (!fits) {
    throw new ShapeError({
      where: 'tensordot',
      problem: 'contracted axes differ in size',
      received: `${formatShape(a.shape)} over [${contractA}] and ${formatShape(b.shape)} over [${contractB}]`,
    })
  }
  return lax.dot(a, b, { batchA: [], batchB: [], contractA, contractB })
}

/** All products of two flattened tensors: (m,), (n,) → (m, n). */
export const outer = defineOp<[Tensor, Tensor], None, Tensor>({
  name: 'Outer',
  module: 'numpy',
  tensors: 2,
  parameters: [],
  call: (operands) => {
    const [a, b] = promoted(...operands)
    return lax.dot(lax.reshape(a, [a.size, 1]), lax.reshape(b, [1, b.size]), { batchA: [], batchB: [], contractA: [1], contractB: [0] })
  },
})

const summation = defineOp<[Tensor[]], { subscripts: string }, Tensor>({
  name: 'Einsum',
  module: 'numpy',
  // As many as the subscripts name.
  tensors: Number.POSITIVE_INFINITY,
  parameters: ['subscripts'],
  call: (operands, { subscripts }) => einsteinSum(subscripts, operands as unknown as TensorLike[]),
}).definition as unknown as AnyDefinition

interface Einsum {
  (subscripts: string, ...operands: TensorLike[]): Tensor
  (subscripts: string, ...operands: (AnyTensor | TensorLike)[]): AnyTensor
  readonly definition: AnyDefinition
}
/** Einstein summation over one or more operands: `einsum('bij,bjk->bik', a, b)`; `...` for batch axes. */
export const einsum: Einsum = Object.assign(
  (subscripts: string, ...operands: TensorLike[]) =>
    operands.some(isSymbolic)
      ? new OpNode(summation, { subscripts }).callSymbolically(operands)
      : withScope('Einsum', () => einsteinSum(subscripts, operands)),
  { definition: summation },
) as unknown as Einsum

function einsteinSum(subscripts: string, operands: readonly TensorLike[]): Tensor {
  const [left, right] = subscripts.replace(/\s/g, '').split('->') as [string, string | undefined]
  const dtype = resultType(operands)
  const terms = expandEllipsis(
    left.split(','),
    operands.map((x) => toDType(x, dtype)),
  )
  if (terms.length === 0) throw new ValueError({ where: 'einsum', problem: 'there are no operands' })
  const letters = terms.flatMap(({ labels }) => labels)
  const implicit = (): string[] =>
    [...new Set(letters)].filter((label) => label.startsWith('.') || letters.filter((other) => other === label).length === 1).sort()
  const output = right === undefined ? implicit() : labelsOf(right, [...new Set(letters.filter((label) => label.startsWith('.')))].sort())
  for (const label of output) {
    if (!letters.includes(label))
      throw new ValueError({ where: 'einsum', problem: `the result names '${label}', which no operand has`, received: subscripts })
  }
  let [current, ...rest] = terms.map((term) => onlyDiagonals(term)) as [Term, ...Term[]]
  for (const [i, next] of rest.entries()) {
    const later = new Set([...output, ...rest.slice(i + 1).flatMap(({ labels }) => labels)])
    current = contract(current, next, later)
  }
  current = sumOut(current, new Set(output))
  return lax.transpose(
    current.x,
    output.map((label) => current.labels.indexOf(label)),
  )
}

interface Term {
  readonly x: Tensor
  readonly labels: string[]
}

const labelsOf = (term: string, ellipsis: readonly string[]): string[] =>
  term
    .replace('...', '\u2026')
    .split('')
    .flatMap((c) => (c === '\u2026' ? [...ellipsis] : [c]))

function expandEllipsis(terms: readonly string[], operands: readonly Tensor[]): Term[] {
  if (terms.length !== operands.length)
    throw new ValueError({
      where: 'einsum',
      problem: 'operands and subscripts differ in number',
      expected: `${terms.length}`,
      received: `${operands.length}`,
    })
  return terms.map((term, i) => {
    const x = operands[i] as Tensor
    const hidden = term.includes('...') ? x.rank - (term.length - 3) : 0
    const labels = labelsOf(
      term,
      range(0, Math.max(hidden, 0)).map((k) => `.${100 - hidden + k}`),
    )
    if (labels.length !== x.rank)
      throw new ShapeError({
        where: 'einsum',
        problem: `'${term}' does not fit its operand`,
        expected: `${labels.length} axes`,
        received: formatShape(x.shape),
      })
    return { x, labels }
  })
}

/** A label that occurs twice in one operand takes the diagonal. */
function onlyDiagonals({ x, labels }: Term): Term {
  const repeated = labels.findIndex((label, i) => labels.indexOf(label) !== i)
  if (repeated < 0) return { x, labels }
  const first = labels.indexOf(labels[repeated] as string)
  const isOnDiagonal = lax.eq(lax.iota(x.shape, 'int32', first), lax.iota(x.shape, 'int32', repeated))
  const kept = lax.reduceSum(lax.select(isOnDiagonal, x, lax.zerosLike(x)), [repeated])
  return onlyDiagonals({ x: kept, labels: labels.filter((_, i) => i !== repeated) })
}

function sumOut({ x, labels }: Term, keep: ReadonlySet<string>): Term {
  const gone = labels.flatMap((label, axis) => (keep.has(label) ? [] : [axis]))
  return { x: lax.reduceSum(x, gone), labels: labels.filter((label) => keep.has(label)) }
}

function contract(a: Term, b: Term, later: ReadonlySet<string>): Term {
  const left = sumOut(a, new Set([...later, ...b.labels]))
  const right = sumOut(b, new Set([...later, ...a.labels]))
  const shared = left.labels.filter((label) => right.labels.includes(label))
  const batch = shared.filter((label) => later.has(label))
  const summed = shared.filter((label) => !later.has(label))
  const at = (term: Term, labels: readonly string[]): number[] => labels.map((label) => term.labels.indexOf(label))
  for (const label of shared) {
    const [p, q] = [left.x.shape[left.labels.indexOf(label)], right.x.shape[right.labels.indexOf(label)]]
    if (p !== q) throw new ShapeError({ where: 'einsum', problem: `axis '${label}' has two sizes`, received: `${p} and ${q}` })
  }
  const x = lax.dot(left.x, right.x, {
    batchA: at(left, batch),
    batchB: at(right, batch),
    contractA: at(left, summed),
    contractB: at(right, summed),
  })
  const free = (term: Term): string[] => term.labels.filter((label) => !shared.includes(label))
  return { x, labels: [...batch, ...free(left), ...free(right)] }
}
