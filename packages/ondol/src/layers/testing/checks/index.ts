/** What every layer is checked for, by name. */
import type { Subject } from '../layer-case.js'
import { goesThroughFiles } from './config.js'
import { hasGradients } from './gradients.js'
import { handlesMasks } from './masks.js'
import { followsPolicies, staysNear } from './policies.js'
import { hasShapes } from './shapes.js'
import { trains } from './training.js'
import { leavesSubclassesToBeBuilt, makesWeights } from './weights.js'

export type Check = (subject: Subject) => void | Promise<void>

export const CHECKS = {
  /** A config, also as JSON, makes the same layer: same weights, same numbers. */
  config: goesThroughFiles,
  /** Weights come in build: names, order, what is trained. */
  weights: makesWeights,
  'a subclass': leavesSubclassesToBeBuilt,
  /** Eager, compiled and symbolic calls agree, on all sizes and on unknown ones. */
  shapes: hasShapes,
  /** Dtypes under float32 and the mixed policies. */
  policies: followsPolicies,
  /** In half the width, numbers stay near those of float32. */
  'half floats': staysNear,
  /** A compiled step in a model moves what is trained, and nothing else. */
  training: trains,
  /** Gradients by inputs and weights are those of finite differences. */
  gradients: hasGradients(false),
  'gradients in training': hasGradients(true),
  /** Masks go on, and are looked at, as said. */
  masks: handlesMasks,
} as const satisfies Record<string, Check>

export type CheckName = keyof typeof CHECKS
