"""Models for both directions of saving: Keras writes and ondol reads, ondol writes and Keras reads.

Run: saved_models.py make FOLDER     NAME.keras, NAME.weights.h5 and, where Keras can, NAME.h5 for each model, and models.json: inputs,
                                     what it predicts, next loss
     saved_models.py check FOLDER    loads NAME.ondol.keras, NAME.ondol.weights.h5 and NAME.ondol.h5, and writes checks.json: the same of them
     make and check take PART/PARTS, such as 0/2, as a third word: that part of the models, in models-0.json or checks-0.json
     saved_models.py                 a few of the models, for the unit tests, among the vectors
"""
import json
import pathlib
import sys

from oracle import OUT, encode, jsonable, keras, np
layers, optimizers, losses, regularizers = keras.layers, keras.optimizers, keras.losses, keras.regularizers
CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def ramp(*shape, seed=0):
    return np.sin(np.arange(np.prod(shape), dtype="float64") * 1.3 + seed).reshape(shape).astype("float32")


def classes(*shape, of):
    return (np.arange(np.prod(shape)).reshape(shape) * 7 % of).astype("int32")


def mlp(**compiled):
    """A small model for what compile settles."""
    model = keras.Sequential([keras.Input((4,)), layers.Dense(5, activation="tanh"), layers.Dense(3)])
    model.compile(**compiled)
    return model, ramp(6, 4), ramp(6, 3, seed=1)


# ---- topologies ----


@case
def sequential_deferred():
    model = keras.Sequential([layers.Dense(5, activation="relu"), layers.Dense(3, activation="softmax")], name="deferred")
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model(ramp(2, 4))
    return model, ramp(6, 4), classes(6, of=3)


@case
def sequential_empty_uncompiled():
    return keras.Sequential([keras.Input((4,)), layers.Dense(2), layers.Dropout(0.5), layers.Activation("elu")]), ramp(3, 4), None


@case
def convnet():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 2)),
            layers.Conv2D(4, 3, padding="same", activation="relu", use_bias=False),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Conv2D(3, (2, 2), strides=2, kernel_regularizer=regularizers.L2(0.01)),
            layers.ZeroPadding2D(1),
            layers.AveragePooling2D((2, 2), padding="same"),
            layers.Flatten(),
            layers.Dropout(0.0),
            layers.Dense(3, activation="softmax", kernel_initializer="he_normal"),
        ]
    )
    model.compile(optimizer=optimizers.SGD(0.05, momentum=0.9), loss="categorical_crossentropy", metrics=["accuracy", "mae"])
    return model, ramp(4, 8, 8, 2), np.eye(3, dtype="float32")[[0, 1, 2, 1]]


@case
def functional_many():
    a, b = keras.Input((4,), name="a"), keras.Input((3,), name="b")
    shared = layers.Dense(4, name="shared", activation="tanh")
    left, right = shared(a), shared(layers.Dense(4)(b))
    both = layers.concatenate([left, right])
    first = layers.Dense(2, name="first")(layers.Add()([left, right]))
    second = layers.Dense(3, activation="softmax", name="second")(both)
    model = keras.Model({"a": a, "b": b}, {"first": first, "second": second}, name="many")
    model.compile(
        optimizer=optimizers.RMSprop(0.01, momentum=0.5, centered=True),
        loss={"first": "mse", "second": losses.SparseCategoricalCrossentropy()},
        loss_weights={"first": 0.5, "second": 2.0},
        metrics={"second": ["accuracy"]},
    )
    return model, {"a": ramp(5, 4), "b": ramp(5, 3)}, {"first": ramp(5, 2), "second": classes(5, of=3)}


@case
def functional_list():
    a, b = keras.Input((4,)), keras.Input((4,))
    model = keras.Model([a, b], [layers.Subtract()([a, b]), layers.Dot(1)([a, layers.Dense(4)(b)])])
    model.compile(optimizer="sgd", loss=["mse", "mae"])
    return model, [ramp(5, 4), ramp(5, 4, seed=2)], [ramp(5, 4), ramp(5, 1)]


