"""Vectors for the preprocessing layers: configs, vocabularies and outputs as the real Keras (on TensorFlow) gives them.

Run: .venv/bin/python tools/oracle/layers_preprocessing.py   writes packages/ondol/src/testing/vectors/layers-preprocessing.json
"""
import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from oracle import encode, floats, integers, keras, write  # noqa: E402

L = keras.layers


def plain(value):
    """Strings as {strings, shape}, numbers as encode() does."""
    if isinstance(value, tuple):
        return {"list": [plain(each) for each in value]}
    array = value.numpy() if hasattr(value, "numpy") else np.asarray(value)
    if array.dtype.kind in "OSU":
        flat = [v.decode() if isinstance(v, bytes) else str(v) for v in array.reshape(-1)]
        return {"strings": flat, "shape": list(array.shape)}
    return encode(array)


def case(title, layer, *inputs, adapt=None, weights=None, call=None):
    serialized = keras.saving.serialize_keras_object(layer)
    if adapt is not None:
        layer.adapt(adapt)
    outputs = []
    for given in inputs:
        arguments = {k: np.array(v) for k, v in (call or {}).items()}
        x = [tf.constant(each) for each in given] if isinstance(given, tuple) else tf.constant(given)
        outputs.append(plain(layer(x, **arguments)))
    return {
        "title": title,
        "class": type(layer).__name__,
        "serialized": serialized,
        "adapt": None if adapt is None else plain(adapt),
        "inputs": [plain(given) for given in inputs],
        "call": {k: plain(np.array(v, "float32")) for k, v in (call or {}).items()} or None,
        "outputs": outputs,
        "config": layer.get_config(),
        "vocabulary": [str(t) if isinstance(t, str) else int(t) for t in layer.get_vocabulary()]
        if hasattr(layer, "get_vocabulary") and not getattr(layer, "invert", False) and adapt is not None
        else None,
        "weights": [plain(w.numpy()) for w in layer.weights],
    }


def rescaling():
    yield case("number", L.Rescaling(1 / 127.5, offset=-1.0), integers(1, 255, 2, 3))
    yield case("channels", L.Rescaling([1.0, 0.5, 2.0], offset=[0.1, 0.2, 0.3]), floats(1, 2, 2, 3))


def normalization():
    data = floats(3, 6, 4) * 3 + 1
    yield case("adapt", L.Normalization(), floats(1, 3, 4), adapt=data)
    yield case("inverse", L.Normalization(invert=True), floats(1, 3, 4), adapt=data)
    yield case("one mean", L.Normalization(axis=None), floats(1, 3, 4), adapt=data)
    yield case("two axes", L.Normalization(axis=(1, 2)), floats(1, 2, 3, 2), adapt=floats(5, 4, 3, 2))
    yield case("given", L.Normalization(mean=3.0, variance=2.0), floats(1, 3, 1))
    yield case("given for each", L.Normalization(mean=[1.0, 2.0], variance=[4.0, 0.0]), floats(1, 3, 2))
    yield case("given last of two axes", L.Normalization(axis=(1, 2), mean=[1.0, 2.0], variance=[4.0, 9.0]), floats(1, 3, 3, 2))


def discretization():
    for mode in ("int", "one_hot", "multi_hot", "count"):
        yield case(mode, L.Discretization([-0.5, 0.0, 0.5], output_mode=mode), np.array([[-1.0, -0.5, 0.2], [0.5, 0.7, 0.0]], "float32"))
    yield case("column one_hot", L.Discretization([0.0], output_mode="one_hot"), np.array([[-1.0], [0.0]], "float32"))
    yield case("adapt", L.Discretization(num_bins=4), np.array([[-1.5, 0.0, 0.2], [0.5, 0.7, 3.0]], "float32"), adapt=floats(7, 50, 3))
    yield case("adapt to much", L.Discretization(num_bins=5, epsilon=0.05), floats(8, 3, 2), adapt=floats(9, 500))
    yield case("adapt to little", L.Discretization(num_bins=3), np.arange(6.0, dtype="float32"), adapt=np.arange(10.0, dtype="float32"))


