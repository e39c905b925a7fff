/** Models for the commands. */
import type { Model } from '../index.js'

/** Whoever opens a model needs all of ondol: it is loaded now, not when the program starts. */
export async function openModel(path: string): Promise<Model> {
  const { loadModel } = await import('../index.js')
  return loadModel(path)
}
