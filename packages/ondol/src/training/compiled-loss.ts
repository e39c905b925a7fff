/** The losses of `compile`: one for each output that has one, weighed and added up. */
import { DataError, OndolError } from '../core/errors.js'
import { formatShape } from '../core/shape.js'
import { flatten, type Tree } from '../core/tree.js'
import type { Tensor } from '../engine/index.js'
import { maskOf } from '../layers/masks.js'
import type { Loss, LossIdentifier } from '../losses/index.js'
import { Mean } from '../metrics/index.js'
import * as ops from '../ops/index.js'
import { matchToOutputs, nameOutputs, type PerOutput, resolvePerOutput } from './outputs.js'
import { resolveLoss } from './resolve.js'

interface OutputLoss {
  readonly output: number
  readonly name: string
  readonly loss: Loss
  readonly weight: number | null
  /** Mean of this loss alone, where there are several. */
  readonly tracker: Mean | null
}

export class CompiledLoss {
  readonly #option: PerOutput<LossIdentifier>
  readonly #weights: PerOutput<number> | undefined
  readonly #knownNames: () => readonly string[] | undefined
  #names: readonly string[] = []
  #losses: readonly OutputLoss[] | undefined

  /** `knownNames` tells the outputs' names, where the model has some. */
  constructor(option: PerOutput<LossIdentifier>, weights: PerOutput<number> | undefined, knownNames: () => readonly string[] | undefined) {
    this.#option = option
    this.#weights = weights
    this.#knownNames = knownNames
  }

  /** Running means of the single losses; none where there is only one. */
  get metrics(): Mean[] {
    return (this.#losses ?? []).flatMap(({ tracker }) => (tracker === null ? [] : [tracker]))
  }

  /** The weighted sum, a scalar; `null` where no output has a loss. Takes the single losses into the trackers. */
  call(y: Tree<Tensor> | null | undefined, yPred: Tree<Tensor>, sampleWeight: Tree<Tensor> | null | undefined): Tensor | null {
    const predictions = flatten(yPred)
    this.#names = nameOutputs(yPred, this.#knownNames())
    const options = resolvePerOutput<LossIdentifier>(this.#option, this.#names, 'loss', this.#knownNames())
    const wanted = options.map((option) => option !== null)
    const targets = matchToOutputs(y, this.#names, wanted, 'targets (y)', this.#knownNames())
    const weights = spread(sampleWeight, this.#names, wanted)
    this.#losses ??= this.#build(options, targets, predictions)
    return this.#losses.reduce<Tensor | null>((total, { output, loss, weight, tracker, name }) => {
      const prediction = predictions[output] as Tensor
      const value = explained(name, loss, targets[output] as Tensor, prediction, () =>
        ops.cast(loss(targets[output] as Tensor, prediction, weights[output], maskOf(prediction) ?? null), 'float32'),
      )
      tracker?.updateState(value, ops.full([], prediction.shape[0] ?? 1, 'float32'))
      const weighted = weight === null ? value : ops.multiply(value, weight)
      return total === null ? weighted : ops.add(total, weighted)
    }, null)
  }

  #build(options: readonly (LossIdentifier | null)[], targets: readonly (Tensor | null)[], predictions: readonly Tensor[]): OutputLoss[] {
    const lossWeights = resolvePerOutput<number>(this.#weights, this.#names, 'lossWeights', this.#knownNames())
    const active = options.flatMap((option, output) => (option === null ? [] : [{ option, output }]))
    return active.map(({ option, output }) => {
      const name = this.#names[output] as string
      const target = targets[output]
      if (target == null) {
        throw new DataError({
          where: `loss of output '${name}'`,
          problem: 'there are no targets for it',
          hint: 'pass y to fit and evaluate, or null as loss for outputs without targets',
        })
      }
      const tracker = active.length > 1 ? new Mean({ name: `${name}_loss` }) : null
      return {
        output,
        name,
        loss: resolveLoss(option, target, predictions[output] as Tensor),
        weight: lossWeights[output] as number | null,
        tracker,
      }
    })
  }
}

/** One set of weights serves all outputs. */
export function spread(weights: Tree<Tensor> | null | undefined, names: readonly string[], wanted: readonly boolean[]): (Tensor | null)[] {
  const leaves = weights == null ? [] : flatten(weights)
  if (leaves.length === 1 && names.length > 1 && !isNamed(weights, names)) return names.map(() => leaves[0] as Tensor)
  return matchToOutputs(weights, names, wanted, 'sampleWeight')
}

const isNamed = (weights: Tree<Tensor> | null | undefined, names: readonly string[]): boolean =>
  typeof weights === 'object' && weights !== null && Object.keys(weights).some((key) => names.includes(key))

/** Says which output and which loss an error is about, and what came. */
function explained<R>(name: string, loss: Loss, target: Tensor | null, prediction: Tensor, body: () => R): R {
  if (target === null)
    throw new DataError({ where: `loss of output '${name}'`, problem: 'there are no targets for it', hint: 'pass y to fit and evaluate' })
  try {
    return body()
  } catch (error) {
    if (!(error instanceof OndolError)) throw error
    throw error.within(
      `${loss.name} of output '${name}' (targets ${formatShape(target.shape)}, predictions ${formatShape(prediction.shape)})`,
    )
  }
}
