// What Keras shows while a model trains; each update of the bar is in callbacks/progbar.test.ts.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { callbacks, Input, layers, Sequential, utils } from '../index.js'

beforeEach(() => utils.clearSession())
afterEach(() => vi.restoreAllMocks())

const ESCAPES = new RegExp(`${String.fromCharCode(27)}\\[\\d+m|[\\b\\r]`, 'g')
const plain = (text: string): string => text.replace(ESCAPES, '')

/** Everything that is printed meanwhile. */
async function printedBy(run: () => Promise<unknown>): Promise<string> {
  let text = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((part) => {
    text += String(part)
    return true
  })
  await run()
  vi.restoreAllMocks()
  return plain(text)
}

function still(): Sequential {
  const model = new Sequential([Input({ shape: [1] }), layers.dense(1, { useBias: false, kernelInitializer: 'zeros' })])
  model.compile({ optimizer: 'sgd', loss: 'mae', metrics: ['mse'] })
  model.optimizer!.learningRate = 0
  return model
}
const [x, y] = [
  [[0], [0]],
  [[2], [2]],
]

describe('fit', () => {
  it('numbers epochs only if there are several', async () => {
    expect(await printedBy(() => still().fit(x, y, { epochs: 2, verbose: 2 }))).toMatch(/^Epoch 1\/2\n[\s\S]*\nEpoch 2\/2\n/)
    expect(await printedBy(() => still().fit(x, y, { verbose: 2 }))).not.toContain('Epoch')
  })

  it('prints a line an epoch with verbose 2, and where the output is no terminal', async () => {
    const line = /^2\/2 - \d+s - \d+(s|ms|us)\/step - loss: 2\.0000 - mse: 4\.0000 - val_loss: 2\.0000 - val_mse: 4\.0000\n$/
    const options = { batchSize: 1, validationData: [x, y] } as const
    expect(await printedBy(() => still().fit(x, y, { ...options, verbose: 2 }))).toMatch(line)
    expect(await printedBy(() => still().fit(x, y, { ...options, verbose: 'auto' }))).toMatch(line)
  })

  it('prints nothing with verbose 0', async () => {
    const model = still()
    const all = async (): Promise<void> => {
      await model.fit(x, y, { verbose: 0, epochs: 2 })
      await model.evaluate(x, y, { verbose: 0 })
      await model.predict(x, { verbose: 0 })
    }
    expect(await printedBy(all)).toBe('')
  })
})

describe('evaluate and predict', () => {
  it('use the same line; predict has no values', async () => {
    const model = still()
    expect(await printedBy(() => model.evaluate(x, y, { verbose: 2 }))).toMatch(/^1\/1 - .*\/step - loss: 2\.0000 - mse: 4\.0000\n$/)
    expect(await printedBy(() => model.predict(x, { verbose: 2 }))).toMatch(/^1\/1 - .*\/step\n$/)
  })
})

describe('the bar', () => {
  /** What it prints for updates at these seconds. */
  function bar(
    target: number | null,
    updates: readonly (readonly [seconds: number, step: number, values?: Record<string, number>])[],
  ): string[] {
    let now = 0
    let text = ''
    const progress = new callbacks.Progbar(target, { isDynamic: true, clock: () => now, print: (part) => void (text += part) })
    return updates.map(([seconds, step, values = {}]) => {
      ;[now, text] = [seconds, '']
      progress.update(step, values)
      return plain(text).trimEnd()
    })
  }

  it('shows what is left until the end, and then what it took', () => {
    const lines = bar(200, [
      [1, 1],
      [2, 2],
      [65, 65],
      [300, 200],
    ])
    const shown = [
      /1\/200 ━{20} 3:19 1s\/step$/,
      /2\/200 ━{20} 3:18 1s\/step$/,
      /65\/200 ━{20} 2:15 1s\/step$/,
      /200\/200 ━{20} 300s 2s\/step$/,
    ]
    lines.forEach((line, i) => expect(line).toMatch(shown[i] as RegExp))
  })

  it('does not know how much of an unknown number is left', () => {
    expect(bar(null, [[1, 1, { loss: 0.5 }]])[0]).toMatch(/^\s*1\/Unknown.*loss: 0\.5000$/)
  })

  it('prints four digits, and small numbers with an exponent', () => {
    expect(bar(2, [[1, 2, { loss: 0.123456, rate: 0.0001 }]])[0]).toContain('loss: 0.1235 - rate: 1.0000e-04')
  })

  it('is drawn at most twenty times a second', () => {
    const lines = bar(
      100,
      Array.from({ length: 50 }, (_, i) => [0.01 * (i + 1), i + 1] as const),
    )
    expect(lines.filter(Boolean).length).toBeLessThanOrEqual(11)
  })
})
