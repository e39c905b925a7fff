/**
 * What all networks share: options, the input, the classifier, and where weights come from. A family says how its
 * features are computed. Follows what `keras/src/applications` repeats in each of its modules.
 */
import { platform } from '#platform'
import * as activations from '../activations/index.js'
import { ValueError } from '../core/errors.js'
import { refuseUnknownOptions } from '../core/known-options.js'
import type { PartialShape } from '../core/shape.js'
import * as layers from '../layers/index.js'
import { Model } from '../models/index.js'
import { imageDataFormat } from '../ops/config.js'
import type { KerasTensor } from '../ops/operation.js'
import { exists, isUrl, type Readable } from '../saving/location.js'
import { getSourceInputs } from '../utils/graphs.js'
import { obtainInputShape } from './input-shape.js'
import { fetchWeights, type WeightsFile } from './pretrained.js'

/** `'imagenet'`: those that Keras trained; a file with weights; null: random ones. */
export type Weights = Readable | null

/** From images to classes, or to features. */
export type ImageModel = Model<KerasTensor, KerasTensor>

export interface ApplicationOptions<W extends Weights = Weights> {
  /** Whether the classifier is on top. Default true. */
  readonly includeTop?: boolean | undefined
  /** `'imagenet'` (default), a file of weights, or null for random ones. */
  readonly weights?: W | undefined
  /** The symbolic tensor that it is computed from. Default: an `Input` of its own. */
  readonly inputTensor?: KerasTensor | null | undefined
  /** Without the batch. Default: what the network was made for; without the classifier, sides are free. */
  readonly inputShape?: PartialShape | null | undefined
  /** Without the classifier: the mean or the largest of each feature instead of all of them. Default null. */
  readonly pooling?: 'avg' | 'max' | null | undefined
  /** Number of classes. Default 1000. */
  readonly classes?: number | undefined
  /** Of the classifier; null gives logits. Default `'softmax'`. */
  readonly classifierActivation?: activations.ActivationLike | undefined
  readonly name?: string | null | undefined
}

type OwnOptions<O> = { readonly [K in keyof O]?: O[K] | undefined }

/** Makes a model; one whose weights come from a file is there when they are. */
export type Application<O extends object = object> = <const W extends Weights = 'imagenet'>(
  options?: ApplicationOptions<W> & OwnOptions<O>,
) => W extends null ? ImageModel : Promise<ImageModel>

/** All options, with what follows from them. */
export type Settings<O extends object = object> = BaseSettings<O> & {
  /** The shape of images, checked. */
  readonly inputShape: PartialShape
}

type BaseSettings<O extends object> = Required<O> & {
  readonly includeTop: boolean
  /** Whether the weights are those from ImageNet. */
  readonly isPretrained: boolean
  /** What the caller gave. */
  readonly givenShape: PartialShape | null
  readonly inputTensor: KerasTensor | null
  readonly pooling: 'avg' | 'max' | null
  readonly classes: number
  readonly classifierActivation: activations.ActivationLike
}

export interface Design<O extends object> {
  /** The network, for errors. */
  readonly where: string
  /** The model's name, if the caller gives none. */
  readonly name: string | ((settings: Settings<O>) => string)
  /** Side of the images that it was made for. */
  readonly size: number
  /** Default 32. */
  readonly minSize?: number
  /** Whether it cannot be made with channels first. */
  readonly channelsLast?: boolean
  /** Whether the source of a given tensor is the input itself, not a list with it: configs tell the difference. */
  readonly hasOneSource?: boolean
  /** Options of its own, with their defaults. */
  readonly defaults?: Required<O>
  /** Checks options of its own that weights from ImageNet do not go with. */
  readonly checkPretrained?: (settings: Settings<O>) => void
  /** Instead of `obtainInputShape`. */
  readonly inputShape?: (settings: BaseSettings<O>, minSize: number) => PartialShape
  /** From images to features. `name` is that of the model. */
  readonly features: (images: KerasTensor, settings: Settings<O>, name: string) => KerasTensor
  /** From features to classes. */
  readonly classifier: (features: KerasTensor, settings: Settings<O>, name: string) => KerasTensor
  /** From features to what comes out without a classifier. */
  readonly withoutTop: (features: KerasTensor, settings: Settings<O>) => KerasTensor
  readonly weights: (settings: Settings<O>) => WeightsFile
}

const OPTIONS = ['includeTop', 'weights', 'inputTensor', 'inputShape', 'pooling', 'classes', 'classifierActivation', 'name'] as const

/** The function that makes models of a design. */
export function application<O extends object = object>(design: Design<NoInfer<O>>): Application<O> {
  const make = (options: ApplicationOptions & OwnOptions<O> = {}): ImageModel | Promise<ImageModel> => {
    const { weights = 'imagenet', name = null } = options
    if (weights !== null) return load(design, options, weights)
    return build(design, settle(design, options, null), name)
  }
  return make as Application<O>
}