@case
def shared_at_depths():
    x = keras.Input((4,))
    block = layers.Dense(4, activation="tanh", name="block")
    between = layers.Dense(4, name="between")
    model = keras.Model(x, block(between(block(between(x)))))
    model.compile(optimizer="adam", loss="mse")
    return model, ramp(5, 4), ramp(5, 4, seed=1)


@case
def nested():
    inner_input = keras.Input((4,))
    inner = keras.Model(inner_input, layers.BatchNormalization()(layers.Dense(4)(inner_input)), name="inner")
    block = keras.Sequential([keras.Input((4,)), layers.Dense(4), layers.LeakyReLU(0.2)], name="block")
    x = keras.Input((4,))
    model = keras.Model(x, inner(block(inner(x))), name="outer")
    model.compile(optimizer="adam", loss="mse")
    return model, ramp(5, 4), ramp(5, 4, seed=1)


@case
def nested_in_sequential():
    inner_input = keras.Input((4,))
    inner = keras.Model(inner_input, layers.Dense(3)(inner_input))
    model = keras.Sequential([keras.Input((4,)), layers.Dense(4), inner, keras.Sequential([layers.Dense(2)])])
    model.compile(optimizer="adam", loss="mse")
    return model, ramp(5, 4), ramp(5, 2)


@case
def graph_of_ops():
    x = keras.Input((4,))
    y = keras.ops.relu(layers.Dense(6)(x) * 2.0 + 1.0)
    z = keras.ops.reshape(y, (-1, 2, 3))
    s = keras.ops.sum(z, axis=-1) - keras.ops.mean(x, axis=-1, keepdims=True)
    model = keras.Model(x, keras.ops.concatenate([s, keras.ops.exp(-keras.ops.square(s))], axis=-1))
    model.compile(optimizer="sgd", loss="mse")
    return model, ramp(5, 4), ramp(5, 4, seed=1)


@case
def graph_of_constants():
    """Arrays, slices and integers of other widths among the arguments of calls."""
    x, words = keras.Input((3, 4), name="x"), keras.Input((3,), dtype="int64", name="words")
    ops = keras.ops
    y = layers.Dense(4)(x) + np.array([1.0, 2.0, 3.0, 4.0], "float32")
    y = ops.take(y, np.array([0, 2, 3]), axis=-1)
    y = ops.average(y, axis=1, weights=np.array([1.0, 2.0, 3.0], "float32"))
    y = ops.pad(y, ((0, 0), (0, 1)), constant_values=2.0)
    z = ops.einsum("abc,cd->abd", x[:, ::-1, ...], np.ones((4, 2), "float32"))
    z = ops.logsumexp(ops.amax(z, axis=1, keepdims=True), axis=-1)
    w = ops.stop_gradient(ops.sum(layers.Embedding(10, 2)(words)[..., -1], axis=1, keepdims=True))
    mask = np.tril(np.ones((1, 3, 3), "bool"))
    v = ops.mean(layers.MultiHeadAttention(2, 3)(x, x, attention_mask=mask), axis=(1, 2), keepdims=False)[:, None]
    model = keras.Model([x, words], ops.concatenate([y, z, w, v], axis=-1))
    model.compile(optimizer="sgd", loss="mse")
    return model, [ramp(5, 3, 4), classes(5, 3, of=10)], ramp(5, 7)


@case
def embedded_lstm():
    x = keras.Input((None,), dtype="int32")
    h = layers.Embedding(11, 4, mask_zero=True)(x)
    h = layers.LSTM(3, return_sequences=True)(h)
    h = layers.LSTM(3, go_backwards=True, unit_forget_bias=False)(h)
    model = keras.Model(x, layers.Dense(1, activation="sigmoid")(h))
    model.compile(optimizer="nadam", loss="binary_crossentropy", metrics=["accuracy", keras.metrics.AUC(num_thresholds=20)])
    tokens = classes(4, 6, of=11)
    tokens[:, 4:] = 0
    return model, tokens, classes(4, 1, of=2)


@case
def cell_in_rnn():
    x = keras.Input((5, 2))
    outputs = layers.RNN(layers.LSTMCell(3), return_sequences=True, return_state=True)(x)
    model = keras.Model(x, outputs)
    return model, ramp(3, 5, 2), None


