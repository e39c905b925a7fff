"""The benchmark models in Keras: name to (model, optimizer, what `compile` takes for loss and its weights)."""
import keras
from keras import layers, optimizers


def sparse():
    return {"loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True)}


def tiny():
    model = keras.Sequential([keras.Input((8,)), layers.Dense(16, activation="relu"), layers.Dense(4)])
    return model, optimizers.SGD(0.01), sparse()


def mlp():
    model = keras.Sequential([
        keras.Input((784,)), layers.Dense(512, activation="relu"), layers.Dropout(0.2),
        layers.Dense(512, activation="relu"), layers.Dropout(0.2), layers.Dense(10)])
    return model, optimizers.Adam(), sparse()


def convnet():
    model = keras.Sequential([
        keras.Input((28, 28, 1)), layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(), layers.Flatten(), layers.Dropout(0.5), layers.Dense(10)])
    return model, optimizers.Adam(), sparse()


def lstmqa():
    inputs = [keras.Input((100,), dtype="int32") for _ in range(2)]
    encoded = [layers.LSTM(32)(layers.Embedding(10000, 64)(x)) for x in inputs]
    answer = layers.Dense(500, activation="softmax")(layers.Concatenate()(encoded))
    return keras.Model(inputs, answer), optimizers.RMSprop(), {"loss": "categorical_crossentropy"}


def densenet(growth=12, depth=16):
    def norm(x):
        return layers.ReLU()(layers.BatchNormalization()(x))

    def conv(x, filters, kernel):
        return layers.Conv2D(filters, kernel, padding="same", use_bias=False)(x)

    inputs = keras.Input((32, 32, 3))
    x = conv(inputs, 2 * growth, 3)
    for block in range(3):
        for _ in range(depth):
            y = conv(norm(conv(norm(x), 4 * growth, 1)), growth, 3)
            x = layers.Concatenate()([x, y])
        if block < 2:
            x = layers.AveragePooling2D(2)(conv(norm(x), x.shape[-1] // 2, 1))
    x = layers.Flatten()(layers.AveragePooling2D(8)(norm(x)))
    model = keras.Model(inputs, layers.Dense(10)(x))
    return model, optimizers.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=1e-4), sparse()


def sepconv():
    model = keras.Sequential([keras.Input((64, 64, 3))])
    for filters, pooled in ((32, False), (64, True), (64, False), (128, True), (64, False), (128, False)):
        model.add(layers.SeparableConv2D(filters, 3, activation="relu"))
        if pooled:
            model.add(layers.MaxPooling2D(2))
    for layer in (layers.GlobalAveragePooling2D(), layers.Dense(32, activation="relu"), layers.Dense(10)):
        model.add(layer)
    return model, optimizers.RMSprop(), sparse()


def bhc(data_format="channels_last"):
    last = data_format == "channels_last"
    axis = -1 if last else 1
    l2 = keras.regularizers.L2(1e-4)

    def conv(x, filters, kernel, strides=1):
        return layers.Conv2D(filters, kernel, strides, padding="same", use_bias=False, data_format=data_format, kernel_regularizer=l2)(x)

    def norm(x):
        return layers.BatchNormalization(axis=axis)(x)

    def block(x, filters, strides):
        y = layers.ReLU()(norm(conv(x, filters, (1, 3), strides)))
        y = layers.ReLU()(norm(conv(y, filters, (3, 1))))
        y = layers.ReLU()(norm(conv(y, filters, (1, 3))))
        y = norm(conv(y, filters, (3, 1)))
        s = layers.GlobalAveragePooling2D(data_format=data_format)(y)
        s = layers.Dense(filters // 4, activation="relu", kernel_regularizer=l2)(s)
        s = layers.Dense(filters, activation="sigmoid", kernel_regularizer=l2)(s)
        y = layers.Multiply()([y, layers.Reshape((1, 1, filters) if last else (filters, 1, 1))(s)])
        if strides != 1:
            x = norm(conv(x, filters, 1, strides))
        return layers.ReLU()(layers.Add()([x, y]))

    inputs = keras.Input((64, 64, 3) if last else (3, 64, 64))
    x = layers.ReLU()(norm(conv(inputs, 16, 3)))
    for filters, first in ((16, 1), (32, 2), (64, 2)):
        for strides in (first, 1, 1):
            x = block(x, filters, strides)
    x = layers.GlobalAveragePooling2D(data_format=data_format)(x)
    return keras.Model(inputs, layers.Dense(2)(x)), optimizers.SGD(0.01, momentum=0.9), sparse()


def conv1d():
    posts = keras.Input((500,), dtype="int32")
    x = layers.Embedding(50000, 256)(posts)
    for filters, pooled in ((128, True), (256, False), (256, True), (256, False), (256, False)):
        x = layers.Conv1D(filters, 5, activation="relu")(x)
        if pooled:
            x = layers.MaxPooling1D(5)(x)
    x = layers.Dense(128, activation="relu")(layers.GlobalMaxPooling1D()(x))
    heads = [layers.Dense(1)(x), layers.Dense(10, activation="softmax")(x), layers.Dense(1, activation="sigmoid")(x)]
    loss = {"loss": ["mse", "categorical_crossentropy", "binary_crossentropy"], "loss_weights": [0.25, 1.0, 10.0]}
    return keras.Model(posts, heads), optimizers.RMSprop(), loss


def resnet50():
    def conv(x, filters, kernel, strides=1):
        x = layers.Conv2D(filters, kernel, strides, padding="same" if kernel == 3 else "valid", use_bias=False)(x)
        return layers.BatchNormalization()(x)

    def block(x, filters, strides, first):
        y = layers.ReLU()(conv(x, filters, 1, strides))
        y = layers.ReLU()(conv(y, filters, 3))
        y = conv(y, 4 * filters, 1)
        return layers.ReLU()(layers.Add()([conv(x, 4 * filters, 1, strides) if first else x, y]))

    inputs = keras.Input((224, 224, 3))
    x = layers.ReLU()(conv(layers.ZeroPadding2D(3)(inputs), 64, 7, 2))
    x = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(x))
    for filters, blocks, strides in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for i in range(blocks):
            x = block(x, filters, strides if i == 0 else 1, i == 0)
    x = layers.Dense(1000)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, x), optimizers.SGD(0.1, momentum=0.9), sparse()


BUILDERS = {
    "tiny": tiny, "mlp": mlp, "convnet": convnet, "lstmqa": lstmqa, "densenet": densenet, "sepconv": sepconv,
    "bhc": bhc, "bhc_first": lambda: bhc("channels_first"), "conv1d": conv1d, "resnet50": resnet50,
}
