"""Vectors for the image layers: what a transformation, drawn by the real Keras, does to images, labels, masks and boxes.

Run: .venv/bin/python tools/oracle/layers_image.py        writes packages/ondol/src/testing/vectors/image-layers/*.json
"""
import numpy as np
from opcase import BACKEND, differentiate, floats, keras, tree, write  # before any other part of Keras: sets the backend
import jax  # noqa: E402, I001
from keras.src.random.seed_generator import draw_seed  # noqa: E402

L = keras.layers
RNG = np.random.default_rng(5)
IMAGES = np.round(RNG.uniform(0, 255, (2, 8, 9, 3)), 1).astype("float32")
MASKS = RNG.integers(0, 4, (2, 8, 9, 1)).astype("float32")
LABELS = np.eye(2, 3, dtype="float32")
BOXES = {
    "boxes": np.array([[[1, 1, 5, 6], [2, 3, 8, 8]], [[0, 2, 4, 4], [6, 1, 9, 7]]], "float32"),
    "labels": np.array([[1, 2], [0, 3]], "int32"),
}


def swap(x):
    return np.ascontiguousarray(np.moveaxis(x, -1, 1))


CHOICES = [f"random_{name}" for name in ("shear", "translation", "rotation")] + ["random_posterization", "solarization", "auto_contrast", "equalization"]
CHOICES += [f"random_{name}" for name in ("brightness", "color_degeneration", "contrast", "sharpness")]


def written(layer, t):
    """A transformation where Keras's form says too little: by names, and with what is drawn only while it is applied."""
    if isinstance(layer, L.RandomCrop):
        return dict(zip(("h_start", "w_start"), t))
    if isinstance(layer, L.RandomElasticTransform):
        noise = jax.random.normal(draw_seed(t["seed"]), (2, 8, 9), "float32")  # the same for both directions
        return {**{k: v for k, v in t.items() if k != "seed"}, "noise": np.stack([noise, noise], -1)}
    if isinstance(layer, L.AugMix):
        def link(each):
            return {"layer_index": CHOICES.index(each["layer_name"]), "transforms": {each["layer_name"]: each["transformation"]}}

        return {**t, "chain_transforms": [[link(each) for each in chain] for chain in t["chain_transforms"]]}
    return t


def drawn_at_once(layer):
    """What the layers in a RandomColorJitter draw while it runs, drawn before."""
    found = []
    for name in ("brightness", "contrast", "saturation", "hue"):
        inner = getattr(layer, f"random_{name}")
        if inner is not None:
            t = inner.get_random_transformation(IMAGES, training=True)
            inner.get_random_transformation = lambda *_, t=t, **__: dict(t)
            found.append(t)
    return found


def case(layer, images=IMAGES, masks=False, labels=False, boxes=False, transformation=None, title=""):
    """One vector; `transformation` is injected instead of what the layer draws.

    `cotangent` and `gradient` are those of sum(output * cotangent) by the images; none where Keras's is NaN (a flat channel).
    """
    keras.utils.set_random_seed(11)
    first = layer.data_format == "channels_first"
    images = swap(images) if first else images
    t = transformation if transformation is not None else layer.get_random_transformation(images, training=True)
    if isinstance(layer, L.RandomElasticTransform):
        t["seed"] = 7  # the same noise each time
    (output,), pullback = differentiate(lambda x: [layer.transform_images(x, t, training=True)], [], [images])
    cotangent = floats(90, *output.shape)
    gradient = pullback([cotangent])[1][0]
    vector = {
        "title": title,
        "serialized": keras.saving.serialize_keras_object(layer),
        "transformation": tree(written(layer, t)),
        "images": tree(images),
        "output": tree(output),
        "cotangent": tree(cotangent),
        "gradient": tree(gradient) if np.isfinite(gradient).all() else None,
    }
    if masks:
        given = swap(MASKS) if first else MASKS
        vector["masks"] = tree(given)
        vector["masksOutput"] = tree(layer.transform_segmentation_masks(keras.ops.convert_to_tensor(given), t, training=True))
    if labels:
        vector["labels"] = tree(LABELS)
        vector["labelsOutput"] = tree(layer.transform_labels(keras.ops.convert_to_tensor(LABELS), t, training=True))
    if boxes:
        given = {k: keras.ops.convert_to_tensor(v) for k, v in BOXES.items()}
        vector["boxes"] = tree(BOXES)
        vector["boxesOutput"] = tree(layer.transform_bounding_boxes(given, t, training=True))
    return vector


def elastic():
    images = np.maximum(IMAGES, 0.1)  # a gradient where values are cut off would be a matter of taste
    yield case(L.RandomElasticTransform(0.9, [0.9, 0.9], seed=3), images, masks=True)
    yield case(L.RandomElasticTransform(1.0, [1.0, 1.0], interpolation="nearest", fill_mode="constant", fill_value=4.0, **FIRST), images)


