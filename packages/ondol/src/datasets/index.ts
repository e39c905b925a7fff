/** Ready data sets, as `keras.datasets`. */
export * as fashionMnist from './fashion-mnist.js'
