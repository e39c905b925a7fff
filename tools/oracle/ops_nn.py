"""Vectors for the ops of `keras.ops.nn`, `math` and `core` that have no scripts of their own.

Run: .venv/bin/python tools/oracle/ops_nn.py            writes packages/ondol/src/testing/vectors/ops/{nn,core,math}.json
"""
import numpy as np
from opcase import case, floats, tensor, write
from oracle import integers

X, IMAGES, FIRST = floats(1, 2, 3, 4), floats(2, 2, 6, 6, 4), floats(2, 2, 4, 6, 6)
LINE, VOLUME = floats(3, 2, 7, 3), floats(4, 1, 4, 5, 3, 2)
Q, K, V = floats(5, 2, 5, 4, 6), floats(6, 2, 3, 4, 6), floats(7, 2, 3, 4, 6)
MASK = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1], [0, 1, 1], [0, 0, 1]], bool)

write(
    "ops/nn",
    [
        case("batch_normalization", X, floats(8, 4), np.abs(floats(9, 4)) + 0.5, axis=-1),
        case("batch_normalization", X, floats(8, 3), np.abs(floats(9, 3)) + 0.5, axis=1, offset=floats(10, 3), scale=floats(11, 3), epsilon=0.1),
        case("layer_normalization", X),
        case("layer_normalization", X, gamma=floats(12, 4), beta=floats(13, 4), epsilon=1e-3),
        case("layer_normalization", X, axis=(1, 2), epsilon=1e-3),
        case("layer_normalization", tensor(X, "bfloat16"), axis=-1),
        case("rms_normalization", X),
        case("rms_normalization", X, scale=floats(14, 4), epsilon=1e-3),
        case("normalize", X),
        case("normalize", X, axis=1, order=3, epsilon=1e-3),
        case("normalize", np.zeros((2, 3), "float32"), gradient=False),
        case("psnr", np.abs(X), np.abs(X) + 0.1, max_val=255, tolerance=1e-4),
        case("psnr", X, floats(15, 2, 3, 4), max_val=1.0),
        case("dot_product_attention", Q, K, V),
        case("dot_product_attention", Q, K, V, mask=MASK[None, None], scale=0.5),
        case("dot_product_attention", Q, K, V, bias=floats(16, 2, 4, 5, 3), is_causal=True),
        case("dot_product_attention", Q, K[:, :, :2], V[:, :, :2], title="shared keys"),
        case("depth_to_space", IMAGES, block_size=2),
        case("depth_to_space", FIRST, block_size=2, data_format="channels_first"),
        case("space_to_depth", IMAGES, block_size=3),
        case("space_to_depth", FIRST, block_size=2, data_format="channels_first"),
        case("unfold", FIRST, kernel_size=2),
        case("unfold", FIRST, kernel_size=(2, 3), dilation=(2, 1), padding=(1, 0), stride=(2, 1)),
        case("fold", floats(17, 2, 8, 25), output_size=6, kernel_size=2),
        case("fold", floats(18, 2, 12, 9), output_size=(6, 5), kernel_size=(2, 3), padding=(0, 1), stride=2),
        case("adaptive_average_pool", LINE, output_size=3),
        case("adaptive_average_pool", IMAGES, output_size=(4, 3)),
        case("adaptive_average_pool", FIRST, output_size=5, data_format="channels_first"),
        case("adaptive_average_pool", VOLUME, output_size=(2, 3, 2)),
        case("adaptive_max_pool", LINE, output_size=3),
        case("adaptive_max_pool", IMAGES, output_size=(4, 3)),
        case("adaptive_max_pool", FIRST, output_size=(2, 4), data_format="channels_first"),
        case("conv_transpose", LINE, floats(19, 3, 2, 3), strides=2),
        case("conv_transpose", LINE, floats(19, 3, 2, 3), strides=2, padding="same"),
        case("conv_transpose", LINE, floats(19, 2, 2, 3), strides=3, padding="valid"),
        case("conv_transpose", LINE, floats(19, 3, 2, 3), strides=2, padding="same", output_padding=1),
        case("conv_transpose", IMAGES, floats(20, 3, 2, 2, 4), strides=(2, 1), padding="same"),
        case("conv_transpose", IMAGES, floats(20, 2, 2, 3, 4), dilation_rate=2),
        case("conv_transpose", FIRST, floats(20, 3, 3, 2, 4), strides=2, data_format="channels_first", tolerance=2e-5),
        case("conv_transpose", VOLUME, floats(21, 2, 2, 2, 3, 2), strides=2),
        case("separable_conv", IMAGES, floats(22, 3, 3, 4, 2), floats(23, 1, 1, 8, 3), tolerance=2e-5),
        case("separable_conv", LINE, floats(24, 3, 3, 1), floats(25, 1, 3, 2), padding="same", strides=2),
        case("depthwise_conv", IMAGES, floats(26, 3, 3, 4, 2), strides=2, padding="same"),
        case("depthwise_conv", FIRST, floats(26, 2, 3, 4, 1), data_format="channels_first", dilation_rate=2),
        case("multi_hot", integers(27, 5, 2, 3), num_classes=5),
        case("multi_hot", integers(28, 4, 3), num_classes=4, dtype="int32"),
        case("one_hot", integers(29, 4, 2, 3), num_classes=4, axis=1),
        case("one_hot", np.array([0, -1, 3], "int32"), num_classes=3, dtype="int32"),
        case("moments", X, axes=[0, 2]),
        case("moments", X, axes=[1], keepdims=True),
        case("ctc_decode", floats(30, 2, 6, 4, scale=2), np.array([6, 4], "int32"), gradient=False),
        case("ctc_decode", floats(31, 2, 6, 4, scale=2), np.array([6, 4], "int32"), merge_repeated=False, mask_index=3, gradient=False),
        case("ctc_decode", floats(32, 2, 6, 4, scale=2), np.array([6, 4], "int32"), strategy="beam_search", beam_width=30, top_paths=2, gradient=False, tolerance=1e-4),
    ],
)
INDICES = np.array([[0, 1], [2, 0], [0, 1]], "int32")
write(
    "ops/core",
    [
        case("scatter", INDICES, floats(40, 3), shape=(3, 4)),
        case("scatter", np.array([[1], [0], [1]], "int32"), floats(41, 3, 2), shape=(3, 2)),
        case("scatter_update", floats(42, 3, 4), np.array([[0, 1], [2, 3]], "int32"), floats(43, 2)),
        case("scatter_update", floats(42, 3, 4), np.array([[2], [0]], "int32"), floats(44, 2, 4)),
        *[case("scatter_update", floats(42, 3, 4), INDICES, floats(45, 3), reduction=r, gradient=False) for r in ("add", "max", "min", "mul")],
        case("slice", floats(46, 3, 4), start_indices=[1, 1], shape=[2, 3]),
        case("slice_update", floats(46, 3, 4), [1, 0], floats(47, 2, 3)),
        case("slice_update", floats(46, 3, 4), np.array([2, 3], "int32"), floats(47, 2, 3), title="moved so that it fits"),
        case("unstack", X, axis=1),
        case("unstack", X),
        case("saturate_cast", np.array([-300.0, -1.5, 0.0, 254.5, 300.0, 1e20], "float32"), dtype="uint8"),
        case("saturate_cast", np.array([-5, 3, 400], "int32"), dtype="uint8"),
        case("saturate_cast", np.array([1e30, -1e30, 1.0], "float32"), dtype="float16", gradient=False),
        case("cast", X, dtype="float16", gradient=False),
        case("cast", X, dtype="bool"),
    ],
)
IDS = np.array([0, 2, 0, 1, 2], "int32")
write(
    "ops/math",
    [
        # JAX has no gradient of a product where ids may repeat.
        *[case(f"segment_{r}", floats(50, 5, 2), IDS, num_segments=4, gradient=r != "prod") for r in ("sum", "max", "min", "prod")],
        case("segment_sum", floats(51, 5), np.array([0, 0, 1, 5, -1], "int32"), num_segments=3, gradient=False, title="ids outside"),
        case("segment_max", integers(52, 9, 5), IDS, num_segments=3),
        case("cdist", floats(53, 2, 3, 4), floats(54, 2, 5, 4)),
        case("cdist", floats(53, 3, 4), floats(53, 3, 4), gradient=False),
        case("erf", np.array([-3, -1, -0.1, 0, 0.5, 2], "float32")),
        case("erfc", np.array([-3, -1, -0.1, 0, 0.5, 2, 4, 8], "float32")),
        case("erfinv", np.array([-0.99, -0.5, 0, 0.3, 0.999], "float32")),
        case("rsqrt", np.abs(X) + 0.1),
        case("logsumexp", X, axis=1),
        case("logsumexp", X),
        case("top_k", X, k=2),
        case("in_top_k", np.array([1, 2], "int32"), floats(55, 2, 4), k=2),
    ],
)
