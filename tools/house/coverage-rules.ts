/** What the comparison with Keras has to be told: where names live here, and what is absent on purpose, and why. */

/** Namespaces of ondol in which the names of one of Keras's are looked for, in order; default: the same one. */
export const HOMES: Readonly<Record<string, readonly string[]>> = {
  keras: ['', 'layers', 'saving', 'utils', 'config', 'initializers', 'losses', 'metrics', 'optimizers', 'regularizers'],
  models: ['', 'models', 'saving'],
  'preprocessing.image': ['utils'],
  'preprocessing.sequence': ['utils'],
  backend: ['config', 'utils', ''],
  config: ['config', ''],
  dtype_policies: ['dtypePolicies', 'config', 'layers', ''],
  utils: ['utils', 'saving'],
  'utils.bounding_boxes': ['utils.boundingBoxes'],
  mixed_precision: ['config', 'layers', 'optimizers'],
}

/** Names that are spelt in another way here. */
export const RENAMED: Readonly<Record<string, string>> = {
  'saving.CustomObjectScope': 'customObjectScope',
  'utils.CustomObjectScope': 'customObjectScope',
}

const PYTHON_ONLY = 'bound to Python or to another framework'
const LATER_REMAT = 'the engine decides what is computed again instead of kept'
const LATER_QUANTIZATION = 'quantization comes later'
const LATER_DISTRIBUTION = 'distribution over several devices comes later'
const ONE_ATTENTION = 'the compiler chooses how attention is computed'
const NO_FILTER = 'errors say where they come from; there are no frames to filter'

/** Names (`space.name`) and whole namespaces that are not here on purpose, with the reason. */
export const ABSENT: Readonly<Record<string, string>> = {
  'layers.FlaxLayer': PYTHON_ONLY,
  'layers.JaxLayer': PYTHON_ONLY,
  'layers.TFSMLayer': PYTHON_ONLY,
  'layers.TorchModuleWrapper': PYTHON_ONLY,
  'layers.TernaryDense': LATER_QUANTIZATION,
  quantizers: LATER_QUANTIZATION,
  'keras.Quantizer': LATER_QUANTIZATION,
  distribution: LATER_DISTRIBUTION,
  export: 'SavedModel and LiteRT are formats of other frameworks',
  wrappers: 'scikit-learn is a Python library',
  'ops.convert_to_numpy': 'there is no NumPy: `await x.data()` and `await x.array()` give the values',
  'keras.device': LATER_DISTRIBUTION,
  'keras.Function': 'a model of layers and ops is a Model',
  'keras.Operation': 'ops are functions; an op of your own is a function of ops, a layer if it has a name in the graph',
  'keras.name_scope': 'paths of weights follow from the layers they are in',
  'keras.StatelessScope': 'every call has a stateless form: statelessCall, statelessApply, …',
  'keras.SymbolicScope': 'shapes are found by running on abstract tensors; nothing has to be told apart',
  'keras.remat': LATER_REMAT,
  'keras.RematScope': LATER_REMAT,
  'config.enable_flash_attention': ONE_ATTENTION,
  'config.disable_flash_attention': ONE_ATTENTION,
  'config.is_flash_attention_enabled': ONE_ATTENTION,
  'config.enable_traceback_filtering': NO_FILTER,
  'config.disable_traceback_filtering': NO_FILTER,
  'config.is_traceback_filtering_enabled': NO_FILTER,
  'config.enable_unsafe_deserialization': 'no code from a file ever runs; classes of your own are registered',
  'config.is_nnx_enabled': PYTHON_ONLY,
  'dtype_policies.AWQDTypePolicy': LATER_QUANTIZATION,
  'dtype_policies.GPTQDTypePolicy': LATER_QUANTIZATION,
  'dtype_policies.Int4DTypePolicy': LATER_QUANTIZATION,
  'dtype_policies.QuantizedDTypePolicy': LATER_QUANTIZATION,
  'dtype_policies.QuantizedFloat8DTypePolicy': LATER_QUANTIZATION,
  'callbacks.TensorBoard': 'comes with the pictures of training',
  visualization: 'comes with the pictures of training',
  distillation: 'comes with the tools around training',
  'callbacks.OrbaxCheckpoint': 'Orbax is a Python library; ModelCheckpoint and BackupAndRestore do its work',
}

