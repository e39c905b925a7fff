"""Vectors for convolutions, pooling, normalisation, noise, reshaping, activations and the core layers.

Run: .venv/bin/python tools/oracle/layers_basic.py [group …]      writes packages/ondol/src/testing/vectors/layers/*.json
"""
import sys

import numpy as np
from layercase import case, layers, mask_of
from oracle import BACKEND, floats, integers, keras

L = keras.layers
FIRST = {"data_format": "channels_first"}


def conv3d():
    x = floats(101, 2, 4, 5, 3, 2)
    yield case("valid", L.Conv3D(3, 2), x)
    yield case("same, strides 2, relu", L.Conv3D(2, (3, 2, 2), strides=2, padding="same", activation="relu"), x)
    yield case("same, dilation (1, 2, 1), no bias", L.Conv3D(2, 2, padding="same", dilation_rate=(1, 2, 1), use_bias=False), x)
    yield case("groups", L.Conv3D(4, 2, groups=2), x)
    yield case("channels first", L.Conv3D(2, 2, **FIRST), floats(102, 2, 2, 3, 4, 3))
    yield case("channels first, same, strides (1, 2, 1), groups", L.Conv3D(2, 2, strides=(1, 2, 1), padding="same", groups=2, **FIRST), floats(102, 2, 2, 3, 4, 3))
    yield case("2D, channels first, groups", L.Conv2D(4, 3, padding="same", groups=2, **FIRST), floats(103, 2, 4, 5, 4))
    yield case("2D, channels first, dilation 2", L.Conv2D(2, 2, dilation_rate=2, activation="tanh", **FIRST), floats(103, 2, 4, 5, 4))
    yield case("2D, channels first, 1x1", L.Conv2D(3, 1, **FIRST), floats(103, 2, 4, 5, 4))


def conv_transpose():
    steps, images, volumes = floats(104, 2, 4, 3), floats(105, 2, 3, 4, 2), floats(106, 1, 2, 3, 2, 2)
    yield case("1D", L.Conv1DTranspose(2, 3), steps)
    yield case("1D, strides 2", L.Conv1DTranspose(2, 3, strides=2), steps)
    yield case("1D, same, strides 2", L.Conv1DTranspose(2, 3, strides=2, padding="same", activation="tanh"), steps)
    yield case("1D, same, strides 2, size 2", L.Conv1DTranspose(2, 2, strides=2, padding="same"), steps)
    yield case("1D, strides 3, kernel 2", L.Conv1DTranspose(2, 2, strides=3, use_bias=False), steps)
    yield case("1D, strides 3, output padding 1", L.Conv1DTranspose(2, 3, strides=3, output_padding=1), steps)
    yield case("1D, dilation 2", L.Conv1DTranspose(2, 3, dilation_rate=2), steps)
    yield case("1D, channels first, strides 2", L.Conv1DTranspose(2, 3, strides=2, **FIRST), floats(107, 2, 3, 4))
    yield case("2D", L.Conv2DTranspose(3, 2), images)
    yield case("2D, same, strides 2, relu", L.Conv2DTranspose(3, 3, strides=2, padding="same", activation="relu"), images)
    yield case("2D, same, strides (2, 1), size 4", L.Conv2DTranspose(2, 4, strides=(2, 1), padding="same"), images)
    yield case("2D, strides 2, output padding (1, 0)", L.Conv2DTranspose(2, (3, 2), strides=2, output_padding=(1, 0)), images)
    yield case("2D, same, strides 2, output padding 1", L.Conv2DTranspose(2, 3, strides=2, padding="same", output_padding=1), images)
    yield case("2D, same, dilation (2, 1)", L.Conv2DTranspose(2, 2, padding="same", dilation_rate=(2, 1)), images)
    yield case("2D, channels first, same, strides 2", L.Conv2DTranspose(2, 3, strides=2, padding="same", kernel_regularizer="l2", **FIRST), floats(108, 2, 2, 3, 4))
    yield case("2D, channels first, strides 2, kernel 1", L.Conv2DTranspose(2, 1, strides=2, **FIRST), floats(108, 2, 2, 3, 4))
    yield case("3D", L.Conv3DTranspose(2, 2), volumes)
    yield case("3D, same, strides 2", L.Conv3DTranspose(2, 3, strides=2, padding="same"), volumes)
    yield case("3D, channels first, strides (1, 2, 2), output padding", L.Conv3DTranspose(1, 2, strides=(1, 2, 2), output_padding=(0, 1, 0), **FIRST), floats(109, 1, 2, 2, 2, 3))


