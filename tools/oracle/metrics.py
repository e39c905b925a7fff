"""Vectors for the metrics: the result after each of three updates, with and without sample weights.

Run: .venv/bin/python tools/oracle/metrics.py           writes packages/ondol/src/testing/vectors/metrics.json
"""
import numpy as np
from oracle import BACKEND, encode, floats, integers, keras, write

M = keras.metrics
UPDATES = 3


def batch(kind, seed):
    """(y_true, y_pred) of one update."""
    scores = floats(seed, 5, 4)
    shares = np.exp(scores)
    shares = np.round(shares / shares.sum(-1, keepdims=True), 3).astype("float32")
    classes = integers(seed + 1, 4, 5)
    if kind == "mean":
        return floats(seed, 5), None
    if kind == "one hot":
        return np.eye(4, dtype="float32")[classes], shares
    if kind == "sparse":
        return classes, shares
    if kind == "sparse column":
        return classes[:, None], shares
    if kind == "steps":
        return integers(seed + 1, 4, 2, 3), floats(seed, 2, 3, 4)
    if kind == "binary":
        return integers(seed + 1, 2, 5, 1), np.round(1 / (1 + np.exp(-floats(seed, 5, 1))), 3).astype("float32")
    if kind == "binary columns":
        return integers(seed + 1, 2, 5, 3).astype("float32"), np.round(1 / (1 + np.exp(-floats(seed, 5, 3))), 3).astype("float32")
    if kind == "one binary":  # (n,) against (n,)
        return integers(seed + 1, 2, 6), np.round(1 / (1 + np.exp(-floats(seed, 6))), 3).astype("float32")
    if kind == "wide":  # many samples, as curves need
        score = floats(seed, 60)
        return (score + floats(seed + 1, 60) > 0).astype("int32"), np.round(1 / (1 + np.exp(-score)), 3).astype("float32")
    if kind == "maps":  # class numbers of pixels
        return integers(seed, 3, 2, 3, 3), integers(seed + 1, 3, 2, 3, 3)
    if kind == "real binary":
        return integers(seed + 1, 2, 5, 3), floats(seed, 5, 3)
    if kind == "matrix":
        return floats(seed, 5, 4), floats(seed, 5, 4) + floats(seed + 1, 5, 4, scale=0.3)
    if kind == "integers":
        return integers(seed, 3, 5, 2), integers(seed + 1, 3, 5, 2)
    return floats(seed, 5, 2), floats(seed + 1, 5, 2)


