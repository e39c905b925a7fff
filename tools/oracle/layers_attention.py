"""Vectors for the attention layers; `layercase.py` says what is in one.

Run: .venv/bin/python tools/oracle/layers_attention.py            writes packages/ondol/src/testing/vectors/layers/*.json
"""
import numpy as np
from layercase import case, layers, mask_of
from oracle import BACKEND, floats, keras

L = keras.layers
QUERY, VALUE, KEY = floats(41, 2, 3, 4), floats(42, 2, 5, 4), floats(43, 2, 5, 4)
QUERY_MASK, VALUE_MASK = mask_of([3, 2], 3), mask_of([4, 2], 5)
PAIRS = np.arange(30).reshape(2, 3, 5) % 4 > 0


def plain(Class, **options):
    yield case("plain", Class(**options), QUERY, VALUE)
    yield case("key", Class(**options), QUERY, VALUE, KEY)
    yield case("masks", Class(**options), QUERY, VALUE, masks=[QUERY_MASK, VALUE_MASK])
    yield case("causal", Class(**options), QUERY, VALUE, call={"use_causal_mask": True})
    yield case(
        "causal, masks, scores",
        Class(**options),
        QUERY,
        VALUE,
        KEY,
        masks=[QUERY_MASK, VALUE_MASK, VALUE_MASK],
        call={"use_causal_mask": True, "return_attention_scores": True},
    )


def attention():
    yield from plain(L.Attention)
    yield case("scale", L.Attention(use_scale=True), QUERY, VALUE)
    yield case("concat", L.Attention(score_mode="concat"), QUERY, VALUE)
    yield case("concat, scale", L.Attention(score_mode="concat", use_scale=True, dropout=0.5), QUERY, VALUE)


def additive_attention():
    yield from plain(L.AdditiveAttention)
    yield case("no scale", L.AdditiveAttention(use_scale=False), QUERY, VALUE)


def heads(make):
    def each(title, *inputs, call=None, masks=None, **options):
        vector = case(title, make(**options), *inputs, call=call, masks=masks, spread=True)
        if len(vector["outputs"]) == 2:  # Keras describes the scores as if there were as many sources as targets
            vector["openShape"][1] = [None, *vector["outputs"][1]["shape"][1:]]
        return vector

    wanted = {"return_attention_scores": True}
    yield each("plain", QUERY, VALUE)
    yield each("key", QUERY, VALUE, KEY)
    yield each("scores", QUERY, VALUE, call=wanted)
    yield each("causal", QUERY, QUERY, call={"use_causal_mask": True})
    yield each("causal, scores", QUERY, QUERY, call={"use_causal_mask": True, **wanted})
    yield each("masks", QUERY, VALUE, masks=[QUERY_MASK, VALUE_MASK])
    yield each("masks, scores", QUERY, VALUE, KEY, masks=[QUERY_MASK, VALUE_MASK, VALUE_MASK], call=wanted)
    yield each("attention mask", QUERY, VALUE, call={"attention_mask": PAIRS})
    yield each("attention mask, scores", QUERY, VALUE, call={"attention_mask": PAIRS, **wanted})
    yield each("value mask", QUERY, VALUE, call={"value_mask": VALUE_MASK})
    yield each("window", VALUE, VALUE, sliding_window=2)
    yield each("window, causal", VALUE, VALUE, sliding_window=2, call={"use_causal_mask": True})
    yield each("gate, no bias", QUERY, VALUE, use_gate=True, use_bias=False)
    yield each("gate, dropout", QUERY, VALUE, use_gate=True, dropout=0.2, kernel_initializer="he_normal")


def multi_head_attention():
    yield from heads(lambda **options: L.MultiHeadAttention(2, 3, **options))
    grid, other = floats(44, 2, 2, 3, 4), floats(45, 2, 2, 3, 4)
    wanted = {"return_attention_scores": True}  # without them Keras on JAX wants values as wide as keys
    yield case("value size", L.MultiHeadAttention(2, 3, value_dim=5, output_shape=6), VALUE, VALUE, KEY, call=wanted, spread=True)
    yield case("output axes", L.MultiHeadAttention(2, 3, output_shape=(2, 3), bias_regularizer="l2"), QUERY, VALUE, spread=True)
    yield case("two axes", L.MultiHeadAttention(2, 3), grid, other, spread=True)
    yield case("one of two axes", L.MultiHeadAttention(2, 3, attention_axes=2), grid, other, spread=True)
    yield case("the first of two axes", L.MultiHeadAttention(1, 2, attention_axes=(1,)), grid, other, spread=True)


def group_query_attention():
    yield from heads(lambda **options: L.GroupQueryAttention(3, 4, 2, **options))
    yield case("query mask", L.GroupQueryAttention(3, 4, 2), QUERY, VALUE, call={"query_mask": QUERY_MASK}, spread=True)


if __name__ == "__main__":
    for group in (attention, additive_attention, multi_head_attention, group_query_attention):
        layers(group.__name__, lambda: list(group()))
    print(f"made by Keras {keras.__version__} on {BACKEND}")
