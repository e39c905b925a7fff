/** Augmentations of images. */
import * as layers from '../../index.js'
import type { LayerCase, LayerCases } from '../layer-case.js'

type Make = (options: layers.LayerOptions & { readonly seed?: number }) => layers.Layer
const RANGE = [0, 1] as const

/** Images of 6 times 5, one seed generator. */
const image = (make: Make, more: Partial<LayerCase> = {}): LayerCase => ({
  make: (o) => make({ seed: 3, ...o }),
  input: [2, 6, 5, 3],
  output: [2, 6, 5, 3],
  seedGenerators: 1,
  training: true,
  ...more,
})
/** Nothing is drawn. */
const fixed = (make: LayerCase['make'], more: Partial<LayerCase> = {}): LayerCase =>
  image(({ seed: _, ...o }) => make(o), { seedGenerators: 0, ...more })

export const images: LayerCases = {
  AugMix: image((o) => layers.augMix([0, 1], 2, 2, o), { known: [-1], seedGenerators: 10 }),
  AutoContrast: fixed((o) => layers.autoContrast([0, 1], o)),
  CenterCrop: fixed((o) => layers.centerCrop(4, 3, o), { output: [2, 4, 3, 3] }),
  ContrastLimitedAdaptiveHistogramEqualization: fixed((o) =>
    layers.contrastLimitedAdaptiveHistogramEqualization([0, 1], { tileGridSize: [2, 2], ...o }),
  ),
  CutMix: image((o) => layers.cutMix(o)),
  Equalization: fixed((o) => layers.equalization([0, 1], o), { without: { 'half floats': 'tones that were apart fall together' } }),
  MaxNumBoundingBoxes: fixed((o) => layers.maxNumBoundingBoxes(3, o), { passesMask: true }),
  MixUp: image((o) => layers.mixUp(0.4, o)),
  RandAugment: image((o) => layers.randAugment([0, 1], o), { known: [-1], seedGenerators: 10 }),
  RandomBrightness: image((o) => layers.randomBrightness(0.2, { valueRange: RANGE, ...o })),
  RandomColorDegeneration: image((o) => layers.randomColorDegeneration(0.5, RANGE, o), { known: [-1] }),
  RandomColorJitter: image((o) => layers.randomColorJitter(RANGE, 0.2, 0.3, { saturationFactor: [0.4, 0.6], hueFactor: 0.1, ...o }), {
    known: [-1],
    seedGenerators: 5,
  }),
  RandomContrast: image((o) => layers.randomContrast(0.3, RANGE, o)),
  RandomCrop: image((o) => layers.randomCrop(4, 3, o), { output: [2, 4, 3, 3] }),
  RandomElasticTransform: image((o) => layers.randomElasticTransform(1, 1, { valueRange: RANGE, ...o })),
  RandomErasing: image((o) => layers.randomErasing(1, { valueRange: RANGE, ...o })),
  RandomFlip: image((o) => layers.randomFlip('horizontal', o)),
  RandomGaussianBlur: image((o) => layers.randomGaussianBlur(1, 3, 1, RANGE, o)),
  RandomGrayscale: image((o) => layers.randomGrayscale(0.5, o), { known: [-1] }),
  RandomHue: image((o) => layers.randomHue(0.3, RANGE, o), { known: [-1] }),
  RandomInvert: image((o) => layers.randomInvert(0.5, RANGE, o)),
  RandomPerspective: image((o) => layers.randomPerspective(1, 0.3, o)),
  RandomPosterization: image((o) => layers.randomPosterization(4, RANGE, o)),
  RandomRotation: image((o) => layers.randomRotation(0.2, o)),
  RandomSaturation: image((o) => layers.randomSaturation([0.4, 0.6], RANGE, o), { known: [-1] }),
  RandomSharpness: image((o) => layers.randomSharpness(0.5, RANGE, o)),
  RandomShear: image((o) => layers.randomShear(0.3, 0.2, o)),
  RandomTranslation: image((o) => layers.randomTranslation(0.2, 0.2, o)),
  RandomZoom: image((o) => layers.randomZoom(0.3, o)),
  Resizing: fixed((o) => layers.resizing(4, 3, o), { output: [2, 4, 3, 3] }),
  Solarization: image((o) => layers.solarization(0.1, 0.4, RANGE, o)),
}