FIRST = {"data_format": "channels_first"}
UNIT = np.round(IMAGES / 255, 4).astype("float32")
B = {"bounding_box_format": "xyxy"}

write(
    "image-layers/color",
    [
        case(L.RandomBrightness(0.4, seed=1)),
        case(L.RandomBrightness([0.1, 0.3], value_range=(0, 1), **FIRST), UNIT),
        case(L.RandomContrast(0.8, seed=2)),
        case(L.RandomContrast([0.2, 0.5], value_range=(0, 1), **FIRST), UNIT),
        case(L.RandomColorDegeneration(0.7)),
        case(L.RandomColorDegeneration([0.2, 0.5], value_range=(0, 1), **FIRST), UNIT),
        case(L.RandomHue(0.8)),
        case(L.RandomHue([0.3, 0.5], value_range=(0, 1), **FIRST), UNIT),
        case(L.RandomSaturation([0.2, 0.9])),
        case(L.RandomSaturation([0.6, 0.8], value_range=(0, 1), **FIRST), UNIT),
        case(L.RandomInvert(0.5, seed=3)),
        case(L.RandomInvert([0.2, 0.9], value_range=(0, 1), **FIRST), UNIT),
        case(L.RandomGrayscale(0.5, seed=4)),
        case(L.RandomGrayscale(0.9, **FIRST)),
        case(L.RandomPosterization(4)),
        case(L.RandomPosterization([2, 6], value_range=(0, 1), **FIRST), UNIT),
        case(L.Solarization(0.3, 0.5)),
        case(L.Solarization([0.1, 0.2], [0.4, 0.6], value_range=(0, 1), **FIRST), UNIT),
        case(L.RandomSharpness(0.9)),
        case(L.RandomSharpness([0.0, 0.4], value_range=(0, 1), **FIRST), UNIT),
        case(L.RandomGaussianBlur(0.7, kernel_size=3, sigma=[0.4, 1.0])),
        case(L.RandomGaussianBlur(1.0, kernel_size=5, sigma=0.8, value_range=(0, 1), **FIRST), UNIT),
        case(L.AutoContrast()),
        case(L.AutoContrast(value_range=(0, 1)), np.where(np.arange(3) == 1, 0.5, UNIT).astype("float32"), title="one channel flat"),
        case(L.AutoContrast(value_range=(0, 1)), UNIT),
        case(L.Equalization()),
        case(L.Equalization(value_range=(0, 1), bins=32, **FIRST), UNIT),
        case(L.ContrastLimitedAdaptiveHistogramEqualization(tile_grid_size=(2, 3))),
        case(L.ContrastLimitedAdaptiveHistogramEqualization(value_range=(0, 1), clip_limit=2.0, tile_grid_size=(3, 2), **FIRST), UNIT),
        case(L.ContrastLimitedAdaptiveHistogramEqualization(clip_limit=0.0, tile_grid_size=(2, 3))),
    ],
)
write(
    "image-layers/geometry",
    [
        *[case(L.RandomFlip(m, seed=5, **B), masks=True, boxes=True) for m in ("horizontal", "vertical", "horizontal_and_vertical")],
        case(L.RandomFlip(**FIRST), masks=True),
        case(L.RandomRotation(0.2, **B), masks=True, boxes=True),
        case(L.RandomRotation([0.1, 0.3], fill_mode="constant", fill_value=3.0, interpolation="nearest", **FIRST), masks=True),
        case(L.RandomZoom(0.4, 0.3, **B), masks=True, boxes=True),
        case(L.RandomZoom([-0.5, -0.2], fill_mode="nearest", **FIRST, bounding_box_format="rel_xywh"), boxes=False),
        case(L.RandomTranslation(0.3, [0.1, 0.4], **B), masks=True, boxes=True),
        case(L.RandomTranslation(0.2, 0.2, fill_mode="wrap", **FIRST), masks=True),
        case(L.RandomShear([0.2, 0.5], [0.1, 0.3], **B), masks=True, boxes=True),
        case(L.RandomShear(0.4, fill_mode="constant", **FIRST), masks=True),
        case(L.RandomPerspective(0.9, scale=0.3, **B), masks=True, boxes=True),
        case(L.RandomPerspective(1.0, scale=0.2, interpolation="nearest", fill_value=9.0, **FIRST)),
        case(L.CenterCrop(4, 5, **B), masks=True, boxes=True),
        case(L.CenterCrop(6, 12, **B), masks=False, boxes=True),
        case(L.CenterCrop(3, 4, **FIRST), masks=True),
        case(L.RandomCrop(5, 4, seed=6), masks=True),  # without boxes: Keras moves them down by what is cut on the left
        case(L.RandomCrop(6, 7, seed=6, **FIRST), masks=True),
        case(L.RandomCrop(8, 4, seed=6), masks=True),
        *(elastic() if BACKEND == "jax" else []),  # the noise is JAX's
        case(L.MaxNumBoundingBoxes(3, **B), boxes=True),
        case(L.MaxNumBoundingBoxes(1, **FIRST), boxes=True),
        case(L.Resizing(5, 4, **B), masks=True, boxes=True),
        case(L.Resizing(12, 10, interpolation="bicubic", pad_to_aspect_ratio=True, fill_value=2.0, **B), masks=True, boxes=True),
        case(L.Resizing(6, 4, crop_to_aspect_ratio=True, antialias=True, **B), masks=True, boxes=True),
        case(L.Resizing(6, 4, interpolation="nearest", **FIRST), masks=True),
    ],
)
write(
    "image-layers/mixing",
    [
        case(L.CutMix(0.8), masks=True, labels=True),
        case(L.CutMix([0.2, 0.6], **FIRST), masks=True, labels=True),
        case(L.MixUp(0.5), labels=True),
        case(L.MixUp(2.0, **FIRST), labels=True),
        case(L.RandomErasing(0.9, fill_value=7.0), masks=True),
        case(L.RandomErasing([0.5, 1.0], scale=[0.3, 0.6], value_range=(0, 1), **FIRST), UNIT),
    ],
)
jitter = [
    L.RandomColorJitter(brightness_factor=0.3, contrast_factor=0.4, saturation_factor=[0.2, 0.7], hue_factor=0.3),
    L.RandomColorJitter(value_range=(0, 1), contrast_factor=[0.2, 0.4], hue_factor=0.2),
]
write(
    "image-layers/policies",
    [
        case(jitter[0], transformation=drawn_at_once(jitter[0])),
        case(jitter[1], UNIT, transformation=drawn_at_once(jitter[1])),
        case(L.RandAugment(seed=5, **B), masks=True, boxes=True),
        case(L.RandAugment(value_range=(0, 1), num_ops=3, factor=0.3, seed=9, **FIRST), UNIT),
        case(L.RandAugment(value_range=(0, 1), num_ops=3, factor=[0.2, 0.4], seed=12), UNIT),
        case(L.AugMix(seed=4), masks=True),
        case(L.AugMix(value_range=(0, 1), num_chains=2, chain_depth=4, factor=0.4, alpha=0.5, all_ops=False, seed=8, **FIRST), UNIT),
    ],
)
SIZE = {"height": 20, "width": 30}
box = np.array([[0.5, 1.25, 10, 12], [3, 4, 8.5, 9]], "float32")
other = np.array([[1, 2, 8, 13.5], [9, 9, 12, 12]], "float32")


