/**
 * HDF5 as h5py writes and reads it: weights files in, weights files out, any size, no dependency.
 * Follows the HDF5 File Format Specification 3.0 (https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html).
 *
 * Reading:  `const file = await openHdf5(source)`, `const entry = await file.get('layers/dense/vars/0')`, `await entry.read()`.
 * Writing:  `const root = new GroupDraft()`, `root.group(...)`, `root.dataset(...)`, `await writeHdf5(root, sink)`.
 */
export { H5Dataset, type H5ReadOptions } from './dataset.js'
export { type AttributeDraft, DatasetDraft, GroupDraft } from './draft.js'
export { H5Group } from './group.js'
export { openHdf5 } from './open.js'
export {
  H5_DTYPES,
  type H5Array,
  type H5Content,
  type H5Data,
  type H5DType,
  type H5Nothing,
  type H5Numbers,
  type H5NumericDType,
  type H5Stream,
  type H5Strings,
  type H5Value,
} from './types.js'
export { hdf5Size, writeHdf5 } from './write.js'
