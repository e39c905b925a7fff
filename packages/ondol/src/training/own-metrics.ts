/** Metrics that a model and the layers in it keep in their fields, as custom steps use them. */
import type { Layer } from '../layers/layer.js'
import { Metric } from '../metrics/metric.js'

/** In arrays and records too. Of models inside the model only what `isWhole` lets through: they report for themselves. */
export function findMetrics(model: Layer, isWhole: (layer: Layer) => boolean): Metric[] {
  const found = new Set<Metric>()
  const seen = new Set<Layer>()
  const visit = (value: unknown): void => {
    if (value instanceof Metric) found.add(value)
    else if (Array.isArray(value)) value.forEach(visit)
    else if (isPlain(value)) Object.values(value).forEach(visit)
  }
  const visitLayer = (layer: Layer): void => {
    if (seen.has(layer)) return
    seen.add(layer)
    if (layer === model || isWhole(layer)) Object.values(layer).forEach(visit)
    layer.sublayers.forEach(visitLayer)
  }
  visitLayer(model)
  return [...found]
}

const isPlain = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