def call(function, *args, **kwargs):
    found = getattr(keras.utils.bounding_boxes, function)(*args, **kwargs)
    return {"function": function, "args": tree(args), "kwargs": tree(kwargs), "output": tree(found)}


FORMATS = ["xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw", "rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh"]
one = [np.array([v], "float32") for v in (25.0, 0.1, -0.2, 1.2, 4.0, -6.0)]
write(
    "bounding-boxes",
    [
        *[call("convert_format", box, s, t, **SIZE) for i, s in enumerate(FORMATS) for t in FORMATS if (i + FORMATS.index(t)) % 3 != 1],
        call("clip_to_image_size", {"boxes": box * 3 - 4, "labels": np.array([1, 2], "int32")}, height=20, width=14),
        call("clip_to_image_size", {"boxes": box / 8, "labels": np.array([1, 2], "int32")}, bounding_box_format="rel_xyxy"),
        call("affine_transform", box[None], *one, 20, 30),
        call("affine_transform", box[None], *one, 20, 30, center_x=0.2, center_y=0.7),
        call("crop", box, 2, 3, 6, 7),
        call("crop", box[None], 0, 1, 20, 20),
        call("pad", box, 2, 3),
        call("pad", box[None], 1, 0),
        call("encode_box_to_deltas", box, other, "xyxy", "xyxy"),
        call("encode_box_to_deltas", box, other, "xywh", "center_xywh", encoding_format="center_xywh", variance=[0.1, 0.1, 0.2, 0.2]),
        call("decode_deltas_to_boxes", box, other / 10, "xyxy", "xyxy"),
        call("decode_deltas_to_boxes", box, other / 10, "xyxy", "rel_xywh", variance=[0.1, 0.1, 0.2, 0.2], image_shape=(20, 30, 3)),
        call("compute_iou", box, other, "xyxy"),
        call("compute_iou", np.stack([box, other]), np.stack([other, box - 4]), "yxyx"),
        call("compute_iou", box, -other, "xyxy", use_masking=True, mask_val=-2),
        call("compute_iou", box / 20, other / 20, "rel_xyxy", image_shape=(20, 30, 3)),
        call("compute_ciou", box, other, "xyxy"),
        call("compute_ciou", box, other, "xywh"),
    ],
)
