/** What the compiler accepts and refuses of models; checked by `tools/house/types.test.ts`, never run. */
import { expectTypeOf } from 'vitest'
import {
  type activations,
  type constraints,
  GradientTape,
  grad,
  Input,
  type initializers,
  type KerasTensor,
  layers,
  type losses,
  Model,
  type metrics,
  type optimizers,
  type regularizers,
  Sequential,
  type Tensor,
  Variable,
  valueAndGrad,
} from '../../index.js'

declare const data: Float32Array
declare const x: Tensor

const text = Input({ shape: [4], name: 'text' })
const question = Input({ shape: [4], name: 'question' })
const joined = layers.concatenate([text, question])
const answer = layers.dense(3)(joined)

// ---- inputs in a record: data by the record's keys

const byRecord = new Model({ inputs: { text, question }, outputs: answer })
byRecord.fit({ text: data, question: x }, data)
byRecord.fit({ question: [[1, 2, 3, 4]], text: x }, [[1, 2, 3]], { epochs: 2 })
byRecord.fit([data, data], data)
// @ts-expect-error a misspelt key
byRecord.fit({ text: data, questoin: data }, data)
// @ts-expect-error a missing key
byRecord.fit({ text: data }, data)
// @ts-expect-error one key too many
byRecord.fit({ text: data, question: data, context: data }, data)
// @ts-expect-error a misspelt key
byRecord.predict({ text: data, questoin: data })
// @ts-expect-error a misspelt key
byRecord.evaluate({ txt: data, question: data }, data)
// @ts-expect-error a misspelt option
byRecord.fit({ text: data, question: data }, data, { epoch: 2 })
expectTypeOf(byRecord.predict({ text: data, question: data })).resolves.toEqualTypeOf<Tensor>()

// ---- inputs in a list: data in a list, or by the inputs' own names

const byList = new Model({ inputs: [text, question], outputs: answer })
byList.fit([data, data], data)
byList.fit({ text: data, question: data }, data)
// @ts-expect-error a misspelt name
byList.fit({ text: data, questoin: data }, data)

// ---- a single input, with and without a name

new Model({ inputs: text, outputs: answer }).fit({ text: data }, data)
new Model({ inputs: text, outputs: answer }).fit(data, data)
// @ts-expect-error another name
new Model({ inputs: text, outputs: answer }).fit({ txt: data }, data)
new Model({ inputs: Input({ shape: [2] }), outputs: answer }).fit({ anything: data }, data)

// ---- names that are not known when the program is written

const name: string = 'a'
const unknown = Input({ shape: [2], name })
expectTypeOf(unknown).toEqualTypeOf<KerasTensor>()
new Model({ inputs: [unknown], outputs: answer }).fit({ whatever: data }, data)
declare const anyModel: Model
anyModel.fit({ whatever: data }, { also: data }, { classWeight: { also: { 0: 1 } } })
anyModel.compile({ loss: { whatever: 'mse' } })

// ---- outputs in a record: targets, losses, weights and metrics by its keys

const people = new Model({ inputs: text, outputs: { age: layers.dense(1)(text), income: layers.dense(10)(text) } })
people.compile({ loss: { age: 'mse', income: 'categorical_crossentropy' }, lossWeights: { age: 0.25 }, metrics: { income: ['acc'] } })
people.compile({ loss: 'mse' })
people.compile({ loss: ['mse', null] })
// @ts-expect-error a misspelt output
people.compile({ loss: { aeg: 'mse' } })
// @ts-expect-error a misspelt output
people.compile({ loss: 'mse', lossWeights: { incom: 1 } })
// @ts-expect-error a misspelt output
people.compile({ loss: 'mse', metrics: { incom: ['acc'] } })
// @ts-expect-error a misspelt output
people.compile({ loss: 'mse', weightedMetrics: { incom: ['acc'] } })
people.fit(data, { age: data, income: data }, { sampleWeight: { age: data }, classWeight: { income: { 0: 1, 3: 2 } } })
people.fit(data, { income: data })
// @ts-expect-error a misspelt output
people.fit(data, { age: data, incom: data })
// @ts-expect-error a misspelt output
people.fit(data, data, { classWeight: { incom: { 0: 1 } } })
// @ts-expect-error a misspelt output
people.fit(data, { age: data, income: data }, { sampleWeight: { agee: data } })
expectTypeOf(people.predict(data)).resolves.toEqualTypeOf<{ age: Tensor; income: Tensor }>()
expectTypeOf(people(x)).toEqualTypeOf<{ age: Tensor; income: Tensor }>()
expectTypeOf(people(text)).toEqualTypeOf<{ age: KerasTensor; income: KerasTensor }>()

// ---- outputs in a list

