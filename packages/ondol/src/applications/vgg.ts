/** VGG: 3x3 convolutions in five blocks (Simonyan and Zisserman 2014, https://arxiv.org/abs/1409.1556). */
import * as layers from '../layers/index.js'
import { type Application, application, pooled, predictions } from './application.js'
import { type Block, chain } from './blocks.js'
import { type Hashes, kernelsFile } from './pretrained.js'

const WIDTHS = [64, 128, 256, 512, 512]

/** A VGG with so many convolutions in its blocks. */
export function vgg(label: string, convolutions: readonly number[], hashes: Hashes): Application {
  const name = label.toLowerCase()
  return application({
    where: label,
    name,
    size: 224,
    features: (images) =>
      chain(
        images,
        ...convolutions.flatMap((count, i): Block[] => [
          ...Array.from({ length: count }, (_, j) =>
            layers.conv2d(WIDTHS[i] as number, 3, { activation: 'relu', padding: 'same', name: `block${i + 1}_conv${j + 1}` }),
          ),
          layers.maxPooling2d(2, { strides: 2, name: `block${i + 1}_pool` }),
        ]),
      ),
    classifier: (features, settings) =>
      chain(
        features,
        layers.flatten({ name: 'flatten' }),
        layers.dense(4096, { activation: 'relu', name: 'fc1' }),
        layers.dense(4096, { activation: 'relu', name: 'fc2' }),
        predictions(settings),
      ),
    withoutTop: pooled(false),
    weights: ({ includeTop }) => kernelsFile(name, name, hashes, includeTop),
  })
}
