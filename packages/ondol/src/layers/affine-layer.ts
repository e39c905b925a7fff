/** What normalisations share: a factor gamma and an offset beta. */
import * as constraints from '../constraints/index.js'
import type { Shape } from '../core/shape.js'
import type { Variable } from '../engine/index.js'
import * as initializers from '../initializers/index.js'
import * as regularizers from '../regularizers/index.js'
import type { ConfigTable } from './config-table.js'
import { Layer, type LayerOptions } from './layer.js'

export interface AffineOptions extends LayerOptions {
  /** Adds beta. Default true. */
  readonly center?: boolean | undefined
  /** Multiplies with gamma. Default true. */
  readonly scale?: boolean | undefined
  /** Default `zeros`. */
  readonly betaInitializer?: initializers.InitializerLike | undefined
  /** Default `ones`. */
  readonly gammaInitializer?: initializers.InitializerLike | undefined
  readonly betaRegularizer?: regularizers.RegularizerLike | undefined
  readonly gammaRegularizer?: regularizers.RegularizerLike | undefined
  readonly betaConstraint?: constraints.ConstraintLike | undefined
  readonly gammaConstraint?: constraints.ConstraintLike | undefined
}

/** These options in configs. */
export const AFFINE_CONFIG = {
  center: 'value',
  scale: 'value',
  betaInitializer: 'initializer',
  gammaInitializer: 'initializer',
  betaRegularizer: 'regularizer',
  gammaRegularizer: 'regularizer',
  betaConstraint: 'constraint',
  gammaConstraint: 'constraint',
} as const satisfies ConfigTable

export abstract class AffineLayer extends Layer {
  readonly center: boolean
  readonly scale: boolean
  readonly betaInitializer: initializers.Initializer
  readonly gammaInitializer: initializers.Initializer
  readonly betaRegularizer: regularizers.Regularizer | null
  readonly gammaRegularizer: regularizers.Regularizer | null
  readonly betaConstraint: constraints.Constraint | null
  readonly gammaConstraint: constraints.Constraint | null
  gamma: Variable | null = null
  beta: Variable | null = null

  constructor({
    center = true,
    scale = true,
    betaInitializer = 'zeros',
    gammaInitializer = 'ones',
    betaRegularizer = null,
    gammaRegularizer = null,
    betaConstraint = null,
    gammaConstraint = null,
    ...options
  }: AffineOptions) {
    super(options)
    this.center = center
    this.scale = scale
    this.betaInitializer = initializers.get(betaInitializer)
    this.gammaInitializer = initializers.get(gammaInitializer)
    this.betaRegularizer = regularizers.get(betaRegularizer)
    this.gammaRegularizer = regularizers.get(gammaRegularizer)
    this.betaConstraint = constraints.get(betaConstraint)
    this.gammaConstraint = constraints.get(gammaConstraint)
    this.supportsMasking = true
  }

  /** Makes gamma and beta, of this shape; they stay in float32 where the layer computes in half precision. */
  protected addAffine(shape: Shape, { scale, center }: { readonly scale: boolean; readonly center: boolean } = this): void {
    if (scale) {
      this.gamma = this.addWeight({
        name: 'gamma',
        shape,
        initializer: this.gammaInitializer,
        regularizer: this.gammaRegularizer,
        constraint: this.gammaConstraint,
        autocast: false,
      })
    }
    if (!center) return
    this.beta = this.addWeight({
      name: 'beta',
      shape,
      initializer: this.betaInitializer,
      regularizer: this.betaRegularizer,
      constraint: this.betaConstraint,
      autocast: false,
    })
  }
}
