/** Masks of the inputs: whether they go on, whether they are looked at, and whether anybody is told when they end. */
import { expect, vi } from 'vitest'
import { isFloat } from '../../../core/dtype.js'
import type { Shape } from '../../../core/shape.js'
import { type Tensor, tensor } from '../../../engine/index.js'
import * as ops from '../../../ops/index.js'
import { KerasTensor } from '../../../ops/operation.js'
import { maskOf, setMask } from '../../masks.js'
import type { Subject } from '../layer-case.js'
import { expectNear } from './near.js'

/** Each row has both, and begins with what counts. */
const someMask = (shape: Shape): Tensor =>
  tensor(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => {
      const last = shape.at(-1) as number
      return i % last === 0 || (i + Math.floor(i / last) * (last + 1)) % 2 === 0 ? 1 : 0
    }),
    shape,
    'bool',
  )

export function handlesMasks(subject: Subject): void {
  const { passesMask = false, readsMask = false, maskShape } = subject.given
  const shapeOf = (shape: Shape): Shape => maskShape ?? shape.slice(0, isFloat(subject.inputDtype) && shape.length < 3 ? 1 : 2)
  const masked = (change: (x: Tensor, mask: Tensor) => Tensor = (x) => x): Tensor[] =>
    subject.inputs().map((x) => {
      const mask = someMask(shapeOf(x.shape))
      const result = change(x, mask)
      setMask(result, mask)
      return result
    })
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  try {
    const first = subject.makeBuilt()
    const layer = subject.twinOf(first)
    const last = subject.twinOf(first)
    const plain = subject.call(first)
    const outputs = subject.call(layer, masked())
    const mask = maskOf(outputs[0] as Tensor)
    expect(mask !== undefined, 'passes the mask').toBe(passesMask)
    expect(warn.mock.calls.length, 'warns').toBe(passesMask || layer.supportsMasking ? 0 : 1)
    if (mask !== undefined) expect(mask.shape).toEqual(outputs[0]?.shape.slice(0, mask.rank))
    const open = subject.symbols()
    open.forEach((x, i) => {
      x.mask = new KerasTensor([null, ...shapeOf(subject.inputShapes[i] as Shape).slice(1)], { dtype: 'bool' })
    })
    expect(subject.describe(subject.make(), open)[0]?.mask?.shape).toEqual(mask && [null, ...mask.shape.slice(1)])
    if (!readsMask) {
      expectNear(outputs, plain, 0)
      return
    }
    // What is masked may be anything: the rest of the output stays.
    const isSame = (a: Tensor, b: Tensor): boolean =>
      a.dataSync().every((value, at) => Math.abs(value - (b.dataSync()[at] as number)) < 1e-5)
    expect(
      outputs.every((output, i) => isSame(output, plain[i] as Tensor)),
      'a mask changes nothing',
    ).toBe(false)
    const moved = subject.call(
      last,
      masked((x, counts) => {
        const wide = ops.reshape(counts, [...counts.shape, ...x.shape.slice(counts.rank).map(() => 1)])
        return ops.where(wide, x, ops.add(ops.multiply(x, 3), 1))
      }),
    )
    const visible = (x: Tensor): Tensor =>
      mask === undefined ? x : ops.where(ops.reshape(mask, [...mask.shape, ...x.shape.slice(mask.rank).map(() => 1)]), x, 0)
    expectNear(moved.slice(0, 1).map(visible), outputs.slice(0, 1).map(visible), 1e-5)
  } finally {
    warn.mockRestore()
  }
}
