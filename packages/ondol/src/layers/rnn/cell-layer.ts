/** An RNN around a built-in cell: takes the cell's options beside its own, and writes both into one config. */
import { ValueError } from '../../core/errors.js'
import type { ConfigTable } from '../config-table.js'
import { InputSpec } from '../input-spec.js'
import type { RNNCell } from './cell.js'
import { RNN, type RNNOptions } from './rnn.js'

export interface CuDnnOptions {
  /** There is one implementation here: any value is fine. */
  readonly useCudnn?: 'auto' | boolean | undefined
}

const OF_LAYER: ReadonlySet<string> = new Set([...Object.keys(RNN.configTable), 'name', 'autocast', 'activityRegularizer', 'inputShape'])
const OF_BOTH: ReadonlySet<string> = new Set(['dtype', 'trainable'])

export abstract class CellLayer<C extends RNNCell> extends RNN {
  static override readonly configTable: ConfigTable = { ...RNN.configTable, activityRegularizer: 'regularizer' }
  declare readonly cell: C

  constructor(makeCell: (options: Record<string, unknown>) => C, { useCudnn = 'auto', ...options }: RNNOptions & CuDnnOptions, ndim = 3) {
    if (useCudnn !== 'auto' && typeof useCudnn !== 'boolean')
      throw new ValueError({ problem: 'useCudnn is unknown', expected: "'auto', true, false", received: `useCudnn=${String(useCudnn)}` })
    const pick = (test: (name: string) => boolean): Record<string, unknown> =>
      Object.fromEntries(Object.entries(options).filter(([name]) => test(name)))
    super(
      makeCell(pick((name) => !OF_LAYER.has(name))),
      pick((name) => OF_LAYER.has(name) || OF_BOTH.has(name)),
    )
    this.inputSpec = new InputSpec({ ndim })
  }

  override getConfig(): Record<string, unknown> {
    const { cell: _cell, ...config } = super.getConfig()
    const { name: _name, trainable: _trainable, dtype: _dtype, ...ofCell } = this.cell.getConfig()
    return { ...config, ...ofCell }
  }
}
