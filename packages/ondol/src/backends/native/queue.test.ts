/** The queue, memory and failures of the native backend. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BackendError, DisposedError, OutOfMemoryError } from '../../core/errors.js'
import { loadAddon } from './addon.js'
import { createNativeBackend } from './index.js'
import { denseView, loopOf, planOf } from './testing/plans.js'

const backend = createNativeBackend()
afterAll(() => backend.dispose())

/** x → x + 1, `repeat` times over, on `size` elements. */
const increments = (size: number, repeat: number) => {
  const step = (from: number, to: number) =>
    loopOf({
      dims: [{ size, reduced: false }],
      inputs: [{ kind: 'memory', buffer: from, offset: 0, strides: [1] }],
      body: [
        { op: 'load', input: 0, type: 'f32' },
        { op: 'literal', value: 1, type: 'f32' },
        { op: 'add', args: [0, 1], type: 'f32' },
      ],
      stores: [{ value: 2, buffer: to, offset: 0, strides: [1] }],
    })
  return planOf(
    [{ dtype: 'float32', size }],
    [{ dtype: 'float32', size }],
    Array.from({ length: repeat }, (_, i) => step(i === 0 ? 0 : 1, 1)),
  )
}

describe('the queue', () => {
  it('runs in order, whether at once or on its own thread', async () => {
    const size = 1 << 20
    const [a, b] = [backend.allocate(size * 4), backend.allocate(size * 4)]
    const slow = backend.compilePlan(increments(size, 20))
    const fast = backend.compilePlan(increments(4, 1))
    backend.write(a, new Float32Array(size))
    slow.run([a], [b])
    slow.run([b], [a])
    fast.run([a], [b])
    backend.write(a, Float32Array.of(7))
    const early = backend.read(b, 'float32', 4)
    fast.run([b], [b])
    expect(await early).toEqual(Float32Array.of(41, 41, 41, 41))
    expect(backend.readSync(b, 'float32', 5)).toEqual(Float32Array.of(42, 42, 42, 42, 20))
    expect(backend.readSync(a, 'float32', 2)).toEqual(Float32Array.of(7, 40))
    backend.free(a)
    backend.free(b)
  })

  it('keeps memory that was freed until queued work is done with it', async () => {
    const size = 1 << 20
    const program = backend.compilePlan(increments(size, 10))
    const before = backend.allocatedBytes
    const result = backend.allocate(size * 4)
    let from = backend.allocate(size * 4)
    backend.write(from, new Float32Array(size))
    for (let i = 0; i < 5; i++) {
      const to = i === 4 ? result : backend.allocate(size * 4)
      program.run([from], [to])
      backend.free(from)
      from = to
    }
    expect(backend.allocatedBytes - before).toBe(size * 4)
    const values = await backend.read(result, 'float32', size)
    expect([values[0], values[size - 1]]).toEqual([50, 50])
    backend.free(result)
    program.dispose()
    expect(backend.allocatedBytes).toBe(before)
  })

  it('refuses memory that was freed, and copies that do not fit', () => {
    const memory = backend.allocate(8)
    expect(() => backend.write(memory, new Float32Array(3))).toThrow(BackendError)
    backend.free(memory)
    expect(() => backend.write(memory, new Float32Array(1))).toThrow(DisposedError)
  })

  it('says that memory is out', () => {
    expect(() => backend.allocate(2 ** 47)).toThrow(OutOfMemoryError)
    expect(() => backend.allocate(2 ** 45)).toThrow(/out of memory[\s\S]*Hint: use a smaller batch/)
  })

  it('runs scans, loops and branches inside a plan', async () => {
    // carry ← carry + element, results: the running sums; then a branch that adds one, or not.
    const size = 5
    const body = planOf(
      [
        { dtype: 'float32', size },
        { dtype: 'float32', size },
      ],
      [
        { dtype: 'float32', size },
        { dtype: 'float32', size },
      ],
      [
        loopOf({
          dims: [{ size, reduced: false }],
          inputs: [0, 1].map((buffer) => ({ kind: 'memory', buffer, offset: 0, strides: [1] })),
          body: [
            { op: 'load', input: 0, type: 'f32' },
            { op: 'load', input: 1, type: 'f32' },
            { op: 'add', args: [0, 1], type: 'f32' },
          ],
          stores: [2, 3].map((buffer) => ({ value: 2, buffer, offset: 0, strides: [1] })),
        }),
      ],
    )
    const plan = planOf(
      [
        { dtype: 'float32', size },
        { dtype: 'float32', size: 3 * size },
      ],
      [
        { dtype: 'float32', size },
        { dtype: 'float32', size: 3 * size },
      ],
      [
        {
          kind: 'scan',
          body,
          length: 3,
          reverse: true,
          constants: [],
          carries: [{ initial: denseView(0, [size]), final: denseView(2, [size]), other: denseView(4, [size]) }],
          elements: [{ view: denseView(1, [size]), stride: size }],
          results: [{ view: denseView(3, [size]), stride: size }],
          arena: denseView(4, [0]),
          scope: '',
        },
      ],
      [{ dtype: 'float32', size }],
    )
    const [start, sequence, last, stacked] = [size, 3 * size, size, 3 * size].map((length) => backend.allocate(length * 4)) as [
      never,
      never,
      never,
      never,
    ]
    backend.write(start, new Float32Array(size).fill(1))
    backend.write(
      sequence,
      Float32Array.from({ length: 3 * size }, (_, i) => Math.floor(i / size) + 1),
    )
    const program = backend.compilePlan(plan)
    program.run([start, sequence], [last, stacked])
    expect((await backend.read(last, 'float32', size))[0]).toBe(7)
    expect(Array.from(await backend.read(stacked, 'float32', 3 * size)).filter((_, i) => i % size === 0)).toEqual([7, 6, 4])
    for (const memory of [start, sequence, last, stacked]) backend.free(memory)
  })
})