@case
def pooled():
    x = keras.Input((6, 4))
    h = layers.Conv1D(4, 3, dilation_rate=2, padding="causal", activation="gelu")(x)
    h = layers.ZeroPadding1D(1)(layers.AveragePooling1D(2)(h))
    h = layers.Permute((2, 1))(layers.MaxPooling1D(2, padding="same")(h))
    h = layers.Reshape((-1, 2))(h)
    outputs = [layers.GlobalAveragePooling1D()(h), layers.GlobalMaxPooling1D()(h), layers.Softmax()(h), layers.ReLU(max_value=0.5)(h)]
    return keras.Model(x, outputs), ramp(3, 6, 4), None


# ---- dtypes ----


@case
def mixed_bfloat16():
    policy = keras.DTypePolicy("mixed_bfloat16")
    model = keras.Sequential([keras.Input((4,)), layers.Dense(4, dtype=policy), layers.Dense(2, dtype="float32")])
    model.compile(optimizer="adam", loss="mse")
    return model, ramp(4, 4), ramp(4, 2)


@case
def half_weights():
    x = keras.Input((4,))
    model = keras.Model(x, [layers.Dense(3, dtype="bfloat16")(x), layers.Dense(3, dtype="float16")(x)])
    return model, ramp(4, 4), None


@case
def loss_scaling():
    keras.config.set_dtype_policy("mixed_float16")
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    model.compile(optimizer=optimizers.Adam(0.01), loss="mse")
    keras.config.set_dtype_policy("float32")
    return model, ramp(4, 4), ramp(4, 3)


# ---- objects ----


@case
def objects_of_all_kinds():
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(
                5,
                kernel_initializer=keras.initializers.VarianceScaling(2.0, "fan_out", "uniform", seed=3),
                bias_initializer=keras.initializers.Constant(0.1),
                kernel_regularizer=regularizers.L1L2(0.01, 0.02),
                activity_regularizer=regularizers.L1(0.01),
                kernel_constraint=keras.constraints.MaxNorm(2.0, axis=0),
                bias_constraint="non_neg",
            ),
            layers.BatchNormalization(momentum=0.9, epsilon=0.01, gamma_initializer="ones", beta_regularizer="l2"),
            layers.Dense(3, activation=keras.activations.softmax, trainable=False),
        ]
    )
    model.compile(optimizer="adam", loss=losses.CategoricalCrossentropy(label_smoothing=0.1), weighted_metrics=[keras.metrics.CategoricalAccuracy()])
    return model, ramp(6, 4), np.eye(3, dtype="float32")[[0, 1, 2, 1, 0, 2]]


@case
def functions_by_name():
    return mlp(optimizer="adam", loss=losses.mean_squared_error, metrics=[keras.metrics.mean_absolute_error, losses.Huber(0.5), keras.metrics.RootMeanSquaredError(name="r")])


# ---- classes of the user's own ----


@keras.saving.register_keras_serializable("interop")
class Scale(layers.Layer):
    def __init__(self, factor=1.0, **options):
        super().__init__(**options)
        self.factor = factor

    def build(self, shape):
        self.scale = self.add_weight(name="scale", shape=(shape[-1],), initializer="ones")

    def call(self, x):
        return x * self.scale * self.factor

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


@keras.saving.register_keras_serializable("interop")
def cubed(x):
    return x * x * x


@keras.saving.register_keras_serializable("interop")
def quartic(y_true, y_pred):
    return keras.ops.mean((y_true - y_pred) ** 4, axis=-1)


@case
def registered_layer():
    model = keras.Sequential([keras.Input((4,)), Scale(2.0), layers.Dense(3, activation=cubed)])
    model.compile(optimizer="adam", loss=quartic)
    return model, ramp(5, 4), ramp(5, 3)


@keras.saving.register_keras_serializable("interop")
class Perceptron(keras.Model):
    def __init__(self, units=4, **options):
        super().__init__(**options)
        self.units = units
        self.dense1 = layers.Dense(units, activation="relu")
        self.out = layers.Dense(2)
        self.blocks = [layers.Dense(units), layers.Dense(units)]
        self.table = {"b": layers.Dense(units), "a": Scale(0.5)}
        self.drop = layers.Dropout(0.0)

    def call(self, x):
        x = self.dense1(x)
        for block in self.blocks:
            x = block(x)
        return self.out(self.drop(self.table["a"](self.table["b"](x))))

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@case
def subclassed():
    model = Perceptron(5)
    model.compile(optimizer="adam", loss="mse", metrics=["mae"])
    model(ramp(5, 3))
    return model, ramp(5, 3), ramp(5, 2)


