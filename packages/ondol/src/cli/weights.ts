/** Weights of a model or a file, by path, with the facts that people ask for. */

import type { Layer } from '../layers/index.js'
import { type H5Group, openHdf5 } from '../saving/hdf5/index.js'
import { withSource } from '../saving/location.js'
import { openNpz } from '../saving/npz.js'
import { openSafetensors } from '../saving/safetensors-weights.js'
import { type StoredArray, tensorOf } from '../saving/values.js'
import { openModel } from './models.js'

/** An array, read when it is asked for. */
export interface NamedWeight {
  readonly path: string
  readonly dtype: string
  readonly shape: readonly number[]
  read(): Promise<ArrayLike<number>>
}

export interface Opened {
  /** Undefined for weights alone. */
  readonly model: Layer | undefined
  readonly weights: readonly NamedWeight[]
}

/** Opens a model, or a file of weights, and lets `use` look at it. With `owner`, the weights are those of that model. */
export async function withFile<R>(path: string, use: (opened: Opened) => Promise<R>, owner?: string): Promise<R> {
  const kind = await kindOf(path)
  if (kind === 'model' || owner !== undefined) {
    const model = await openModel(owner ?? path)
    if (kind !== 'model') await model.loadWeights(path)
    return use({ model, weights: weightsOf(model) })
  }
  // Reading elements takes a backend.
  await import('../index.js')
  return withSource(path, async (source) => {
    const arrays = new Map<string, StoredArray>()
    if (kind === 'safetensors' || kind === 'npz') {
      const opened = kind === 'npz' ? await openNpz(source) : await openSafetensors(source)
      for (const [name, array] of opened.arrays) arrays.set(name, array)
    } else await visit(await openHdf5(source), '', arrays)
    const weights = [...arrays].map(([name, array]): NamedWeight => {
      const { dtype, shape } = array
      return {
        path: name,
        dtype,
        shape,
        read: async () => {
          const tensor = await tensorOf(array, name)
          const data = await tensor.data()
          tensor.dispose()
          return data
        },
      }
    })
    return use({ model: undefined, weights })
  })
}

const weightsOf = (model: Layer): NamedWeight[] =>
  model.weights.map((variable) => {
    const { dtype, shape, path } = variable
    const prefix = `${model.name}/`
    return { path: path.startsWith(prefix) ? path.slice(prefix.length) : path, dtype, shape, read: () => variable.data() }
  })

async function visit(group: H5Group, path: string, arrays: Map<string, StoredArray>): Promise<void> {
  for (const name of await group.keys()) {
    const item = await group.get(name)
    const inner = path === '' ? name : `${path}/${name}`
    if (item === undefined) continue
    if (item.kind === 'group') await visit(item, inner, arrays)
    else if (item.dtype !== 'string') arrays.set(inner, item as unknown as StoredArray)
  }
}

/** What a file holds, by its name and, where that is not enough, its content. */
export async function kindOf(path: string): Promise<'model' | 'safetensors' | 'npz' | 'hdf5'> {
  if (path.endsWith('.safetensors')) return 'safetensors'
  if (path.endsWith('.npz')) return 'npz'
  if (path.endsWith('.weights.h5')) return 'hdf5'
  if (!/\.(h5|hdf5)$/.test(path)) return 'model'
  return withSource(path, async (source) => ((await (await openHdf5(source)).attribute('model_config')) === undefined ? 'hdf5' : 'model'))
}

/** Smallest, largest and mean of the finite numbers, and how many are not. */
export interface Statistics {
  readonly min: number
  readonly max: number
  readonly mean: number
  readonly notFinite: number
}

export function statisticsOf(data: ArrayLike<number>): Statistics {
  let [min, max, sum, count] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0]
  for (let i = 0; i < data.length; i++) {
    const value = data[i] as number
    if (!Number.isFinite(value)) continue
    if (value < min) min = value
    if (value > max) max = value
    sum += value
    count++
  }
  return { min, max, mean: count === 0 ? 0 : sum / count, notFinite: data.length - count }
}
