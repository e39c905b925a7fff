"""Vectors for keras.ops.image.

Run: .venv/bin/python tools/oracle/ops_image.py            writes packages/ondol/src/testing/vectors/ops/image-*.json
"""
import numpy as np
from opcase import case, floats, tensor, write

RGB = np.round(np.random.default_rng(1).uniform(0.01, 0.99, (2, 4, 5, 3)), 4).astype("float32")  # no two channels alike
FIRST = np.ascontiguousarray(RGB.transpose(0, 3, 1, 2))
ONE = RGB[0]
BYTES = (RGB * 255).astype("uint8")
WIDE = floats(2, 2, 6, 7, 2)

write(
    "ops/image-color",
    [
        case("image.rgb_to_grayscale", RGB),
        case("image.rgb_to_grayscale", FIRST, data_format="channels_first"),
        case("image.rgb_to_grayscale", ONE),
        case("image.rgb_to_grayscale", BYTES),
        case("image.rgb_to_grayscale", tensor(RGB, "float16")),
        case("image.rgb_to_grayscale", RGB[..., :1], title="already grey"),
        case("image.rgb_to_hsv", RGB),
        case("image.rgb_to_hsv", FIRST, data_format="channels_first"),
        case("image.rgb_to_hsv", np.array([[[0, 0, 0], [1, 1, 1], [0.5, 0.5, 0.5], [1, 0, 0], [0, 1, 1]]], "float32"), gradient=False),
        case("image.hsv_to_rgb", RGB),
        case("image.hsv_to_rgb", FIRST[0], data_format="channels_first"),
        case("image.hsv_to_rgb", tensor(RGB, "bfloat16")),
    ],
)

SIZES = [(3, 4), (9, 8)]
METHODS = ["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"]
write(
    "ops/image-resize",
    [
        *[case("image.resize", WIDE, size=size, interpolation=m) for m in METHODS for size in SIZES],
        *[case("image.resize", WIDE, size=(3, 4), interpolation=m, antialias=True) for m in METHODS],
        case("image.resize", np.ascontiguousarray(WIDE.transpose(0, 3, 1, 2)), size=(4, 9), data_format="channels_first"),
        case("image.resize", WIDE[0], size=(6, 3), interpolation="bicubic"),
        case("image.resize", WIDE, size=(5, 3), crop_to_aspect_ratio=True),
        case("image.resize", WIDE, size=(3, 5), crop_to_aspect_ratio=True, interpolation="nearest"),
        case("image.resize", WIDE, size=(8, 4), pad_to_aspect_ratio=True),
        case("image.resize", WIDE, size=(3, 9), pad_to_aspect_ratio=True, fill_value=2.5, antialias=True),
        case("image.resize", np.ascontiguousarray(WIDE[0].transpose(2, 0, 1)), size=(9, 4), pad_to_aspect_ratio=True, data_format="channels_first"),
        # A half may be rounded either way.
        case("image.resize", BYTES, size=(7, 3), tolerance=5e-3),
        case("image.resize", BYTES, size=(7, 8), interpolation="bicubic", tolerance=5e-3),
        case("image.resize", BYTES, size=(2, 3), interpolation="nearest"),
        case("image.resize", tensor(WIDE, "float16"), size=(4, 4)),
        case("image.scale_and_translate", WIDE, (2, 9, 5, 2), np.array([1.5, 0.75], "float32"), np.array([0.5, -1.25], "float32"), spatial_dims=(1, 2), method="linear"),
        case("image.scale_and_translate", WIDE, (2, 6, 5, 2), np.array([0.6], "float32"), np.array([0.3], "float32"), spatial_dims=(2,), method="cubic", antialias=False),
        case("image.scale_and_translate", WIDE[0], (4, 7, 2), np.array([0.5], "float32"), np.array([0.3], "float32"), spatial_dims=(0,), method="lanczos3", tolerance=5e-5),
        case("image.scale_and_translate", floats(3, 6, 6), (8, 8), np.array([1.25, 1.5], "float32"), np.array([0.2, 0.1], "float32"), spatial_dims=(0, 1), method="lanczos5", tolerance=5e-5),
    ],
)