# ---- optimizers ----

OPTIMIZERS = {
    "sgd": lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "rmsprop": lambda: optimizers.RMSprop(0.01, momentum=0.9, clipnorm=1.0),
    "adam": lambda: optimizers.Adam(0.01, amsgrad=True, clipvalue=0.5),
    "adamw": lambda: optimizers.AdamW(0.01, weight_decay=0.05, global_clipnorm=1.0),
    "adamax": lambda: optimizers.Adamax(0.01),
    "nadam": lambda: optimizers.Nadam(0.01),
    "adadelta": lambda: optimizers.Adadelta(1.0),
    "adagrad": lambda: optimizers.Adagrad(0.1),
    "ftrl": lambda: optimizers.Ftrl(0.1, l1_regularization_strength=0.01),
    "lion": lambda: optimizers.Lion(0.01),
    "lamb": lambda: optimizers.Lamb(0.01),
    "adafactor": lambda: optimizers.Adafactor(0.01),
    "schedule": lambda: optimizers.Adam(optimizers.schedules.ExponentialDecay(0.1, 2, 0.5, staircase=True)),
    "cosine": lambda: optimizers.SGD(optimizers.schedules.CosineDecay(0.1, 10, warmup_target=0.3, warmup_steps=3)),
    "ema": lambda: optimizers.SGD(0.1, use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=2),
    "accumulation": lambda: optimizers.Adam(0.01, gradient_accumulation_steps=2),
    "sgd_plain": lambda: optimizers.SGD(0.1),
    "rmsprop_centered": lambda: optimizers.RMSprop(0.01, centered=True),
    "muon": lambda: optimizers.Muon(0.01),
    "ema_adam": lambda: optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9),
    "accumulation_sgd": lambda: optimizers.SGD(0.1, momentum=0.9, gradient_accumulation_steps=3, use_ema=True),
    "inverse_time": lambda: optimizers.Adam(optimizers.schedules.InverseTimeDecay(0.1, 2, 0.5)),
    "polynomial": lambda: optimizers.SGD(optimizers.schedules.PolynomialDecay(0.1, 10, 0.01, power=2.0)),
    "piecewise": lambda: optimizers.SGD(optimizers.schedules.PiecewiseConstantDecay([2, 4], [0.1, 0.05, 0.01])),
    "restarts": lambda: optimizers.SGD(optimizers.schedules.CosineDecayRestarts(0.1, 3)),
    "loss_scale": lambda: optimizers.LossScaleOptimizer(optimizers.Adam(0.01), initial_scale=64.0),
}
for name, make in OPTIMIZERS.items():
    CASES[f"optimizer_{name}"] = lambda make=make: mlp(optimizer=make(), loss="mse")


# ---- every layer, by a table: what makes it, the shapes of what it is called on, and more ----