def category_encoding():
    x = np.array([[0, 1, 1], [3, 0, 2]])
    for mode in ("multi_hot", "count", "one_hot"):
        yield case(mode, L.CategoryEncoding(4, output_mode=mode), x, np.array([1, 3, 1]))
    yield case("column", L.CategoryEncoding(4, output_mode="one_hot"), np.array([[1], [3]]))
    yield case("weights", L.CategoryEncoding(4, output_mode="count"), x, call={"count_weights": [[0.5, 1.0, 2.0], [1.0, 3.0, 0.1]]})


WORDS = ["", "a", "ab", "abc", "Keras", "omar", "stringer", "marlo", "wire", "sixteen bytes ok", "seventeen bytes o", "Übermut 온돌 🔥"]
LONG = ["x" * 31 + "é", "y" * 40, "z" * 63, "w" * 64, "v" * 65, "The quick brown fox jumps over the lazy dog, and does so again and again, until it is tired." * 3]


def hashing():
    yield case("strings", L.Hashing(1000003), np.array(WORDS), np.array(LONG))
    yield case("salt", L.Hashing(1000003, salt=133), np.array(WORDS), np.array(LONG))
    yield case("two salts", L.Hashing(1000003, salt=[133, 137]), np.array(WORDS), np.array(LONG))
    yield case("mask", L.Hashing(4, mask_value=""), np.array([[w] for w in WORDS]))
    yield case("integers", L.Hashing(97), np.array([[0, 1, -5], [1138, 2**31 - 1, -(2**31)]]))
    yield case("integers with mask", L.Hashing(5, mask_value=0, salt=7), np.array([[0, 1], [2, 3]]))
    for mode in ("one_hot", "multi_hot", "count"):
        yield case(mode, L.Hashing(3, output_mode=mode), np.array([["a"], ["b"], ["c"]]), np.array([["a", "b"], ["b", "b"]]))


def crossing():
    a = np.array(["A", "B", "A", "B", "A"])
    b = np.array([101, 101, 101, 102, -7])
    yield case("int", L.HashedCrossing(100003), (a, b), (a[:, None], b[:, None]), (b, b, a))
    yield case("one_hot", L.HashedCrossing(5, output_mode="one_hot"), (a, b), (a[:, None], b[:, None]))


def string_lookup():
    vocab = ["a", "b", "c"]
    x = np.array([["a", "c", "z"], ["q", "b", "é"]])
    yield case("plain", L.StringLookup(vocabulary=vocab), x, np.array(["b", ""]), np.array("c"))
    yield case("mask and oov", L.StringLookup(vocabulary=vocab, mask_token="", num_oov_indices=3), np.array([["a", "", "z"], ["q", "b", "é"]]))
    yield case("special tokens in front", L.StringLookup(vocabulary=["", "[UNK]", "a", "b"], mask_token=""), np.array(["a", "b", "x", ""]))
    yield case("salt", L.StringLookup(vocabulary=vocab, num_oov_indices=5, salt=11), x)
    yield case("none outside", L.StringLookup(vocabulary=vocab, num_oov_indices=0), np.array(["a", "c"]))
    yield case("invert", L.StringLookup(vocabulary=vocab, invert=True), np.array([[1, 3], [0, 9]]))
    yield case("invert with mask", L.StringLookup(vocabulary=vocab, invert=True, mask_token=""), np.array([[0, 1], [2, 9]]))
    for mode in ("one_hot", "multi_hot", "count"):
        yield case(mode, L.StringLookup(vocabulary=vocab, output_mode=mode), np.array(["a", "z"]), np.array([["b"], ["c"]]), np.array("a"))
        if mode != "one_hot":
            yield case(mode + " of rows", L.StringLookup(vocabulary=vocab, output_mode=mode, mask_token="z"), x)
    yield case("padded", L.StringLookup(vocabulary=vocab, output_mode="count", max_tokens=7, pad_to_max_tokens=True), x)
    idf = [0.25, 0.75, 0.6]
    yield case("tf_idf", L.StringLookup(vocabulary=vocab, idf_weights=idf, output_mode="tf_idf"), x)
    yield case("tf_idf padded", L.StringLookup(vocabulary=vocab, idf_weights=idf, output_mode="tf_idf", max_tokens=6, pad_to_max_tokens=True), x)
    docs = np.array([["b", "a", "b"], ["c", "b", "a"], ["𝒳", "\uffee", "é"]])
    yield case("adapt", L.StringLookup(), x, adapt=docs)
    yield case("adapt with a limit", L.StringLookup(max_tokens=4, mask_token="a"), x, adapt=docs)
    yield case("adapt tf_idf", L.StringLookup(output_mode="tf_idf"), x, adapt=docs)
    yield case("adapt tf_idf of tokens", L.StringLookup(output_mode="tf_idf", max_tokens=9, pad_to_max_tokens=True), x, adapt=docs.reshape(-1))


