"""Prototypical networks trained by hand, with TensorFlow's GradientTape: few-shot learning in five steps.

Run: KERAS_BACKEND=tensorflow .venv/bin/python tools/oracle/protonet.py       writes packages/ondol/src/testing/vectors/protonet.json
"""
import os

os.environ["KERAS_BACKEND"] = "tensorflow"

import tensorflow as tf  # noqa: E402

from oracle import encode, fill, floats, keras, write  # noqa: E402

L = keras.layers
STEPS, WAYS, SHOTS, QUERIES = 5, 3, 2, 2


def residual_encoder(shape, filters=(4, 5, 6, 8), dilations=(1, 2, 4)):
    inputs = keras.Input(shape)
    x = L.Conv2D(filters[0], (3, 1))(inputs)
    for count, dilation in zip(filters[1:], dilations):
        y = L.Conv2D(count, (9, 1), padding="same", dilation_rate=(dilation, 1))(x)
        y = L.ReLU()(L.BatchNormalization()(y))
        y = L.Conv2D(count, (9, 1), padding="same", dilation_rate=(dilation, 1))(y)
        y = L.BatchNormalization()(y)
        shortcut = L.ReLU()(L.BatchNormalization()(L.Conv2D(count, 1)(x)))
        x = L.ReLU()(L.add([y, shortcut]))
    return keras.Model(inputs, L.Flatten()(L.AveragePooling2D((2, 1))(x)))


def plain_encoder(shape, filters=4):
    model = keras.Sequential([keras.Input(shape)])
    for _ in range(4):
        for layer in (L.Conv2D(filters, 3, padding="same"), L.BatchNormalization(), L.ReLU(), L.MaxPooling2D(2)):
            model.add(layer)
    model.add(L.Flatten())
    return model


class Prototypical(keras.Model):
    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def call(self, support, query, training=None):
        ways, shots, queries = support.shape[0], support.shape[1], query.shape[1]
        together = tf.concat([tf.reshape(support, [-1, *support.shape[2:]]), tf.reshape(query, [-1, *query.shape[2:]])], 0)
        z = self.encoder(together, training=training)
        prototypes = tf.reduce_mean(tf.reshape(z[: ways * shots], [ways, shots, -1]), axis=1)
        distances = tf.reduce_sum(tf.square(z[ways * shots:, None] - prototypes[None]), axis=2)
        log_p = tf.reshape(tf.nn.log_softmax(-distances, axis=-1), [ways, queries, ways])
        target = tf.tile(tf.range(ways)[:, None], [1, queries])
        loss = -tf.reduce_mean(tf.gather(log_p, target, batch_dims=2))
        accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(log_p, -1, output_type=tf.int32), target), tf.float32))
        return loss, accuracy


def case(title, encoder, shape, seed):
    fill(encoder.weights, seed)
    for weight in encoder.weights:
        if "kernel" in weight.name:
            weight.assign(weight.value * 0.3)
    model = Prototypical(encoder)
    optimizer = keras.optimizers.Adam(0.005)
    train_loss, train_accuracy = keras.metrics.Mean("train_loss"), keras.metrics.Mean("train_accuracy")
    support, query = floats(seed, STEPS, WAYS, SHOTS, *shape), floats(seed + 1, STEPS, WAYS, QUERIES, *shape)
    found = {"title": title, "weights": [encode(w) for w in encoder.weights], "support": encode(support), "query": encode(query), "steps": []}
    for step in range(STEPS):
        with tf.GradientTape() as tape:
            loss, accuracy = model(tf.constant(support[step]), tf.constant(query[step]), training=True)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        train_loss(loss)
        train_accuracy(accuracy)
        found["steps"].append({"loss": float(loss), "accuracy": float(accuracy),
                               "meanLoss": float(train_loss.result()), "meanAccuracy": float(train_accuracy.result())})
    return found


write("protonet", [
    case("residual", residual_encoder((12, 4, 1)), (12, 4, 1), 1),
    case("plain", plain_encoder((16, 16, 1)), (16, 16, 1), 2),
])
print(f"made by Keras {keras.__version__} on {keras.backend.backend()}")
