/**
 * In which dtype a layer keeps its weights, and in which it computes. Follows
 * `keras/src/dtype_policies/dtype_policy.py`.
 */
import { type DType, isDType } from '../core/dtype.js'
import { DTypeError } from '../core/errors.js'
import { isSerializedObject, type SerializedObject } from '../core/spelling.js'
import { floatx } from '../ops/config.js'

/** Weights in float32, computation in half the width. */
const MIXED = { mixed_bfloat16: 'bfloat16', mixed_float16: 'float16' } as const satisfies Record<string, DType>

/** Dtypes of Keras's layers for integers that are narrower here. */
const NARROWED = { int64: 'int32' } as const satisfies Record<string, DType>

export type DTypePolicyName = DType | keyof typeof MIXED | keyof typeof NARROWED
/** What layers take as `dtype`. */
export type DTypePolicyLike = DTypePolicyName | DTypePolicy

/**
 * @example
 * layers.dense(10, { dtype: 'float32' })                     // this layer alone
 * config.setDtypePolicy('mixed_bfloat16')                    // all layers made from now on
 */
export class DTypePolicy {
  readonly name: DTypePolicyName
  /** What inputs and weights are cast to for a call. */
  readonly computeDtype: DType
  /** What weights are kept in. */
  readonly variableDtype: DType

  /** @throws DTypeError when the name is neither a dtype nor a mixed policy. */
  constructor(name: string = dtypePolicy().name) {
    if (name === 'mixed_bfloat16' || name === 'mixed_float16') {
      this.computeDtype = MIXED[name]
      this.variableDtype = 'float32'
    } else if (name === 'int64') {
      this.computeDtype = NARROWED[name]
      this.variableDtype = NARROWED[name]
    } else if (isDType(name)) {
      this.computeDtype = name
      this.variableDtype = name
    } else {
      throw new DTypeError({
        where: 'DTypePolicy',
        problem: 'unknown dtype policy',
        expected: "'mixed_bfloat16', 'mixed_float16' or a dtype such as 'float32'",
        received: `'${name}'`,
      })
    }
    this.name = name
  }

  serialize(): SerializedObject {
    return { module: 'keras', class_name: 'DTypePolicy', config: { name: this.name }, registered_name: null }
  }

  toString(): string {
    return `<DTypePolicy "${this.name}">`
  }
}

/** Keras's older name of the same class. */
export { DTypePolicy as FloatDTypePolicy }

let globalPolicy: DTypePolicy | undefined

/** The policy of layers that name none: float32, or what `setDtypePolicy` said. */
export const dtypePolicy = (): DTypePolicy => globalPolicy ?? new DTypePolicy(floatx())

/** Sets the policy of layers made from now on; `null` goes back to `floatx()`. */
export function setDtypePolicy(policy: DTypePolicyLike | null): void {
  globalPolicy = policy === null ? undefined : getDtypePolicy(policy)
}

/** A policy from its name, itself, or its config in a file (also Keras 2's `Policy`). */
export function getDtypePolicy(identifier: unknown): DTypePolicy {
  if (identifier === undefined || identifier === null) return dtypePolicy()
  if (identifier instanceof DTypePolicy) return identifier
  if (typeof identifier === 'string') return new DTypePolicy(identifier)
  if (isSerializedObject(identifier)) return new DTypePolicy(String(identifier.config.name))
  throw new DTypeError({ where: 'DTypePolicy', problem: 'not a dtype policy', received: String(identifier) })
}
