"""Golden training traces: whole `fit` runs of the real Keras from given weights on given data, without dropout and shuffling.

Run: .venv/bin/python tools/oracle/traces.py [title ...]      writes packages/ondol/src/testing/vectors/traces/*.json
     and again with KERAS_BACKEND=tensorflow and =torch           for what Keras on JAX does wrong or cannot do (see `only`): masks
                                                                 do not reach metrics, states of an LSTM are not carried over,
                                                                 and a training step of one's own is another thing
"""
import json
import sys

import numpy as np
from oracle import BACKEND, encode, floats, keras, write
import trace_models as models

O = keras.optimizers
S = O.schedules
serialize = keras.saving.serialize_keras_object
titles = sys.argv[1:]


def start(model):
    """Repeatable initial weights: kernels scaled by their fan-in, small biases, fresh statistics."""
    for i, weight in enumerate(model.weights):
        if weight.name.endswith("kernel") or weight.name == "embeddings":
            fan_in = 8 if weight.name == "embeddings" else int(np.prod(weight.shape[:-1]))
            weight.assign(floats(500 + i, *weight.shape, scale=fan_in**-0.5))
        elif weight.name in ("bias", "beta"):
            weight.assign(floats(500 + i, *weight.shape, scale=0.1))


def leaves(value, change):
    if isinstance(value, (list, tuple)):
        return [leaves(v, change) for v in value]
    return {k: leaves(v, change) for k, v in value.items()} if isinstance(value, dict) else change(value)


def described(value):
    """Keras objects as their configs, arrays as tensors."""
    if isinstance(value, np.ndarray):
        return encode(value)
    return value if isinstance(value, (str, int, float, bool, type(None))) else serialize(value)


def callback(name, config):
    if name == "LearningRateScheduler":  # its rates by epoch, from 0
        return keras.callbacks.LearningRateScheduler(lambda epoch, rate: config["rates"][epoch])
    return getattr(keras.callbacks, name)(**config)


def trace(title, build, optimizer, loss, metrics=None, epochs=3, held=True, excluded=None, callbacks=(), only=None, tolerance=None, say=None,
          compile=None, **fit):
    """Trains `build()` and writes what went in and what came out.

    `held`: validate on the samples after those for training; `excluded`: names of variables without weight decay; `callbacks`: (name, config)
    pairs; `only`: the backend that does it right (torch changes sample weights under
    a mask in place, so that its weighted metrics apply the mask twice); `say`: arguments of `fit` for ondol in place of ours, where Keras lacks them.
    """
    if title not in titles if titles else (only or "jax") != BACKEND:
        return
    keras.backend.clear_session()
    model, x, y, split, batch = build()
    start(model)
    config = json.loads(model.to_json())
    if excluded:
        optimizer.exclude_from_weight_decay(var_names=excluded)
    settings = {"optimizer": optimizer, "loss": loss, "metrics": metrics, **(compile or {})}
    settings = {k: v for k, v in settings.items() if v is not None}
    written = leaves(settings, described)
    model.compile(**settings)
    weights = [{"name": w.name, "value": encode(w.value)} for w in model.weights]
    train = [leaves(v, lambda a: a[:split]) for v in (x, y)]
    rest = [leaves(v, lambda a: a[split:]) for v in (x, y)]
    arguments = {"epochs": epochs, "batch_size": batch, "shuffle": False, "verbose": 0, **fit}
    shown = rest if held else train
    history = model.fit(*train, **({"validation_data": tuple(rest)} if held else {}), **arguments,
                        callbacks=[callback(*c) for c in callbacks]).history
    evaluated = model.evaluate(*shown, batch_size=batch, verbose=0, return_dict=True)
    arguments = {k: v for k, v in arguments.items() if k not in ("sample_weight" if say else "",)} | (say or {})
    write(f"traces/{title}", {
        "title": title,
        "backend": BACKEND,
        **({"tolerance": tolerance} if tolerance else {}),
        "model": {k: v for k, v in config.items() if k != "compile_config"},
        "weights": weights,
        "compile": written,
        **({"excluded": excluded} if excluded else {}),
        "callbacks": [{"class_name": name, "config": config} for name, config in callbacks],
        "fit": leaves(arguments, described),
        "x": leaves(train[0], encode),
        "y": leaves(train[1], encode),
        **({"heldX": leaves(rest[0], encode), "heldY": leaves(rest[1], encode)} if held else {}),
        "history": {k: [float(v) for v in values] for k, values in history.items()},
        "evaluated": {k: float(v) for k, v in evaluated.items()},
        "predictions": leaves(model.predict(shown[0], batch_size=batch, verbose=0), encode),
        "weightsAfter": [encode(w.value) for w in model.weights],
    })


