/**
 * Microbenchmarks of the native backend: kernels against raw oneDNN, loops against memcpy, overheads.
 * `npm run build:native && node packages/native/bench.mjs`. Numbers mean something only on a quiet machine.
 */
import { execFileSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = dirname(fileURLToPath(import.meta.url))
const output = join(root, 'build')
process.env.ONDOL_NATIVE_PATH ??= join(output, 'ondol_native.node')

const bundle = join(output, 'bench-backend.mjs')
await build({
  entryPoints: [join(root, '../ondol/src/backends/native/index.ts')],
  bundle: true,
  platform: 'node',
  format: 'esm',
  outfile: bundle,
  conditions: ['source'],
})
const { createNativeBackend } = await import(bundle)
const backend = createNativeBackend()
console.log(backend.description)

const raw = rawOneDnn()
const f32 = (size) => ({ dtype: 'float32', size })
const dense = (buffer, shape) => ({
  buffer,
  offset: 0,
  shape,
  strides: shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1)),
})

/** A plan whose first buffers are inputs and whose last are outputs. */
function plan(inputs, outputs, steps, temporaries = []) {
  let arenaBytes = 0
  const roles = [
    ...inputs.map((buffer, index) => ({ ...buffer, role: { kind: 'input', index } })),
    ...outputs.map((buffer, index) => ({ ...buffer, role: { kind: 'output', index } })),
    ...temporaries.map((buffer) => {
      const role = { kind: 'temporary', offset: arenaBytes }
      arenaBytes += Math.ceil((buffer.size * 4) / 64) * 64
      return { ...buffer, role }
    }),
  ]
  const ids = (from, count) => Array.from({ length: count }, (_, i) => from + i)
  return { buffers: roles, inputs: ids(0, inputs.length), outputs: ids(inputs.length, outputs.length), donations: [], steps, arenaBytes }
}

async function measure(name, description, { repeat = 20, rounds = 9, of }) {
  const program = backend.compilePlan(description)
  const memories = description.buffers
    .filter(({ role }) => role.kind === 'input' || role.kind === 'output')
    .map(({ size }) => {
      const memory = backend.allocate(size * 4)
      backend.write(
        memory,
        Float32Array.from({ length: size }, (_, i) => (i % 13) * 0.01 + 0.1),
      )
      return memory
    })
  const inputs = memories.slice(0, description.inputs.length)
  const outputs = memories.slice(description.inputs.length)
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) {
    const start = performance.now()
    for (let i = 0; i < repeat; i++) program.run(inputs, outputs)
    await backend.finish()
    best = Math.min(best, (performance.now() - start) / repeat)
  }
  for (const memory of memories) backend.free(memory)
  program.dispose()
  const comparison = of === undefined ? '' : `  ${of(best)}`
  console.log(`${name.padEnd(46)} ${(best * 1000).toFixed(1).padStart(9)} µs${comparison}`)
  return best
}

const flops = (count) => (ms) => `${(count / ms / 1e6).toFixed(0)} GFLOP/s`
const against = (reference, count) => (ms) => `${flops(count)(ms)}, ${((reference / ms) * 100).toFixed(0)} % of raw oneDNN`
const bandwidth = (bytes) => (ms) =>
  `${(bytes / ms / 1e6).toFixed(1)} GB/s, ${((bytes / ms / ((2 * 67.108864e6) / raw.copy64MiB)) * 100).toFixed(0)} % of memcpy`
const kernel = (name, attributes, inputs, outputs) => ({ kind: 'kernel', kernel: name, attributes, inputs, outputs, scope: '' })
const none = { bias: false, activation: 'none' }

const matmul = (m, k, n) =>
  plan([f32(m * k), f32(k * n)], [f32(m * n)], [kernel('matmul', none, [dense(0, [1, m, k]), dense(1, [1, k, n])], [dense(2, [1, m, n])])])
await measure('matmul 1024x1024x1024', matmul(1024, 1024, 1024), { of: against(raw.matmul1024, 2 * 1024 ** 3) })
await measure('matmul 128x784x512', matmul(128, 784, 512), { of: against(raw.matmul128x784x512, 2 * 128 * 784 * 512) })
for (const [m, k, n] of [
  [1, 784, 10],
  [8, 16, 16],
  [32, 32, 32],
  [128, 32, 128],
  [128, 64, 10],
]) {
  await measure(`matmul ${m}x${k}x${n}`, matmul(m, k, n), { repeat: 500, of: flops(2 * m * k * n) })
}

