"""Golden training traces: whole `fit` runs of the real Keras from given weights on given data, without dropout and shuffling.

Run: .venv/bin/python tools/oracle/traces.py            writes packages/ondol/src/testing/vectors/traces/*.json
"""
import json

import numpy as np
from oracle import BACKEND, encode, floats, integers, keras, write

L = keras.layers
O = keras.optimizers
EPOCHS = 3


def start(model):
    """Repeatable initial weights: kernels scaled by their fan-in, small biases, fresh statistics."""
    for i, weight in enumerate(model.weights):
        if weight.name in ("kernel", "recurrent_kernel", "embeddings"):
            fan_in = 8 if weight.name == "embeddings" else int(np.prod(weight.shape[:-1]))
            weight.assign(floats(500 + i, *weight.shape, scale=fan_in**-0.5))
        elif weight.name in ("bias", "beta"):
            weight.assign(floats(500 + i, *weight.shape, scale=0.1))


def mlp():
    model = keras.Sequential(
        [keras.Input((20,)), L.Dense(32, activation="relu"), L.Dense(16, activation="tanh"), L.Dense(5, activation="softmax")],
        name="mlp")
    x, teacher = floats(31, 132, 20), floats(32, 20, 5)
    y = np.argmax(x @ teacher, -1).astype("int32")
    return model, [x], y, 100, 32


def convnet():
    """No bias before BatchNormalization: its gradient is nought but for rounding, which Adam would blow up to full steps."""
    model = keras.Sequential([
        keras.Input((10, 10, 2)), L.Conv2D(4, 3, padding="same", use_bias=False), L.BatchNormalization(), L.ReLU(), L.MaxPooling2D(),
        L.Conv2D(6, 3, use_bias=False), L.BatchNormalization(momentum=0.9), L.Activation("relu"), L.Flatten(), L.Dense(3)], name="convnet")
    x = floats(33, 60, 10, 10, 2)
    y = np.argmax(np.stack([x[:, :5].mean((1, 2, 3)), x[:, 5:].mean((1, 2, 3)), x[:, 3:7, :, 0].mean((1, 2))], -1), -1).astype("int32")
    return model, [x], y, 40, 16


def lstmqa():
    def encoder(x):
        return L.LSTM(8)(L.Embedding(50, 8)(x))

    inputs = [keras.Input((12,), dtype="int32", name=name) for name in ("text", "question")]
    answer = L.Dense(10, activation="softmax")(L.concatenate([encoder(x) for x in inputs]))
    model = keras.Model(inputs, answer, name="lstmqa")
    x = [integers(34, 50, 96, 12), integers(35, 50, 96, 12)]
    y = np.eye(10, dtype="float32")[(x[0][:, -1] + x[1][:, -1]) % 10]
    return model, x, y, 64, 16


def masked():
    """The zero words of `lstmqa` are padding: the mask travels through the LSTM and average pooling."""
    model = keras.Sequential(
        [keras.Input((7,), dtype="int32"), L.Embedding(20, 6, mask_zero=True), L.LSTM(5, return_sequences=True),
         L.GlobalAveragePooling1D(), L.Dense(1, activation="sigmoid")], name="masked")
    x = integers(36, 19, 40, 7) + 1
    x[np.arange(7)[None, :] >= integers(37, 6, 40)[:, None] + 2] = 0
    return model, [x], (x[:, 0] % 2).astype("float32")[:, None], 32, 8


def trace(title, build, optimizer, loss, metrics, **fit):
    keras.backend.clear_session()
    model, x, y, split, batch = build()
    start(model)
    model.compile(optimizer=optimizer, loss=loss, metrics=metrics, weighted_metrics=fit.pop("weighted_metrics", None))
    weights = [{"name": w.name, "path": w.path, "trainable": w.trainable, "value": encode(w.value)} for w in model.weights]

    def part(rows):
        return x[0][rows] if len(x) == 1 else [v[rows] for v in x]

    train, held = slice(0, split), slice(split, None)
    arguments = {"epochs": EPOCHS, "batch_size": batch, "shuffle": False, "verbose": 0}
    history = model.fit(part(train), y[train], validation_data=(part(held), y[held]), **arguments, **fit).history
    evaluated = model.evaluate(part(held), y[held], batch_size=batch, verbose=0, return_dict=True)
    write(f"traces/{title}", {
        "title": title,
        "model": {k: v for k, v in json.loads(model.to_json()).items() if k != "compile_config"},
        "optimizer": keras.saving.serialize_keras_object(optimizer),
        "loss": loss if isinstance(loss, str) else keras.saving.serialize_keras_object(loss),
        "metrics": metrics,
        "epochs": EPOCHS,
        "batchSize": batch,
        "fit": {k: encode(v) if isinstance(v, np.ndarray) else v for k, v in fit.items()},
        "weights": weights,
        "x": [encode(v[train]) for v in x],
        "y": encode(y[train]),
        "validationX": [encode(v[held]) for v in x],
        "validationY": encode(y[held]),
        "history": {k: [float(v) for v in values] for k, values in history.items()},
        "evaluated": {k: float(v) for k, v in evaluated.items()},
        "predictions": encode(model.predict(part(held), verbose=0)),
        "weightsAfter": [encode(w.value) for w in model.weights],
    })


sparse = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
accuracy = ["accuracy"]
mlp_traces = {
    "mlp-sgd": O.SGD(0.05),
    "mlp-sgd-momentum": O.SGD(0.02, momentum=0.9),
    "mlp-sgd-nesterov-decay": O.SGD(0.02, momentum=0.9, nesterov=True, weight_decay=0.01),
    "mlp-adam": O.Adam(0.01),
    "mlp-rmsprop": O.RMSprop(0.005),
    "mlp-rmsprop-centered-momentum": O.RMSprop(0.002, momentum=0.8, centered=True),
}
for title, optimizer in mlp_traces.items():
    trace(title, mlp, optimizer, "sparse_categorical_crossentropy", accuracy)
trace("mlp-weighted", mlp, O.Adam(0.01), "sparse_categorical_crossentropy", accuracy,
      sample_weight=np.linspace(0.1, 2, 100).astype("float32"), weighted_metrics=["accuracy"])
trace("convnet-adam", convnet, O.Adam(0.01), sparse, accuracy)
trace("convnet-sgd-nesterov-decay", convnet, O.SGD(0.05, momentum=0.9, nesterov=True, weight_decay=1e-4), sparse, accuracy)
trace("lstmqa-rmsprop", lstmqa, O.RMSprop(0.01), "categorical_crossentropy", ["acc"])
trace("lstmqa-sgd-momentum", lstmqa, O.SGD(0.1, momentum=0.9), "categorical_crossentropy", ["acc"])
trace("masked-adam", masked, O.Adam(0.02), "binary_crossentropy", ["acc"])
print(f"made by Keras {keras.__version__} on {BACKEND}")
