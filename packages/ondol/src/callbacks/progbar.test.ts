import { describe, expect, it } from 'vitest'
import { readVectors } from '../testing/vectors.js'
import { Progbar } from './progbar.js'

interface ProgressVector {
  readonly arguments: {
    readonly target: number | null
    readonly verbose?: number
    readonly interval?: number
    readonly stateful_metrics?: readonly string[]
  }
  readonly interactive: boolean
  readonly updates: readonly {
    readonly seconds: number
    readonly step: number
    readonly values: readonly (readonly [string, number])[]
    readonly finalize: boolean
    readonly text: string
  }[]
}

describe('Progbar prints what Keras prints', () => {
  for (const { arguments: given, interactive, updates } of readVectors<ProgressVector[]>('progress')) {
    it(`${JSON.stringify(given)} ${interactive ? 'on a terminal' : 'elsewhere'}`, () => {
      let now = 0
      let text = ''
      const { target, stateful_metrics: statefulMetrics, ...options } = given
      const bar = new Progbar(target, {
        ...options,
        ...(statefulMetrics && { statefulMetrics }),
        isDynamic: interactive,
        clock: () => now,
        print: (part) => (text += part),
      })
      for (const update of updates) {
        now = update.seconds
        text = ''
        bar.update(update.step, Object.fromEntries(update.values), update.finalize ? true : undefined)
        expect(text).toBe(update.text)
      }
    })
  }
})