for (const [n, h, c, o, k, pad] of [
  [128, 28, 1, 32, 3, 0],
  [128, 13, 32, 64, 3, 0],
  [64, 32, 120, 48, 1, 0],
  [64, 32, 48, 12, 3, 1],
  [64, 16, 300, 48, 1, 0],
]) {
  const out = h + 2 * pad - k + 1
  const spec = {
    strides: [1, 1],
    padding: [
      [pad, pad],
      [pad, pad],
    ],
    dilation: [1, 1],
    groups: 1,
    layout: 'channelsLast',
  }
  const x = [n, h, h, c]
  const w = [k, k, c, o]
  const y = [n, out, out, o]
  const size = (shape) => f32(shape.reduce((a, b) => a * b, 1))
  const of = flops(2 * n * out * out * o * c * k * k)
  const name = `${n}x${h}x${h}x${c} → ${o}, ${k}x${k}`
  const conv = (kind, attributes, a, b, to) =>
    plan([size(a), size(b)], [size(to)], [kernel(kind, attributes, [dense(0, a), dense(1, b)], [dense(2, to)])])
  await measure(`conv ${name}`, conv('conv', { ...spec, ...none }, x, w, y), { of })
  await measure(`convInputGrad ${name}`, conv('convInputGrad', spec, y, w, x), { of })
  await measure(`convKernelGrad ${name}`, conv('convKernelGrad', spec, x, y, w), { of })
}

// ---- Loops ----
const input = (buffer, strides) => ({ kind: 'memory', buffer, offset: 0, strides })
const load = (at) => ({ op: 'load', input: at, type: 'f32' })
const literal = (value) => ({ op: 'literal', value, type: 'f32' })
const op = (name, ...args) => ({ op: name, args, type: 'f32' })
const loop = (dims, inputs, body, stores, more = {}) => ({
  kind: 'loop',
  dims,
  inputs,
  body,
  stores,
  reductions: [],
  epilogue: [],
  epilogueStores: [],
  scope: '',
  ...more,
})
const kept = (size) => ({ size, reduced: false })
const folded = (size) => ({ size, reduced: true })
const large = 16 << 20

await measure(
  'loop y = 2x + 1, 64 MiB',
  plan(
    [f32(large)],
    [f32(large)],
    [
      loop(
        [kept(large)],
        [input(0, [1])],
        [load(0), literal(2), literal(1), op('mul', 0, 1), op('add', 3, 2)],
        [{ value: 4, buffer: 1, offset: 0, strides: [1] }],
      ),
    ],
  ),
  { repeat: 2, of: bandwidth(2 * 4 * large) },
)
const cached = 1 << 16
for (const name of ['exp', 'log', 'tanh', 'sigmoid', 'erf', 'sin', 'expm1', 'log1p', 'sqrt', 'div', 'add']) {
  const args = name === 'div' || name === 'add' ? [0, 0] : [0]
  await measure(
    `loop ${name}, 256 KiB`,
    plan(
      [f32(cached)],
      [f32(cached)],
      [loop([kept(cached)], [input(0, [1])], [load(0), op(name, ...args)], [{ value: 1, buffer: 1, offset: 0, strides: [1] }])],
    ),
    { repeat: 100, of: (ms) => `${(cached / ms / 1e6).toFixed(2)} G/s` },
  )
}
for (const channels of [12, 48, 342]) {
  const rows = Math.floor((8 << 20) / channels)
  const n = rows * channels
  await measure(
    `loop batch norm + relu, ${rows}x${channels}`,
    plan(
      [f32(n), f32(channels), f32(channels)],
      [f32(n)],
      [
        loop(
          [kept(rows), kept(channels)],
          [input(0, [channels, 1]), input(1, [0, 1]), input(2, [0, 1])],
          [load(0), load(1), load(2), literal(0), op('mul', 0, 1), op('add', 4, 2), op('max', 5, 3)],
          [{ value: 6, buffer: 3, offset: 0, strides: [channels, 1] }],
        ),
      ],
    ),
    { repeat: 3, of: bandwidth(2 * 4 * n) },
  )
  await measure(
    `loop column sums of x and x·y, ${rows}x${channels}`,
    plan(
      [f32(n), f32(n)],
      [f32(channels), f32(channels)],
      [
        loop([folded(rows), kept(channels)], [input(0, [channels, 1]), input(1, [channels, 1])], [load(0), load(1), op('mul', 0, 1)], [], {
          reductions: [
            { op: 'sum', value: 0 },
            { op: 'sum', value: 2 },
          ],
          epilogue: [
            { op: 'reduced', reduction: 0, type: 'f32' },
            { op: 'reduced', reduction: 1, type: 'f32' },
          ],
          epilogueStores: [
            { value: 0, buffer: 2, offset: 0, strides: [0, 1] },
            { value: 1, buffer: 3, offset: 0, strides: [0, 1] },
          ],
        }),
      ],
    ),
    { repeat: 3, of: bandwidth(2 * 4 * n) },
  )
  await measure(
    `moments, ${rows}x${channels}`,
    plan(
      [f32(n)],
      [f32(channels), f32(channels)],
      [kernel('moments', {}, [dense(0, [1, rows, channels])], [dense(1, [1, channels]), dense(2, [1, channels])])],
    ),
    { repeat: 3, of: bandwidth(4 * n) },
  )
}
const rowSum = (rows, columns) =>
  plan(
    [f32(rows * columns)],
    [f32(rows)],
    [
      loop([kept(rows), folded(columns)], [input(0, [columns, 1])], [load(0)], [], {
        reductions: [{ op: 'sum', value: 0 }],
        epilogue: [{ op: 'reduced', reduction: 0, type: 'f32' }],
        epilogueStores: [{ value: 0, buffer: 1, offset: 0, strides: [1, 0] }],
      }),
    ],
  )
