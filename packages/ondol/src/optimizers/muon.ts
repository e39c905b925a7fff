/** Muon (https://kellerjordan.github.io/posts/muon/): matrices move by orthogonal steps. Follows `keras/src/optimizers/muon.py`. */
import { byName } from '../core/positional.js'
import type { Tensor, Variable } from '../engine/index.js'
import * as ops from '../ops/index.js'
import { filled, towards } from './moments.js'
import { type LearningRate, Optimizer, type OptimizerOptions, RATE_FIRST } from './optimizer.js'

export interface MuonOptions extends OptimizerOptions {
  /** Of AdamW, for what is no matrix. Default 0.9. */
  readonly adamBeta1?: number
  /** Of AdamW. Default 0.999. */
  readonly adamBeta2?: number
  /** Of AdamW. Default 0.004. */
  readonly adamWeightDecay?: number | null
  /** AdamW's learning rate as a multiple of Muon's. Default 1. */
  readonly adamLrRatio?: number
  /** Default 1e-7. */
  readonly epsilon?: number
  /** Regular expressions: weights with such a path go to AdamW. */
  readonly excludeLayers?: readonly string[] | null
  /** Embeddings go to AdamW. Default true. */
  readonly excludeEmbeddings?: boolean
  /** Coefficients of the Newton-Schulz iteration. Default 3.4445, -4.775, 2.0315. */
  readonly muonA?: number
  /** Second coefficient of the Newton-Schulz polynomial. */
  readonly muonB?: number
  /** Third coefficient of the Newton-Schulz polynomial. */
  readonly muonC?: number
  /** Default 0.95. */
  readonly momentum?: number
  /** Newton-Schulz iterations. Default 5. */
  readonly nsSteps?: number
  /** Default true. */
  readonly nesterov?: boolean
  /** Steps are scaled by this times √(longer side); null leaves them. Default 0.2. */
  readonly rmsRate?: number | null
}

type Own = Required<Omit<MuonOptions, keyof OptimizerOptions>>
const DEFAULTS: Own = {
  adamBeta1: 0.9,
  adamBeta2: 0.999,
  epsilon: 1e-7,
  excludeLayers: [],
  muonA: 3.4445,
  muonB: -4.775,
  muonC: 2.0315,
  adamLrRatio: 1,
  momentum: 0.95,
  nsSteps: 5,
  nesterov: true,
  excludeEmbeddings: true,
  adamWeightDecay: 0.004,
  rmsRate: 0.2,
}

/** Matrices by Muon, everything else by AdamW. Default learning rate 0.001, weight decay 0.004. */
export class Muon extends Optimizer {
  readonly #own: Own
  #momentums: readonly Variable[] = []
  #velocities: ReadonlyMap<Variable, Variable> = new Map()
  #alpha: Tensor | undefined

  constructor(learningRate: LearningRate, options?: Omit<MuonOptions, 'learningRate'>)
  constructor(options?: MuonOptions)
  constructor(...args: readonly unknown[]) {
    const options = byName<MuonOptions>(RATE_FIRST, args)
    const isOwn = ([key, value]: [string, unknown]): boolean => key in DEFAULTS && value !== undefined
    const entries = Object.entries(options)
    super({ weightDecay: 0.004, ...Object.fromEntries(entries.filter(([key]) => !(key in DEFAULTS))) }, 0.001)
    this.#own = { ...DEFAULTS, ...Object.fromEntries(entries.filter(isOwn)) }
  }

  override get className(): string {
    return 'Muon'
  }