GRID = np.array([[0.2, 1.7, -0.6, 2.4, 3.3, -2.2, 7.1], [0.4, 2.9, 3.1, -0.7, 4.6, 5.2, -6.3]], "float32")
MODES = ["constant", "nearest", "wrap", "mirror", "reflect"]
TURN = np.array([0.9, -0.3, 0.7, 0.25, 0.8, -0.4, 0.0, 0.0], "float32")
# As lists: without gradients, because JAX takes c0 and c1 for something else than the documentation says.
BOTH_TURNS = np.stack([TURN, TURN * 0.5]).astype("float32").tolist()
START = np.array([[0, 0], [4, 0], [0, 3], [4, 3]], "float32")
END = np.array([[0.5, 0.2], [3.6, 0.4], [-0.3, 2.7], [4.4, 3.3]], "float32")
BOTH = [np.stack([START, START]), np.stack([END, END[:, ::1] * 0.9 + 0.1]).astype("float32")]
write(
    "ops/image-warp",
    [
        *[case("image.map_coordinates", floats(4, 4, 5), GRID, order=o, fill_mode=m, fill_value=0.5) for o in (0, 1) for m in MODES],
        case("image.map_coordinates", floats(5, 3, 4, 2), floats(6, 3, 2, 3, scale=2), order=1, fill_mode="reflect"),
        case("image.map_coordinates", np.arange(12, dtype="int32").reshape(3, 4), GRID, order=1, fill_mode="nearest"),
        case("image.map_coordinates", floats(7, 6), floats(8, 1, 2, 2, scale=4), order=1),
        *[case("image.affine_transform", ONE, TURN.tolist(), fill_mode=m, interpolation=i) for m in MODES for i in ("nearest", "bilinear")],
        case("image.affine_transform", RGB, BOTH_TURNS, fill_mode="reflect", fill_value=1),
        case("image.affine_transform", FIRST, BOTH_TURNS, data_format="channels_first", fill_value=0.25),
        case("image.affine_transform", BYTES[0], TURN.tolist(), fill_value=7),
        case("image.perspective_transform", ONE, START, END, tolerance=1e-4),
        case("image.perspective_transform", RGB, *BOTH, fill_value=0.5, tolerance=1e-4),
        case("image.perspective_transform", FIRST, *BOTH, interpolation="nearest", data_format="channels_first", gradient=False),
        case("image.elastic_transform", RGB, alpha=0.0, sigma=1.0, seed=3),
        case("image.elastic_transform", FIRST, alpha=0.0, sigma=0.7, interpolation="nearest", fill_mode="constant", seed=3, data_format="channels_first"),
    ],
)

SHADES = np.abs(floats(9, 2, 12, 13, 2))
write(
    "ops/image-filter",
    [
        case("image.gaussian_blur", WIDE, data_format="channels_last"),
        case("image.gaussian_blur", WIDE, kernel_size=(3, 5), sigma=(0.8, 1.5), data_format="channels_last"),
        case("image.gaussian_blur", FIRST, kernel_size=(5, 3), data_format="channels_first"),
        case("image.gaussian_blur", ONE, kernel_size=(3, 3), sigma=(2.0, 0.5), data_format="channels_last"),
        case("image.sobel_edges", WIDE),
        case("image.sobel_edges", FIRST, data_format="channels_first"),
        case("image.ssim", SHADES, SHADES + np.abs(floats(10, 2, 12, 13, 2, scale=0.3)), tolerance=1e-4),
        case("image.ssim", SHADES[0], SHADES[1], max_val=2.0, filter_size=5, filter_sigma=1.0, k1=0.02, k2=0.05, tolerance=1e-4),
        case("image.ssim", RGB[:, :4, :4].transpose(0, 3, 1, 2).copy(), FIRST[:, :, :4, 1:].copy(), filter_size=3, data_format="channels_first", tolerance=1e-4),
    ],
)

VOLUMES = floats(11, 1, 4, 5, 4, 2)
write(
    "ops/image-frame",
    [
        case("image.pad_images", WIDE, top_padding=1, left_padding=2, target_height=9, target_width=10),
        case("image.pad_images", FIRST, bottom_padding=1, right_padding=0, target_height=7, target_width=6, data_format="channels_first"),
        case("image.pad_images", BYTES[0], 1, 2, 3, 0),
        case("image.crop_images", WIDE, top_cropping=1, left_cropping=2, target_height=3, target_width=4),
        case("image.crop_images", FIRST, bottom_cropping=1, right_cropping=2, target_height=2, target_width=2, data_format="channels_first"),
        case("image.crop_images", ONE, 1, 1, 2, 2),
        case("image.extract_patches", WIDE, size=(3, 2)),
        case("image.extract_patches", WIDE, size=3, strides=2, padding="same"),
        case("image.extract_patches", WIDE[0], size=2, strides=1, dilation_rate=2),
        case("image.extract_patches", FIRST, size=(2, 3), padding="same", data_format="channels_first"),
        case("image.extract_patches", VOLUMES, size=(2, 2, 2), padding="same"),
        case("image.extract_patches_3d", VOLUMES, size=2),
        case("image.extract_patches_3d", VOLUMES[0].transpose(3, 0, 1, 2).copy(), size=(2, 3, 1), strides=(1, 2, 2), data_format="channels_first"),
    ],
)
