/** Where Keras keeps the weights that it trained on ImageNet, and how they get here. */
import { platform } from '#platform'
import { getFile } from '../utils/get-file.js'

/** A file of weights. */
export interface WeightsFile {
  /** Its name in the cache. */
  readonly name: string
  readonly url: string
  /** MD5 or SHA-256; Keras has none for some. */
  readonly hash?: string
}

/** Checksums of the files with the classifier, and without. */
export type Hashes = readonly [withTop: string, withoutTop: string]

export const STORAGE = 'https://storage.googleapis.com/tensorflow/keras-applications'

/** A file whose name says whether the classifier is in it. */
export function weightsFile(folder: string, stem: string, [withTop, withoutTop]: Hashes, includeTop: boolean): WeightsFile {
  const name = `${stem}${includeTop ? '' : '_notop'}.h5`
  return { name, url: `${folder}/${name}`, hash: includeTop ? withTop : withoutTop }
}

/** A file of the days when kernels were named after the order of their axes. */
export const kernelsFile = (folder: string, name: string, hashes: Hashes, includeTop: boolean): WeightsFile =>
  weightsFile(`${STORAGE}/${folder}`, `${name}_weights_tf_dim_ordering_tf_kernels`, hashes, includeTop)

/** A path to the file in the cache, downloaded if it is not there; where there is no cache, its address. */
export async function fetchWeights({ name, url, hash }: WeightsFile): Promise<string> {
  if (platform.cacheFolder() === undefined) return url
  return getFile(name, url, { cacheSubdir: 'models', ...(hash !== undefined && { fileHash: hash }) })
}