def pooling_more():
    steps, images, volumes = floats(110, 2, 7, 3), floats(111, 2, 5, 6, 2), floats(112, 2, 4, 5, 3, 2)
    first, firsts = floats(113, 2, 2, 5, 6), floats(114, 2, 2, 4, 5, 3)
    yield case("3D", L.MaxPooling3D(), np.concatenate([volumes, volumes], 3))
    yield case("3D, same, size 3, strides 2", L.MaxPooling3D(3, strides=2, padding="same"), volumes)
    yield case("3D, channels first", L.MaxPooling3D((2, 2, 1), **FIRST), firsts)
    yield case("average 3D", L.AveragePooling3D((2, 2, 1)), volumes)
    yield case("average 3D, same, strides 2", L.AveragePooling3D(3, strides=2, padding="same"), volumes)
    yield case("average 3D, channels first", L.AveragePooling3D(2, strides=1, **FIRST), firsts)
    yield case("average 1D", L.AveragePooling1D(2), steps)
    yield case("average 1D, channels first, same", L.AveragePooling1D(3, strides=2, padding="same", **FIRST), steps)
    yield case("2D, channels first, same", L.MaxPooling2D(3, strides=2, padding="same", **FIRST), first)
    yield case("average 2D, channels first, same", L.AveragePooling2D(3, strides=2, padding="same", **FIRST), first)
    yield case("global average 3D", L.GlobalAveragePooling3D(), volumes)
    yield case("global average 3D, channels first, kept", L.GlobalAveragePooling3D(keepdims=True, **FIRST), firsts)
    yield case("global max 2D", L.GlobalMaxPooling2D(), images)
    yield case("global max 2D, channels first, kept", L.GlobalMaxPooling2D(keepdims=True, **FIRST), first)
    yield case("global max 3D", L.GlobalMaxPooling3D(), volumes)
    yield case("global max 3D, channels first, kept", L.GlobalMaxPooling3D(keepdims=True, **FIRST), firsts)
    yield case("adaptive average 1D", L.AdaptiveAveragePooling1D(3), steps)
    yield case("adaptive average 1D, channels first", L.AdaptiveAveragePooling1D(2, **FIRST), floats(115, 2, 3, 7))
    yield case("adaptive average 2D", L.AdaptiveAveragePooling2D((2, 4)), images)
    yield case("adaptive average 2D, channels first", L.AdaptiveAveragePooling2D(3, **FIRST), first)
    yield case("adaptive average 3D", L.AdaptiveAveragePooling3D((2, 3, 1)), volumes)
    yield case("adaptive average 3D, channels first", L.AdaptiveAveragePooling3D(2, **FIRST), firsts)
    yield case("adaptive max 1D", L.AdaptiveMaxPooling1D(3), steps)
    yield case("adaptive max 1D, channels first", L.AdaptiveMaxPooling1D(2, **FIRST), floats(115, 2, 3, 7))
    yield case("adaptive max 2D", L.AdaptiveMaxPooling2D((2, 4)), images)
    yield case("adaptive max 2D, channels first", L.AdaptiveMaxPooling2D(3, **FIRST), first)
    yield case("adaptive max 3D", L.AdaptiveMaxPooling3D((2, 3, 1)), volumes)
    yield case("adaptive max 3D, channels first", L.AdaptiveMaxPooling3D(2, **FIRST), firsts)


