"""Vectors for the losses: value and gradient by the prediction, for reductions, sample weights and every option.

Run: .venv/bin/python tools/oracle/losses.py            writes packages/ondol/src/testing/vectors/losses.json
"""
import numpy as np
from oracle import BACKEND, differentiate, encode, floats, integers, keras, listed, write

K = keras.losses
REDUCTIONS = ["sum_over_batch_size", "sum", "none", "mean_with_sample_weight"]


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return (e / e.sum(-1, keepdims=True)).astype("float32")


logits = floats(61, 4, 3, scale=2)
probabilities = np.round(softmax(logits), 4).astype("float32")
one_hot = np.eye(3, dtype="float32")[[0, 2, 1, 1]]
classes = np.array([0, 2, 1, 1], "int32")
binary = np.array([[0, 1, 1], [1, 0, 0], [1, 1, 0], [0, 0, 1]], "float32")
soft = np.round(softmax(floats(62, 4, 3)), 3).astype("float32")
real, guess = floats(63, 4, 3), floats(64, 4, 3)
positive = np.abs(guess) + 0.1
signs = binary * 2 - 1
weights = np.array([0.5, 2.0, 0.0, 1.0], "float32")
steps_logits, steps_classes = floats(65, 2, 3, 4), integers(66, 4, 2, 3)
maps_logits, maps_classes = floats(67, 2, 4, 3), integers(68, 4, 2, 3)
wild_logits = np.array([[100.0, -100.0, 0.0], [-100.0, 100.0, 50.0], [1e4, 0.0, -1e4], [0.0, 0.0, 0.0]], "float32")
certain = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]], "float32")


