/** Pooling steps → tasks over channels-last float32. */
import { BackendError } from '../../../../core/errors.js'
import type { KernelStep, View } from '../../../../engine/plan.js'
import type { PoolSpec } from '../../../../engine/primitives.js'
import { MOST_TAPS, PLACES } from '../../kernels/places.js'
import { pooling } from '../../kernels/pool.js'
import type { Pointer } from '../../runtime/record.js'
import type { Builder } from '../builder.js'
import { at, channelsLast, imagesOf, intoLayout, mapTriple, product, type Tap, triple, triplesBelow, windowWords } from './geometry.js'
import { inDType, intoDType } from './operands.js'

interface PoolTask {
  readonly kernel: string
  /** Shape of the side that windows look at, in the spec's layout. */
  readonly shape: readonly number[]
  readonly pooledShape: readonly number[]
  readonly x: Pointer
  readonly y: Pointer
  readonly positions: Pointer | 0
  readonly perImage: boolean
}

function addPool(builder: Builder, spec: PoolSpec, { kernel, shape, pooledShape, x, y, positions, perImage }: PoolTask): void {
  const images = imagesOf(shape, spec.layout)
  const pooled = imagesOf(pooledShape, spec.layout)
  const low = triple(
    spec.padding.map(([before]) => before),
    0,
  )
  const window = triple(spec.window, 1)
  const taps: Tap[] = triplesBelow(window).map((tap, index) => ({ index, offset: mapTriple((axis) => at(tap, axis) - at(low, axis)) }))
  if (taps.length > MOST_TAPS) {
    throw new BackendError({
      where: builder.scope,
      problem: `a pooling window of ${taps.length} places is more than the wasm backend can list`,
      hint: 'reduce over the axes instead',
    })
  }
  const sight = {
    x,
    images,
    channels: images.channels,
    pixel: 4 * images.channels,
    places: pooled.size,
    step: triple(spec.strides, 1),
    taps,
  }
  // A tap outside must be told from one inside, so here it "sees" address 0.
  const windows = windowWords(builder, sight, 0)
  const places = product(pooled.size)
  const imageBytes = 4 * product(images.size) * images.channels
  const words = PLACES.pack({
    y,
    side: positions,
    bias: 0,
    relu: 0,
    placesPerImage: places,
    imageBytes,
    places: 0,
    partLength: 0,
    partBytes: 0,
  })
  const elements = images.count * places * images.channels
  const share = { count: perImage ? images.count : images.count * places, work: elements * (1 + 0.6 * taps.length) }
  if (images.channels > 0) builder.task(builder.runtime.kernels.get(pooling, kernel), [...words, ...windows], share)
}

function positionsOf(builder: Builder, view: View, layout: PoolSpec['layout']): { readonly type: string; readonly start: Pointer } {
  return { type: builder.dtypeOf(view.buffer), start: builder.start(channelsLast(builder, view, layout)) }
}

export function lowerMaxPool(builder: Builder, step: KernelStep<'maxPool'>): void {
  const { layout } = step.attributes
  const [input] = step.inputs as readonly [View]
  const [output, positions] = step.outputs as readonly [View, View | undefined]
  const x = builder.start(channelsLast(builder, inDType(builder, input, 'float32'), layout))
  const run = (kernel: string, y: View, at: View | undefined): void =>
    addPool(builder, step.attributes, {
      kernel,
      shape: input.shape,
      pooledShape: output.shape,
      x,
      y: builder.start(y),
      positions: at === undefined ? 0 : builder.start(at),
      perImage: false,
    })
  intoDType(builder, output, 'float32', (converted) => {
    intoLayout(builder, converted, layout, (y) => {
      if (positions === undefined) run('maxPool', y, undefined)
      else intoLayout(builder, positions, layout, (places) => run(`maxPool-${builder.dtypeOf(positions.buffer)}`, y, places))
    })
  })
}

export function lowerMaxPoolGather(builder: Builder, step: KernelStep<'maxPoolGather'>): void {
  const { layout } = step.attributes
  const [input, positionView] = step.inputs as readonly [View, View]
  const [output] = step.outputs as readonly [View]
  const x = builder.start(channelsLast(builder, inDType(builder, input, 'float32'), layout))
  const positions = positionsOf(builder, positionView, layout)
  intoDType(builder, output, 'float32', (converted) => {
    intoLayout(builder, converted, layout, (y) => {
      const kernel = `maxPoolGather-${positions.type}`
      addPool(builder, step.attributes, {
        kernel,
        shape: input.shape,
        pooledShape: output.shape,
        x,
        y: builder.start(y),
        positions: positions.start,
        perImage: false,
      })
    })
  })
}

export function lowerMaxPoolGrad(builder: Builder, step: KernelStep<'maxPoolGrad'>): void {
  const { layout } = step.attributes
  const [input, positionView] = step.inputs as readonly [View, View]
  const [output] = step.outputs as readonly [View]
  const dy = builder.start(channelsLast(builder, inDType(builder, input, 'float32'), layout))
  const positions = positionsOf(builder, positionView, layout)
  intoDType(builder, output, 'float32', (converted) => {
    intoLayout(builder, converted, layout, (dx) => {
      const kernel = `maxPoolGrad-${positions.type}`
      addPool(builder, step.attributes, {
        kernel,
        shape: output.shape,
        pooledShape: input.shape,
        x: builder.start(dx),
        y: dy,
        positions: positions.start,
        perImage: true,
      })
    })
  })
}

export function lowerAvgPool(builder: Builder, step: KernelStep<'avgPool'>): void {
  const { layout } = step.attributes
  const [input] = step.inputs as readonly [View]
  const [output] = step.outputs as readonly [View]
  const x = builder.start(channelsLast(builder, inDType(builder, input, 'float32'), layout))
  intoDType(builder, output, 'float32', (converted) => {
    intoLayout(builder, converted, layout, (y) => {
      addPool(builder, step.attributes, {
        kernel: 'avgPool',
        shape: input.shape,
        pooledShape: output.shape,
        x,
        y: builder.start(y),
        positions: 0,
        perImage: false,
      })
    })
  })
}

export function lowerAvgPoolGrad(builder: Builder, step: KernelStep<'avgPoolGrad'>): void {
  const { layout } = step.attributes
  const [input] = step.inputs as readonly [View]
  const [output] = step.outputs as readonly [View]
  const dy = builder.start(channelsLast(builder, inDType(builder, input, 'float32'), layout))
  intoDType(builder, output, 'float32', (converted) => {
    intoLayout(builder, converted, layout, (dx) => {
      addPool(builder, step.attributes, {
        kernel: 'avgPoolGrad',
        shape: output.shape,
        pooledShape: input.shape,
        x: builder.start(dx),
        y: dy,
        positions: 0,
        perImage: true,
      })
    })
  })
}
