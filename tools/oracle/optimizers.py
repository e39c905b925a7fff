"""Vectors for the optimizers: the variables after each of five steps of `apply_gradients` with given gradients.

Run: .venv/bin/python tools/oracle/optimizers.py        writes packages/ondol/src/testing/vectors/optimizers.json
"""
from oracle import BACKEND, encode, floats, keras, write

O = keras.optimizers
SHAPES = [(3,), (2, 2)]
STEPS = 5


def cases():
    for momentum in (0.0, 0.9):
        for nesterov in (False, True):
            if momentum or not nesterov:
                yield O.SGD(0.1, momentum=momentum, nesterov=nesterov)
    yield O.SGD(0.1, weight_decay=0.05)
    yield O.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=1e-2)
    yield O.SGD(0.1, momentum=0.9, clipnorm=0.5)
    yield O.SGD(0.1, clipvalue=0.3)
    yield O.SGD(0.1, global_clipnorm=0.5)
    yield O.SGD(0.1, use_ema=True, ema_momentum=0.8)
    yield O.SGD(0.1, momentum=0.5, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=2)
    yield O.SGD(0.1, gradient_accumulation_steps=2)
    yield O.SGD(0.1, loss_scale_factor=8.0)
    yield O.SGD(O.schedules.ExponentialDecay(0.1, decay_steps=2, decay_rate=0.5), momentum=0.9)
    yield O.Adam(0.1)
    yield O.Adam(0.1, beta_1=0.8, beta_2=0.9, epsilon=1e-3)
    yield O.Adam(0.1, amsgrad=True)
    yield O.Adam(0.1, weight_decay=0.05)
    yield O.Adam(0.1, clipnorm=0.5)
    yield O.Adam(0.1, clipvalue=0.2)
    yield O.Adam(0.1, global_clipnorm=0.7)
    yield O.Adam(0.1, use_ema=True, ema_momentum=0.9)
    yield O.Adam(0.1, gradient_accumulation_steps=2)
    yield O.RMSprop(0.05)
    yield O.RMSprop(0.05, rho=0.8, epsilon=1e-3)
    yield O.RMSprop(0.05, momentum=0.9)
    yield O.RMSprop(0.05, centered=True)
    yield O.RMSprop(0.05, momentum=0.7, centered=True)
    yield O.RMSprop(0.05, momentum=0.7, weight_decay=0.02, clipnorm=0.5)
    for name in ("Adadelta", "Adagrad", "Adamax", "Nadam", "Ftrl", "Lion", "Lamb", "Adafactor", "Muon", "ScheduleFreeAdamW"):
        yield getattr(O, name)()
        yield getattr(O, name)(0.1, weight_decay=0.02)
    yield O.AdamW(0.1)
    yield O.Adadelta(1.0, rho=0.8, epsilon=1e-3)
    yield O.Adagrad(0.1, initial_accumulator_value=0.5, epsilon=1e-3)
    yield O.Adamax(0.1, beta_1=0.8, beta_2=0.9, epsilon=1e-3)
    yield O.Nadam(0.1, beta_1=0.8, beta_2=0.9, epsilon=1e-3)
    yield O.Ftrl(0.1, learning_rate_power=-0.4, initial_accumulator_value=0.2, l1_regularization_strength=0.05, l2_regularization_strength=0.1, l2_shrinkage_regularization_strength=0.02, beta=0.3)
    yield O.Lion(0.1, beta_1=0.8, beta_2=0.9)
    yield O.Lamb(0.1, beta_1=0.8, beta_2=0.9, epsilon=1e-3)
    yield O.Adafactor(0.5, beta_2_decay=-0.5, clip_threshold=0.5, relative_step=False)
    yield O.Muon(0.1, nesterov=False, rms_rate=None, ns_steps=3, adam_lr_ratio=0.5, momentum=0.8)
    yield O.Muon(0.1, exclude_layers=["v1"])
    yield O.ScheduleFreeAdamW(0.1, beta_1=0.8, beta_2=0.9, warmup_steps=3)
    yield O.Nadam(0.1, gradient_accumulation_steps=2, use_ema=True, ema_momentum=0.9)


def run(optimizer):
    changed = {k: v for k, v in optimizer.get_config().items() if v != type(optimizer)().get_config().get(k)}
    variables = [keras.Variable(floats(41 + i, *shape), name=f"v{i}") for i, shape in enumerate(SHAPES)]
    start = [encode(v.value) for v in variables]
    steps = []
    for step in range(STEPS):
        gradients = [floats(50 + 10 * step + i, *shape) for i, shape in enumerate(SHAPES)]
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradients], variables)
        steps.append({"gradients": [encode(g) for g in gradients], "values": [encode(v.value) for v in variables]})
    state = [{"path": v.path, "value": encode(v.value)} for v in optimizer.variables]
    optimizer.finalize_variable_values(variables)
    return {
        "title": f"{type(optimizer).__name__} {sorted(changed.items()) if changed else ''}"[:120],
        "serialized": keras.saving.serialize_keras_object(optimizer),
        "start": start,
        "steps": steps,
        "state": state,
        "finalized": [encode(v.value) for v in variables],
    }


write("optimizers", [run(optimizer) for optimizer in cases()])
print(f"made by Keras {keras.__version__} on {BACKEND}")
