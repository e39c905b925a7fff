/** Loading models: the saving room reads layers, this says that they are models. */
import { SavingError } from '../core/errors.js'
import type { FileRecord, Readable } from '../saving/location.js'
import type { LoadModelOptions } from '../saving/model-file.js'
import { Model } from './model.js'

/**
 * The model in a `.keras` file, or folder, with its weights and as it was compiled: from a path, a URL, bytes, or a
 * Blob. Also of an older Keras's `.h5`, and of TensorFlow.js's `model.json`: by path, by URL, or with its shards as
 * `{ 'model.json': bytes, 'group1-shard1of1.bin': bytes }`. Nothing that the file says is run: classes and functions are those of ondol, registered ones, and
 * `customObjects`.
 *
 * @throws SavingError when it is no such file, is damaged, or names what is not known.
 * @example
 * const model = await loadModel('model.keras', { customObjects: { SEBlock } })
 */
export async function loadModel(from: Readable | FileRecord, options?: LoadModelOptions): Promise<Model> {
  const saving = await import('../saving/model-file.js')
  const model = await saving.loadModel(from, options)
  if (model instanceof Model) return model
  throw new SavingError({ problem: 'the file does not hold a model', received: `a layer of class ${model.className}` })
}