def normalization_more():
    x, images = floats(116, 3, 6), floats(117, 2, 3, 4, 6)
    steps = floats(118, 2, 3, 4)
    yield case("layer", L.LayerNormalization(), x)
    yield case("layer, two axes", L.LayerNormalization(axis=[3, 1], epsilon=1e-5), images)
    yield case("layer, axis 1", L.LayerNormalization(axis=1), images)
    yield case("layer, axes -2 and -1", L.LayerNormalization(axis=(-2, -1)), steps)
    yield case("layer, no centre", L.LayerNormalization(center=False, gamma_initializer="ones", gamma_regularizer="l2"), x)
    yield case("layer, no scale, mask", L.LayerNormalization(scale=False), steps, masks=[mask_of([1, 3], 3)])
    yield case("group", L.GroupNormalization(groups=3), images)
    yield case("group, one", L.GroupNormalization(groups=1, epsilon=1e-5), images)
    yield case("group, instance", L.GroupNormalization(groups=-1), images)
    yield case("group, axis 1", L.GroupNormalization(groups=2, axis=1), floats(119, 2, 4, 3, 2))
    yield case("group, axis 2 of four", L.GroupNormalization(groups=2, axis=2, center=False), images)
    yield case("group, axis -2, no scale", L.GroupNormalization(groups=2, axis=-2, scale=False), images)
    yield case("group, features only", L.GroupNormalization(groups=2), x)
    yield case("group, mask", L.GroupNormalization(groups=2), steps, masks=[mask_of([1, 3], 3)])
    yield case("rms", L.RMSNormalization(), x)
    yield case("rms, two axes", L.RMSNormalization(axis=[2, 3], epsilon=1e-3), images)
    yield case("unit", L.UnitNormalization(), x)
    yield case("unit, two axes", L.UnitNormalization(axis=[1, 2]), images)
    yield case("unit, mask", L.UnitNormalization(axis=1), steps, masks=[mask_of([1, 3], 3)])
    yield case("spectral, dense", L.SpectralNormalization(L.Dense(4)), x)
    yield case("spectral, dense, three iterations", L.SpectralNormalization(L.Dense(4, activation="tanh"), power_iterations=3), x)
    yield case("spectral, convolution", L.SpectralNormalization(L.Conv2D(2, 2)), images)


def noise():
    x, steps, images = floats(120, 3, 4), floats(121, 2, 3, 4), floats(122, 2, 3, 2, 4)
    volumes = floats(123, 1, 2, 3, 2, 2)
    yield case("activity, l1 and l2", L.ActivityRegularization(l1=0.1, l2=0.2), x)
    yield case("activity, mask", L.ActivityRegularization(l2=0.5), steps, masks=[mask_of([1, 3], 3)])
    yield case("dropout", L.Dropout(0.3, seed=2), steps, masks=[mask_of([1, 3], 3)])
    yield case("dropout, rate 0", L.Dropout(0.0, noise_shape=[None, 1, 4]), steps, training=True)
    yield case("alpha", L.AlphaDropout(0.3), x)
    yield case("alpha, noise shape", L.AlphaDropout(0.0, noise_shape=[None, 1], seed=3), x, training=True)
    yield case("gaussian dropout", L.GaussianDropout(0.3, seed=7), x)
    yield case("gaussian dropout, rate 0", L.GaussianDropout(0), x, training=True)
    yield case("gaussian noise", L.GaussianNoise(0.3), x)
    yield case("gaussian noise, mask", L.GaussianNoise(0.0, seed=1), steps, masks=[mask_of([1, 3], 3)], training=True)
    yield case("spatial 1D", L.SpatialDropout1D(0.5), steps)
    yield case("spatial 1D, mask", L.SpatialDropout1D(0.0, seed=4), steps, masks=[mask_of([1, 3], 3)], training=True)
    yield case("spatial 2D", L.SpatialDropout2D(0.5), images)
    yield case("spatial 2D, channels first", L.SpatialDropout2D(0.4, **FIRST), images)
    yield case("spatial 3D", L.SpatialDropout3D(0.5), volumes)
    yield case("spatial 3D, channels first", L.SpatialDropout3D(0.5, seed=2, **FIRST), volumes)


