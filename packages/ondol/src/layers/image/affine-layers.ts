/** Images turned, zoomed, moved and sheared by chance. Follow Keras's layers of these names. */
import type { Tensor } from '../../engine/index.js'
import * as ops from '../../ops/index.js'
import * as random from '../../random/index.js'
import type { ConfigTable } from '../config-table.js'
import { type Arguments, readArguments } from './arguments.js'
import { affineTransform, type BoundingBoxes, clipToImageSize, convertFormat } from './boxes.js'
import { boundedFactor, type Factor, factorWithin, type Range } from './factors.js'
import { GeometricLayer, type GeometricOptions, type Sized, transforms } from './geometric.js'

const { add, subtract, multiply, divide } = ops

const column = (x: Tensor, i: number): Tensor => (ops.split(x, x.shape[1] as number, { axis: 1 }) as unknown as Tensor[])[i] as Tensor
/** (batch, 1) → (batch, 1, 1): one number for the boxes of each image. */
const perBoxes = (x: Tensor): Tensor => ops.reshape(ops.cast(x, 'float32'), [-1, 1, 1])

interface Rotation extends Sized {
  /** In degrees, (batch,). */
  readonly angle: Tensor
  /** (batch, 8). */
  readonly rotationMatrix: Tensor
  readonly imageHeight: number
  readonly imageWidth: number
  readonly batchSize: number
}

/** Turns images around their middle by an angle from `factor`, in full turns: 0.2 means from -72 to 72 degrees. */
export class RandomRotation extends GeometricLayer<Rotation> {
  static override readonly className: string = 'RandomRotation'
  static override readonly positional: readonly string[] = ['factor']
  static override readonly configTable: ConfigTable = { factor: 'value', ...GeometricLayer.configTable }
  readonly factor: Range

  constructor(...args: Arguments<[factor: Factor], [], GeometricOptions>) {
    const { factor, ...options } = readArguments<GeometricOptions & { factor: Factor }>(args, RandomRotation.positional)
    super(options)
    this.factor = boundedFactor(factor, [-1, 1], 'factor', this.name)
  }

  protected override draw(images: Tensor, seed: random.Seed): Rotation {
    const { batch, height, width } = this.sizes(images)
    const [low, high] = this.factor
    const angle = random.uniform([batch], { minval: low * 360, maxval: high * 360, seed })
    const radians = multiply(angle, Math.PI / 180)
    const [cosine, sine] = [ops.cos(radians), ops.sin(radians)]
    const [x, y] = [(width - 1) / 2, (height - 1) / 2]
    const shiftX = subtract(x, subtract(multiply(x, cosine), multiply(y, sine)))
    const shiftY = subtract(y, add(multiply(x, sine), multiply(y, cosine)))
    const rotationMatrix = transforms(batch, [cosine, ops.negative(sine), shiftX, sine, cosine, shiftY])
    return { angle, rotationMatrix, imageHeight: height, imageWidth: width, batchSize: batch, inputShape: images.shape }
  }

  protected override move(images: Tensor, { rotationMatrix }: Rotation, interpolation: 'nearest' | 'bilinear'): Tensor {
    return this.affine(images, rotationMatrix, interpolation)
  }

  protected override moveBoxes(boxes: Tensor, { angle, inputShape }: Rotation): Tensor {
    const { height, width } = this.sizes({ shape: inputShape })
    const none = ops.zerosLike(angle)
    return affineTransform(boxes, angle, none, none, ops.onesLike(angle), none, none, height, width)
  }
}

interface Zoom extends Sized {
  /** How much of the image is seen: less than 1 zooms in. (batch, 1). */
  readonly heightZoom: Tensor
  readonly widthZoom: Tensor
}

export interface RandomZoomOptions extends GeometricOptions {
  /** Default: as the height, so that nothing is distorted. */
  readonly widthFactor?: Factor | null | undefined
}

/** Zooms out by `heightFactor` (0.2: up to 20% more is seen), or in where it is negative; each is in (-1, 1]. */
export class RandomZoom extends GeometricLayer<Zoom> {
  static override readonly className: string = 'RandomZoom'
  static override readonly positional: readonly string[] = ['heightFactor', 'widthFactor']
  static override readonly configTable: ConfigTable = { heightFactor: 'value', widthFactor: 'value', ...GeometricLayer.configTable }
  readonly heightFactor: Factor
  readonly widthFactor: Factor | null
  readonly #height: Range
  readonly #width: Range | null

