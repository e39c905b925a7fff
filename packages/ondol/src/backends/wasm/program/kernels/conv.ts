/**
 * Convolutions → packed products. Forward: windows of x times the kernel. Input gradient: for each residue of the
 * strides, windows of dy times the kernel's turned taps. Kernel gradient: turned windows of x times dy.
 */
import type { KernelStep, View } from '../../../../engine/plan.js'
import type { ConvSpec } from '../../../../engine/primitives.js'
import { TILE_COLUMNS } from '../../kernels/gemm/arithmetic.js'
import { MATRIX_SOURCE } from '../../kernels/gemm/matrix-source.js'
import type { Pointer, Word } from '../../runtime/record.js'
import type { Builder } from '../builder.js'
import { addDepthwiseForward, addDepthwiseInputGrad, addDepthwiseKernelGrad } from './depthwise.js'
import { addProduct, type GemmDType, type Product, packPanels } from './gemm.js'
import {
  at,
  channelsLast,
  type Images,
  imagesOf,
  intoLayout,
  mapTriple,
  product,
  type Sight,
  type Tap,
  type Triple,
  triple,
  triplesBelow,
  windowWords,
} from './geometry.js'
import { partsOf } from './matmul.js'
import { computeDType, copy, denseView, fill, inDType, intoDType, scratchView, sumParts } from './operands.js'

/** A convolution's sizes; channels-last, three spatial axes. */
interface Geometry {
  readonly input: Images
  readonly output: Images
  readonly kernel: Triple
  readonly strides: Triple
  readonly low: Triple
  readonly dilation: Triple
  readonly groups: number
  /** Channels of a group. */
  readonly inputs: number
  readonly outputs: number
  /** A product of pixels and weights, no windows needed. */
  readonly isPointwise: boolean
}

function geometryOf(spec: ConvSpec, input: Images, kernelShape: readonly number[], output: Images): Geometry {
  const kernel = triple(kernelShape.slice(0, -2), 1)
  const strides = triple(spec.strides, 1)
  const low = triple(
    spec.padding.map(([before]) => before),
    0,
  )
  const sameSize = input.size.every((size, axis) => size === at(output.size, axis))
  const isPointwise = product(kernel) === 1 && product(strides) === 1 && low.every((before) => before === 0) && sameSize
  const dilation = triple(spec.dilation, 1)
  return {
    input,
    output,
    kernel,
    strides,
    low,
    dilation,
    groups: spec.groups,
    inputs: input.channels / spec.groups,
    outputs: output.channels / spec.groups,
    isPointwise,
  }
}

const FLOAT_BYTES = 4

const shifted = ({ slot, offset }: Pointer, elements: number): Pointer => ({ slot, offset: offset + FLOAT_BYTES * elements })

type Source = Pick<Product, 'kernel' | 'source'>

/** A = the pixels themselves, or their transpose. */
function pixelSource(start: Pointer, channels: number, isTurned: boolean): Source {
  const pixel = FLOAT_BYTES * channels
  const words: Word[] = MATRIX_SOURCE.pack({ a: start, row: isTurned ? 4 : pixel, column: isTurned ? pixel : 4, batch: 0 })
  return { kernel: 'gemm', source: words }
}

/** Taps of the forward convolution. */
const forwardTaps = ({ kernel, dilation, low }: Geometry): Tap[] =>
  triplesBelow(kernel).map((tap, index) => ({ index, offset: mapTriple((axis) => at(tap, axis) * at(dilation, axis) - at(low, axis)) }))

function forwardSight({ input, output, inputs, strides }: Geometry, x: Pointer, taps: readonly Tap[]): Sight {
  return { x, images: input, channels: inputs, pixel: FLOAT_BYTES * input.channels, places: output.size, step: strides, taps }
}

/** One channel in, one out, in each group. */
const isDepthwise = ({ groups, inputs, outputs }: Geometry, dtype: GemmDType): boolean =>
  groups > 1 && inputs === 1 && outputs === 1 && dtype === 'float32'

/** All channels at once, for depthwise kernels. */
const wholeSight = (geometry: Geometry, x: Pointer): Sight => ({
  ...forwardSight(geometry, x, forwardTaps(geometry)),
  channels: geometry.input.channels,
})

const forEachGroup = ({ groups }: Geometry, run: (group: number) => void): void => {
  for (let group = 0; group < groups; group++) run(group)
}