def reshaping_more():
    steps, images, volumes = floats(124, 2, 5, 3), floats(125, 2, 4, 5, 2), floats(126, 1, 3, 4, 3, 2)
    yield case("crop 1D", L.Cropping1D(), steps)
    yield case("crop 1D, end only", L.Cropping1D((0, 2)), steps)
    yield case("crop 2D, nothing", L.Cropping2D(), images)
    yield case("crop 2D, symmetric", L.Cropping2D((1, 2)), images)
    yield case("crop 2D, each side, channels first", L.Cropping2D(((1, 2), (1, 0)), **FIRST), floats(127, 2, 2, 4, 5))
    yield case("crop 3D", L.Cropping3D(), volumes)
    yield case("crop 3D, each side", L.Cropping3D(((1, 0), (1, 2), (0, 1))), volumes)
    yield case("crop 3D, channels first", L.Cropping3D((1, 0, 1), **FIRST), floats(128, 1, 2, 3, 2, 4))
    yield case("zeros 1D", L.ZeroPadding1D(2), steps)
    yield case("zeros 1D, channels first", L.ZeroPadding1D((0, 1), **FIRST), steps)
    yield case("zeros 3D", L.ZeroPadding3D(), volumes)
    yield case("zeros 3D, symmetric", L.ZeroPadding3D((1, 0, 2)), volumes)
    yield case("zeros 3D, each side, channels first", L.ZeroPadding3D(((1, 0), (0, 2), (0, 0)), **FIRST), volumes)
    yield case("repeat", L.RepeatVector(3), floats(129, 2, 4))
    yield case("repeat once", L.RepeatVector(1), floats(129, 2, 4))
    yield case("up 1D", L.UpSampling1D(), steps)
    yield case("up 1D, three times", L.UpSampling1D(3), steps)
    yield case("up 2D", L.UpSampling2D(), images)
    yield case("up 2D, (3, 1), channels first", L.UpSampling2D((3, 1), **FIRST), floats(127, 2, 2, 4, 5))
    small = floats(130, 1, 3, 4, 2)
    for interpolation in ("bilinear", "bicubic", "lanczos3", "lanczos5"):
        yield case(f"up 2D, {interpolation}", L.UpSampling2D(2, interpolation=interpolation), small)
    yield case("up 2D, bilinear, (3, 2), channels first", L.UpSampling2D((3, 2), interpolation="bilinear", **FIRST), floats(131, 1, 2, 3, 4))
    yield case("up 3D", L.UpSampling3D(), volumes)
    yield case("up 3D, channels first", L.UpSampling3D((1, 2, 3), **FIRST), floats(132, 1, 2, 2, 2, 2))
    yield case("flatten, vectors", L.Flatten(), floats(129, 2, 4))
    yield case("flatten, no features", L.Flatten(), floats(133, 3))
    yield case("flatten, volumes, channels first", L.Flatten(**FIRST), volumes)
    yield case("reshape to nothing", L.Reshape(()), floats(134, 3, 1))
    yield case("permute of four", L.Permute((4, 2, 1, 3)), volumes)


def activations_more():
    x, images, cube = floats(135, 3, 5, scale=2), floats(136, 2, 3, 4, 2), floats(137, 2, 3, 4)
    yield case("ELU", L.ELU(), x)
    yield case("ELU, alpha", L.ELU(alpha=0.5), x)
    yield case("PReLU", L.PReLU(), x)
    yield case("PReLU, shared axes", L.PReLU(shared_axes=[1, 2], alpha_initializer="ones", alpha_regularizer="l1", alpha_constraint="non_neg"), images)
    yield case("PReLU, one axis, mask", L.PReLU(shared_axes=1), cube, masks=[mask_of([1, 3], 3)])
    yield case("Softmax, one axis in a list", L.Softmax(axis=[1]), cube)
    yield case("Softmax, all masked", L.Softmax(), x, masks=[mask_of([0, 5, 1], 5)])
    yield case("Softmax, wide mask", L.Softmax(), cube, masks=[np.array([[[1, 0, 1, 1]], [[0, 1, 1, 0]]], bool)])
    yield case("Softmax, two axes, mask", L.Softmax(axis=(1, 2)), cube, masks=[np.array([[[1], [0], [1]], [[1], [1], [1]]], bool)])