def integer_lookup():
    vocab = [12, 36, 1138, -4]
    x = np.array([[12, 1138, 42], [-4, -7, 0]])
    yield case("plain", L.IntegerLookup(vocabulary=vocab), x, np.array([36, 1]))
    yield case("mask and oov", L.IntegerLookup(vocabulary=vocab, mask_token=0, num_oov_indices=3), x)
    yield case("farmhash", L.IntegerLookup(vocabulary=vocab, num_oov_indices=7, oov_method="farmhash"), x)
    yield case("farmhash with salt", L.IntegerLookup(vocabulary=vocab, num_oov_indices=7, oov_method="farmhash", salt=[1, 2]), x)
    yield case("invert", L.IntegerLookup(vocabulary=vocab, invert=True), np.array([[1, 4], [0, 9]]))
    yield case("invert with mask", L.IntegerLookup(vocabulary=vocab, invert=True, mask_token=0, oov_token=-99), np.array([[1, 4], [0, 9]]))
    for mode in ("one_hot", "multi_hot", "count"):
        yield case(mode, L.IntegerLookup(vocabulary=vocab, output_mode=mode, mask_token=42), np.array([[36], [5]]) if mode == "one_hot" else x)
    yield case("tf_idf", L.IntegerLookup(vocabulary=vocab, output_mode="tf_idf", idf_weights=[0.1, 0.2, 0.3, 0.4]), x)
    yield case("adapt", L.IntegerLookup(), x, adapt=np.array([[12, 36, 36], [5, 36, 5]]))
    yield case("adapt with a limit", L.IntegerLookup(max_tokens=3, output_mode="multi_hot"), x, adapt=np.array([12, 36, 36, -1, 5, 36, 5]))


TEXTS = ["The cat, the DOG!", "a cat\tsat\n\nhere...", "Äpfel & Birnen: ÄPFEL", "", "it's  two-fold  "]