logits = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
sparse, accuracy = "sparse_categorical_crossentropy", ["accuracy"]

# ---- optimizers ----

for title, optimizer in {
    "mlp-sgd": O.SGD(0.05),
    "mlp-sgd-momentum": O.SGD(0.02, momentum=0.9),
    "mlp-sgd-nesterov-decay": O.SGD(0.02, momentum=0.9, nesterov=True, weight_decay=0.01),
    "mlp-adam": O.Adam(0.01),
    "mlp-rmsprop": O.RMSprop(0.005),
    "mlp-rmsprop-centered-momentum": O.RMSprop(0.002, momentum=0.8, centered=True),
}.items():
    trace(title, models.mlp, optimizer, sparse, accuracy)

for title, optimizer in {
    "clipnorm": O.SGD(0.3, momentum=0.5, clipnorm=0.1),
    "global-clipnorm": O.SGD(0.3, global_clipnorm=0.2),
    "clipvalue": O.RMSprop(0.01, clipvalue=0.02),
    "amsgrad": O.Adam(0.05, beta_1=0.5, beta_2=0.6, amsgrad=True),
    "ema": O.Adam(0.05, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=4),
    "ema-at-the-end": O.SGD(0.3, use_ema=True, ema_momentum=0.8),
    "accumulation": O.Adam(0.05, gradient_accumulation_steps=4),
    "everything": O.SGD(0.2, momentum=0.9, nesterov=True, weight_decay=0.02, global_clipnorm=0.3, use_ema=True, ema_momentum=0.7,
                        ema_overwrite_frequency=2, gradient_accumulation_steps=3),
    "loss-scale-factor": O.SGD(0.2, loss_scale_factor=1024.0),
    "loss-scale": O.LossScaleOptimizer(O.Adam(0.05), initial_scale=64.0, dynamic_growth_steps=4),
    "exponential-decay": O.SGD(S.ExponentialDecay(0.5, 4, 0.7, staircase=True)),
    "inverse-time-decay": O.SGD(S.InverseTimeDecay(0.5, 3, 0.5), momentum=0.5),
    "cosine-warmup": O.Adam(S.CosineDecay(0.001, 10, alpha=0.1, warmup_target=0.1, warmup_steps=5)),
    "cosine-restarts": O.SGD(S.CosineDecayRestarts(0.5, 4, t_mul=1.5, m_mul=0.8, alpha=0.05)),
    "polynomial-decay": O.SGD(S.PolynomialDecay(0.5, 10, end_learning_rate=0.01, power=2.0, cycle=True)),
    "piecewise-decay": O.RMSprop(S.PiecewiseConstantDecay([5, 11], [0.05, 0.01, 0.002])),
}.items():
    trace(title, models.tiny, optimizer, sparse, accuracy)
trace("decay-exclusion", models.tiny, O.AdamW(0.05, weight_decay=0.1), sparse, accuracy, excluded=["bias"])
trace("constraints", models.constrained, O.SGD(0.3, momentum=0.9), "mse")

# ---- what fit is told ----