D = layers
LAYERS = {
    "dense": lambda: (D.Dense(3), (4,)),
    "dense_on_time": lambda: (D.Dense(3, activation="swish", use_bias=False), (5, 4)),
    "einsum_dense": lambda: (D.EinsumDense("abc,cd->abd", output_shape=(None, 3), bias_axes="d"), (5, 4)),
    "activation": lambda: (D.Activation("softplus"), (4,)),
    "relu": lambda: (D.ReLU(max_value=0.7, negative_slope=0.1, threshold=0.1), (4,)),
    "leaky_relu": lambda: (D.LeakyReLU(negative_slope=0.2), (4,)),
    "elu": lambda: (D.ELU(alpha=0.5), (4,)),
    "prelu": lambda: (D.PReLU(shared_axes=[1], alpha_initializer="uniform"), (5, 4)),
    "softmax": lambda: (D.Softmax(axis=1), (5, 4)),
    "dropout": lambda: (D.Dropout(0.0, seed=3), (4,)),
    "spatial_dropout1d": lambda: (D.SpatialDropout1D(0.0), (5, 4)),
    "spatial_dropout2d": lambda: (D.SpatialDropout2D(0.0), (5, 4, 2)),
    "spatial_dropout3d": lambda: (D.SpatialDropout3D(0.0), (3, 4, 2, 2)),
    "gaussian_noise": lambda: (D.GaussianNoise(0.0), (4,)),
    "gaussian_dropout": lambda: (D.GaussianDropout(0.0), (4,)),
    "alpha_dropout": lambda: (D.AlphaDropout(0.0), (4,)),
    "activity_regularization": lambda: (D.ActivityRegularization(l1=0.01, l2=0.02), (4,)),
    "batch_normalization": lambda: (D.BatchNormalization(axis=1, center=False), (5, 4)),
    "layer_normalization": lambda: (D.LayerNormalization(axis=[1, 2], epsilon=0.01), (5, 4)),
    "group_normalization": lambda: (D.GroupNormalization(groups=2), (5, 4)),
    "unit_normalization": lambda: (D.UnitNormalization(), (4,)),
    "rms_normalization": lambda: (D.RMSNormalization(), (4,)),
    "spectral_normalization": lambda: (D.SpectralNormalization(D.Dense(3)), (4,)),
    "conv1d": lambda: (D.Conv1D(4, 3, padding="causal", groups=2), (6, 4)),
    "conv2d": lambda: (D.Conv2D(3, (3, 2), dilation_rate=(1, 2), padding="same"), (6, 6, 2)),
    "conv2d_strided": lambda: (D.Conv2D(3, 3, strides=2, activation="relu"), (7, 6, 2)),
    "conv3d": lambda: (D.Conv3D(2, 2, padding="same"), (4, 4, 3, 2)),
    "conv1d_transpose": lambda: (D.Conv1DTranspose(3, 3, strides=2, padding="same"), (5, 2)),
    "conv2d_transpose": lambda: (D.Conv2DTranspose(3, 3, strides=2, output_padding=1, padding="same"), (4, 4, 2)),
    "conv3d_transpose": lambda: (D.Conv3DTranspose(2, 2, strides=2), (2, 3, 2, 2)),
    "depthwise_conv1d": lambda: (D.DepthwiseConv1D(3, depth_multiplier=2), (6, 3)),
    "depthwise_conv2d": lambda: (D.DepthwiseConv2D(3, strides=2, padding="same"), (6, 6, 3)),
    "separable_conv1d": lambda: (D.SeparableConv1D(4, 3), (6, 3)),
    "separable_conv2d": lambda: (D.SeparableConv2D(4, 3, depth_multiplier=2, padding="same"), (6, 6, 3)),
    "max_pooling1d": lambda: (D.MaxPooling1D(2, strides=1), (6, 3)),
    "max_pooling2d": lambda: (D.MaxPooling2D((2, 3), padding="same"), (5, 6, 3)),
    "max_pooling3d": lambda: (D.MaxPooling3D(2), (4, 4, 4, 2)),
    "average_pooling1d": lambda: (D.AveragePooling1D(2), (6, 3)),
    "average_pooling2d": lambda: (D.AveragePooling2D(2, strides=1, padding="same"), (5, 6, 3)),
    "average_pooling3d": lambda: (D.AveragePooling3D(2), (4, 4, 4, 2)),
    "global_max_pooling1d": lambda: (D.GlobalMaxPooling1D(keepdims=True), (6, 3)),
    "global_max_pooling2d": lambda: (D.GlobalMaxPooling2D(), (5, 6, 3)),
    "global_max_pooling3d": lambda: (D.GlobalMaxPooling3D(), (3, 4, 2, 3)),
    "global_average_pooling1d": lambda: (D.GlobalAveragePooling1D(), (6, 3)),
    "global_average_pooling2d": lambda: (D.GlobalAveragePooling2D(keepdims=True), (5, 6, 3)),
    "global_average_pooling3d": lambda: (D.GlobalAveragePooling3D(), (3, 4, 2, 3)),
    "adaptive_average_pooling1d": lambda: (D.AdaptiveAveragePooling1D(3), (7, 2)),
    "adaptive_average_pooling2d": lambda: (D.AdaptiveAveragePooling2D((2, 3)), (5, 6, 2)),
    "adaptive_average_pooling3d": lambda: (D.AdaptiveAveragePooling3D(2), (4, 4, 4, 2)),
    "adaptive_max_pooling1d": lambda: (D.AdaptiveMaxPooling1D(3), (6, 2)),
    "adaptive_max_pooling2d": lambda: (D.AdaptiveMaxPooling2D(2), (4, 6, 2)),
    "adaptive_max_pooling3d": lambda: (D.AdaptiveMaxPooling3D(2), (4, 4, 4, 2)),
    "flatten": lambda: (D.Flatten(), (3, 4)),
    "reshape": lambda: (D.Reshape((2, -1)), (4, 3)),
    "permute": lambda: (D.Permute((2, 3, 1)), (4, 3, 2)),
    "repeat_vector": lambda: (D.RepeatVector(3), (4,)),
    "masking": lambda: (D.Masking(0.5), (5, 4)),
    "identity": lambda: (D.Identity(), (4,)),
    "cropping1d": lambda: (D.Cropping1D((1, 2)), (6, 3)),
    "cropping2d": lambda: (D.Cropping2D(((1, 0), (0, 2))), (4, 5, 3)),
    "cropping3d": lambda: (D.Cropping3D(1), (4, 4, 5, 2)),
    "zero_padding1d": lambda: (D.ZeroPadding1D((1, 2)), (3, 2)),
    "zero_padding2d": lambda: (D.ZeroPadding2D(((1, 0), (0, 2))), (3, 4, 2)),
    "zero_padding3d": lambda: (D.ZeroPadding3D((1, 0, 2)), (2, 2, 2, 2)),
    "up_sampling1d": lambda: (D.UpSampling1D(3), (3, 2)),
    "up_sampling2d": lambda: (D.UpSampling2D((2, 3), interpolation="bilinear"), (3, 4, 2)),
    "up_sampling2d_nearest": lambda: (D.UpSampling2D(2), (3, 4, 2)),
    "up_sampling3d": lambda: (D.UpSampling3D(2), (2, 2, 2, 2)),
    "add": lambda: (D.Add(), (4,), (4,)),
    "subtract": lambda: (D.Subtract(), (4,), (4,)),
    "multiply": lambda: (D.Multiply(), (4,), (4,), (4,)),
    "average": lambda: (D.Average(), (4,), (4,)),
    "maximum": lambda: (D.Maximum(), (4,), (4,)),
    "minimum": lambda: (D.Minimum(), (4,), (4,)),
    "concatenate": lambda: (D.Concatenate(axis=1), (3, 4), (2, 4)),
    "dot": lambda: (D.Dot(axes=(2, 1), normalize=True), (3, 4), (4, 2)),
    "simple_rnn": lambda: (D.SimpleRNN(3, return_sequences=True), (5, 4)),
    "lstm": lambda: (D.LSTM(3, recurrent_activation="hard_sigmoid", use_bias=False), (5, 4)),
    "lstm_stateful": lambda: (D.LSTM(3, return_state=True, go_backwards=True), (5, 4)),
    "gru": lambda: (D.GRU(3, reset_after=False, return_sequences=True), (5, 4)),
    "gru_after": lambda: (D.GRU(3), (5, 4)),
    "rnn_of_cells": lambda: (D.RNN([D.GRUCell(3), D.LSTMCell(2), D.SimpleRNNCell(2)]), (5, 4)),
    "stacked_cells": lambda: (D.RNN(D.StackedRNNCells([D.LSTMCell(3), D.GRUCell(2)]), return_sequences=True), (5, 4)),
    "bidirectional": lambda: (D.Bidirectional(D.LSTM(3, return_sequences=True), merge_mode="sum"), (5, 4)),
    "bidirectional_two": lambda: (D.Bidirectional(D.GRU(3), backward_layer=D.SimpleRNN(3, go_backwards=True)), (5, 4)),
    "time_distributed": lambda: (D.TimeDistributed(D.Conv1D(3, 2)), (4, 5, 2)),
    "conv_lstm1d": lambda: (D.ConvLSTM1D(2, 3, padding="same"), (3, 5, 2)),
    "conv_lstm2d": lambda: (D.ConvLSTM2D(2, 2, return_sequences=True), (3, 4, 4, 2)),
    "conv_lstm3d": lambda: (D.ConvLSTM3D(2, 2), (2, 3, 3, 3, 1)),
    "multi_head_attention": lambda: (D.MultiHeadAttention(2, 3), (4, 6), (5, 6)),
    "multi_head_attention_shaped": lambda: (D.MultiHeadAttention(2, 3, use_bias=False, output_shape=5), (4, 6), (5, 6), (5, 6)),
    "group_query_attention": lambda: (D.GroupQueryAttention(3, 4, 2), (4, 6), (5, 6)),
    "attention": lambda: (D.Attention(use_scale=True, score_mode="dot"), [(4, 6), (5, 6)]),
    "attention_concat": lambda: (D.Attention(score_mode="concat"), [(4, 6), (5, 6)]),
    "additive_attention": lambda: (D.AdditiveAttention(), [(4, 6), (5, 6), (5, 6)]),
    "normalization": lambda: (D.Normalization(axis=-1, mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 0.5]), (3,)),
    "rescaling": lambda: (D.Rescaling(1 / 127.5, offset=-1), (3, 4, 3)),
    "center_crop": lambda: (D.CenterCrop(2, 2), (4, 5, 3)),
    "resizing": lambda: (D.Resizing(3, 4), (5, 6, 3)),
}


