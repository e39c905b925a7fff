/** Scans whose rows are apart, against the same scan step by step. */
import { afterAll, describe, expect, it } from 'vitest'
import type { LoopStep, Plan, ScanStep } from '../../engine/plan.js'
import { createNativeBackend } from './index.js'
import { splitRows } from './split-rows.js'
import { denseView, filled, loopOf, planOf, runPlan, type Sized } from './testing/plans.js'

const backend = createNativeBackend()
afterAll(() => backend.dispose())

const ROWS = 37
const WIDTH = 20
const LENGTH = 60
const f32 = (size: number): Sized => ({ dtype: 'float32', size })

/** result, carry ← (carry · weights + element) · scale, where the scale is found anew in each step. */
function scanOf(combine: LoopStep['inputs'][number]['strides'] = [WIDTH, 1]): { plan: Plan; scan: ScanStep } {
  const size = ROWS * WIDTH
  const half = loopOf({
    dims: [{ size: 1, reduced: false }],
    inputs: [{ kind: 'memory', buffer: 1, offset: 0, strides: [0] }],
    body: [
      { op: 'load', input: 0, type: 'f32' },
      { op: 'literal', value: 0.5, type: 'f32' },
      { op: 'mul', args: [0, 1], type: 'f32' },
    ],
    stores: [{ value: 2, buffer: 6, offset: 0, strides: [0] }],
  })
  const join = loopOf({
    dims: [
      { size: ROWS, reduced: false },
      { size: WIDTH, reduced: false },
    ],
    inputs: [
      { kind: 'memory', buffer: 7, offset: 0, strides: combine },
      { kind: 'memory', buffer: 3, offset: 0, strides: [WIDTH, 1] },
      { kind: 'memory', buffer: 6, offset: 0, strides: [0, 0] },
    ],
    body: [
      { op: 'load', input: 0, type: 'f32' },
      { op: 'load', input: 1, type: 'f32' },
      { op: 'load', input: 2, type: 'f32' },
      { op: 'add', args: [0, 1], type: 'f32' },
      { op: 'mul', args: [3, 2], type: 'f32' },
    ],
    stores: [4, 5].map((buffer) => ({ value: 4, buffer, offset: 0, strides: [WIDTH, 1] })),
  })
  const body = planOf(
    [f32(WIDTH * WIDTH), f32(1), f32(size), f32(size)],
    [f32(size), f32(size)],
    [
      half,
      {
        kind: 'kernel',
        kernel: 'matmul',
        attributes: { bias: false, activation: 'none' },
        inputs: [denseView(2, [1, ROWS, WIDTH]), denseView(0, [1, WIDTH, WIDTH])],
        outputs: [denseView(7, [1, ROWS, WIDTH])],
        scope: '',
      },
      join,
    ],
    [f32(1), f32(size)],
  )
  const scan: ScanStep = {
    kind: 'scan',
    body,
    length: LENGTH,
    reverse: false,
    constants: [denseView(0, [WIDTH, WIDTH]), denseView(1, [])],
    carries: [{ initial: denseView(2, [ROWS, WIDTH]), final: denseView(4, [ROWS, WIDTH]), other: denseView(6, [ROWS, WIDTH]) }],
    elements: [{ view: denseView(3, [ROWS, WIDTH]), stride: size }],
    results: [{ view: denseView(5, [ROWS, WIDTH]), stride: size }],
    arena: denseView(7, [body.arenaBytes]),
    scope: '',
  }
  const outer = [f32(WIDTH * WIDTH), f32(1), f32(size), f32(size * LENGTH)]
  return { scan, plan: planOf(outer, [f32(size), f32(size * LENGTH)], [scan], [f32(size), { dtype: 'uint8', size: body.arenaBytes }]) }
}

describe('splitRows', () => {
  it('cuts products and loops along the rows, and repeats what all rows share', async () => {
    const { plan, scan } = scanOf()
    expect(splitRows(scan, 3).map(({ steps }) => (steps[2] as LoopStep).dims[0]?.size)).toEqual([12, 12, 13])
    const [weights, scale, carry, elements] = [f32(WIDTH * WIDTH), f32(1), f32(ROWS * WIDTH), f32(ROWS * WIDTH * LENGTH)].map((sized) =>
      (filled(sized) as Float32Array).map((value) => value / 16),
    ) as [Float32Array, Float32Array, Float32Array, Float32Array]
    scale[0] = 0.5
    const expected = new Float32Array(ROWS * WIDTH * LENGTH)
    let state = carry
    for (let t = 0; t < LENGTH; t++) {
      state = state.map((_, at) => {
        const [row, column] = [Math.floor(at / WIDTH), at % WIDTH]
        let sum = elements[t * state.length + at] as number
        for (let k = 0; k < WIDTH; k++) sum += (state[row * WIDTH + k] as number) * (weights[k * WIDTH + column] as number)
        return sum * 0.25
      })
      expected.set(state, t * state.length)
    }
    const [last, all] = (await runPlan(backend, plan, [weights, scale, carry, elements])) as [Float32Array, Float32Array]
    const error = Math.max(...all.map((value, at) => Math.abs(value - (expected[at] as number)) / (1 + Math.abs(expected[at] as number))))
    expect(error).toBeLessThan(1e-4)
    expect(last).toEqual(all.subarray(all.length - last.length))
  })

  it('leaves a body alone whose rows meet, and one of few rows', () => {
    // Every row reads the first one.
    expect(splitRows(scanOf([0, 1]).scan, 2)).toEqual([])
    expect(splitRows(scanOf().scan, 1)).toEqual([])
  })
})
