/** Complex numbers, which are pairs of tensors here: [real, imaginary]. There is no dtype for them. */
import { ShapeError, ValueError } from '../core/errors.js'
import { formatShape } from '../core/shape.js'
import { lax, type Tensor } from '../engine/index.js'
import { defineOp } from './define.js'
import { cos, multiply, sin } from './elementwise.js'
import { toFloat } from './promotion.js'

/** A real part and an imaginary part; null where everything is real. */
export interface Complex {
  readonly re: Tensor
  readonly im: Tensor | null
}

/** @throws ValueError and ShapeError when `input` is no pair of one shape, of at least `rank` axes. */
export function pairOf(where: string, input: readonly Tensor[], rank: number): Complex & { readonly im: Tensor } {
  if (!Array.isArray(input) || input.length !== 2)
    throw new ValueError({ where, problem: 'a complex number is a pair', expected: '[real, imaginary]', received: String(input) })
  const [re, im] = input.map((part) => toFloat(part)) as [Tensor, Tensor]
  if (`${re.shape}` === `${im.shape}` && re.rank >= rank) return { re, im }
  throw new ShapeError({
    where,
    problem: 'the parts do not fit',
    expected: `two of one shape, of rank ${rank} or more`,
    received: `${formatShape(re.shape)} and ${formatShape(im.shape)}`,
  })
}

/** The numbers of these lengths and angles: [length · cos, length · sin]. */
export const polar = defineOp<[Tensor, Tensor], Record<never, never>, [Tensor, Tensor]>({
  name: 'Polar',
  module: 'nn',
  tensors: 2,
  parameters: [],
  call: ([length, angle]) => [multiply(length, cos(angle)), multiply(length, sin(angle))],
})

/** (…, 2) → [real (…), imaginary (…)]. */
export const viewAsComplex = defineOp<[Tensor], Record<never, never>, [Tensor, Tensor]>({
  name: 'ViewAsComplex',
  module: 'math',
  tensors: 1,
  parameters: [],
  call: ([input]) => {
    const x = toFloat(input)
    if (x.shape.at(-1) !== 2)
      throw new ShapeError({
        where: 'viewAsComplex',
        problem: 'the last axis holds the real and the imaginary part',
        expected: 'a size of 2',
        received: formatShape(x.shape),
      })
    const start = x.shape.map(() => 0)
    const part = (at: 0 | 1): Tensor =>
      lax.reshape(lax.slice(x, [...start.slice(0, -1), at], [...x.shape.slice(0, -1), 1]), x.shape.slice(0, -1))
    return [part(0), part(1)]
  },
})

/** [real (…), imaginary (…)] → (…, 2). */
export const viewAsReal = defineOp<[readonly [Tensor, Tensor]], Record<never, never>, Tensor>({
  name: 'ViewAsReal',
  module: 'math',
  tensors: 1,
  parameters: [],
  call: ([input]) => {
    const { re, im } = pairOf('viewAsReal', input, 0)
    const column = (x: Tensor): Tensor => lax.reshape(x, [...x.shape, 1])
    return lax.concat([column(re), column(im)], re.rank)
  },
})
