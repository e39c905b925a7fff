/** `dtypePolicies`: in which dtypes layers keep their weights and compute. */
import { DTypeError } from '../core/errors.js'
import { isSerializedObject, type SerializedObject } from '../core/spelling.js'
import { type DTypePolicy, type DTypePolicyLike, getDtypePolicy } from './dtype-policy.js'
import { DTypePolicyMap } from './dtype-policy-map.js'

export { DTypePolicy, type DTypePolicyLike, type DTypePolicyName, FloatDTypePolicy } from './dtype-policy.js'
export { DTypePolicyMap } from './dtype-policy-map.js'

/** A policy from its name, itself or its config; null gives the global one. @throws DTypeError for anything else. */
export const get = (identifier: DTypePolicyLike | SerializedObject | null): DTypePolicy =>
  isSerializedObject(identifier) ? deserialize(identifier) : getDtypePolicy(identifier)

/** As Keras writes it to files. */
export const serialize = (policy: DTypePolicy): SerializedObject => policy.serialize()

/** What `serialize` wrote. @throws DTypeError when it is no policy. */
export function deserialize(description: SerializedObject): DTypePolicy {
  const { class_name: className, config } = description
  if (className !== 'DTypePolicyMap') {
    if (/^(DTypePolicy|FloatDTypePolicy|Policy)$/.test(className)) return getDtypePolicy(description)
    throw new DTypeError({
      where: 'dtypePolicies.deserialize',
      problem: 'there is no such policy',
      expected: 'DTypePolicy or DTypePolicyMap',
      received: className,
    })
  }
  const policies = Object.entries((config.policy_map ?? {}) as Readonly<Record<string, SerializedObject>>)
  const { default_policy: given } = config
  return new DTypePolicyMap(
    isSerializedObject(given) ? deserialize(given) : (given as DTypePolicyLike | null),
    Object.fromEntries(policies.map(([path, policy]) => [path, deserialize(policy)])),
  )
}
