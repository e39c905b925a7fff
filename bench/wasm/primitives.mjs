/**
 * Speed of the wasm backend's kernels by themselves: `node bench/wasm/primitives.mjs [filter]`, after a build.
 * Medians and bests of runs on one and two threads; ONDOL_WASM_MODULE names another build of packages/ondol/src/backends/wasm/index.ts.
 */
import { pathToFileURL } from 'node:url'

const built = new URL('../../packages/ondol/dist/backends/wasm/index.js', import.meta.url)
const { createWasmBackend } = await import(process.env.ONDOL_WASM_MODULE ? pathToFileURL(process.env.ONDOL_WASM_MODULE) : built)
const filter = process.argv[2] ?? ''

const strides = (shape) => shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1))
const sizeOf = (shape) => shape.reduce((product, size) => product * size, 1)
const view = (buffer, shape) => ({ buffer, offset: 0, shape, strides: strides(shape) })

/** A plan of one step over dense float32 inputs and outputs. */
function planOf(inputs, outputs, step) {
  const buffers = [
    ...inputs.map((shape, index) => ({ dtype: 'float32', size: sizeOf(shape), role: { kind: 'input', index } })),
    ...outputs.map((shape, index) => ({ dtype: 'float32', size: sizeOf(shape), role: { kind: 'output', index } })),
  ]
  const numbers = (count, from) => Array.from({ length: count }, (_, at) => from + at)
  const steps = [
    {
      scope: '',
      inputs: inputs.map((shape, at) => view(at, shape)),
      outputs: outputs.map((shape, at) => view(inputs.length + at, shape)),
      ...step,
    },
  ]
  return {
    buffers,
    steps,
    inputs: numbers(inputs.length, 0),
    outputs: numbers(outputs.length, inputs.length),
    donations: [],
    arenaBytes: 0,
  }
}

const kernel = (name, attributes) => ({ kind: 'kernel', kernel: name, attributes })

function loop(dims, inputs, body, rest = {}) {
  return { kind: 'loop', dims, inputs, body, stores: [], reductions: [], epilogue: [], epilogueStores: [], ...rest }
}

const kept = (size) => ({ size, reduced: false })
const reduced = (size) => ({ size, reduced: true })
const load = (input) => ({ op: 'load', input, type: 'f32' })
const memory = (buffer, ...strides) => ({ kind: 'memory', buffer, offset: 0, strides })
const conv = {
  strides: [1, 1],
  padding: [
    [0, 0],
    [0, 0],
  ],
  dilation: [1, 1],
  groups: 1,
  layout: 'channelsLast',
}
const pool = {
  window: [2, 2],
  strides: [2, 2],
  padding: [
    [0, 0],
    [0, 0],
  ],
  layout: 'channelsLast',
}

const convFlops = (images, size, kernelSize, inputs, outputs) => 2 * images * size * size * kernelSize * kernelSize * inputs * outputs

