"""What callbacks say and do: the real ones of Keras, called by hand with scripted logs.

Run: .venv/bin/python tools/oracle/callbacks.py     writes packages/ondol/src/testing/vectors/{callbacks,python-format}.json
"""
import contextlib
import io
import pathlib
import random
import struct
import tempfile
import warnings
from unittest import mock

from oracle import BACKEND, keras, np, write

C = keras.callbacks


def make_model():
    """One weight; losses, an accuracy and an error are known by name, and that lower or higher is better."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(0.1), "mse", metrics=["mae", "accuracy"])
    model.evaluate(np.ones((2, 1)), np.ones((2, 1)), verbose=0)
    return model


def made(name, options, folder):
    if name == "LearningRateScheduler":
        return C.LearningRateScheduler(lambda epoch, rate: rate * options["factor"], verbose=options["verbose"])
    if "filename" in options:
        options = {**options, "filename": str(folder / options["filename"])}
    return getattr(C, name)(**options)


def script(title, callbacks, epochs, runs=1):
    """`callbacks`: (name, options) pairs. `epochs`: (logs of batches, logs of the epoch) pairs. `runs`: how often all of it is done."""
    model = make_model()
    saved, history, rates, stopped = [], [], [], None

    def saving(kind):
        return lambda self, path, overwrite=True: saved.append([kind, str(path)])

    out = io.StringIO()
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name), warnings.catch_warnings(record=True) as caught, \
            mock.patch.object(keras.Model, "save", saving("model")), mock.patch.object(keras.Model, "save_weights", saving("weights")), \
            contextlib.redirect_stdout(out):
        warnings.simplefilter("always")
        folder = pathlib.Path(name)
        for run in range(runs):
            chosen = C.CallbackList([made(c, o, folder) for c, o in callbacks], model=model, epochs=len(epochs), verbose=0, steps=None)
            recorder = C.LambdaCallback(on_epoch_end=lambda epoch, logs: history.append(dict(logs)))
            recorder.set_model(model)
            chosen.callbacks.append(recorder)
            model.stop_training = False
            chosen.on_train_begin()
            for epoch, (batches, logs) in enumerate(epochs):
                model.set_weights([np.full((1, 1), epoch + 0.5, "float32")])
                chosen.on_epoch_begin(epoch)
                for i, batch in enumerate(batches):
                    chosen.on_train_batch_begin(i)
                    chosen.on_train_batch_end(i, batch)
                chosen.on_epoch_end(epoch, logs)
                rates.append(float(keras.ops.convert_to_numpy(model.optimizer.learning_rate)))
                if model.stop_training:
                    stopped = epoch
                    break
            chosen.on_train_end(logs)
        files = {path.name: path.read_bytes().decode() for path in sorted(folder.glob("*.csv"))}
    return {
        "title": title, "callbacks": [{"name": n, "options": o} for n, o in callbacks], "epochs": [list(e) for e in epochs], "runs": runs,
        "output": out.getvalue(), "warnings": [str(w.message) for w in caught if w.category is UserWarning], "stopped": stopped, "rates": rates,
        "saved": saved, "weight": float(model.get_weights()[0][0, 0]), "history": history, "files": files}


def losses(*values, key="val_loss", **other):
    return [([], {"loss": 2 * value, key: value, **other}) for value in values]


def chance(seed, name):
    """Options and losses at random: how long it waits, what it takes for progress, when it cools down."""
    dice = random.Random(seed)
    mode = dice.choice(["min", "max", "auto"])
    options = {"monitor": dice.choice(["val_loss", "val_accuracy", "mae"]), "mode": mode, "patience": dice.randint(0, 3),
               "min_delta": dice.choice([0, 0.05, 0.2, -0.1]), "verbose": 1}
    if name == "EarlyStopping":
        options |= {"baseline": dice.choice([None, 0.5]), "restore_best_weights": dice.random() < 0.5, "start_from_epoch": dice.choice([0, 0, 2])}
    else:
        options |= {"factor": dice.choice([0.1, 0.5, 0.33]), "cooldown": dice.randint(0, 2), "min_lr": dice.choice([0, 0.0123, 0.05])}
    values = [round(dice.uniform(0.1, 1), 2) for _ in range(12)]
    return script(f"{name} by chance, {seed}", [(name, options)], losses(*values, key=options["monitor"]))


def scripts():
    yield script("stops at once", [("EarlyStopping", {"verbose": 1})], losses(3.0, 2.0, 2.5, 1.0))
    yield script("restores the best", [("EarlyStopping", {"patience": 2, "restore_best_weights": True, "verbose": 1})], losses(3.0, 2.0, 2.5, 2.25, 1.0))
    yield script("restores at the end too", [("EarlyStopping", {"patience": 5, "restore_best_weights": True, "verbose": 1})], losses(3.0, 2.0, 2.5))
    yield script("never beats its baseline", [("EarlyStopping", {"patience": 2, "baseline": 1.0, "restore_best_weights": True, "verbose": 1})],
                 losses(5.0, 4.0, 3.0, 2.0))
    yield script("watches what is not there", [("EarlyStopping", {"monitor": "val_accuracy"}), ("ReduceLROnPlateau", {"monitor": "val_mae"})],
                 losses(1.0, 2.0))
    yield script("mode that is none", [("EarlyStopping", {"mode": "lowest", "patience": 1})], losses(1.0, 2.0, 3.0))
    yield script("used twice", [("EarlyStopping", {"patience": 1, "verbose": 1}), ("ReduceLROnPlateau", {"patience": 1, "verbose": 1})],
                 losses(1.0, 2.0, 3.0), runs=2)
    yield script("reduces and cools down", [("ReduceLROnPlateau", {"factor": 0.1, "patience": 2, "cooldown": 2, "min_lr": 0.0005, "verbose": 1})],
                 losses(*[1.0] * 12))
    yield script("schedules", [("LearningRateScheduler", {"factor": 0.5, "verbose": 1})], losses(1.0, 2.0, 3.0))
    yield script("schedules to nearly nothing", [("LearningRateScheduler", {"factor": 0.0001, "verbose": 1})], losses(1.0, 2.0))
    batches = [{"loss": 0.5, "accuracy": 0.25}, {"loss": 0.4, "accuracy": 0.5}, {"loss": 0.45, "accuracy": 0.625}]
    epochs = [(batches, {"loss": 0.45, "accuracy": 0.625, "val_loss": v}) for v in (0.75, 0.5, 0.5000001, 0.12345678)]
    for options in (
        {"filepath": "all/{epoch:02d}-{val_loss:.2f}.keras"},
        {"filepath": "best.keras", "save_best_only": True},
        {"filepath": "best-{epoch}.weights.h5", "save_best_only": True, "save_weights_only": True},
        {"filepath": "accurate.keras", "save_best_only": True, "monitor": "accuracy"},
        {"filepath": "low.h5", "save_best_only": True, "monitor": "accuracy", "mode": "min", "initial_value_threshold": 0.7},
        {"filepath": "threshold.keras", "save_best_only": True, "initial_value_threshold": 0.5},
        {"filepath": "{epoch:03d}/{batch}-{loss:.3e}.keras", "save_freq": 2},
        {"filepath": "{loss}.keras", "save_freq": 4, "save_best_only": True, "monitor": "loss"},
        {"filepath": "missing.keras", "save_best_only": True, "monitor": "val_mae"},
    ):
        yield script(f"saves {options['filepath']}", [("ModelCheckpoint", {**options, "verbose": 1})], epochs)
    yield script("writes lines", [("CSVLogger", {"filename": "log.csv"})], epochs)
    yield script("keeps places for validation", [("CSVLogger", {"filename": "log.csv", "separator": ";"})],
                 [([], {"loss": 1e-5, "mae": 1.0}), ([], {"loss": 1e16, "mae": 0.1, "val_loss": 3.0, "late": 1.0})])
    yield script("goes on with a file", [("CSVLogger", {"filename": "log.csv", "append": True}), ("LearningRateScheduler", {"factor": 0.5, "verbose": 0})],
                 losses(1.0, 2.0), runs=2)
    yield script("begins a file anew", [("LearningRateScheduler", {"factor": 0.5, "verbose": 0}), ("CSVLogger", {"filename": "log.csv"})],
                 losses(1.0, 2.0), runs=2)
    yield script("quotes", [("CSVLogger", {"filename": "log.csv"})], [([], {"a,b": 1.0, 'say "hi"': 2.0, "text": "x,y", "list": [1.0, 0.5]})])
    nan = float("nan")
    yield script("ends with NaN", [("TerminateOnNaN", {})], [([{"loss": 1.0}, {"loss": nan}], {"loss": nan}), ([{"loss": 1.0}], {"loss": 1.0})])
    yield script("ends with infinity", [("TerminateOnNaN", {})], [([{"loss": float("inf")}], {"loss": 1.0}), ([], {"loss": 1.0})])
    for seed in range(25):
        yield chance(seed, "EarlyStopping")
        yield chance(seed, "ReduceLROnPlateau")


def formats():
    """[template, value as the bits of a double, or an int, text]"""
    dice = random.Random(3)
    doubles = [0.0, -0.0, 1.0, 0.5, 1.5, 2.5, 0.125, -0.375, 0.15, 1e-5, 1e-4, 123456.789, 1e15, 1e16, 1e22, 1e-7, 5e-324, 1.7976931348623157e308,
               float("nan"), float("-inf"), 9.9995, 99.995, 0.30000001192092896, 999999.5]
    doubles += [struct.unpack("<d", struct.pack("<Q", dice.getrandbits(64)))[0] for _ in range(10)]
    specs = ["", ".0f", ".2f", ".5f", "f", "e", ".0e", ".2e", "g", ".1g", ".3g", "#.3g", ".2%", "08.3f", "+.2f", " .2f", "<10.2f", "*^12.4f",
             "=+12.2f", "012,.2f", ",.2f", "_.1f", ".3", ".1", ".17", "E", "#.0f", "010,"]
    found = []
    for spec in specs:
        for value in dice.sample(doubles, 8):
            found.append([f"{{v:{spec}}}", struct.pack(">d", value).hex(), format(value, spec)])
    for value in doubles:
        found.append(["<{v}>", struct.pack(">d", value).hex(), f"<{value}>"])
    for spec in ["", "d", "02d", "5", "<5", "^7", "+d", ",", "08,d", "x", "#010x", "o", "b", ".2f", "e", "g", "%", "*^8d", "06"]:
        for value in (0, -1, 7, 123, -12345, 1234567):
            found.append([f"{{v:{spec}}}", value, format(value, spec)])
    return found


if BACKEND == "jax":
    write("callbacks", list(scripts()))
    write("python-format", formats())
print(f"made by Keras {keras.__version__} on {BACKEND}")