@keras.saving.register_keras_serializable("oracle")
def scaled(x, by=0.5):
    return keras.ops.tanh(x) * by


@keras.saving.register_keras_serializable("oracle")
def everywhere(inputs, mask=None):
    return keras.ops.ones_like(inputs[..., 0], dtype="bool")


def core():
    x, steps = floats(138, 3, 4), floats(139, 2, 3, 4)
    gaps = steps.copy()
    gaps[0, 1] = 0
    gaps[1, 2] = 0
    gaps[1, 0, 1] = 0
    yield case("einsum as dense", L.EinsumDense("ab,bc->ac", output_shape=5, bias_axes="c"), x)
    yield case("einsum, steps, relu", L.EinsumDense("abc,cd->abd", output_shape=(3, 3), activation="relu", bias_axes="d"), steps)
    yield case("einsum, no bias", L.EinsumDense("abc,cde->abde", output_shape=(3, 2, 3)), steps)
    yield case("einsum, bias on two axes", L.EinsumDense("abc,cde->abde", output_shape=(3, 2, 3), bias_axes="de", kernel_initializer="he_normal"), steps)
    yield case("einsum, bias on the first", L.EinsumDense("abc,bde->acde", output_shape=(4, 2, 3), bias_axes="d", kernel_regularizer="l2"), steps)
    yield case("einsum, ellipsis left", L.EinsumDense("...x,xy->...y", output_shape=3, bias_axes="y"), steps)
    yield case("einsum, ellipsis right", L.EinsumDense("ab...,bc->ac...", output_shape=(2,), bias_axes="c"), steps)
    yield case("einsum, ellipsis for the batch", L.EinsumDense("...ab,bc->...ac", output_shape=(3, 2)), steps)
    yield case("masking", L.Masking(), gaps)
    yield case("masking, value", L.Masking(mask_value=1.0), np.where(gaps == 0, 1, gaps).astype("float32"))
    yield case("identity", L.Identity(), x)
    yield case("lambda", L.Lambda(scaled, arguments={"by": 3.0}), x)
    yield case("lambda, with a mask", L.Lambda(scaled, output_shape=(3, 4), mask=everywhere), steps, masks=[mask_of([1, 3], 3)])
    yield case("identity, mask", L.Identity(), steps, masks=[mask_of([1, 3], 3)])
    words = integers(140, 7, 2, 4)
    yield case("tied", L.ReversibleEmbedding(7, 3), words)
    yield case("tied, zero is the mask", L.ReversibleEmbedding(7, 3, mask_zero=True), words)
    yield case("tied, reverse", L.ReversibleEmbedding(7, 4), steps, call={"reverse": True})
    yield case("own matrix, reverse, soft cap", L.ReversibleEmbedding(7, 4, tie_weights=False, logit_soft_cap=2.0), steps, call={"reverse": True})
    yield case("own matrix", L.ReversibleEmbedding(7, 3, tie_weights=False, embeddings_regularizer="l2"), words)
    yield case("LoRA, dense", L.Dense(5, lora_rank=2, lora_alpha=3.0), x)
    yield case("LoRA, dense, steps", L.Dense(2, lora_rank=1, kernel_regularizer="l2", activation="tanh"), steps)
    yield case("LoRA, einsum", L.EinsumDense("abc,cde->abde", output_shape=(3, 2, 3), bias_axes="e", lora_rank=2), steps)
    yield case("LoRA, embedding", L.Embedding(7, 3, lora_rank=2), words)
    yield case("LoRA, convolution", L.Conv2D(3, 2, lora_rank=2, **FIRST), floats(141, 1, 2, 3, 4))