export function lowerConv(builder: Builder, step: KernelStep<'conv'>): void {
  const { attributes: spec } = step
  const [first, second, third] = step.inputs as readonly [View, View, View | undefined]
  const [output] = step.outputs as readonly [View]
  const dtype = computeDType(builder.dtypeOf(first.buffer))
  const geometry = geometryOf(spec, imagesOf(first.shape, spec.layout), second.shape, imagesOf(output.shape, spec.layout))
  const x = builder.start(channelsLast(builder, inDType(builder, first, dtype), spec.layout))
  const kernel = builder.start(inDType(builder, second, dtype))
  const bias = spec.bias && third !== undefined ? builder.start(inDType(builder, third, dtype)) : undefined
  intoDType(builder, output, dtype, (converted) => {
    intoLayout(builder, converted, spec.layout, (target) => {
      const y = builder.start(target)
      const { inputs, outputs, isPointwise } = geometry
      const relu = spec.activation === 'relu'
      if (isDepthwise(geometry, dtype)) {
        addDepthwiseForward(builder, { sight: wholeSight(geometry, x), y, weights: kernel, bias, relu })
        return
      }
      const taps = forwardTaps(geometry)
      forEachGroup(geometry, (group) => {
        const from = shifted(x, group * inputs)
        const source: Source = isPointwise
          ? pixelSource(from, geometry.input.channels, false)
          : { kernel: 'windowGemm', source: windowWords(builder, forwardSight(geometry, from, taps)) }
        const row = FLOAT_BYTES * geometry.output.channels
        const rows = taps.length * inputs
        addProduct(builder, {
          ...source,
          dtype,
          b: packPanels(builder, dtype, {
            start: shifted(kernel, group * outputs),
            row,
            column: 4,
            batch: 0,
            batches: 1,
            offsets: [0],
            inner: rows,
            n: outputs,
          }),
          m: geometry.output.count * product(geometry.output.size),
          n: outputs,
          k: rows,
          batches: 1,
          c: shifted(y, group * outputs),
          cRow: row,
          cBatch: 0,
          bias: bias && shifted(bias, group * outputs),
          relu,
        })
      })
    })
  })
}

export function lowerConvInputGrad(builder: Builder, step: KernelStep<'convInputGrad'>): void {
  const { attributes: spec } = step
  const [first, second] = step.inputs as readonly [View, View]
  const [output] = step.outputs as readonly [View]
  const dtype = computeDType(builder.dtypeOf(first.buffer))
  const geometry = geometryOf(spec, imagesOf(output.shape, spec.layout), second.shape, imagesOf(first.shape, spec.layout))
  const dy = builder.start(channelsLast(builder, inDType(builder, first, dtype), spec.layout))
  const kernel = builder.start(inDType(builder, second, dtype))
  intoDType(builder, output, dtype, (converted) => {
    intoLayout(builder, converted, spec.layout, (target) => {
      if (isDepthwise(geometry, dtype)) {
        addDepthwiseInputGrad(builder, { sight: wholeSight(geometry, builder.start(target)), y: dy, weights: kernel })
        return
      }
      for (const residue of triplesBelow(geometry.strides)) addResidue(builder, dtype, geometry, residue, dy, kernel, target)
    })
  })
}

/** Taps that reach input coordinates of a residue modulo the strides, as distances in dy. */
function residueTaps({ kernel, strides, low, dilation }: Geometry, residue: Triple): Tap[] {
  return triplesBelow(kernel).flatMap((tap, index) => {
    const reach = mapTriple((axis) => at(residue, axis) + at(low, axis) - at(tap, axis) * at(dilation, axis))
    if (reach.some((distance, axis) => distance % at(strides, axis) !== 0)) return []
    return [{ index, offset: mapTriple((axis) => at(reach, axis) / at(strides, axis)) }]
  })
}