def text_vectorization():
    T = L.TextVectorization
    docs = np.array(["the cat sat", "the dog sat on the cat", "äpfel und Birnen", "its a dog"])
    x = np.array(TEXTS)
    yield case("plain", T(), x, x[:, None], np.array("the cat"), adapt=docs)
    yield case("length", T(output_sequence_length=3, max_tokens=6), x, np.array("the cat"), adapt=docs)
    yield case("long", T(output_sequence_length=7), x, adapt=docs[:, None])
    yield case("vocabulary", T(vocabulary=["cat", "dog", "the"], standardize="lower"), x)
    yield case("strip", T(standardize="strip_punctuation"), x, adapt=docs)
    yield case("as it is", T(standardize=None), x, adapt=docs)
    yield case("characters", T(split="character", output_sequence_length=12), x, adapt=docs)
    yield case("tokens", T(split=None), np.array([["the", "cat", "q"]]), adapt=np.array([["the", "cat"], ["dog", "the"]]))
    yield case("tokens cut", T(split=None, output_sequence_length=2), np.array([["the", "cat", "q"]]), adapt=np.array([["the", "cat"], ["dog", "the"]]))
    yield case("tokens padded", T(split=None, output_sequence_length=5), np.array([["the", "cat", "q"]]), adapt=np.array(["the", "cat", "the"]))
    yield case("ngrams", T(ngrams=2), x, adapt=docs)
    yield case("ngrams of some lengths", T(ngrams=(3, 1)), x, adapt=docs)
    for mode in ("multi_hot", "count", "tf_idf"):
        yield case(mode, T(output_mode=mode), x, np.array("the cat the"), adapt=docs)
    yield case("padded tf_idf", T(output_mode="tf_idf", max_tokens=30, pad_to_max_tokens=True, ngrams=2), x, adapt=docs)
    yield case("one_hot", T(output_mode="one_hot"), np.array("the cat q"), adapt=docs)
    yield case("one_hot tokens", T(output_mode="one_hot", split=None, standardize=None), np.array(["a", "b"]), adapt=np.array(["a", "c"]))


def spectrograms():
    audio = floats(1, 2, 400)
    mel = dict(fft_length=64, sequence_stride=32, num_mel_bins=8, sampling_rate=8000)
    yield case("mel", L.MelSpectrogram(**mel), audio, audio[0])
    yield case("mel energy", L.MelSpectrogram(**mel, sequence_length=40, window="hamming", mag_exp=1.0, power_to_db=False, min_freq=100.0, max_freq=3000), audio)
    yield case("mel decibels", L.MelSpectrogram(**mel, top_db=20.0, ref_power=0.1), audio)
    signal = floats(2, 2, 100, 2)
    small = dict(frame_length=16, frame_step=8)
    for mode in ("log", "magnitude", "psd", "real", "imag", "stft"):
        yield case(mode, L.STFTSpectrogram(mode=mode, **small), signal)
    yield case("apart", L.STFTSpectrogram(mode="magnitude", expand_dims=True, padding="same", window="blackman", periodic=True, scaling="spectrum", **small), signal)
    yield case("odd", L.STFTSpectrogram(mode="stft", frame_length=10, fft_length=16, window=None, scaling=None), signal)


def pipelines():
    yield case("two", L.Pipeline([L.Rescaling(0.5), L.Rescaling(2.0, offset=1.0)]), floats(1, 2, 3))
    yield case("text", L.Pipeline([L.StringLookup(vocabulary=["a", "b"]), L.CategoryEncoding(3, output_mode="one_hot")]), np.array(["a", "z"]))


def stft_initializers():
    windows = ["hann", "hamming", "blackman", "nuttall", "blackmanharris", "flattop", "boxcar", "triang", "bartlett", "parzen", "bohman"]
    windows += ["barthann", "cosine", "lanczos", "exponential", "tukey"]
    for i, window in enumerate(windows):
        for periodic in (False, True):
            options = dict(side=("real", "imag")[i % 2], window=window, scaling=("density", "spectrum", None)[i % 3], periodic=periodic)
            value = keras.initializers.STFT(**options)((7 + i % 2, 1, 5), "float32")
            yield {"config": keras.initializers.STFT(**options).get_config(), "value": encode(value)}


FAMILIES = [
    rescaling, normalization, discretization, category_encoding, hashing, crossing, string_lookup, integer_lookup,
    text_vectorization, spectrograms, pipelines,
]

if __name__ == "__main__":
    keras.backend.clear_session()
    write("layers-preprocessing", {
        "layers": [each for family in FAMILIES for each in family()],
        "stft": list(stft_initializers()),
    })