trace("steps-per-execution", models.tiny, O.Adam(0.05), sparse, accuracy, compile={"steps_per_execution": 4})
trace("validation-split", models.tiny, O.Adam(0.05), sparse, accuracy, epochs=4, held=False, validation_split=0.3, validation_freq=2,
      validation_batch_size=5)
trace("validation-epochs", models.tiny, O.Adam(0.05), sparse, accuracy, epochs=4, validation_freq=[1, 4], validation_steps=1)
trace("steps-per-epoch", models.tiny, O.SGD(0.3), sparse, accuracy, epochs=3, steps_per_epoch=2)
trace("initial-epoch", models.tiny, O.SGD(0.3), sparse, accuracy, epochs=5, initial_epoch=2,
      callbacks=[("LearningRateScheduler", {"rates": [0.5, 0.4, 0.3, 0.2, 0.1]})])

# ---- callbacks that change the run ----

trace("early-stopping", models.tiny, O.Adam(0.1), sparse, accuracy, epochs=12,
      callbacks=[("EarlyStopping", {"monitor": "val_loss", "patience": 2, "restore_best_weights": True})])
trace("early-stopping-baseline", models.tiny, O.SGD(0.2), sparse, accuracy, epochs=9,
      callbacks=[("EarlyStopping", {"monitor": "val_accuracy", "patience": 2, "baseline": 0.99, "min_delta": 0.01, "start_from_epoch": 2})])
trace("plateau", models.tiny, O.SGD(1.0, momentum=0.9), sparse, accuracy, epochs=9,
      callbacks=[("ReduceLROnPlateau", {"monitor": "loss", "factor": 0.3, "patience": 1, "min_delta": 0.1, "cooldown": 1, "min_lr": 0.05})])
trace("rate-scheduler", models.tiny, O.SGD(0.1), sparse, accuracy, callbacks=[("LearningRateScheduler", {"rates": [0.5, 0.05, 0.2]})])
trace("swap-ema", models.tiny, O.Adam(0.1, use_ema=True, ema_momentum=0.9), sparse, accuracy,
      callbacks=[("SwapEMAWeights", {"swap_on_epoch": True})])

# ---- losses, weights and metrics ----

linear = np.linspace(0.1, 2, 45).astype("float32")
classes = {0: 0.5, 2: 3.0}
trace("mlp-weighted", models.mlp, O.Adam(0.01), sparse, accuracy, compile={"weighted_metrics": ["accuracy"]},
      sample_weight=np.linspace(0.1, 2, 100).astype("float32"))
trace("class-weights", models.tiny, O.SGD(0.3), sparse, accuracy, compile={"weighted_metrics": ["accuracy", sparse]}, class_weight=classes)
trace("class-weights-one-hot", lambda: models.tiny(hot=True), O.SGD(0.3), "categorical_crossentropy", accuracy,
      compile={"weighted_metrics": ["accuracy"]}, class_weight=classes)
# Keras takes no class weights beside sample weights, or for several outputs: there it got the sample weights that they stand for.
labels = models.tiny()[2][:45]
trace("class-and-sample-weights", models.tiny, O.SGD(0.3), sparse, accuracy, compile={"weighted_metrics": ["accuracy"]},
      sample_weight=linear * np.array([classes.get(int(label), 1.0) for label in labels], "float32"),
      say={"class_weight": classes, "sample_weight": linear})
trace("crossentropy-options", lambda: models.tiny(hot=True), O.SGD(0.3),
      keras.losses.CategoricalCrossentropy(label_smoothing=0.1, reduction="sum"),
      ["acc", "categorical_crossentropy", "mse", keras.metrics.CategoricalAccuracy(name="accuracy"), keras.metrics.TopKCategoricalAccuracy(k=2)])
by_name = {"loss": {"price": "huber", "kind": "ce", "sold": "crossentropy"}, "metrics": {
    "kind": ["accuracy", sparse], "price": "mae", "sold": [keras.metrics.AUC(num_thresholds=20), "accuracy"]}}