/** Gradients of the input pixels whose coordinates have one residue modulo the strides. */
function addResidue(
  builder: Builder,
  dtype: GemmDType,
  geometry: Geometry,
  residue: Triple,
  dy: Pointer,
  kernel: Pointer,
  target: View,
): void {
  const { input, output, strides, inputs, outputs, isPointwise } = geometry
  const places = mapTriple((axis) => Math.max(0, Math.ceil((at(input.size, axis) - at(residue, axis)) / at(strides, axis))))
  if (product(places) === 0) return
  const taps = residueTaps(geometry, residue)
  const whole = denseView(target.buffer, [input.count, ...input.size, input.channels], target.offset)
  const part: View = {
    buffer: whole.buffer,
    offset: whole.offset + residue.reduce((sum, at, axis) => sum + at * (whole.strides[axis + 1] as number), 0),
    shape: [input.count, ...places, input.channels],
    strides: whole.strides.map((stride, axis) => (axis >= 1 && axis <= 3 ? stride * at(strides, axis - 1) : stride)),
  }
  if (taps.length === 0) {
    fill(builder, part, 0)
    return
  }
  const isWhole = product(strides) === 1
  const result = isWhole ? whole : scratchView(builder, dtype, part.shape)
  const rowBytes = FLOAT_BYTES * output.channels
  forEachGroup(geometry, (group) => {
    const from = shifted(dy, group * outputs)
    const sight: Sight = { x: from, images: output, channels: outputs, pixel: rowBytes, places, step: [1, 1, 1], taps }
    const source: Source = isPointwise
      ? pixelSource(from, output.channels, false)
      : { kernel: 'windowGemm', source: windowWords(builder, sight) }
    const offsets = taps.map(({ index }) => index * inputs * rowBytes)
    addProduct(builder, {
      ...source,
      dtype,
      b: packPanels(builder, dtype, {
        start: shifted(kernel, group * outputs),
        row: 4,
        column: rowBytes,
        batch: 0,
        batches: 1,
        offsets,
        inner: outputs,
        n: inputs,
      }),
      m: input.count * product(places),
      n: inputs,
      k: taps.length * outputs,
      batches: 1,
      c: shifted(builder.start(result), group * inputs),
      cRow: FLOAT_BYTES * input.channels,
      cBatch: 0,
    })
  })
  if (!isWhole) copy(builder, result, part)
}

/** Up to so many columns, rows of dy are used as they lie. */
const NARROW = 64

export function lowerConvKernelGrad(builder: Builder, step: KernelStep<'convKernelGrad'>): void {
  const { attributes: spec } = step
  const [first, second] = step.inputs as readonly [View, View]
  const [output] = step.outputs as readonly [View]
  const dtype = computeDType(builder.dtypeOf(first.buffer))
  const geometry = geometryOf(spec, imagesOf(first.shape, spec.layout), output.shape, imagesOf(second.shape, spec.layout))
  const x = builder.start(channelsLast(builder, inDType(builder, first, dtype), spec.layout))
  const dy = builder.start(channelsLast(builder, inDType(builder, second, dtype), spec.layout))
  intoDType(builder, output, dtype, (target) => {
    if (isDepthwise(geometry, dtype)) {
      addDepthwiseKernelGrad(builder, wholeSight(geometry, x), dy, target)
      return
    }
    const { inputs, outputs, isPointwise } = geometry
    const taps = forwardTaps(geometry)
    const m = taps.length * inputs
    const k = geometry.output.count * product(geometry.output.size)
    const size = m * geometry.output.channels
    const parts = partsOf(m, geometry.output.channels, k)
    const result = parts === 1 ? target : scratchView(builder, dtype, [parts, size])
    const row = FLOAT_BYTES * geometry.output.channels
    forEachGroup(geometry, (group) => {
      const from = shifted(x, group * inputs)
      const start = shifted(dy, group * outputs)
      const source: Source = isPointwise
        ? pixelSource(from, geometry.input.channels, true)
        : { kernel: 'turnedWindowGemm', source: windowWords(builder, forwardSight(geometry, from, taps)) }
      const b =
        outputs <= NARROW
          ? { start, batch: 0, panel: 4 * TILE_COLUMNS, step: row }
          : packPanels(builder, dtype, { start, row, column: 4, batch: 0, batches: 1, offsets: [0], inner: k, n: outputs })
      const c = shifted(builder.start(result), group * outputs)
      addProduct(builder, {
        ...source,
        dtype,
        b,
        m,
        n: outputs,
        k,
        batches: 1,
        c,
        cRow: row,
        cBatch: 0,
        ...(parts > 1 && { parts: { count: parts, bytes: FLOAT_BYTES * size } }),
      })
    })
    if (parts > 1) sumParts(builder, result, denseView(target.buffer, [size], target.offset))
  })
}
