/** Pooling. Positions are the taps' numbers, as uint8 or int32. */
import { f32x4, i32, i32x4, type Local, v128 } from '../assembler/index.js'
import { loadFour, loadSplat, storeFour, storeOne } from '../codegen/access.js'
import type { KernelFamily } from './family.js'
import { loadLanes, storeLanes } from './lanes.js'
import { type AtPlace, definePerImage, definePerPlace, eachPixel, type PlaceContext } from './places.js'

type PositionType = 'uint8' | 'int32'

const positionAddress = ({ f, side, element }: PlaceContext, type: PositionType): Local<'i32'> =>
  f.let(i32.add(side, type === 'int32' ? i32.shl(element, 2) : element))

function loadPositions(context: PlaceContext, type: PositionType): Local<'v128'> {
  const { f, lanes } = context
  const address = positionAddress(context, type)
  return f.let(lanes === 4 ? loadFour(f, type, address, 0) : loadSplat(f, type, address))
}

const maxPool =
  (type: PositionType | null): AtPlace =>
  (context) => {
    const { f, lanes, y } = context
    const best = f.let(f32x4.splat(Number.NEGATIVE_INFINITY))
    const position = f.let(i32x4.splat(0))
    const isFirst = f.let(i32x4.splat(-1))
    const value = f.local('v128')
    const beats = f.local('v128')
    eachPixel(context, (pixel, tap) => {
      f.set(value, loadLanes(pixel, lanes))
      // Greater, or the first NaN; and whatever comes first.
      f.set(beats, v128.or(v128.andnot(f32x4.eq(best, best), f32x4.le(value, best)), isFirst))
      f.set(best, v128.bitselect(value, best, beats))
      f.set(position, v128.bitselect(i32x4.splat(tap), position, beats))
      f.set(isFirst, i32x4.splat(0))
    })
    storeLanes(f, y, best, lanes)
    if (type === null) return
    const stored = { value: position, type: 'i32' } as const
    const positions = positionAddress(context, type)
    if (lanes === 4) storeFour(f, type, positions, stored, 0)
    else storeOne(f, type, positions, stored)
  }

const maxPoolGrad =
  (type: PositionType): AtPlace =>
  (context) => {
    const { f, lanes, y } = context
    const gradient = f.let(loadLanes(y, lanes))
    const chosen = loadPositions(context, type)
    eachPixel(context, (pixel, tap) => {
      const share = v128.and(gradient, i32x4.eq(chosen, i32x4.splat(tap)))
      storeLanes(f, pixel, f32x4.add(loadLanes(pixel, lanes), share), lanes)
    })
  }

const maxPoolGather =
  (type: PositionType): AtPlace =>
  (context) => {
    const { f, lanes, y } = context
    const chosen = loadPositions(context, type)
    const found = f.let(f32x4.splat(0))
    eachPixel(context, (pixel, tap) => {
      f.set(found, v128.bitselect(loadLanes(pixel, lanes), found, i32x4.eq(chosen, i32x4.splat(tap))))
    })
    storeLanes(f, y, found, lanes)
  }

const avgPool: AtPlace = (context) => {
  const { f, lanes, y, count } = context
  const sum = f.let(f32x4.splat(0))
  eachPixel(context, (pixel) => f.set(sum, f32x4.add(sum, loadLanes(pixel, lanes))))
  storeLanes(f, y, f32x4.div(sum, f32x4.convertI32x4S(i32x4.splat(count))), lanes)
}

const avgPoolGrad: AtPlace = (context) => {
  const { f, lanes, y, count } = context
  const share = f.let(f32x4.div(loadLanes(y, lanes), f32x4.convertI32x4S(i32x4.splat(count))))
  eachPixel(context, (pixel) => storeLanes(f, pixel, f32x4.add(loadLanes(pixel, lanes), share), lanes))
}

export const pooling: KernelFamily = {
  emit(module) {
    definePerPlace(module, 'maxPool', maxPool(null))
    definePerPlace(module, 'avgPool', avgPool)
    definePerImage(module, 'avgPoolGrad', avgPoolGrad)
    for (const type of ['uint8', 'int32'] as const) {
      definePerPlace(module, `maxPool-${type}`, maxPool(type))
      definePerPlace(module, `maxPoolGather-${type}`, maxPoolGather(type))
      definePerImage(module, `maxPoolGrad-${type}`, maxPoolGrad(type))
    }
  },
}