kind, price, sold = np.linspace(0.2, 1.4, 30), np.linspace(2, 0, 30), np.linspace(1, 1.5, 30)
trace("heads-by-name", models.heads, O.Adam(0.02), **by_name, compile={
    "loss_weights": {"price": 0.3, "sold": 2.0, "kind": 1.0}, "weighted_metrics": {"kind": ["accuracy"], "price": ["mse"]}},
    sample_weight={"kind": kind.astype("float32"), "price": price.astype("float32"), "sold": sold.astype("float32")})
trace("heads-by-place", lambda: models.heads(names=False), O.RMSprop(0.01), ["mse", sparse, "binary_crossentropy"],
      [["mae", "mse"], ["accuracy"], []], compile={"loss_weights": [0.1, 1.0, 0.5]})
trace("heads-without-loss", lambda: models.heads(names=False), O.Adam(0.02), ["mse", None, "binary_crossentropy"], [["mae"], None, ["accuracy"]])
kinds, wins = {0: 2.0, 1: 0.25}, {1: 4.0}
labels = models.heads()[2]
trace("class-weights-by-output", models.heads, O.Adam(0.02), **by_name, compile={"weighted_metrics": {"kind": ["accuracy"]}},
      sample_weight={"kind": np.array([kinds.get(int(k), 1.0) for k in labels["kind"][:30]], "float32"), "price": np.ones(30, "float32"),
                     "sold": np.array([wins.get(int(s), 1.0) for s in labels["sold"][:30, 0]], "float32")},
      say={"class_weight": {"kind": kinds, "sold": wins}})

# ---- models ----

trace("convnet-adam", models.convnet, O.Adam(0.01), logits, accuracy)
trace("convnet-sgd-nesterov-decay", models.convnet, O.SGD(0.05, momentum=0.9, nesterov=True, weight_decay=1e-4), logits, accuracy)
trace("frozen", models.frozen, O.SGD(0.1, momentum=0.9), sparse, accuracy)
trace("separable", models.separable, O.SGD(0.05, momentum=0.9), sparse, accuracy)
trace("lstmqa-rmsprop", models.lstmqa, O.RMSprop(0.01), "categorical_crossentropy", ["acc"])
trace("lstmqa-sgd-momentum", models.lstmqa, O.SGD(0.1, momentum=0.9), "categorical_crossentropy", ["acc"])
trace("masked-adam", models.masked, O.Adam(0.02), "binary_crossentropy", ["acc"])
trace("tagger", models.tagger, O.SGD(0.5, momentum=0.9), sparse, accuracy, only="tensorflow")
trace("tagger-temporal-weights", models.tagger, O.SGD(0.5, momentum=0.9), sparse, accuracy, only="tensorflow",
      compile={"weighted_metrics": ["accuracy"]},
      sample_weight=np.abs(floats(57, 26, 6)) + np.float32(0.1))
trace("stateful", models.stateful, O.Adam(0.02), "mse", held=False, only="tensorflow")
trace("siamese", models.siamese, O.Adam(0.02), "binary_crossentropy", accuracy)
trace("nested", models.nested, O.Adam(0.01), "mse", ["mae"])
trace("regularized", models.regularized, O.SGD(0.1), "mse", ["mae"])
trace("profile", models.profile, O.RMSprop(0.005), ["mse", "categorical_crossentropy", "binary_crossentropy"],
      [["mae"], ["accuracy"], ["accuracy"]], compile={"loss_weights": [0.25, 1.0, 10.0]})
# A last bit of bfloat16 is 0.4 %: backends that round in other places differ by a few.
trace("halves", models.halves, O.SGD(0.1, momentum=0.9), sparse, accuracy, tolerance=0.01)
trace("own-step", lambda: models.tiny(cls=models.OwnStep), O.Adam(0.02), sparse, accuracy, only="torch")
print(f"made by Keras {keras.__version__} on {BACKEND}")
