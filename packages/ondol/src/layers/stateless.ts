/**
 * Calls without state, as in Keras 3 on JAX: values of all Variables go in, new ones come out, and the layer stays as
 * it was. Follows `Layer.stateless_call` in `keras/src/layers/layer.py`.
 */
import { INVOKE } from '../core/callable.js'
import { GraphError } from '../core/errors.js'
import type { Tree } from '../core/tree.js'
import { type GivenState, runStateless, type Tensor, type Variable } from '../engine/index.js'
import { isRecord } from './convert.js'

/** What a call without state gives: outputs, new values of the non-trainable Variables, and the losses if asked for. */
export type StatelessOutcome = [outputs: Tree<Tensor>, nonTrainableVariables: Tensor[], losses?: Tensor[]]

interface StatefulLayer {
  readonly name: string
  readonly built: boolean
  readonly trainableVariables: readonly Variable[]
  readonly nonTrainableVariables: readonly Variable[]
  readonly losses: Tensor[]
}

/** Values for the Variables of a layer, to be given to `runStateless`. */
export function givenStateOf(
  where: string,
  layer: StatefulLayer,
  trainable: readonly Tensor[],
  nonTrainable: readonly Tensor[],
): GivenState<Variable>[] {
  if (!layer.built) {
    throw new GraphError({
      where,
      problem: 'the layer has no Variables yet',
      hint: 'call it on data, or build(shape) it before',
    })
  }
  return [
    { what: 'trainableVariables', variables: layer.trainableVariables, values: trainable },
    { what: 'nonTrainableVariables', variables: layer.nonTrainableVariables, values: nonTrainable },
  ]
}

export function statelessCall(
  layer: StatefulLayer & { [INVOKE](...args: unknown[]): unknown },
  trainable: readonly Tensor[],
  nonTrainable: readonly Tensor[],
  args: readonly unknown[],
): StatelessOutcome {
  const last = args.at(-1)
  const { returnLosses = false, ...options } = args.length > 1 && isRecord(last) ? last : {}
  const inputs = args.length > 1 && isRecord(last) ? args.slice(0, -1) : args
  const where = `${layer.name}.statelessCall`
  const [[outputs, losses], [, after]] = runStateless(where, givenStateOf(where, layer, trainable, nonTrainable), () => {
    const result = layer[INVOKE](...inputs, ...(Object.keys(options).length > 0 ? [options] : [])) as Tree<Tensor>
    return [result, returnLosses === true ? layer.losses : undefined] as const
  })
  return losses === undefined ? [outputs, after as Tensor[]] : [outputs, after as Tensor[], losses]
}
