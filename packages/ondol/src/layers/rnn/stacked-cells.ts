/** Cells on top of each other as one. Follows `keras/src/layers/rnn/stacked_rnn_cells.py`. */
import { SavingError, ValueError } from '../../core/errors.js'
import type { PartialShape, Shape } from '../../core/shape.js'
import type { Tensor } from '../../engine/index.js'
import { Layer, type LayerOptions } from '../layer.js'
import {
  buildCell,
  type Cell,
  initialStates,
  outputSizeOf,
  type Recurrence,
  RNNCell,
  recurrenceOf,
  requireCell,
  type State,
} from './cell.js'

/**
 * One step through all cells: what one gives is what the next gets. A state for each cell, as the cell has it:
 * `[[h, c], [h, c]]` for two LSTM cells.
 *
 * @example
 * const deep = layers.rnn(layers.stackedRnnCells([layers.lstmCell(64), layers.lstmCell(32)]))
 */
export class StackedRNNCells extends RNNCell {
  static override readonly className: string = 'StackedRNNCells'
  static override readonly positional: readonly string[] = ['cells']
  readonly cells: readonly Cell[]

  constructor(cells: readonly Cell[], options: LayerOptions = {}) {
    super(options)
    if (!Array.isArray(cells) || cells.length === 0)
      throw new ValueError({ where: this.name, problem: 'there are no cells', expected: 'a list of cells', received: String(cells) })
    this.cells = cells.map((cell) => requireCell(cell, this.name))
  }

  get stateSize(): readonly (number | readonly number[])[] {
    return this.cells.map(({ stateSize }) => stateSize as number | readonly number[])
  }

  override get outputSize(): number | undefined {
    return outputSizeOf(this.cells.at(-1) as Cell)
  }

  override build([batch = null, ...features]: PartialShape): void {
    let shape: PartialShape = [batch, ...features]
    for (const cell of this.cells) {
      buildCell(cell, shape)
      shape = [batch, outputSizeOf(cell) ?? null]
    }
  }

  /** The states of a cell as it has them: one alone stands for itself. */
  override getInitialState(batchSize: number): State[] {
    return this.cells.map((cell) => {
      const states = initialStates(cell, batchSize, this.computeDtype)
      return Array.isArray(cell.stateSize) ? (states as readonly Tensor[]) : (states[0] as State)
    })
  }

  /** The first cell's work for all steps is done at once; each other cell has to wait for the one below. */
  override begin([batch, ...features]: Shape, states: readonly State[], training: boolean): Recurrence {
    let shape = [batch as number, ...features]
    const layers = this.cells.map((cell, i) => {
      const recurrence = recurrenceOf(cell, this.computeDtype, shape, listOf(states[i] as State), training)
      shape = [batch as number, outputSizeOf(cell) as number]
      return recurrence
    })
    const [bottom] = layers as [Recurrence, ...Recurrence[]]
    return {
      prepare: bottom.prepare,
      step: (prepared, before) => {
        let output = prepared
        const next = layers.map(({ prepare, step }, i) => {
          const own = before[i] as State
          const [result, after] = step(i === 0 ? output : prepare(output), listOf(own))
          output = result
          return Array.isArray(own) ? (after as readonly Tensor[]) : (after[0] as State)
        })
        return [output, next]
      },
    }
  }

  override getConfig(): Record<string, unknown> {
    const cells = this.cells.map((cell) => {
      if (cell instanceof Layer) return cell.serialize()
      throw new SavingError({ where: this.name, problem: 'a cell in it is no layer', hint: 'let its class extend layers.Layer' })
    })
    return { ...super.getConfig(), cells }
  }
}

const listOf = (state: State): readonly Tensor[] => (Array.isArray(state) ? state : [state as Tensor])

export const stackedRnnCells = (...args: ConstructorParameters<typeof StackedRNNCells>): StackedRNNCells => new StackedRNNCells(...args)
