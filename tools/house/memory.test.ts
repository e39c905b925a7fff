/** Nobody frees tensors by hand, and still nothing grows: long runs on every backend that can run here. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type BackendName, Input, layers, memory, ops, optimizers, Sequential, setBackend, tensor } from 'ondol'
import { afterAll, describe, expect, it } from 'vitest'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** What finalisers free, they free after a turn of the event loop. */
async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    collectGarbage()
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const MIB = 2 ** 20

const available: BackendName[] = []
for (const name of ['native', 'wasm'] as const) {
  try {
    await setBackend(name)
    available.push(name)
  } catch {
    console.warn(`the ${name} backend cannot run here, so its memory is not tested`)
  }
}

afterAll(() => setBackend(available[0] as BackendName))

describe.each(available)('%s', (name) => {
  it('stays flat over 10,000 training steps', async () => {
    await setBackend(name)
    const model = new Sequential([Input({ shape: [8] }), layers.dense(16, { activation: 'relu' }), layers.dropout(0.1), layers.dense(4)])
    model.compile({ optimizer: new optimizers.Adam(), loss: 'mse', metrics: ['mae'] })
    const x = tensor(
      Float32Array.from({ length: 100 * 32 * 8 }, (_, i) => Math.sin(i)),
      [3200, 8],
    )
    const y = tensor(new Float32Array(100 * 32 * 4), [3200, 4])
    const epochs = async (count: number): Promise<void> => void (await model.fit(x, y, { batchSize: 32, epochs: count, verbose: 0 }))
    await epochs(20)
    await settle()
    const before = { ...memory(), resident: process.memoryUsage().rss }
    await epochs(100)
    await settle()
    const after = { ...memory(), resident: process.memoryUsage().rss }
    expect(after.tensors).toBe(before.tensors)
    expect(after.bytes).toBe(before.bytes)
    // V8 itself moves by some MiB as it compiles and collects.
    expect(after.resident - before.resident).toBeLessThan(24 * MIB)
  }, 120_000)

  it('stays flat over 1,000 runs of fit and predict', async () => {
    await setBackend(name)
    const model = new Sequential([Input({ shape: [8] }), layers.dense(16, { activation: 'relu' }), layers.dense(4)])
    model.compile({ optimizer: 'adam', loss: 'mse', metrics: ['mae'] })
    const x = Array.from({ length: 40 }, (_, i) => Array.from({ length: 8 }, (_, j) => Math.sin(i + j)))
    const y = x.map((row) => row.slice(4))
    const runs = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        // Arrays of numbers, tensors made on the way, shuffling, a shorter last batch, and sizes that change.
        await model.fit(x, y, { batchSize: 16, validationSplit: 0.25, verbose: 0 })
        const outputs = await model.predict(x.slice(i % 3), { batchSize: 16, verbose: 0 })
        expect(outputs.shape).toEqual([40 - (i % 3), 4])
      }
    }
    await runs(30)
    await settle()
    const before = { ...memory(), resident: process.memoryUsage().rss }
    await runs(500)
    await settle()
    const after = { ...memory(), resident: process.memoryUsage().rss }
    expect(after.tensors).toBeLessThanOrEqual(before.tensors + 8)
    expect(after.bytes).toBeLessThanOrEqual(before.bytes + 8 * 640)
    expect(after.resident - before.resident).toBeLessThan(24 * MIB)
  }, 120_000)

  it('stays flat over 10,000 eager operations that nobody disposes of', async () => {
    await setBackend(name)
    const x = tensor(new Float32Array(10_000))
    const run = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        ops.add(x, i % 7)
        if (i % 100 === 99) await new Promise((resolve) => setImmediate(resolve))
      }
      await settle()
    }
    await run(2000)
    const before = { ...memory(), resident: process.memoryUsage().rss }
    await run(10_000)
    const after = { ...memory(), resident: process.memoryUsage().rss }
    expect(after.tensors).toBeLessThanOrEqual(before.tensors + 8)
    expect(after.bytes).toBeLessThanOrEqual(before.bytes + 8 * 40_000)
    // 10,000 results of 40 kB are 381 MiB; between two collections some of them may be waiting.
    expect(after.resident - before.resident).toBeLessThan(128 * MIB)
  }, 120_000)
})