/** Parameters (any `name`, or `space.name.parameter`) that have no counterpart on purpose, with the reason. */
export const ABSENT_PARAMETERS: Readonly<Record<string, string>> = {
  sparse: 'sparse tensors of TensorFlow',
  ragged: 'ragged tensors of TensorFlow',
  'dtype_policies.deserialize.custom_objects': 'the dtypes of a policy are all there is to it',
  use_cudnn: 'a switch for one library',
  quantization_config: LATER_QUANTIZATION,
  gptq_unpacked_column_size: LATER_QUANTIZATION,
  synchronized: LATER_DISTRIBUTION,
  aggregation: LATER_DISTRIBUTION,
  synchronization: LATER_DISTRIBUTION,
  layout: LATER_DISTRIBUTION,
  safe_mode: 'a file is data: there is no unsafe mode',
  module_objects: 'names are found in one registry',
  preferred_backend: 'there is one kind of Dataset',
  free_memory: 'memory is given back when nothing holds it',
  'ops.scan.unroll': 'the engine decides how loops run',
  'keras.KerasTensor.record_history': 'what made a tensor is always recorded',
  'keras.Variable.shape': 'the initial value has it',
  'keras.Variable.dtype': 'the initial value has it',
  'layers.InputLayer.input_tensor': 'Input({ tensor }) takes it',
  'utils.PyDataset.use_multiprocessing': 'a JavaScript object cannot be forked; threads are Dataset.map(url) and DataLoader',
}

const BY_INVARIANTS = 'layers/image: shapes, seeds, identity factors and ranges; chance differs between Keras and here'

/** Names that compute numbers and are compared with the real Keras, or with what they must satisfy, in a test of their own. */
export const CHECKED_BY: Readonly<Record<string, string>> = {
  'losses.huber': 'losses.json: the class Huber is the mean of it',
  'metrics.huber': 'losses.json: the class Huber is the mean of it',
  'metrics.MeanMetricWrapper': 'metrics.json: most metrics are one',
  'optimizers.MultiOptimizer': 'optimizers/optimizers.test.ts: each part does what it does alone',
  'optimizers.OptimizerMap': 'optimizers/optimizers.test.ts',
  'layers.AugMix': BY_INVARIANTS,
  'layers.MaxNumBoundingBoxes': BY_INVARIANTS,
  'layers.RandAugment': BY_INVARIANTS,
  'layers.RandomColorJitter': BY_INVARIANTS,
  'layers.RandomCrop': BY_INVARIANTS,
  'layers.RandomElasticTransform': BY_INVARIANTS,
  'ops.image.reconstruct_patches': 'ops/image: what extractPatches took apart',
  'initializers.STFT': 'layers-preprocessing.json: values by name of window',
  'layers.Lambda': 'layers/lambda.test.ts: it is the function',
  'layers.Wrapper': 'layers: SpectralNormalization, Bidirectional and TimeDistributed are wrappers',
  'ops.associative_scan': 'ops/functional.test.ts',
  'ops.switch': 'ops/functional.test.ts',
  'ops.jvp': 'ops/functional.test.ts',
  'ops.cond': 'engine/control.test.ts: values and gradients',
  'ops.scan': 'engine/control.test.ts: values and gradients',
  'ops.fori_loop': 'ops/linalg/linalg.test.ts: factorizations are such loops',
  'ops.while_loop': 'engine/jit.test.ts',
  'ops.map': 'ops/functional.test.ts',
  'ops.vectorized_map': 'ops/functional.test.ts',
  'ops.vectorize': 'ops/numpy.test.ts',
  'ops.custom_gradient': 'engine/gradient-tape.test.ts',
  'ops.stop_gradient': 'engine/gradient-tape.test.ts',
  'ops.is_tensor': 'ops/functional.test.ts',
  'ops.dtype': 'ops/functional.test.ts',
  'ops.eigh': 'ops/linalg/linalg.test.ts: vectors have no sign of their own',
}
