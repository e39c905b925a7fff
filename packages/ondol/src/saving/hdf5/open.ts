/** Opens a file: finds its root group. Nothing else is read before it is asked for. */
import type { ByteSource } from '../../core/bytes.js'
import { SavingError } from '../../core/errors.js'
import { readObjectHeader } from './format/object-header.js'
import { readSuperblock } from './format/superblock.js'
import { type H5Group, readGroup } from './group.js'
import { located } from './object.js'

/**
 * The root group of an HDF5 file. The file is data from strangers: every size and address is checked against it before use, and
 * what does not fit is a `SavingError` with the object and the byte where it was found.
 *
 * @example
 * const root = await openHdf5(sourceOf(bytes))
 * const kernel = await root.dataset('layers/dense/vars/0')
 * console.log(kernel.shape, kernel.dtype, await kernel.read())
 */
export async function openHdf5(source: ByteSource): Promise<H5Group> {
  const { file, root } = await readSuperblock(source).catch((error: unknown) => {
    throw error instanceof SavingError ? error.within(source.name) : error
  })
  return located(file, '/', async () => readGroup('/', await readObjectHeader(file, root)))
}
