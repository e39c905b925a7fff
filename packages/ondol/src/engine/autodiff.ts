/** Walking a tape back: cotangents flow from outputs to inputs through the rules of each record. */
import type { Cotangent, Vjp } from './gradients.js'
import { sum } from './gradients.js'
import type { PrimitiveName } from './primitives.js'
import type { CustomRecord, TapeRecord } from './tape.js'
import { isDifferentiable, type Tensor } from './tensor.js'

export type Rules = { readonly [P in PrimitiveName]: Vjp<P> }

/**
 * Cotangents of `sources`, given those of `targets`: `null` where nothing flows. A source may be an
 * intermediate value; what flows into it is reported, and flows on.
 */
export function backpropagate(
  records: readonly (TapeRecord | CustomRecord)[],
  targets: readonly (readonly [Tensor, Tensor])[],
  sources: readonly Tensor[],
  rules: Rules,
): Cotangent[] {
  const needed = dependsOn(records, sources)
  const cotangents = new Map<Tensor, Tensor>()
  const accumulate = (tensor: Tensor, cotangent: Cotangent): void => {
    if (cotangent === null || !needed.has(tensor)) return
    cotangents.set(tensor, sum(cotangents.get(tensor) ?? null, cotangent) as Tensor)
  }
  for (const [tensor, cotangent] of targets) accumulate(tensor, cotangent)
  for (let i = records.length - 1; i >= 0; i--) {
    const record = records[i] as TapeRecord | CustomRecord
    if (!record.inputs.some((input) => needed.has(input))) continue
    const flowing = record.outputs.map((output) => cotangents.get(output) ?? null)
    if (flowing.every((cotangent) => cotangent === null)) continue
    const back = record.primitive === 'custom' ? record.backward(flowing) : applyRule(record, flowing, needed, rules)
    record.inputs.forEach((input, index) => accumulate(input, isDifferentiable(input) ? (back[index] ?? null) : null))
  }
  return sources.map((source) => cotangents.get(source) ?? null)
}

function applyRule<P extends PrimitiveName>(
  record: TapeRecord<P>,
  flowing: readonly Cotangent[],
  needed: ReadonlySet<Tensor>,
  rules: Rules,
): readonly Cotangent[] {
  const { attributes, inputs, outputs } = record
  const needs = inputs.map((input) => needed.has(input))
  return (rules[record.primitive] as Vjp<P>)({ attributes, inputs, outputs, needs }, ...flowing)
}

/** Tensors that depend on a source (sources included): only there is a gradient of use. */
function dependsOn(records: readonly (TapeRecord | CustomRecord)[], sources: readonly Tensor[]): Set<Tensor> {
  const needed = new Set<Tensor>(sources)
  for (const { inputs, outputs } of records) {
    if (inputs.some((input) => needed.has(input))) for (const output of outputs) if (isDifferentiable(output)) needed.add(output)
  }
  return needed
}
