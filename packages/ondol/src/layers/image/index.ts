/** Image layers: `keras.layers`' image preprocessing and augmentation. */
import { RandomRotation, RandomShear, RandomTranslation, RandomZoom } from './affine-layers.js'
import { MaxNumBoundingBoxes } from './box-count.js'
import {
  RandomBrightness,
  RandomColorDegeneration,
  RandomColorJitter,
  RandomContrast,
  RandomGrayscale,
  RandomHue,
  RandomInvert,
  RandomSaturation,
} from './color.js'
import { CenterCrop, RandomCrop, Resizing } from './crop.js'
import { RandomFlip } from './flip.js'
import { AutoContrast, ContrastLimitedAdaptiveHistogramEqualization, Equalization } from './histogram.js'
import { CutMix, MixUp, RandomErasing } from './mixing.js'
import { AugMix, RandAugment } from './policies.js'
import { RandomGaussianBlur, RandomPosterization, RandomSharpness, Solarization } from './tone.js'
import { RandomElasticTransform, RandomPerspective } from './warps.js'

export {
  AugMix,
  AutoContrast,
  CenterCrop,
  ContrastLimitedAdaptiveHistogramEqualization,
  CutMix,
  Equalization,
  MaxNumBoundingBoxes,
  MixUp,
  RandAugment,
  RandomBrightness,
  RandomColorDegeneration,
  RandomColorJitter,
  RandomContrast,
  RandomCrop,
  RandomElasticTransform,
  RandomErasing,
  RandomFlip,
  RandomGaussianBlur,
  RandomGrayscale,
  RandomHue,
  RandomInvert,
  RandomPerspective,
  RandomPosterization,
  RandomRotation,
  RandomSaturation,
  RandomSharpness,
  RandomShear,
  RandomTranslation,
  RandomZoom,
  Resizing,
  Solarization,
}

type Make<C extends new (...args: never[]) => unknown> = (...args: ConstructorParameters<C>) => InstanceType<C>
const maker =
  <C extends new (...args: never[]) => unknown>(Class: C): Make<C> =>
  (...args) =>
    new Class(...args) as InstanceType<C>

export const augMix = maker(AugMix)
export const autoContrast = maker(AutoContrast)
export const centerCrop = maker(CenterCrop)
export const contrastLimitedAdaptiveHistogramEqualization = maker(ContrastLimitedAdaptiveHistogramEqualization)
export const cutMix = maker(CutMix)
export const equalization = maker(Equalization)
export const maxNumBoundingBoxes = maker(MaxNumBoundingBoxes)
export const mixUp = maker(MixUp)
export const randAugment = maker(RandAugment)
export const randomBrightness = maker(RandomBrightness)
export const randomColorDegeneration = maker(RandomColorDegeneration)
export const randomColorJitter = maker(RandomColorJitter)
export const randomContrast = maker(RandomContrast)
export const randomCrop = maker(RandomCrop)
export const randomElasticTransform = maker(RandomElasticTransform)
export const randomErasing = maker(RandomErasing)
export const randomFlip = maker(RandomFlip)
export const randomGaussianBlur = maker(RandomGaussianBlur)
export const randomGrayscale = maker(RandomGrayscale)
export const randomHue = maker(RandomHue)
export const randomInvert = maker(RandomInvert)
export const randomPerspective = maker(RandomPerspective)
export const randomPosterization = maker(RandomPosterization)
export const randomRotation = maker(RandomRotation)
export const randomSaturation = maker(RandomSaturation)
export const randomSharpness = maker(RandomSharpness)
export const randomShear = maker(RandomShear)
export const randomTranslation = maker(RandomTranslation)
export const randomZoom = maker(RandomZoom)
export const resizing = maker(Resizing)
export const solarization = maker(Solarization)
