/** The losses of `compile`: one for each output that has one, weighed and added up. Follows `CompileLoss` of Keras. */
import { DataError, OndolError } from '../core/errors.js'
import { formatShape } from '../core/shape.js'
import { isSerializedObject } from '../core/spelling.js'
import { flatten, type Tree } from '../core/tree.js'
import { Tensor } from '../engine/index.js'
import { maskOf } from '../layers/masks.js'
import type { Loss, LossIdentifier } from '../losses/index.js'
import * as losses from '../losses/index.js'
import { SparseCategoricalCrossentropy } from '../losses/index.js'
import { nameOfFunction } from '../losses/registry.js'
import { Mean } from '../metrics/index.js'
import * as ops from '../ops/index.js'
import type { KerasTensor } from '../ops/operation.js'
import type { Numbering } from './finite.js'
import { Outputs, type PerOutput } from './outputs.js'
import { resolveLoss } from './resolve.js'

interface OutputLoss {
  readonly output: number
  readonly loss: Loss
  readonly weight: number | null
  /** Mean of this loss alone, where there are several. */
  readonly tracker: Mean | null
}

const isIdentifier = (option: unknown): boolean => typeof option === 'string' || typeof option === 'function' || isSerializedObject(option)

export class CompiledLoss {
  readonly #option: PerOutput<LossIdentifier>
  readonly #weights: PerOutput<number> | undefined
  readonly #knownNames: () => readonly string[] | undefined
  readonly #onMade: () => void
  #losses: readonly OutputLoss[] | undefined

  /** `knownNames` tells the outputs' names, where the model has some; `onMade` is called when the losses are known. */
  constructor(
    option: PerOutput<LossIdentifier>,
    weights: PerOutput<number> | undefined,
    knownNames: () => readonly string[] | undefined,
    onMade: () => void,
  ) {
    this.#option = option
    this.#weights = weights
    this.#knownNames = knownNames
    this.#onMade = onMade
  }

