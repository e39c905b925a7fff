/**
 * Networks that see, with weights from ImageNet: `keras.applications`. Each family has its own `preprocessInput` and
 * `decodePredictions` in a namespace named after Keras's module.
 */
export type { Application, ApplicationOptions, ImageModel, Weights } from './application.js'
export * as convnext from './convnext.js'
export {
  ConvNeXtBase,
  ConvNeXtLarge,
  type ConvNeXtOptions,
  ConvNeXtSmall,
  ConvNeXtTiny,
  ConvNeXtXLarge,
} from './convnext.js'
export * as densenet from './densenet.js'
export { DenseNet121, DenseNet169, DenseNet201 } from './densenet.js'
export * as efficientnet from './efficientnet.js'
export {
  EfficientNetB0,
  EfficientNetB1,
  EfficientNetB2,
  EfficientNetB3,
  EfficientNetB4,
  EfficientNetB5,
  EfficientNetB6,
  EfficientNetB7,
} from './efficientnet.js'
export * as efficientnetV2 from './efficientnet-v2.js'
export {
  EfficientNetV2B0,
  EfficientNetV2B1,
  EfficientNetV2B2,
  EfficientNetV2B3,
  EfficientNetV2L,
  EfficientNetV2M,
  type EfficientNetV2Options,
  EfficientNetV2S,
} from './efficientnet-v2.js'
export type { DecodeOptions, Prediction, PreprocessInput, PreprocessingMode, PreprocessOptions } from './imagenet-utils.js'
export * as imagenetUtils from './imagenet-utils.js'
export * as inceptionResnetV2 from './inception-resnet-v2.js'
export { InceptionResNetV2 } from './inception-resnet-v2.js'
export * as inceptionV3 from './inception-v3.js'
export { InceptionV3 } from './inception-v3.js'
export * as mobilenet from './mobilenet.js'
export { MobileNet, type MobileNetOptions } from './mobilenet.js'
export * as mobilenetV2 from './mobilenet-v2.js'
export { MobileNetV2, type MobileNetV2Options } from './mobilenet-v2.js'
export * as mobilenetV3 from './mobilenet-v3.js'
export { MobileNetV3Large, type MobileNetV3Options, MobileNetV3Small } from './mobilenet-v3.js'
export * as nasnet from './nasnet.js'
export { NASNetLarge, NASNetMobile } from './nasnet.js'
export * as resnet from './resnet.js'
export * as resnet50 from './resnet.js'
export { ResNet50, ResNet101, ResNet152 } from './resnet.js'
export * as resnetV2 from './resnet-v2.js'
export { ResNet50V2, ResNet101V2, ResNet152V2 } from './resnet-v2.js'
export * as vgg16 from './vgg16.js'
export { VGG16 } from './vgg16.js'
export * as vgg19 from './vgg19.js'
export { VGG19 } from './vgg19.js'
export * as xception from './xception.js'
export { Xception } from './xception.js'