const pair = new Model({ inputs: text, outputs: [answer, joined] })
expectTypeOf(pair.predict(data)).resolves.toEqualTypeOf<[Tensor, Tensor]>()
const [first] = pair(x)
expectTypeOf(first).toEqualTypeOf<Tensor>()
pair.compile({ loss: { dense: 'mse', concatenate: null } })

// ---- other models

const chain = new Sequential([layers.dense(2)])
expectTypeOf(chain.predict(data)).resolves.toEqualTypeOf<Tensor>()
expectTypeOf(chain(x)).toEqualTypeOf<Tensor>()
expectTypeOf(chain(text)).toEqualTypeOf<KerasTensor>()

class Pair extends Model {
  override call(a: Tensor, _b: Tensor): [loss: Tensor, accuracy: Tensor] {
    return [a, a]
  }
}
const own = new Pair()
expectTypeOf(own(x, x)).toEqualTypeOf<[loss: Tensor, accuracy: Tensor]>()
// Every model is a model, and a layer, whatever is known of it.
const models: Model[] = [byRecord, byList, people, pair, chain, own]
const allLayers: layers.Layer[] = [...models, people, own, layers.dense(1)]
new Sequential(allLayers)

// ---- gradients have the structure of what they are by

const v = new Variable(x)
const tape = new GradientTape()
expectTypeOf(tape.gradient(x, v)).toEqualTypeOf<Tensor | null>()
expectTypeOf(tape.gradient(x, [v, x])).toEqualTypeOf<[Tensor | null, Tensor | null]>()
expectTypeOf(tape.gradient(x, chain.trainableVariables)).toEqualTypeOf<(Tensor | null)[]>()
expectTypeOf(tape.gradient(x, { a: v, b: [x] })).toEqualTypeOf<{ a: Tensor | null; b: [Tensor | null] }>()
expectTypeOf(tape.gradient(x, [v], { unconnectedGradients: 'zero' })).toEqualTypeOf<[Tensor]>()
expectTypeOf(tape.jacobian(x, v)).toEqualTypeOf<Tensor | null>()
// @ts-expect-error there is no such way
tape.gradient(x, v, { unconnectedGradients: 'zeros' })
const lossOf = (_a: Tensor, _b: { w: Tensor }): Tensor => x
expectTypeOf(grad(lossOf)(x, { w: x })).toEqualTypeOf<Tensor>()
expectTypeOf(grad(lossOf, { argnums: 1 })(x, { w: x })).toEqualTypeOf<{ w: Tensor }>()
expectTypeOf(valueAndGrad(lossOf, { variables: [v] })(x, { w: x })).toEqualTypeOf<[value: Tensor, gradients: [Tensor]]>()

// ---- options of layers: literals, and what a name may be

layers.conv2d(8, 3, { padding: 'same', dataFormat: 'channels_first', activation: 'relu' })
// @ts-expect-error no such padding
layers.conv2d(8, 3, { padding: 'full' })
// @ts-expect-error no such format
layers.conv2d(8, 3, { dataFormat: 'NHWC' })
// @ts-expect-error no such option
layers.dense(8, { activaton: 'relu' })
// @ts-expect-error units are a number
layers.dense('8')

// ---- names: those of Keras in both spellings are offered, others may be registered

type Literals<T> = T extends string ? (string extends T ? never : T) : never
/** The house's test asks `get` of each room for each of these names. */
export interface Offered {
  activations: Literals<activations.ActivationLike>
  constraints: Literals<constraints.ConstraintLike>
  initializers: Literals<initializers.InitializerLike>
  losses: Literals<losses.LossIdentifier>
  metrics: Literals<metrics.MetricIdentifier>
  optimizers: Literals<optimizers.OptimizerIdentifier>
  regularizers: Literals<regularizers.RegularizerLike>
}
expectTypeOf<'relu' | 'log_softmax' | 'logSoftmax'>().toExtend<Offered['activations']>()
expectTypeOf<'glorot_uniform' | 'heNormal'>().toExtend<Offered['initializers']>()
expectTypeOf<'adamw' | 'rmsprop'>().toExtend<Offered['optimizers']>()
expectTypeOf<'mse' | 'sparse_categorical_crossentropy' | 'sparseCategoricalCrossentropy'>().toExtend<Offered['losses']>()
expectTypeOf<'acc' | 'topKCategoricalAccuracy'>().toExtend<Offered['metrics']>()
expectTypeOf<'l2' | 'l1L2'>().toExtend<Offered['regularizers']>()
expectTypeOf<'non_neg' | 'unitNorm'>().toExtend<Offered['constraints']>()
layers.dense(1, { activation: 'mine', kernelInitializer: 'ours', kernelRegularizer: 'theirs' })
// @ts-expect-error a number is no name
layers.dense(1, { activation: 3 })
// @ts-expect-error an optimizer is no list
anyModel.compile({ optimizer: ['adam'] })