def layer_case(make):
    layer, *shapes = make()
    listed = isinstance(shapes[0], list)
    shapes = shapes[0] if listed else shapes
    inputs = [keras.Input(shape) for shape in shapes]
    together = listed or isinstance(layer, (D.Add, D.Subtract, D.Multiply, D.Average, D.Maximum, D.Minimum, D.Concatenate, D.Dot))
    made = layer(inputs) if together else layer(*inputs)
    model = keras.Model(inputs[0] if len(inputs) == 1 else inputs, made)
    x = [ramp(2, *shape, seed=i) for i, shape in enumerate(shapes)]
    x = x[0] if len(x) == 1 else x
    if not model.trainable_variables:
        return model, x, None
    model.compile(optimizer=optimizers.SGD(0.05), loss="mse" if not isinstance(made, (list, tuple)) else ["mse"] * len(made))
    y = [ramp(*output.shape, seed=5) for output in keras.tree.flatten(model(x))]
    return model, x, y[0] if len(y) == 1 else y


for name, make in LAYERS.items():
    CASES[f"layer_{name}"] = lambda make=make: layer_case(make)

# Words and numbers in, and layers with vocabularies or learned statistics.
TOKENS = {
    "embedding": lambda: (D.Embedding(11, 4), classes(3, 5, of=11)),
    "reversible_embedding": lambda: (D.ReversibleEmbedding(11, 4), classes(3, 5, of=11)),
    "category_encoding": lambda: (D.CategoryEncoding(6, output_mode="count"), classes(3, 4, of=6)),
    "integer_lookup": lambda: (D.IntegerLookup(vocabulary=[12, 36, 1138, 42]), classes(3, 4, of=50)),
    "integer_lookup_hot": lambda: (D.IntegerLookup(vocabulary=[12, 36, 7], output_mode="multi_hot"), classes(3, 4, of=50)),
    "discretization": lambda: (D.Discretization(bin_boundaries=[-0.5, 0.0, 0.5]), ramp(3, 4)),
    "normalization_adapted": lambda: (adapted(D.Normalization(), ramp(7, 4)), ramp(3, 4)),
    "integer_lookup_adapted": lambda: (adapted(D.IntegerLookup(), classes(30, of=9)), classes(3, 4, of=12)),
    "discretization_adapted": lambda: (adapted(D.Discretization(num_bins=3), ramp(40, 1)), ramp(3, 4)),
}