def merging_more():
    a, b, c = floats(142, 2, 3, 4), floats(143, 2, 3, 4), floats(144, 2, 1, 4)
    masks = [mask_of([1, 3], 3), mask_of([2, 1], 3)]
    for layer in (L.Subtract, L.Average, L.Maximum, L.Minimum):
        yield case(layer.__name__, layer(), a, b)
        yield case(f"{layer.__name__}, broadcast", layer(), a, floats(145, 2, 4))
        yield case(f"{layer.__name__}, masks", layer(), a, b, masks=masks)
    for layer in (L.Average, L.Maximum, L.Minimum):
        yield case(f"{layer.__name__} of three", layer(), a, b, c)
    yield case("add, masks", L.Add(), a, b, masks=masks)
    yield case("multiply, masks", L.Multiply(), a, b, masks=masks)
    yield case("concatenate, masks", L.Concatenate(), a, b, masks=masks)
    yield case("concatenate, axis 1, masks", L.Concatenate(axis=1), a, b, masks=masks)
    yield case("dot", L.Dot(axes=2), a, b)
    yield case("dot, two axes", L.Dot(axes=(1, 2)), floats(146, 2, 4, 3), a)
    yield case("dot, normalised, negative axis", L.Dot(axes=-1, normalize=True), a, b)
    yield case("dot of vectors", L.Dot(axes=1), floats(147, 2, 4), floats(148, 2, 4))


def preprocessing():
    x, images = floats(151, 3, 4), floats(152, 2, 2, 3, 3)
    yield case("rescale", L.Rescaling(1 / 127.5, offset=-1.0), x)
    yield case("rescale channels", L.Rescaling([1.0, 0.5, 2.0], offset=[0.1, 0.2, 0.3]), images)
    yield case("rescale whole numbers", L.Rescaling(0.25), integers(153, 255, 2, 3))
    yield case("normalize", L.Normalization(mean=3.0, variance=2.0), x)
    yield case("normalize each, backwards", L.Normalization(mean=[1.0, 2.0, 0.5], variance=[4.0, 0.0, 2.0], invert=True), images)
    yield case("normalize two axes", L.Normalization(axis=(1, 3), mean=[1.0, 2.0, 0.5], variance=[4.0, 9.0, 1.0]), images)
    yield case("pipeline", L.Pipeline([L.Rescaling(0.5), L.Normalization(mean=1.0, variance=4.0)]), x)
    yield case("pipeline of images", L.Pipeline([L.Resizing(3, 2), L.CenterCrop(2, 2), L.Rescaling(2.0)]), images)
    yield case("resize", L.Resizing(3, 2), images)
    yield case("crop", L.CenterCrop(1, 2), images)
    signal, small = floats(154, 2, 40, 2), dict(frame_length=16, frame_step=8)
    for mode in ("log", "magnitude", "psd", "real", "imag", "angle", "stft"):
        yield case(f"stft, {mode}", L.STFTSpectrogram(mode=mode, **small), signal)
    yield case("stft, apart", L.STFTSpectrogram(mode="magnitude", expand_dims=True, padding="same", fft_length=32, **small), signal)
    audio, mel = floats(155, 2, 200), dict(fft_length=64, sequence_stride=32, num_mel_bins=6, sampling_rate=8000)
    yield case("mel", L.MelSpectrogram(**mel), audio)
    yield case("mel, energy", L.MelSpectrogram(**mel, sequence_length=40, window="hamming", mag_exp=1.0, power_to_db=False), audio)


GROUPS = (conv3d, conv_transpose, pooling_more, normalization_more, noise, reshaping_more, activations_more, merging_more, core, preprocessing)
for group in GROUPS:
    if not sys.argv[1:] or group.__name__ in sys.argv[1:]:
        layers(group.__name__, lambda: list(group()))
print(f"made by Keras {keras.__version__} on {BACKEND}")