  #isForAdam({ shape, path }: Variable): boolean {
    const { excludeEmbeddings, excludeLayers } = this.#own
    if (shape.length !== 2 || (excludeEmbeddings && path.toLowerCase().includes('embedding'))) return true
    return (excludeLayers ?? []).some((pattern) => new RegExp(pattern).test(path))
  }

  protected override buildState(variables: readonly Variable[]): void {
    const velocities = new Map<Variable, Variable>()
    this.#momentums = variables.map((variable) => {
      const [momentum] = this.addVariablesFor([variable], 'momentum') as [Variable]
      if (this.#isForAdam(variable)) velocities.set(variable, this.addVariablesFor([variable], 'velocity')[0] as Variable)
      return momentum
    })
    this.#velocities = velocities
  }

  /** AdamW has a decay of its own. */
  protected override decayOf(variable: Variable): number | null {
    return this.#isForAdam(variable) ? this.#own.adamWeightDecay : this.settings.weightDecay
  }

  protected override beginStep(learningRate: Tensor): void {
    const { adamBeta1, adamBeta2, adamLrRatio } = this.#own
    const step = ops.cast(ops.add(this.iterations, 1), learningRate.dtype)
    const rate = ops.multiply(learningRate, adamLrRatio)
    this.#alpha = ops.divide(ops.multiply(rate, ops.sqrt(filled(adamBeta2, step))), filled(adamBeta1, step))
  }

  protected override updateStep(gradient: Tensor, variable: Variable, learningRate: Tensor): void {
    const velocity = this.#velocities.get(variable)
    const momentum = this.stateOf(this.#momentums, variable)
    const step =
      velocity === undefined ? this.#orthogonal(gradient, momentum, learningRate) : this.#adam(gradient, momentum, velocity, variable)
    this.assign(variable, ops.subtract(variable.value, step))
  }

  #adam(gradient: Tensor, momentum: Variable, velocity: Variable, variable: Variable): Tensor {
    const { adamBeta1, adamBeta2, epsilon } = this.#own
    const m = towards(momentum.value, gradient, 1 - adamBeta1)
    const s = towards(velocity.value, ops.square(gradient), 1 - adamBeta2)
    this.assign(momentum, m)
    this.assign(velocity, s)
    return ops.divide(ops.multiply(m, ops.cast(this.#alpha as Tensor, variable.dtype)), ops.add(ops.sqrt(s), epsilon))
  }

  #orthogonal(gradient: Tensor, momentum: Variable, learningRate: Tensor): Tensor {
    const { momentum: decay, nesterov, rmsRate } = this.#own
    const m = ops.add(momentum.value, ops.add(gradient, ops.multiply(momentum.value, decay - 1)))
    this.assign(momentum, m)
    const update = this.#orthogonalized(nesterov ? ops.add(gradient, ops.multiply(decay, m)) : m)
    const size = rmsRate === null ? 1 : Math.sqrt(Math.max(...gradient.shape)) * rmsRate
    return ops.multiply(ops.multiply(learningRate, update), size)
  }

  /** The nearest matrix with orthogonal rows, about, by Newton and Schulz. */
  #orthogonalized(given: Tensor): Tensor {
    const { muonA, muonB, muonC, nsSteps } = this.#own
    const [rows, columns] = given.shape as [number, number]
    const isTall = rows > columns
    let x = isTall ? ops.transpose(given) : given
    x = ops.divide(x, ops.add(ops.sqrt(ops.sum(ops.square(x))), 1e-7))
    for (let i = 0; i < nsSteps; i++) {
      const a = ops.matmul(x, ops.transpose(x))
      const b = ops.add(ops.multiply(muonB, a), ops.matmul(ops.multiply(muonC, a), a))
      x = ops.add(ops.multiply(muonA, x), ops.matmul(b, x))
    }
    return isTall ? ops.transpose(x) : x
  }

  override getConfig(): Record<string, unknown> {
    const own = this.#own
    return {
      ...super.getConfig(),
      adam_beta_1: own.adamBeta1,
      adam_beta_2: own.adamBeta2,
      epsilon: own.epsilon,
      exclude_layers: [...(own.excludeLayers ?? [])],
      muon_a: own.muonA,
      muon_b: own.muonB,
      muon_c: own.muonC,
      adam_lr_ratio: own.adamLrRatio,
      momentum: own.momentum,
      ns_steps: own.nsSteps,
      nesterov: own.nesterov,
      exclude_embeddings: own.excludeEmbeddings,
      adam_weight_decay: own.adamWeightDecay,
      rms_rate: own.rmsRate,
    }
  }
}