describe('processes', () => {
  let program = ''
  beforeAll(async () => {
    const { outputFiles } = await build({
      stdin: {
        contents: `import { createNativeBackend } from './index.js'
          import { loopOf } from './testing/plans.js'
          globalThis.backend = createNativeBackend()
          globalThis.loopOf = loopOf`,
        resolveDir: fileURLToPath(new URL('.', import.meta.url)),
        loader: 'ts',
      },
      bundle: true,
      platform: 'node',
      format: 'esm',
      conditions: ['source'],
      write: false,
    })
    program = outputFiles[0]?.text ?? ''
  })
  const evaluate = (code: string, environment: Record<string, string> = {}): string => {
    const source = program.replaceAll('import.meta.url', JSON.stringify(import.meta.url))

    return execFileSync(process.execPath, ['--input-type=module', '-'], {
      input: `${source}\n${code}`,
      env: { ...process.env, ...environment },
      timeout: 20_000,
    }).toString()
  }
  const queueWork = `const size = 1 << 20
    const plan = { buffers: [{ dtype: 'float32', size, role: { kind: 'input', index: 0 } }, { dtype: 'float32', size, role: { kind: 'output', index: 0 } }],
      inputs: [0], outputs: [1], donations: [], arenaBytes: 0,
      steps: Array.from({ length: 50 }, () => loopOf({ dims: [{ size, reduced: false }], inputs: [{ kind: 'memory', buffer: 0, offset: 0, strides: [1] }],
        body: [{ op: 'load', input: 0, type: 'f32' }, { op: 'exp', args: [0], type: 'f32' }], stores: [{ value: 1, buffer: 1, offset: 0, strides: [1] }] })) }
    const work = backend.compilePlan(plan), a = backend.allocate(size * 4), b = backend.allocate(size * 4)
    backend.write(a, new Float32Array(size)); work.run([a], [b]);`

  it('end although work is queued, without a crash', () => {
    expect(evaluate(`${queueWork} console.log('left')`)).toBe('left\n')
    expect(evaluate(`${queueWork} console.log('left'); process.exit(0)`)).toBe('left\n')
  })

  it('stay alive for a promise', () => {
    expect(evaluate(`${queueWork} backend.read(b, 'float32', 1).then((x) => console.log(x[0]))`)).toBe('1\n')
  })

  it('use as many threads as they are told to', () => {
    expect(evaluate('console.log(backend.description)', { ONDOL_THREADS: '1' })).toMatch(/1 thread\)/)
  })

  it('say what is missing where the add-on is', () => {
    const before = process.env.ONDOL_NATIVE_PATH
    process.env.ONDOL_NATIVE_PATH = '/nowhere/ondol_native.node'
    try {
      expect(() => loadAddon()).toThrow(/the native add-on cannot be loaded[\s\S]*nowhere[\s\S]*Hint: build it again/)
    } finally {
      if (before === undefined) delete process.env.ONDOL_NATIVE_PATH
      else process.env.ONDOL_NATIVE_PATH = before
    }
  })
})