await measure('loop row sums, 800000x10', rowSum(800000, 10), { repeat: 3, of: bandwidth(32e6) })
await measure('loop row sums, 8000x1000', rowSum(8000, 1000), { repeat: 3, of: bandwidth(32e6) })
await measure('loop full sum, 8M', rowSum(1, 8e6), { repeat: 3, of: bandwidth(32e6) })
await measure(
  'loop transpose 2048x2048',
  plan(
    [f32(1 << 22)],
    [f32(1 << 22)],
    [loop([kept(2048), kept(2048)], [input(0, [1, 2048])], [load(0)], [{ value: 0, buffer: 1, offset: 0, strides: [2048, 1] }])],
  ),
  { repeat: 3, of: bandwidth(8 * (1 << 22)) },
)
await measure(
  'loop concat part 65536x12 of 48',
  plan(
    [f32(65536 * 12)],
    [f32(65536 * 48)],
    [loop([kept(65536), kept(12)], [input(0, [12, 1])], [load(0)], [{ value: 0, buffer: 1, offset: 0, strides: [48, 1] }])],
  ),
  { repeat: 5, of: bandwidth(8 * 65536 * 12) },
)
await measure(
  'loop random bits, 1M',
  plan(
    [f32(2)],
    [f32(1 << 20)],
    [
      loop(
        [kept(1 << 20)],
        [input(0, [0]), { ...input(0, [0]), offset: 1 }, { kind: 'index', offset: 0, strides: [1] }],
        [
          { op: 'load', input: 0, type: 'f32' },
          { op: 'load', input: 1, type: 'f32' },
          { op: 'load', input: 2, type: 'i32' },
          { op: 'cast', args: [0], type: 'i32' },
          { op: 'cast', args: [1], type: 'i32' },
          { op: 'randomBits', args: [3, 4, 2], type: 'i32' },
          { op: 'cast', args: [5], type: 'f32' },
        ],
        [{ value: 6, buffer: 1, offset: 0, strides: [1] }],
      ),
    ],
  ),
  { repeat: 10, of: (ms) => `${((1 << 20) / ms / 1e6).toFixed(2)} G/s` },
)

// ---- Overheads ----
const tiny = (count) =>
  plan(
    [f32(64)],
    [f32(64)],
    Array.from({ length: count }, () =>
      loop([kept(64)], [input(0, [1])], [load(0), literal(1), op('add', 0, 1)], [{ value: 2, buffer: 1, offset: 0, strides: [1] }]),
    ),
  )
await measure('empty plan', tiny(0), { repeat: 2000 })
await measure('1 tiny loop', tiny(1), { repeat: 2000 })
await measure('20 tiny loops', tiny(20), { repeat: 1000 })
const carry = { dtype: 'float32', size: 128 * 32 }
const scanBody = plan(
  [f32(32 * 128), carry, f32(128 * 128)],
  [carry],
  [
    kernel('matmul', none, [dense(1, [1, 128, 32]), dense(0, [1, 32, 128])], [dense(4, [1, 128, 128])]),
    loop(
      [kept(128), kept(32)],
      [0, 32, 64, 96].flatMap((offset) => [
        { ...input(4, [128, 1]), offset },
        { ...input(2, [128, 1]), offset },
      ]),
      [
        ...Array.from({ length: 8 }, (_, i) => load(i)),
        op('add', 0, 1),
        op('add', 2, 3),
        op('add', 4, 5),
        op('add', 6, 7),
        op('sigmoid', 8),
        op('sigmoid', 9),
        op('tanh', 10),
        op('sigmoid', 11),
        op('mul', 12, 14),
        op('add', 16, 13),
        op('tanh', 17),
        op('mul', 18, 15),
      ],
      [{ value: 19, buffer: 3, offset: 0, strides: [32, 1] }],
    ),
  ],
  [f32(128 * 128)],
)
await measure(
  'scan of 100 LSTM-like steps, batch 128, 32 units',
  plan(
    [f32(32 * 128), carry, f32(100 * 128 * 128)],
    [carry],
    [
      {
        kind: 'scan',
        body: scanBody,
        length: 100,
        reverse: false,
        constants: [dense(0, [32, 128])],
        carries: [{ initial: dense(1, [128, 32]), final: dense(3, [128, 32]), other: dense(4, [128, 32]) }],
        elements: [{ view: dense(2, [128, 128]), stride: 128 * 128 }],
        results: [],
        arena: dense(5, [scanBody.arenaBytes / 4]),
        scope: '',
      },
    ],
    [carry, f32(scanBody.arenaBytes / 4)],
  ),
  { repeat: 3, of: (ms) => `${(ms * 10).toFixed(1)} µs a step` },
)

function rawOneDnn() {
  const program = join(output, 'bench-raw')
  execFileSync('g++', [
    '-std=c++17',
    '-O2',
    '-fopenmp',
    '-pthread',
    join(root, 'bench/raw.cc'),
    join(output, 'onednn.cc.o'),
    '-ldnnl',
    '-o',
    program,
  ])
  return JSON.parse(execFileSync(program).toString())
}
