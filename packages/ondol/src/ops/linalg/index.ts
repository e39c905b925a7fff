/** Linear algebra: `keras.ops.linalg`. */
export { eig } from './eig.js'
export { eigh } from './eigh.js'
export { det, inv, logdet, luFactor, matrixPower, slogdet, solve } from './lu.js'
export { type NormOptions, norm } from './norm.js'
export { qr } from './qr.js'
export { lstsq, matrixRank, pinv, svd } from './svd.js'
export { cholesky, choleskyInverse, solveTriangular } from './triangular.js'
