"""One vector of a layer: configuration, weights, outputs, masks and gradients as the real Keras computes them."""
import numpy as np
from oracle import differentiate, encode, fill, floats, keras, listed, write  # before any other part of Keras: sets the backend
from keras.src.backend.common.masking import set_keras_mask  # noqa: E402, I001


def mask_of(rows, length):
    """A boolean mask (len(rows), length): the first `rows[i]` steps of sample i are real."""
    return np.arange(length)[None, :] < np.array(rows)[:, None]


def case(title, layer, *inputs, masks=None, training=False, call=None, spread=False):
    """One vector. `masks` go to the call as `mask`; `call` holds more keyword arguments, recorded as they are.

    With `spread` each input is an argument of its own, with its mask travelling on it; a list such as [0, [1, 2]] says
    where in the arguments which input stands, here states in the second.
    """
    keras.utils.set_random_seed(3)
    if isinstance(spread, list) or len(inputs) == 1:
        layer.build(inputs[0].shape)
    else:
        layer.build(*[x.shape for x in inputs]) if spread else layer.build([x.shape for x in inputs])
    fill(layer.weights, len(title))
    before = [encode(w.value) for w in layer.weights]
    saved = [keras.ops.convert_to_numpy(w.value) for w in layer.weights]
    arguments = dict(call or {})
    if masks is not None and not spread and "mask" in layer._call_signature.parameters:
        arguments["mask"] = masks if len(inputs) > 1 else masks[0]
    if "training" in layer._call_signature.parameters:
        arguments["training"] = training

    def run(*tensors):
        if "mask" not in arguments:
            for tensor, mask in zip(tensors, masks or []):
                keras.src.backend.set_keras_mask(tensor, mask)
        return keras.tree.flatten(layer(*positionally(tensors, spread), **arguments))

    outputs, pullback = differentiate(run, layer.weights, inputs)
    output_arrays = [keras.ops.convert_to_numpy(o) for o in outputs]
    cotangents = [floats(90 + i, *o.shape) for i, o in enumerate(output_arrays)]
    after = [encode(w.value) for w in layer.weights]
    for weight, value in zip(layer.weights, saved):  # the gradient starts from the same state as the call
        weight.assign(value)
    by_weight, by_input = pullback(cotangents)
    out_masks = None
    if masks is not None and not spread:
        given = masks if len(inputs) > 1 else masks[0]
        out_masks = layer.compute_mask(list(inputs) if len(inputs) > 1 else inputs[0], given)
    elif any(keras.src.backend.get_keras_mask(o) is not None for o in outputs):  # the layer makes one itself
        out_masks = [keras.src.backend.get_keras_mask(o) for o in outputs]
    return {
        "title": title,
        "class": type(layer).__name__,
        "serialized": keras.saving.serialize_keras_object(layer),
        "supportsMasking": layer.supports_masking,
        "training": training,
        "inputs": [encode(x) for x in inputs],
        "inputMasks": None if masks is None else [encode(m) for m in masks],
        "weights": [
            {"name": w.name, "path": w.path, "trainable": w.trainable, "value": v} for w, v in zip(layer.weights, before)
        ],
        "outputs": [encode(o) for o in output_arrays],
        "outputMasks": None if out_masks is None else [encode(m) for m in listed(out_masks)],
        "cotangents": [encode(c) for c in cotangents],
        "inputGradients": [encode(g) for g in by_input],
        "weightGradients": [encode(g) for g in by_weight],
        "weightsAfter": after if training else None,
        "openShape": open_shape(layer, inputs, call or {}, spread),
        **({"call": {k: encode(v) if isinstance(v, np.ndarray) else v for k, v in call.items()}} if call else {}),
        **({"spread": spread} if spread else {}),
    }


def positionally(inputs, spread):
    """The inputs as they stand in the call."""
    if isinstance(spread, list):
        return keras.tree.map_structure(lambda i: inputs[i], spread)
    return inputs if spread else [inputs[0] if len(inputs) == 1 else list(inputs)]


def open_shape(layer, inputs, call, spread):
    """The symbolic output shape when the batch size is unknown: (None, ...) -> (None, ...)."""
    def symbol(x):
        return keras.KerasTensor((None, *x.shape[1:]), dtype=x.dtype.name)

    symbolic = [symbol(x) for x in inputs]
    options = {k: symbol(v) if isinstance(v, np.ndarray) else v for k, v in call.items()}
    result = layer(*positionally(symbolic, spread), **options)
    return [list(r.shape) for r in keras.tree.flatten(result)]


def layers(group, build):
    keras.backend.clear_session()
    write(f"layers/{group}", build())
