/** Convolutions of each channel by itself: weights (taps, channels), in `side`. */
import { f32x4, i32, type Value } from '../assembler/index.js'
import type { Features } from '../runtime/features.js'
import type { KernelFamily } from './family.js'
import { loadLanes, storeLanes } from './lanes.js'
import { type AtPlace, definePerImage, definePerPart, definePerPlace, eachPixel, PLACES, type PlaceContext } from './places.js'

type Vector = Value<'v128'>
type MultiplyAdd = (sum: Vector, a: Vector, b: Vector) => Vector

const multiplyAddOf = ({ relaxed }: Features): MultiplyAdd =>
  relaxed ? (sum, a, b) => f32x4.relaxedMadd(a, b, sum) : (sum, a, b) => f32x4.add(sum, f32x4.mul(a, b))

/** Address of these channels' weights of a tap. */
const weightAddress = ({ side, channel, channels }: PlaceContext, tap: Value<'i32'>): Value<'i32'> =>
  i32.add(side, i32.shl(i32.add(i32.mul(tap, channels), channel), 2))

const forward =
  (multiplyAdd: MultiplyAdd): AtPlace =>
  (context) => {
    const { f, args, lanes, y, channel } = context
    const sum = f.let(f32x4.splat(0))
    eachPixel(context, (pixel, tap) => {
      f.set(sum, multiplyAdd(sum, loadLanes(pixel, lanes), loadLanes(weightAddress(context, tap), lanes)))
    })
    const bias = f.let(PLACES.load(args, 'bias'))
    f.if(bias, () => f.set(sum, f32x4.add(sum, loadLanes(i32.add(bias, i32.shl(channel, 2)), lanes))))
    f.if(PLACES.load(args, 'relu'), () => f.set(sum, f32x4.pmax(sum, 0)))
    storeLanes(f, y, sum, lanes)
  }

const inputGrad =
  (multiplyAdd: MultiplyAdd): AtPlace =>
  (context) => {
    const { f, lanes, y } = context
    const gradient = f.let(loadLanes(y, lanes))
    eachPixel(context, (pixel, tap) => {
      storeLanes(f, pixel, multiplyAdd(loadLanes(pixel, lanes), gradient, loadLanes(weightAddress(context, tap), lanes)), lanes)
    })
  }

const kernelGrad =
  (multiplyAdd: MultiplyAdd): AtPlace =>
  (context) => {
    const { f, lanes, y } = context
    const gradient = f.let(loadLanes(y, lanes))
    eachPixel(context, (pixel, tap) => {
      const weight = f.let(weightAddress(context, tap))
      storeLanes(f, weight, multiplyAdd(loadLanes(weight, lanes), gradient, loadLanes(pixel, lanes)), lanes)
    })
  }

export const depthwise: KernelFamily = {
  emit(module, features) {
    const multiplyAdd = multiplyAddOf(features)
    definePerPlace(module, 'forward', forward(multiplyAdd))
    definePerImage(module, 'inputGrad', inputGrad(multiplyAdd))
    definePerPart(module, 'kernelGrad', kernelGrad(multiplyAdd))
  },
}