async function load<O extends object>(
  design: Design<O>,
  options: ApplicationOptions & OwnOptions<O>,
  weights: Readable,
): Promise<ImageModel> {
  const settings = settle(design, options, weights)
  const isPath = typeof weights === 'string' && !settings.isPretrained && !isUrl(weights) && platform.name !== 'browser'
  if (isPath && !(await exists(weights)))
    throw new ValueError({
      where: design.where,
      problem: 'there is no such file of weights',
      expected: "weights: null (random ones), 'imagenet' (trained on ImageNet), or the path of a file with weights",
      received: `weights='${weights}'`,
    })
  const file = settings.isPretrained ? await fetchWeights(design.weights(settings)) : weights
  const model = build(design, settings, options.name ?? null)
  await model.loadWeights(file)
  return model
}

function build<O extends object>(design: Design<O>, settings: Settings<O>, givenName: string | null): ImageModel {
  const { inputTensor, inputShape, includeTop } = settings
  const name = givenName ?? (typeof design.name === 'string' ? design.name : design.name(settings))
  const images = inputTensor ?? layers.Input({ shape: inputShape })
  const features = design.features(images, settings, name)
  const outputs = includeTop ? design.classifier(features, settings, name) : design.withoutTop(features, settings)
  // What comes before the given tensor is a part of the model.
  const sources = inputTensor === null ? [] : getSourceInputs(inputTensor)
  const inputs = inputTensor === null ? images : design.hasOneSource === true ? (sources[0] as KerasTensor) : sources
  return new Model({ inputs: inputs as KerasTensor, outputs, name })
}

function settle<O extends object>(design: Design<O>, options: ApplicationOptions & OwnOptions<O>, weights: Weights): Settings<O> {
  const { where, size, minSize = 32, defaults = {} as Required<O> } = design
  refuseUnknownOptions(where, options, [...OPTIONS, ...Object.keys(defaults)])
  if (design.channelsLast === true && imageDataFormat() === 'channels_first')
    throw new ValueError({
      where,
      problem: 'this network cannot be made with channels first',
      hint: "call config.setImageDataFormat('channels_last') first",
    })
  const { includeTop = true, inputTensor = null, inputShape = null, pooling = null, classes = 1000 } = options
  const { classifierActivation = 'softmax' } = options
  const isPretrained = weights === 'imagenet'
  if (isPretrained && includeTop && classes !== 1000)
    throw new ValueError({
      where,
      problem: 'the classifier from ImageNet has 1000 classes',
      expected: "classes: 1000 with weights: 'imagenet' and includeTop: true",
      received: `classes=${classes}`,
    })
  if (pooling !== null && pooling !== 'avg' && pooling !== 'max')
    throw new ValueError({ where, problem: 'unknown pooling', expected: "'avg', 'max' or null", received: String(pooling) })
  if (includeTop && weights !== null) requireTrainedActivation(classifierActivation, where)
  const own = Object.fromEntries(
    Object.entries(defaults).map(([key, value]) => [key, (options as Readonly<Record<string, unknown>>)[key] ?? value]),
  ) as Required<O>
  const settled = { ...own, includeTop, inputTensor, pooling, classes, classifierActivation, isPretrained, givenShape: inputShape }
  const shape = design.inputShape?.(settled, minSize) ?? obtainInputShape(inputShape, { where, size, minSize, includeTop, isPretrained })
  const settings = { ...settled, inputShape: shape }
  if (isPretrained) design.checkPretrained?.(settings)
  return settings
}

/** @throws ValueError for activations that the weights of a classifier were not made with. */
function requireTrainedActivation(activation: activations.ActivationLike, where: string): void {
  const found = activations.get(activation)
  if (found === activations.get('softmax') || found === activations.get(null)) return
  throw new ValueError({
    where,
    problem: 'a classifier with weights gives probabilities or logits',
    expected: "classifierActivation: 'softmax' or null",
    received: `classifierActivation=${String(activation)}`,
  })
}

// ---- ends that several families have ----

const GLOBAL = { avg: layers.globalAveragePooling2d, max: layers.globalMaxPooling2d } as const

/** All features, or their mean or largest; the layer is called after it where `isNamed`. */
export const pooled =
  (isNamed: boolean) =>
  (features: KerasTensor, { pooling }: Pick<Settings, 'pooling'>): KerasTensor =>
    pooling === null ? features : GLOBAL[pooling](isNamed ? { name: `${pooling}_pool` } : {})(features)

/** The layer that names the classes. */
export const predictions = ({ classes, classifierActivation }: Settings, options: layers.DenseOptions = {}): layers.Dense =>
  layers.dense(classes, { activation: classifierActivation, name: 'predictions', ...options })

/** The mean of each feature, then the classes. */
export const classifier =
  (poolName?: string) =>
  (features: KerasTensor, settings: Settings): KerasTensor =>
    predictions(settings)(layers.globalAveragePooling2d({ name: poolName })(features))