  constructor(...args: Arguments<[heightFactor: Factor], [widthFactor: Factor | null], RandomZoomOptions>) {
    const given = readArguments<RandomZoomOptions & { heightFactor: Factor }>(args, RandomZoom.positional)
    const { heightFactor, widthFactor = null, ...options } = given
    super(options)
    const interval = { min: -1, max: 1, isOpen: true }
    this.heightFactor = heightFactor
    this.widthFactor = widthFactor
    this.#height = factorWithin(heightFactor, interval, 'heightFactor', this.name)
    this.#width = widthFactor === null ? null : factorWithin(widthFactor, interval, 'widthFactor', this.name)
  }

  protected override draw(images: Tensor, seed: random.Seed): Zoom {
    const shape = [this.sizes(images).batch, 1]
    const drawn = ([low, high]: Range): Tensor => random.uniform(shape, { minval: 1 + low, maxval: 1 + high, seed })
    const heightZoom = drawn(this.#height)
    return { heightZoom, widthZoom: this.#width === null ? heightZoom : drawn(this.#width), inputShape: images.shape }
  }

  /** Where the first pixel is taken from. */
  #offset(zoom: Tensor, size: number): Tensor {
    return multiply(subtract(1, zoom), (size - 1) / 2)
  }

  protected override move(images: Tensor, { heightZoom, widthZoom }: Zoom, interpolation: 'nearest' | 'bilinear'): Tensor {
    const { batch, height, width } = this.sizes(images)
    const columns = [widthZoom, 0, this.#offset(widthZoom, width), 0, heightZoom, this.#offset(heightZoom, height)]
    return this.affine(images, transforms(batch, columns), interpolation)
  }

  protected override moveBoxes(boxes: Tensor, { heightZoom, widthZoom, inputShape }: Zoom): Tensor {
    const { height, width } = this.sizes({ shape: inputShape })
    const seen = (zoom: Tensor, size: number): { start: Tensor; length: Tensor } => ({
      start: perBoxes(this.#offset(zoom, size)),
      length: perBoxes(multiply(zoom, size)),
    })
    const views = [seen(widthZoom, width), seen(heightZoom, height)] as const
    const numbers = ops.split(boxes, 4, { axis: -1 }) as unknown as Tensor[]
    const moved = numbers.map((x, i) => {
      const { start, length } = views[i % 2] as (typeof views)[0]
      const share = divide(subtract(ops.clip(x, start, add(start, length)), start), length)
      return multiply(share, i % 2 === 0 ? width : height)
    })
    return ops.concatenate(moved, { axis: -1 })
  }
}

interface Translation extends Sized {
  /** To the right and down, in pixels: (batch, 2). */
  readonly translations: Tensor
}

/** Moves images down by a share `heightFactor` of their height and to the right by `widthFactor`, each in [-1, 1]. */
export class RandomTranslation extends GeometricLayer<Translation> {
  static override readonly className: string = 'RandomTranslation'
  static override readonly positional: readonly string[] = ['heightFactor', 'widthFactor']
  static override readonly configTable: ConfigTable = { heightFactor: 'value', widthFactor: 'value', ...GeometricLayer.configTable }
  readonly heightFactor: Factor
  readonly widthFactor: Factor
  readonly #height: Range
  readonly #width: Range

  constructor(...args: Arguments<[heightFactor: Factor, widthFactor: Factor], [], GeometricOptions>) {
    const given = readArguments<GeometricOptions & { heightFactor: Factor; widthFactor: Factor }>(args, RandomTranslation.positional)
    const { heightFactor, widthFactor, ...options } = given
    super(options)
    const interval = { min: -1, max: 1 }
    this.heightFactor = heightFactor
    this.widthFactor = widthFactor
    this.#height = factorWithin(heightFactor, interval, 'heightFactor', this.name)
    this.#width = factorWithin(widthFactor, interval, 'widthFactor', this.name)
  }

  protected override draw(images: Tensor, seed: random.Seed): Translation {
    const { batch, height, width } = this.sizes(images)
    const drawn = ([minval, maxval]: Range, size: number): Tensor => multiply(random.uniform([batch, 1], { minval, maxval, seed }), size)
    const down = drawn(this.#height, height)
    return { translations: ops.concatenate([drawn(this.#width, width), down], { axis: 1 }), inputShape: images.shape }
  }

  protected override move(images: Tensor, { translations }: Translation, interpolation: 'nearest' | 'bilinear'): Tensor {
    const back = ops.negative(translations)
    const matrix = transforms(back.shape[0] as number, [1, 0, column(back, 0), 0, 1, column(back, 1)])
    return this.affine(images, matrix, interpolation)
  }

  protected override moveBoxes(boxes: Tensor, { translations }: Translation): Tensor {
    const shift = ops.concatenate([translations, translations], { axis: 1 })
    return add(boxes, ops.reshape(ops.cast(shift, 'float32'), [-1, 1, 4]))
  }
}

interface Shear extends Sized {
  /** Along x and y: (batch, 2). */
  readonly shearFactor: Tensor
}

export interface RandomShearOptions extends GeometricOptions {
  /** Strength along x, in [0, 1]. Default 0. */
  readonly xFactor?: Factor | undefined
  readonly yFactor?: Factor | undefined
}

/** Shears images: rows go to the side, the further the lower they are, and columns down. */
export class RandomShear extends GeometricLayer<Shear> {
  static override readonly className: string = 'RandomShear'
  static override readonly positional: readonly string[] = ['xFactor', 'yFactor']
  static override readonly configTable: ConfigTable = { xFactor: 'value', yFactor: 'value', ...GeometricLayer.configTable }
  readonly xFactor: Range
  readonly yFactor: Range

  constructor(...args: Arguments<[], [xFactor: Factor, yFactor: Factor], RandomShearOptions>) {
    const { xFactor = 0, yFactor = 0, ...options } = readArguments<RandomShearOptions>(args, RandomShear.positional)
    super(options)
    this.xFactor = shearRange(xFactor, 'xFactor', this.name)
    this.yFactor = shearRange(yFactor, 'yFactor', this.name)
  }

  protected override draw(images: Tensor, seed: random.Seed): Shear {
    const shape = [this.sizes(images).batch, 1]
    const direction = ops.where(ops.greater(random.uniform(shape, { seed }), 0.5), -1, 1)
    const drawn = ([minval, maxval]: Range): Tensor => random.uniform(shape, { minval, maxval, seed })
    const y = drawn(this.yFactor)
    const shearFactor = multiply(ops.concatenate([drawn(this.xFactor), y], { axis: 1 }), direction)
    return { shearFactor, inputShape: images.shape }
  }

  protected override move(images: Tensor, { shearFactor }: Shear, interpolation: 'nearest' | 'bilinear'): Tensor {
    const matrix = transforms(shearFactor.shape[0] as number, [1, column(shearFactor, 0), 0, column(shearFactor, 1), 1, 0])
    return this.affine(images, matrix, interpolation)
  }

  override transformBoundingBoxes(boundingBoxes: BoundingBoxes, transformation: Shear | null, training = true): BoundingBoxes {
    if (!training || transformation === null) return boundingBoxes
    const format = this.requireBoxFormat()
    const { height, width } = this.sizes({ shape: transformation.inputShape })
    // In shares of the image, as Keras has it.
    const found = convertFormat(boundingBoxes, format, 'rel_xyxy', { height, width })
    const moved = clipToImageSize({ ...found, boxes: this.moveBoxes(found.boxes, transformation) }, { boundingBoxFormat: 'rel_xyxy' })
    return convertFormat(moved, 'rel_xyxy', format, { height, width })
  }

  protected override moveBoxes(boxes: Tensor, { shearFactor }: Shear): Tensor {
    const [alongX, alongY] = [perBoxes(column(shearFactor, 0)), perBoxes(column(shearFactor, 1))]
    const [x1, y1, x2, y2] = ops.split(boxes, 4, { axis: -1 }) as unknown as [Tensor, Tensor, Tensor, Tensor]
    const slid = (x: Tensor, y: Tensor, factor: Tensor): Tensor => subtract(x, multiply(factor, y))
    const isLeft = ops.less(alongX, 0)
    const left = ops.where(isLeft, slid(x1, y1, alongX), slid(x1, y2, alongX))
    const right = ops.where(isLeft, slid(x2, y2, alongX), slid(x2, y1, alongX))
    const isDown = ops.greater(alongY, 0)
    const top = ops.where(isDown, slid(y1, right, alongY), slid(y1, left, alongY))
    const bottom = ops.where(isDown, slid(y2, left, alongY), slid(y2, right, alongY))
    return ops.concatenate([left, top, right, bottom], { axis: -1 })
  }
}

/** One number means [-number, number]; what a config says has been widened so already. */
function shearRange(factor: Factor, name: string, where: string): Range {
  if (typeof factor !== 'number' && factor[0] === -factor[1]) return factor
  return factorWithin(factor, { min: 0, max: 1 }, name, where)
}
