/**
 * The mask that belongs to a tensor: bool, true where a time step counts. It is kept beside the tensor,
 * so that a layer's output can bring it to the next layer; who computes with it gets it as an argument.
 */
import { mapTree, type Tree } from '../core/tree.js'
import { Tensor } from '../engine/index.js'
import { KerasTensor } from '../ops/operation.js'

/** Masks in the structure of the tensors they belong to. */
export type Masks = Tree<Tensor | null>

const masks = new WeakMap<Tensor, Tensor>()

/** The mask that came with a tensor. */
export const maskOf = (x: Tensor): Tensor | undefined => masks.get(x)

/** Lets `mask` travel with `x`. */
export function setMask(x: Tensor, mask: Tensor): void {
  masks.set(x, mask)
}

/** The masks of all tensors of a structure; `null` when none has one. */
export function masksOf(inputs: Tree<unknown>): Masks | null {
  let found = false
  const result = mapTree(inputs, (leaf) => {
    const mask = leaf instanceof Tensor ? masks.get(leaf) : undefined
    found ||= mask !== undefined
    return mask ?? null
  })
  return found ? result : null
}

/** A symbolic tensor's mask, or a tensor's. */
export const anyMaskOf = (x: unknown): Tensor | KerasTensor | undefined => {
  if (x instanceof KerasTensor) return x.mask
  return x instanceof Tensor ? masks.get(x) : undefined
}