def cases():
    yield "mean", M.Mean
    yield "mean", M.Sum
    yield "integers", M.Accuracy
    yield "binary", M.BinaryAccuracy
    yield "binary columns", M.BinaryAccuracy
    yield "binary", lambda: M.BinaryAccuracy(threshold=0.7)
    yield "one hot", M.CategoricalAccuracy
    yield "sparse", M.SparseCategoricalAccuracy
    yield "sparse column", M.SparseCategoricalAccuracy
    yield "steps", M.SparseCategoricalAccuracy
    for k in (1, 2, 3):
        yield "one hot", lambda: M.TopKCategoricalAccuracy(k=k)
        yield "sparse", lambda: M.SparseTopKCategoricalAccuracy(k=k)
    yield "one hot", M.CategoricalCrossentropy
    yield "sparse", M.SparseCategoricalCrossentropy
    yield "binary", M.BinaryCrossentropy
    for Class in (M.TruePositives, M.FalsePositives, M.TrueNegatives, M.FalseNegatives):
        yield "binary columns", Class
        yield "one binary", lambda: Class(thresholds=[0.3, 0.6])
        yield "one binary", lambda: Class(thresholds=[0.0, 0.25, 0.5, 0.75, 1.0])
    for Class in (M.Precision, M.Recall):
        yield "binary columns", Class
        yield "one binary", lambda: Class(thresholds=[0.2, 0.5])
        yield "one binary", lambda: Class(thresholds=[0.0, 0.5, 1.0])
        yield "one hot", lambda: Class(top_k=2)
        yield "one hot", lambda: Class(top_k=2, class_id=1)
        yield "binary columns", lambda: Class(class_id=2, thresholds=0.4)
    yield "wide", lambda: M.SensitivityAtSpecificity(0.7, num_thresholds=30)
    yield "wide", lambda: M.SensitivityAtSpecificity(0.5, num_thresholds=1)
    yield "wide", lambda: M.SpecificityAtSensitivity(0.6, num_thresholds=50)
    yield "wide", lambda: M.PrecisionAtRecall(0.8, num_thresholds=30)
    yield "wide", lambda: M.RecallAtPrecision(0.75, num_thresholds=30)
    yield "binary columns", lambda: M.RecallAtPrecision(0.5, class_id=1, num_thresholds=30)
    yield "wide", M.AUC
    for curve in ("ROC", "PR", "PRGAIN"):
        for summation in ("interpolation", "minoring", "majoring"):
            yield "wide", lambda: M.AUC(num_thresholds=20, curve=curve, summation_method=summation)
    yield "wide", lambda: M.AUC(thresholds=[0.2, 0.5, 0.6])
    yield "binary columns", lambda: M.AUC(num_thresholds=20, multi_label=True, num_labels=3)
    yield "binary columns", lambda: M.AUC(num_thresholds=20, multi_label=True, num_labels=3, curve="PR", label_weights=[0.5, 1.0, 2.0])
    yield "binary columns", lambda: M.AUC(num_thresholds=20, label_weights=[0.5, 1.0, 2.0])
    yield "real binary", lambda: M.AUC(num_thresholds=20, from_logits=True)
    yield "maps", lambda: M.MeanIoU(3)
    yield "maps", lambda: M.MeanIoU(3, ignore_class=0)
    yield "maps", lambda: M.IoU(3, target_class_ids=[0, 2])
    yield "binary columns", M.BinaryIoU
    yield "binary columns", lambda: M.BinaryIoU(target_class_ids=[1], threshold=0.3)
    yield "one hot", lambda: M.OneHotMeanIoU(4)
    yield "one hot", lambda: M.OneHotIoU(4, target_class_ids=[1, 3])
    for average in (None, "micro", "macro", "weighted"):
        yield "binary columns", lambda: M.FBetaScore(average=average, beta=2.0, threshold=0.5)
        yield "one hot", lambda: M.F1Score(average=average)
    yield "real", M.R2Score
    yield "real", lambda: M.R2Score(class_aggregation=None)
    yield "real", lambda: M.R2Score(class_aggregation="variance_weighted_average", num_regressors=2)
    yield "real", lambda: M.PearsonCorrelation()
    yield "matrix", lambda: M.PearsonCorrelation()
    yield "matrix", lambda: M.ConcordanceCorrelation()
    yield "real", lambda: M.CosineSimilarity()
    for Class in (M.MeanAbsolutePercentageError, M.MeanSquaredLogarithmicError, M.LogCoshError, M.Hinge, M.SquaredHinge):
        yield "matrix", Class
    for Class in (M.CategoricalHinge, M.KLDivergence, M.Poisson):
        yield "one hot", Class
    yield "real", M.MeanSquaredError
    yield "real", M.MeanAbsoluteError
    yield "real", M.RootMeanSquaredError


def result_of(metric):
    """A number, or several."""
    value = np.asarray(keras.ops.convert_to_numpy(metric.result()))
    return float(value) if value.ndim == 0 else [float(v) for v in value]


def run(kind, make, weighted):
    metric = make()
    updates = []
    for i in range(UPDATES):
        y_true, y_pred = batch(kind, 71 + 5 * i)
        weight = None
        if weighted:
            shape = y_true.shape if kind in ("steps", "maps") else (len(y_true),)
            weight = np.round(np.random.default_rng(i).random(shape), 2).astype("float32")
            if isinstance(metric, M.IoU):  # counted in whole numbers
                weight = integers(i, 3, *(shape if kind == "one hot" else y_true.shape))
        arguments = [y_true] if y_pred is None else [y_true, y_pred]
        metric.update_state(*arguments, sample_weight=weight)
        updates.append({
            "yTrue": encode(y_true), "yPred": encode(y_pred), "sampleWeight": encode(weight), "result": result_of(metric)})
    return {
        "title": f"{type(metric).__name__}, {kind}{', weights' if weighted else ''}",
        "serialized": keras.saving.serialize_keras_object(metric),
        "updates": updates,
        "state": [{"name": v.name, "value": encode(v.value)} for v in metric.variables],
    }


write("metrics", [run(kind, make, weighted) for kind, make in cases() for weighted in (False, True)])
print(f"made by Keras {keras.__version__} on {BACKEND}")
