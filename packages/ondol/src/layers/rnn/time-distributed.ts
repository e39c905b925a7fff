/** A layer applied to every step. Follows `keras/src/layers/rnn/time_distributed.py`. */
import { ShapeError } from '../../core/errors.js'
import { formatShape, type PartialShape } from '../../core/shape.js'
import { mapTree, type Tree, unflatten } from '../../core/tree.js'
import { lax, type Tensor } from '../../engine/index.js'
import * as ops from '../../ops/index.js'
import type { CallOptions, Layer, LayerOptions } from '../layer.js'
import { Wrapper } from '../wrapper.js'
import { stepAt } from './rnn.js'

/**
 * (batch, steps, …) → (batch, steps, …): the same layer on each step, with the step's part of a mask.
 *
 * @example
 * const features = layers.timeDistributed(layers.conv2d(16, 3))(frames) // (batch, frames, rows, columns, channels)
 */
export class TimeDistributed extends Wrapper {
  static override readonly className: string = 'TimeDistributed'

  constructor(layer: Layer, options: LayerOptions = {}) {
    super(layer, options)
    this.supportsMasking = true
  }

  override build(inputShape: PartialShape): void {
    if (inputShape.length < 3) {
      throw new ShapeError({
        problem: 'there are no steps to apply the layer to',
        expected: 'at least (batch, steps, features)',
        received: formatShape(inputShape),
      })
    }
    const [batch = null, , ...features] = inputShape
    if (!this.layer.built) this.layer.build([batch, ...features])
  }

  override call(inputs: Tensor, { training, mask: given }: CallOptions = {}): Tree<Tensor> {
    const mask = (given ?? null) as Tensor | null
    if (mask !== null) requireFit(mask, inputs)
    // What is updated at each step, as moving averages are, sees one step after the other; all else sees them in one batch.
    const hasMemory = training === true && this.layer.nonTrainableWeights.length > 0
    return hasMemory ? this.#stepByStep(inputs, mask, training) : this.#together(inputs, mask, training)
  }

  #together(inputs: Tensor, mask: Tensor | null, training: boolean | undefined): Tree<Tensor> {
    const [batch, steps] = inputs.shape as [number, number]
    const fold = (x: Tensor): Tensor => lax.reshape(x, [batch * steps, ...x.shape.slice(2)])
    const outputs = this.layer.callOn([fold(inputs)], { training, ...(mask !== null && { mask: fold(mask) }) })
    return mapTree(outputs, (output) => lax.reshape(output, [batch, steps, ...output.shape.slice(1)]))
  }

  #stepByStep(inputs: Tensor, mask: Tensor | null, training: boolean | undefined): Tree<Tensor> {
    const swapped = ops.swapaxes(inputs, 0, 1)
    const masks = mask === null ? null : ops.swapaxes(mask, 0, 1)
    const results = Array.from({ length: swapped.shape[0] as number }, (_, step) =>
      this.layer.callOn([stepAt(swapped, step)], { training, ...(masks !== null && { mask: stepAt(masks, step) }) }),
    )
    const [first] = results as [Tree<Tensor>, ...Tree<Tensor>[]]
    const lists = results.map((result) => {
      const leaves: Tensor[] = []
      mapTree(result, (leaf) => leaves.push(leaf))
      return leaves
    })
    const stacked = (lists[0] as Tensor[]).map((_, i) =>
      ops.stack(
        lists.map((leaves) => leaves[i] as Tensor),
        { axis: 1 },
      ),
    )
    return unflatten(first, stacked)
  }
}

function requireFit(mask: Tensor, inputs: Tensor): void {
  const [batch, steps] = inputs.shape
  if (mask.rank >= 2 && mask.shape[0] === batch && mask.shape[1] === steps) return
  throw new ShapeError({
    problem: 'the mask does not belong to the steps',
    expected: `(${batch}, ${steps}) or more axes`,
    received: formatShape(mask.shape),
  })
}

export const timeDistributed = (...args: ConstructorParameters<typeof TimeDistributed>): TimeDistributed => new TimeDistributed(...args)