def adapted(layer, data):
    layer.adapt(data)
    return layer


def token_case(make):
    layer, x = make()
    inputs = keras.Input(x.shape[1:], dtype=x.dtype.name)
    return keras.Model(inputs, layer(inputs)), x, None


for name, make in TOKENS.items():
    CASES[f"layer_{name}"] = lambda make=make: token_case(make)


def tensors(tree):
    return None if tree is None else keras.tree.map_structure(encode, tree)


def facts(model, x, y):
    """What must be the same on both sides. Trains one step, last."""
    found = {"prediction": tensors(model.predict(x, verbose=0)), "config": json.loads(model.to_json())}
    if y is not None and model.compiled:
        found["loss"] = float(model.train_on_batch(x, y, return_dict=True)["loss"])
        found["trained"] = tensors(model.predict(x, verbose=0))
    return found


def save_legacy(source, target, x, y):
    """
    Saves as an older Keras did: whether what Keras then loads "trains" on, is "compiled", or is the "model" alone; None where it cannot.
    """
    for way in ["trains", "compiled", "model"]:
        try:
            keras.saving.load_model(source, compile=way != "model").save(target)
            model = keras.saving.load_model(target, compile=way != "model")
            if way == "trains":
                model.train_on_batch(x, y)
            return way
        except Exception:  # whatever it is, Keras does not do it
            continue
    return None