const MILLION = 1 << 20
/** Name, plan, work done, unit (GFLOP/s or GB/s). */
const cases = [
  ...[256, 512, 1024].map((n) => [
    `matmul ${n}`,
    planOf(
      [
        [1, n, n],
        [1, n, n],
      ],
      [[1, n, n]],
      kernel('matmul', { bias: false, activation: 'none' }),
    ),
    2 * n ** 3,
    'GFLOP/s',
  ]),
  [
    'matmul 128x784x512',
    planOf(
      [
        [1, 128, 784],
        [1, 784, 512],
      ],
      [[1, 128, 512]],
      kernel('matmul', { bias: false, activation: 'none' }),
    ),
    2 * 128 * 784 * 512,
    'GFLOP/s',
  ],
  [
    'conv 28x28x1-32',
    planOf([[128, 28, 28, 1], [3, 3, 1, 32], [32]], [[128, 26, 26, 32]], kernel('conv', { ...conv, bias: true, activation: 'relu' })),
    convFlops(128, 26, 3, 1, 32),
    'GFLOP/s',
  ],
  [
    'conv 13x13x32-64',
    planOf([[128, 13, 13, 32], [3, 3, 32, 64], [64]], [[128, 11, 11, 64]], kernel('conv', { ...conv, bias: true, activation: 'relu' })),
    convFlops(128, 11, 3, 32, 64),
    'GFLOP/s',
  ],
  [
    'conv 13x13x32-64 input gradient',
    planOf(
      [
        [128, 11, 11, 64],
        [3, 3, 32, 64],
      ],
      [[128, 13, 13, 32]],
      kernel('convInputGrad', conv),
    ),
    convFlops(128, 13, 3, 32, 64),
    'GFLOP/s',
  ],
  [
    'conv 28x28x1-32 kernel gradient',
    planOf(
      [
        [128, 28, 28, 1],
        [128, 26, 26, 32],
      ],
      [[3, 3, 1, 32]],
      kernel('convKernelGrad', conv),
    ),
    convFlops(128, 26, 3, 1, 32),
    'GFLOP/s',
  ],
  [
    'conv 13x13x32-64 kernel gradient',
    planOf(
      [
        [128, 13, 13, 32],
        [128, 11, 11, 64],
      ],
      [[3, 3, 32, 64]],
      kernel('convKernelGrad', conv),
    ),
    convFlops(128, 11, 3, 32, 64),
    'GFLOP/s',
  ],
  [
    'maxPool 26x26x32',
    planOf([[128, 26, 26, 32]], [[128, 13, 13, 32]], kernel('maxPool', { ...pool, positions: false })),
    4 * 1.25 * 128 * 26 * 26 * 32,
    'GB/s',
  ],
  [
    'avgPoolGrad 26x26x32',
    planOf([[128, 13, 13, 32]], [[128, 26, 26, 32]], kernel('avgPoolGrad', pool)),
    4 * 1.25 * 128 * 26 * 26 * 32,
    'GB/s',
  ],
  [
    'moments 86528x32',
    planOf(
      [[1, 86528, 32]],
      [
        [1, 32],
        [1, 32],
      ],
      kernel('moments', {}),
    ),
    4 * 86528 * 32,
    'GB/s',
  ],
  [
    'moments rows 4096x512',
    planOf(
      [[4096, 512, 1]],
      [
        [4096, 1],
        [4096, 1],
      ],
      kernel('moments', {}),
    ),
    4 * 4096 * 512,
    'GB/s',
  ],
  [
    'loop a+b, 4 MiB',
    planOf(
      [[MILLION], [MILLION]],
      [[MILLION]],
      loop([kept(MILLION)], [memory(0, 1), memory(1, 1)], [load(0), load(1), { op: 'add', args: [0, 1], type: 'f32' }], {
        stores: [{ value: 2, buffer: 2, offset: 0, strides: [1] }],
      }),
    ),
    12 * MILLION,
    'GB/s',
  ],
  [
    'loop a+b, 256 KiB',
    planOf(
      [[65536], [65536]],
      [[65536]],
      loop([kept(65536)], [memory(0, 1), memory(1, 1)], [load(0), load(1), { op: 'add', args: [0, 1], type: 'f32' }], {
        stores: [{ value: 2, buffer: 2, offset: 0, strides: [1] }],
      }),
    ),
    12 * 65536,
    'GB/s',
  ],
  [
    'loop exp, 1M',
    planOf(
      [[MILLION]],
      [[MILLION]],
      loop([kept(MILLION)], [memory(0, 1)], [load(0), { op: 'exp', args: [0], type: 'f32' }], {
        stores: [{ value: 1, buffer: 1, offset: 0, strides: [1] }],
      }),
    ),
    MILLION,
    'G/s',
  ],
  [
    'loop tanh, 1M',
    planOf(
      [[MILLION]],
      [[MILLION]],
      loop([kept(MILLION)], [memory(0, 1)], [load(0), { op: 'tanh', args: [0], type: 'f32' }], {
        stores: [{ value: 1, buffer: 1, offset: 0, strides: [1] }],
      }),
    ),
    MILLION,
    'G/s',
  ],
  [
    'sum rows 4096x512',
    planOf(
      [[4096, 512]],
      [[4096]],
      loop([kept(4096), reduced(512)], [memory(0, 512, 1)], [load(0)], {
        reductions: [{ op: 'sum', value: 0 }],
        epilogue: [{ op: 'reduced', reduction: 0, type: 'f32' }],
        epilogueStores: [{ value: 0, buffer: 1, offset: 0, strides: [1, 0] }],
      }),
    ),
    4 * 4096 * 512,
    'GB/s',
  ],
  [
    'sum columns 86528x32',
    planOf(
      [[86528, 32]],
      [[32]],
      loop([reduced(86528), kept(32)], [memory(0, 32, 1)], [load(0)], {
        reductions: [{ op: 'sum', value: 0 }],
        epilogue: [{ op: 'reduced', reduction: 0, type: 'f32' }],
        epilogueStores: [{ value: 0, buffer: 1, offset: 0, strides: [0, 1] }],
      }),
    ),
    4 * 86528 * 32,
    'GB/s',
  ],
  [
    'sum all 4M',
    planOf(
      [[4 * MILLION]],
      [[1]],
      loop([reduced(4 * MILLION)], [memory(0, 1)], [load(0)], {
        reductions: [{ op: 'sum', value: 0 }],
        epilogue: [{ op: 'reduced', reduction: 0, type: 'f32' }],
        epilogueStores: [{ value: 0, buffer: 1, offset: 0, strides: [0] }],
      }),
    ),
    16 * MILLION,
    'GB/s',
  ],
  [
    'transpose 1024',
    planOf(
      [[1024, 1024]],
      [[1024, 1024]],
      loop([kept(1024), kept(1024)], [memory(0, 1, 1024)], [load(0)], { stores: [{ value: 0, buffer: 1, offset: 0, strides: [1024, 1] }] }),
    ),
    8 * MILLION,
    'GB/s',
  ],
]

