/** Dtype policies by the paths of layers. Follows `keras/src/dtype_policies/dtype_policy_map.py`. */
import { ValueError } from '../core/errors.js'
import type { SerializedObject } from '../core/spelling.js'
import { DTypePolicy, type DTypePolicyLike, getDtypePolicy } from './dtype-policy.js'

/**
 * A policy for each path, or regular expression that a whole path matches; all others have the default.
 *
 * @example
 * const policies = new dtypePolicies.DTypePolicyMap('float32', { '.*head.*': new dtypePolicies.DTypePolicy('mixed_bfloat16') })
 * policies.get('model/head/dense').computeDtype   // 'bfloat16'
 */
export class DTypePolicyMap extends DTypePolicy implements Iterable<[string, DTypePolicy]> {
  readonly defaultPolicy: DTypePolicy
  readonly #given: DTypePolicyLike | null
  readonly #policies = new Map<string, DTypePolicy>()

  constructor(defaultPolicy: DTypePolicyLike | null = null, policyMap: Readonly<Record<string, DTypePolicyLike>> = {}) {
    if (defaultPolicy instanceof DTypePolicyMap)
      throw new ValueError({ where: 'DTypePolicyMap', problem: 'the default cannot be a map itself', received: String(defaultPolicy) })
    const policy = getDtypePolicy(defaultPolicy)
    super(policy.name)
    this.defaultPolicy = policy
    this.#given = defaultPolicy
    for (const [path, each] of Object.entries(policyMap)) this.set(path, each)
  }

  get size(): number {
    return this.#policies.size
  }

  /** The policy of a path. @throws ValueError when several expressions match. */
  get(path: string): DTypePolicy {
    const own = this.#policies.get(path)
    if (own !== undefined) return own
    const matching = [...this.#policies.keys()].filter((pattern) => new RegExp(`^(?:${pattern})$`).test(path))
    if (matching.length > 1)
      throw new ValueError({
        where: 'DTypePolicyMap',
        problem: `several expressions match '${path}'`,
        expected: 'at most one',
        received: matching.join(', '),
      })
    return this.#policies.get(matching[0] ?? '') ?? this.defaultPolicy
  }

  /** Adds a policy. @throws ValueError when the path has one. */
  set(path: string, policy: DTypePolicyLike): void {
    if (this.#policies.has(path))
      throw new ValueError({
        where: 'DTypePolicyMap',
        problem: `'${path}' has a policy already`,
        received: String(this.#policies.get(path)),
      })
    this.#policies.set(path, getDtypePolicy(policy))
  }

  has(path: string): boolean {
    return this.#policies.has(path)
  }

  delete(path: string): boolean {
    return this.#policies.delete(path)
  }

  [Symbol.iterator](): IterableIterator<[string, DTypePolicy]> {
    return this.#policies.entries()
  }

  override serialize(): SerializedObject {
    const given = this.#given instanceof DTypePolicy ? this.#given.serialize() : this.#given
    const policies = Object.fromEntries([...this.#policies].map(([path, policy]) => [path, policy.serialize()]))
    return {
      module: 'keras.dtype_policies',
      class_name: 'DTypePolicyMap',
      config: { default_policy: given, policy_map: policies },
      registered_name: null,
    }
  }

  override toString(): string {
    return `<DTypePolicyMap default="${this.defaultPolicy.name}" ${[...this].map(([path, { name }]) => `${path}: ${name}`).join(', ')}>`
  }
}