# What the unit tests read without Python.
FIXTURES = ["convnet", "functional_many", "nested", "graph_of_ops", "embedded_lstm", "half_weights", "subclassed", "optimizer_adam", "loss_scaling"]


def make(folder, names=CASES, target="models.json"):
    described = {}
    for name in names:
        build = CASES[name]
        keras.utils.clear_session()
        keras.utils.set_random_seed(len(name))
        try:
            model, x, y = build()
        except ImportError as error:  # a few layers compute with TensorFlow, which need not be there
            described[name] = {"missing": str(error)}
            continue
        if y is not None:
            for _ in range(2):
                model.train_on_batch(x, y)
        model.save(folder / f"{name}.keras")
        if names is not FIXTURES or name == "optimizer_adam":
            model.save_weights(folder / f"{name}.weights.h5")
        if names is FIXTURES and name == "functional_many":
            keras.saving.load_model(folder / f"{name}.keras").save(folder / f"{name}.h5")
        described[name] = {"x": tensors(x), "y": tensors(y), **facts(model, x, y)}
        if names is not FIXTURES:
            described[name]["legacy"] = save_legacy(folder / f"{name}.keras", folder / f"{name}.h5", x, y)
    (folder / target).write_text(json.dumps(jsonable(described)))


def check(folder, names=CASES, target="checks.json"):
    report = {}
    for name in names:
        path = folder / f"{name}.ondol.keras"
        if not path.exists():
            continue
        try:
            keras.utils.clear_session()
            keras.utils.set_random_seed(99)
            fresh, x, y = CASES[name]()
            fresh.load_weights(folder / f"{name}.ondol.weights.h5")
            weights = tensors(fresh.predict(x, verbose=0))
            report[name] = {"fromWeights": weights, **facts(keras.saving.load_model(path), x, y)}
        except Exception as error:
            report[name] = {"error": f"{type(error).__name__}: {error}"}
        legacy = folder / f"{name}.ondol.h5"
        if legacy.exists():
            report[name]["legacy"] = check_legacy(legacy, name)
    (folder / target).write_text(json.dumps(jsonable(report)))


def check_legacy(path, name):
    """What a file in the older format predicts, as a model and as weights."""
    way = json.loads((path.parent / f"{name}.legacy.json").read_text())
    try:
        keras.utils.clear_session()
        fresh, x, y = CASES[name]()
        fresh.load_weights(path)
        loaded = keras.saving.load_model(path, compile=way != "model")
        return {"fromWeights": tensors(fresh.predict(x, verbose=0)), **facts(loaded, x, y if way == "trains" else None)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def fixtures(folder):
    folder.mkdir(parents=True, exist_ok=True)
    make(folder, FIXTURES)


def main(command="fixtures", folder=OUT / "saved", part="0/1"):
    folder = pathlib.Path(folder)
    if command == "fixtures":
        return fixtures(folder)
    first, parts = map(int, part.split("/"))
    action, target = {"make": (make, "models"), "check": (check, "checks")}[command]
    return action(folder, list(CASES)[first::parts], f"{target}-{first}.json")


if __name__ == "__main__":
    main(*sys.argv[1:])