function prepare(backend, plan) {
  const program = backend.compilePlan(plan)
  const bound = (role) =>
    plan.buffers
      .filter((buffer) => buffer.role.kind === role)
      .map(({ size }) => {
        const memory = backend.allocate(4 * size)
        backend.write(
          memory,
          Float32Array.from({ length: size }, (_, at) => ((at * 7919) % 1000) / 1000 - 0.5),
        )
        return memory
      })
  const [inputs, outputs] = [bound('input'), bound('output')]
  return () => program.run(inputs, outputs)
}

const backends = [1, 2].map((threads) => createWasmBackend({ threads }))
console.log(backends.map(({ description }) => description).join('   '))
for (const [name, plan, work, unit] of cases) {
  if (!name.includes(filter)) continue
  const runs = backends.map((backend) => prepare(backend, plan))
  const times = runs.map(() => [])
  // Warm up until the engine has optimised the code, then take turns.
  for (const run of runs) for (let until = performance.now() + 300; performance.now() < until; ) run()
  for (let until = performance.now() + 600; performance.now() < until; ) {
    runs.forEach((run, at) => {
      const start = performance.now()
      run()
      times[at].push(performance.now() - start)
    })
  }
  const speed = (ms) => (work / ms / 1e6).toFixed(1)
  const columns = times.map((list) => {
    const sorted = list.sort((a, b) => a - b)
    const [best, median] = [sorted[0], sorted[sorted.length >> 1]]
    return `${median.toFixed(3)} ms  ${speed(median)} (best ${speed(best)}) ${unit}`.padEnd(46)
  })
  console.log(name.padEnd(34), columns.join(''))
}
for (const backend of backends) backend.dispose()
