/**
 * Products that sum: `dot` and the three convolutions. A convolution and its two gradients sum the
 * same triples (element of x, of the kernel, of y) into a different one of the three, so one
 * enumeration of the triples serves them all.
 */
import { isFloat, writeElement } from '../../core/dtype.js'
import { rowMajorStrides, type Shape } from '../../core/shape.js'
import { type ConvSpec, layoutAxes } from '../../engine/primitives.js'
import { type HostArray, numbersOf, offsetsOver } from './array.js'
import { scalarOf } from './elementwise.js'
import type { HostKernels } from './kernel.js'

/** Sums of products for every element of `output`: floats in float64, integers wrapping. */
function makeTotals(output: HostArray): { add(at: number, left: number, right: number): void; store(): void } {
  const plus = scalarOf('add', isFloat(output.dtype))
  const times = scalarOf('mul', isFloat(output.dtype))
  const totals = new Float64Array(output.storage.length)
  return {
    add: (at, left, right) => {
      totals[at] = plus(totals[at] as number, times(left, right))
    },
    store: () => totals.forEach((total, i) => writeElement(output.dtype, output.storage, i, total)),
  }
}

type Visit = (x: number, kernel: number, y: number) => void

/** Visits the offsets of every triple x·kernel → y of a convolution. */
function forEachTriple(spec: ConvSpec, xShape: Shape, kernelShape: Shape, yShape: Shape, visit: Visit): void {
  const { channel, spatial } = layoutAxes(spec.layout, xShape.length)
  const xStrides = rowMajorStrides(xShape)
  const yStrides = rowMajorStrides(yShape)
  const kernelStrides = rowMajorStrides(kernelShape)
  const rank = spatial.length
  const inputChannels = kernelShape[rank] as number
  const outputChannels = (kernelShape[rank + 1] as number) / spec.groups

  /** One triple of places: every image, group and pair of channels takes part. */
  const visitChannels: Visit = (x, kernel, y) => {
    for (let image = 0; image < (xShape[0] as number); image++) {
      for (let group = 0; group < spec.groups; group++) {
        for (let input = 0; input < inputChannels; input++) {
          for (let output = 0; output < outputChannels; output++) {
            const outputChannel = group * outputChannels + output
            visit(
              x + image * (xStrides[0] as number) + (group * inputChannels + input) * (xStrides[channel] as number),
              kernel + input * (kernelStrides[rank] as number) + outputChannel,
              y + image * (yStrides[0] as number) + outputChannel * (yStrides[channel] as number),
            )
          }
        }
      }
    }
  }

  const visitPlaces = (depth: number, x: number, kernel: number, y: number): void => {
    if (depth === rank) {
      visitChannels(x, kernel, y)
      return
    }
    const axis = spatial[depth] as number
    const [low] = spec.padding[depth] as readonly [number, number]
    for (let place = 0; place < (yShape[axis] as number); place++) {
      for (let tap = 0; tap < (kernelShape[depth] as number); tap++) {
        const source = place * (spec.strides[depth] as number) + tap * (spec.dilation[depth] as number) - low
        if (source < 0 || source >= (xShape[axis] as number)) continue
        visitPlaces(
          depth + 1,
          x + source * (xStrides[axis] as number),
          kernel + tap * (kernelStrides[depth] as number),
          y + place * (yStrides[axis] as number),
        )
      }
    }
  }
  visitPlaces(0, 0, 0, 0)
}

export const contractionKernels: HostKernels<'dot' | 'conv' | 'convInputGrad' | 'convKernelGrad'> = {
  dot: ({ batchA, batchB, contractA, contractB }, [a, b], [output]) => {
    const free = (shape: Shape, used: readonly number[]): number[] => shape.map((_, axis) => axis).filter((axis) => !used.includes(axis))
    const batches = offsetsOver(b.shape, batchB)
    const rows = offsetsOver(a.shape, free(a.shape, [...batchA, ...contractA]))
    const columns = offsetsOver(b.shape, free(b.shape, [...batchB, ...contractB]))
    const termsA = offsetsOver(a.shape, contractA)
    const termsB = offsetsOver(b.shape, contractB)
    const left = numbersOf(a)
    const right = numbersOf(b)
    const totals = makeTotals(output)
    let at = 0
    offsetsOver(a.shape, batchA).forEach((batch, i) => {
      for (const row of rows) {
        for (const column of columns) {
          termsA.forEach((term, k) => {
            totals.add(at, left[batch + row + term] as number, right[(batches[i] as number) + column + (termsB[k] as number)] as number)
          })
          at++
        }
      }
    })
    totals.store()
  },

  conv: (spec, [x, kernel], [y]) => {
    const left = numbersOf(x)
    const right = numbersOf(kernel)
    const totals = makeTotals(y)
    forEachTriple(spec, x.shape, kernel.shape, y.shape, (inX, inKernel, inY) =>
      totals.add(inY, left[inX] as number, right[inKernel] as number),
    )
    totals.store()
  },

  convInputGrad: (spec, [dy, kernel], [dx]) => {
    const left = numbersOf(dy)
    const right = numbersOf(kernel)
    const totals = makeTotals(dx)
    forEachTriple(spec, dx.shape, kernel.shape, dy.shape, (inX, inKernel, inY) =>
      totals.add(inX, left[inY] as number, right[inKernel] as number),
    )
    totals.store()
  },

  convKernelGrad: (spec, [x, dy], [dkernel]) => {
    const left = numbersOf(x)
    const right = numbersOf(dy)
    const totals = makeTotals(dkernel)
    forEachTriple(spec, x.shape, dkernel.shape, dy.shape, (inX, inKernel, inY) =>
      totals.add(inKernel, left[inX] as number, right[inY] as number),
    )
    totals.store()
  },
}
