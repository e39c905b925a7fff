import { describe, expect, it } from 'vitest'
import { readVectors } from '../testing/vectors.js'
import { Progbar } from './progbar.js'

interface ProgressVector {
  readonly arguments: {
    readonly target: number | null
    readonly verbose?: number
    readonly interval?: number
    readonly width?: number
    readonly unit_name?: string
    readonly stateful_metrics?: readonly string[]
    readonly stateless_metrics?: readonly string[]
  }
  readonly interactive: boolean
  readonly updates: readonly {
    readonly seconds: number
    readonly step: number
    /** Numbers that are not finite are strings. */
    readonly values: readonly (readonly [string, number | string])[]
    readonly finalize: boolean
    readonly text: string
  }[]
}

describe('Progbar prints what Keras prints', () => {
  for (const { arguments: given, interactive, updates } of readVectors<ProgressVector[]>('progress')) {
    it(`${JSON.stringify(given)} ${interactive ? 'on a terminal' : 'elsewhere'}`, () => {
      let now = 0
      let text = ''
      const { target, stateful_metrics: statefulMetrics, stateless_metrics: statelessMetrics, unit_name: unitName, ...options } = given
      const bar = new Progbar(target, {
        ...options,
        ...(statefulMetrics && { statefulMetrics }),
        ...(statelessMetrics && { statelessMetrics }),
        ...(unitName && { unitName }),
        isDynamic: interactive,
        clock: () => now,
        print: (part) => (text += part),
      })
      for (const update of updates) {
        now = update.seconds
        text = ''
        const values = update.values.map(([name, value]) => [name, Number(value)] as const)
        bar.update(update.step, values, update.finalize ? true : undefined)
        expect(text).toBe(update.text)
      }
    })
  }
})