  /** Running means of the single losses; none where there is only one. */
  get metrics(): Mean[] {
    return (this.#losses ?? []).flatMap(({ tracker }) => (tracker === null ? [] : [tracker]))
  }

  /** The weighted sum, a scalar; `null` where no output has a loss. Takes the single losses into the trackers. */
  call(y: Tree<Tensor> | null | undefined, yPred: Tree<Tensor>, sampleWeight: Tree<Tensor> | null | undefined): Tensor | null {
    const predictions = flatten(yPred)
    const outputs = new Outputs(yPred, this.#knownNames())
    const options = outputs.match<LossIdentifier>(this.#option, { what: 'loss', isOne: isIdentifier, spreads: true })
    const wanted = options.map((option) => option !== null)
    const targets = matchTargets(outputs, y, wanted)
    options.forEach((option, output) => {
      if (option !== null && targets[output] === null) throw missingTargets(`loss of output '${outputs.label(output)}'`, outputs, output, y)
    })
    const weights = matchWeights(outputs, sampleWeight, wanted)
    if (this.#losses === undefined) {
      this.#losses = this.#build(outputs, options, targets as Tensor[], predictions)
      this.#onMade()
    }
    return this.#losses.reduce<Tensor | null>((total, { output, loss, weight, tracker }) => {
      const [target, prediction] = [targets[output] as Tensor, predictions[output] as Tensor]
      const value = explained(`${loss.name} of output '${outputs.label(output)}'`, target, prediction, () =>
        ops.cast(loss(target, prediction, weights[output], maskOf(prediction) ?? null), 'float32'),
      )
      tracker?.updateState(value, ops.full([], prediction.shape[0] ?? 1, 'float32'))
      const weighted = weight === null ? value : ops.multiply(value, weight)
      return total === null ? weighted : ops.add(total, weighted)
    }, null)
  }

  /** The targets that are class numbers, by what is known before the first step. */
  numberings(structure: Tree<KerasTensor>, y: Tree<Tensor>): Numbering[] {
    const outputs = new Outputs(structure, this.#knownNames())
    const options = outputs.match<LossIdentifier>(this.#option, { what: 'loss', isOne: isIdentifier, spreads: true })
    const targets = matchTargets(
      outputs,
      y,
      options.map((option) => option !== null),
    )
    return flatten(structure).flatMap(({ shape }, output) => {
      const [option, tensor] = [options[output], targets[output]]
      if (option == null || tensor == null || (typeof option === 'function' && !(option instanceof SparseCategoricalCrossentropy)))
        return []
      if (typeof option === 'string' && ['ce', 'crossentropy'].includes(option.toLowerCase())) return []
      const loss = losses.get(option)
      if (!(loss instanceof SparseCategoricalCrossentropy)) return []
      const count = shape.at(loss.axis) ?? null
      const where = `targets of output '${outputs.label(output)}'`
      return count === null ? [] : [{ where, tensor, count, what: 'classes', except: loss.ignoreClass }]
    })
  }

  #build(
    outputs: Outputs,
    options: readonly (LossIdentifier | null)[],
    targets: readonly Tensor[],
    predictions: readonly Tensor[],
  ): OutputLoss[] {
    const wanted = options.map((option) => option !== null)
    const weights = outputs.match<number>(this.#weights, {
      what: 'lossWeights',
      isOne: (option) => typeof option === 'number',
      spreads: true,
      wanted,
    })
    const active = options.flatMap((option, output) => (option === null ? [] : [{ option, output }]))
    const names = new Map<string, number>()
    return active.map(({ option, output }) => {
      const loss = resolveLoss(option, targets[output] as Tensor, predictions[output] as Tensor)
      const name = distinctName(
        names,
        `${outputs.lossName(output, typeof option === 'string' ? option : (nameOfFunction(option) ?? loss.name))}_loss`,
      )
      return { output, loss, weight: weights[output] as number | null, tracker: active.length > 1 ? new Mean({ name }) : null }
    })
  }
}

/** The name itself, then `name_1`, … where it comes again. */
export function distinctName(counts: Map<string, number>, name: string): string {
  const count = counts.get(name) ?? 0
  counts.set(name, count + 1)
  return count === 0 ? name : `${name}_${count}`
}

/** Targets for each output, in whatever form they come; a shorter list is for the outputs that are `wanted`. */
export function matchTargets(outputs: Outputs, y: Tree<Tensor> | null | undefined, wanted: readonly boolean[]): (Tensor | null)[] {
  return outputs.match<Tensor>(y, { what: 'targets (y)', isOne: (leaf) => leaf instanceof Tensor, isData: true, wanted })
}

/** Sample weights for each output; one tensor serves all. */
export function matchWeights(outputs: Outputs, weights: Tree<Tensor> | null | undefined, wanted: readonly boolean[]): (Tensor | null)[] {
  return outputs.match<Tensor>(weights, {
    what: 'sampleWeight',
    isOne: (leaf) => leaf instanceof Tensor,
    isData: true,
    spreads: true,
    wanted,
  })
}

export function missingTargets(where: string, outputs: Outputs, output: number, y: Tree<Tensor> | null | undefined): DataError {
  const isRecordOfOthers = y !== null && y !== undefined && !(y instanceof Tensor) && !Array.isArray(y)
  return new DataError({
    where,
    problem: 'there are no targets for it',
    ...(isRecordOfOthers && { expected: `a key '${outputs.label(output)}' in y`, received: `keys ${Object.keys(y).join(', ')}` }),
    hint: 'pass y to fit and evaluate; an output without targets has null as loss',
  })
}

/** Says which output, which loss or metric and which shapes an error is about. */
export function explained<R>(what: string, target: Tensor, prediction: Tensor, body: () => R): R {
  try {
    return body()
  } catch (error) {
    if (!(error instanceof OndolError)) throw error
    throw error.within(`${what} (targets ${formatShape(target.shape)}, predictions ${formatShape(prediction.shape)})`)
  }
}