def cases():
    """(title, loss, y_true, y_pred, sample_weight)"""
    for reduction in REDUCTIONS:
        for weight in (None, weights):
            name = f"{reduction}{', weights' if weight is not None else ''}"
            yield f"categorical, {name}", K.CategoricalCrossentropy(from_logits=True, reduction=reduction), one_hot, logits, weight
            yield f"sparse, {name}", K.SparseCategoricalCrossentropy(from_logits=True, reduction=reduction), classes, logits, weight
            yield f"binary, {name}", K.BinaryCrossentropy(from_logits=True, reduction=reduction), binary, logits, weight
            yield f"mse, {name}", K.MeanSquaredError(reduction=reduction), real, guess, weight
    yield "categorical, probabilities", K.CategoricalCrossentropy(), one_hot, probabilities, None
    yield "categorical, probabilities that do not sum to one", K.CategoricalCrossentropy(), one_hot, positive, None
    yield "categorical, smoothing", K.CategoricalCrossentropy(label_smoothing=0.1), one_hot, probabilities, None
    yield "categorical, smoothing, logits", K.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2), one_hot, logits, None
    yield "categorical, soft labels", K.CategoricalCrossentropy(from_logits=True), soft, logits, None
    yield "categorical, axis 1", K.CategoricalCrossentropy(from_logits=True, axis=1), np.eye(4, dtype="float32")[maps_classes].transpose(0, 2, 1), maps_logits, None
    yield "categorical, certain", K.CategoricalCrossentropy(), one_hot, certain, None
    yield "categorical, wild logits", K.CategoricalCrossentropy(from_logits=True), one_hot, wild_logits, None
    yield "sparse, probabilities", K.SparseCategoricalCrossentropy(), classes, probabilities, None
    yield "sparse, column of labels", K.SparseCategoricalCrossentropy(), classes[:, None], probabilities, None
    yield "sparse, float labels", K.SparseCategoricalCrossentropy(), classes.astype("float32"), probabilities, None
    yield "sparse, steps", K.SparseCategoricalCrossentropy(from_logits=True), steps_classes, steps_logits, None
    yield "sparse, steps, weights", K.SparseCategoricalCrossentropy(from_logits=True), steps_classes, steps_logits, np.array([[1, 2, 0], [0, 1, 0.5]], "float32")
    yield "sparse, ignored class", K.SparseCategoricalCrossentropy(from_logits=True, ignore_class=1), classes, logits, None
    yield "sparse, certain", K.SparseCategoricalCrossentropy(), classes, certain, None
    yield "sparse, wild logits", K.SparseCategoricalCrossentropy(from_logits=True), classes, wild_logits, None
    yield "binary, probabilities", K.BinaryCrossentropy(), binary, probabilities, None
    yield "binary, smoothing", K.BinaryCrossentropy(label_smoothing=0.2), binary, probabilities, None
    yield "binary, certain", K.BinaryCrossentropy(), binary, certain, None
    yield "binary, wild logits", K.BinaryCrossentropy(from_logits=True), binary, wild_logits, None
    yield "binary focal", K.BinaryFocalCrossentropy(), binary, probabilities, None
    yield "binary focal, balanced", K.BinaryFocalCrossentropy(apply_class_balancing=True, alpha=0.3, gamma=1.5, from_logits=True), binary, logits, None
    yield "categorical focal", K.CategoricalFocalCrossentropy(), one_hot, probabilities, None
    yield "categorical focal, logits", K.CategoricalFocalCrossentropy(from_logits=True, alpha=0.5, gamma=1.0), one_hot, logits, None
    for name in ("MeanAbsoluteError", "MeanAbsolutePercentageError", "LogCosh", "Huber", "CosineSimilarity"):
        yield name, getattr(K, name)(), real, guess, None
        yield f"{name}, weights", getattr(K, name)(), real, guess, weights
    yield "Huber, delta", K.Huber(delta=0.5), real, guess, None
    yield "MeanSquaredLogarithmicError", K.MeanSquaredLogarithmicError(), np.abs(real), positive, None
    yield "Poisson", K.Poisson(), np.abs(real), positive, None
    yield "KLDivergence", K.KLDivergence(), soft, probabilities, None
    for name in ("Hinge", "SquaredHinge"):
        yield name, getattr(K, name)(), signs, guess, None
        yield f"{name}, labels 0 and 1", getattr(K, name)(), binary, guess, None
    yield "CategoricalHinge", K.CategoricalHinge(), one_hot, guess, None
    for axis in (None, -1, (1,)):
        yield f"Dice, axis {axis}", K.Dice(axis=axis), binary, probabilities, None
    yield "Tversky", K.Tversky(), binary, probabilities, None
    yield "Tversky, options", K.Tversky(alpha=0.3, beta=0.8, axis=1), binary, probabilities, weights
    unit = floats(71, 5, 3)
    unit = np.round(unit / np.linalg.norm(unit, axis=1, keepdims=True), 4).astype("float32")
    yield "Circle", K.Circle(), np.array([0, 1, 0, 2, 1], "int32"), unit, None
    yield "Circle, options", K.Circle(gamma=4, margin=0.2, remove_diagonal=False), np.array([0, 1, 0, 2, 1], "int32"), unit, None
    yield "CTC", K.CTC(), np.array([[1, 2], [3, 0], [2, 2]], "int32"), floats(72, 3, 5, 4), None
    yield "CTC, weights", K.CTC(), np.array([[1, 2], [3, 0], [2, 2]], "int32"), floats(72, 3, 5, 4), np.array([1, 0.5, 2], "float32")
    yield "generalized", K.CategoricalGeneralizedCrossEntropy(), classes, probabilities, None
    yield "generalized, q", K.CategoricalGeneralizedCrossEntropy(q=0.9), classes, probabilities, weights
    yield "mse, column against row of samples", K.MeanSquaredError(), real[:, 0], guess[:, :1], None


def run(title, loss, y_true, y_pred, sample_weight):
    def call(prediction):
        return listed(loss(keras.ops.convert_to_tensor(y_true), prediction, sample_weight=sample_weight))

    outputs, pullback = differentiate(call, [], [y_pred])
    value = keras.ops.convert_to_numpy(outputs[0])
    cotangent = np.ones_like(value)
    _, gradients = pullback([cotangent])
    return {
        "title": title,
        "serialized": keras.saving.serialize_keras_object(loss),
        "yTrue": encode(y_true),
        "yPred": encode(y_pred),
        "sampleWeight": encode(sample_weight),
        "value": encode(value),
        "gradient": encode(gradients[0]),
    }


write("losses", [run(*case) for case in cases()])
print(f"made by Keras {keras.__version__} on {BACKEND}")
