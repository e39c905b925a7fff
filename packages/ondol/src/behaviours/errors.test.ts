// What goes wrong in Keras programs: each mistake is named, with where, what was expected, what came and what to do.
import { beforeEach, describe, expect, it } from 'vitest'
import {
  activations,
  Input,
  initializers,
  layers,
  losses,
  Model,
  metrics,
  ops,
  optimizers,
  Sequential,
  tensor,
  utils,
  Variable,
} from '../index.js'

beforeEach(() => utils.clearSession())

const silent = { verbose: 0 } as const

describe('shapes', () => {
  it.each<[string, () => unknown, RegExp]>([
    ['merging', () => layers.add([tensor([[1, 2, 3, 4]]), tensor([[1, 2, 3, 4, 5]])]), /add[\s\S]*4[\s\S]*5/],
    [
      'concatenation',
      () => layers.concatenate([Input({ shape: [3, 4] }), Input({ shape: [2, 5] })]),
      /concatenate[\s\S]*\(None, 3, 4\)[\s\S]*\(None, 2, 5\)/,
    ],
    [
      'the last axis',
      () => {
        const dense = layers.dense(2)
        dense(Input({ shape: [4] }))
        dense(Input({ shape: [5] }))
      },
      /dense[\s\S]*4[\s\S]*\(None, 5\)/,
    ],
    ['the rank', () => layers.conv2d(2, 3)(Input({ shape: [4] })), /conv2d[\s\S]*4[\s\S]*\(None, 4\)/],
    ['a kernel that is too large', () => layers.conv2d(2, 9)(Input({ shape: [4, 4, 1] })), /conv2d[\s\S]*9[\s\S]*4|conv2d[\s\S]*4[\s\S]*9/],
    ['matmul', () => ops.matmul(ops.ones([2, 3]), ops.ones([4, 5])), /matmul[\s\S]*\(2, 3\)[\s\S]*\(4, 5\)/],
    ['reshape', () => layers.reshape([7])(Input({ shape: [4] })), /reshape[\s\S]*[47]/],
  ])('%s', (_, mistake, message) => expect(mistake).toThrow(message))

  it('that are not known yet are None, whatever stood in for them', () => {
    expect(() => layers.conv2d(2, 9)(Input({ shape: [4, 4, 1] }))).toThrow(/input \(None, 4, 4, 1\)/)
  })
})

describe('graphs', () => {
  it('that are not connected name the tensor and the missing Input', () => {
    const [a, b] = [Input({ shape: [2], name: 'a' }), Input({ shape: [2], name: 'b' })]
    expect(() => new Model({ inputs: a, outputs: layers.add([a, b]) })).toThrow(/'b'/)
  })

  it('want symbolic tensors as inputs', () => {
    const input = Input({ shape: [2] })
    expect(() => new Model({ inputs: tensor([1, 2]) as never, outputs: layers.dense(1)(input) })).toThrow(/Input/)
  })

  it('have every name once', () => {
    const input = Input({ shape: [2] })
    const twice = layers.dense(1, { name: 'x' })(layers.dense(2, { name: 'x' })(input))
    expect(() => new Model({ inputs: input, outputs: twice })).toThrow(/'x'/)
    expect(() => new Sequential([layers.dense(1, { name: 'x' }), layers.dense(1, { name: 'x' })])).toThrow(/'x'/)
  })

  it('have layers with a call', () => {
    class L extends layers.Layer {}
    expect(() => new L()(tensor([1]))).toThrow(/\bL\b[\s\S]*call/)
  })
})

describe('options', () => {
  it.each<[string, () => unknown, RegExp]>([
    ['that do not exist', () => layers.dense(2, { foo: 1 } as never), /foo/],
    ['out of range', () => layers.dense(-1), /units[\s\S]*-1/],
    ['activation', () => activations.get('foo'), /activation[\s\S]*foo/],
    ['initializer', () => initializers.get('foo'), /initializer[\s\S]*foo/],
    ['optimizer', () => optimizers.get('foo'), /optimizer[\s\S]*foo/],
    ['loss', () => losses.get('foo'), /loss[\s\S]*foo/],
    ['metric', () => metrics.get('foo'), /metric[\s\S]*foo/],
    ['a near miss', () => layers.dense(1, { activation: 'rellu' as never }), /did you mean 'relu'/],
  ])('%s', (_, mistake, message) => expect(mistake).toThrow(message))

  it('want tensors as the first values of Variables', () => {
    expect(() => new Variable([1, 2] as never)).toThrow(/no tensor[\s\S]*tensor\(/)
    expect(() => new Variable(Input({ shape: [2] }) as never)).toThrow(/no tensor[\s\S]*KerasTensor/)
  })

  it('say what weights a layer has', () => {
    const dense = layers.dense(2, { name: 'x' })
    dense.build([null, 3])
    expect(() => dense.setWeights([ops.ones([3, 2])])).toThrow(/x[\s\S]*2 weights[\s\S]*1/)
  })
})

describe('fit', () => {
  function model(loss?: string): Sequential {
    const own = new Sequential([Input({ shape: [2], name: 'features' }), layers.dense(3, { name: 'answer' })])
    if (loss !== undefined) own.compile({ optimizer: 'sgd', loss })
    return own
  }
  const x = [
    [1, 2],
    [3, 4],
    [5, 6],
  ]

  it.each<[string, () => Promise<unknown>, RegExp]>([
    ['an option that there is not', () => model('mse').fit(x, x, { ...silent, epoch: 3 } as never), /'epoch'[\s\S]*did you mean 'epochs'/],
    ['callbacks that are none', () => model('mse').fit(x, x, { ...silent, callbacks: [3] } as never), /no callback[\s\S]*LambdaCallback/],
    ['before compile', () => model().fit(x, x, silent), /compile/],
    ['evaluate before compile', () => model().evaluate(x, x, silent), /compile/],
    ['different numbers of samples', () => model('mse').fit(x, x.slice(1), silent), /x[\s\S]*3[\s\S]*y[\s\S]*2/],
    ['targets of another shape', () => model('mse').fit(x, x, silent), /answer[\s\S]*\(3, 2\)[\s\S]*\(3, 3\)/],
    ['no targets', () => model('mse').fit(x, null, silent), /targets/],
    ['no data', () => model('mse').fit('abc' as never, x, silent), /data|numbers/],
    ['words instead of numbers', () => model('mse').fit([['a', 'b']] as never, [[1, 2, 3]], silent), /numbers|'a'|string/],
    ['another rank', () => model('mse').fit([[[1, 2]]], [[1, 2, 3]], silent), /features[\s\S]*\(None, 2\)[\s\S]*\(1, 1, 2\)/],
    ['another last axis', () => model('mse').fit([[1, 2, 3]], [[1, 2, 3]], silent), /features[\s\S]*\(None, 2\)[\s\S]*\(1, 3\)/],
    ['ragged rows', () => model('mse').fit([[1, 2], [3]], [[1, 2, 3]], silent), /length|shape|row|ragged|size/i],
    [
      'class numbers for one-hot losses',
      () => model('categorical_crossentropy').fit(x, [0, 1, 2], silent),
      /sparse_categorical_crossentropy/,
    ],
    [
      'one-hot for class numbers',
      () => model('sparse_categorical_crossentropy').fit(x, [x[0]!.concat(0), x[0]!.concat(0), x[0]!.concat(0)], silent),
      /categorical_crossentropy/,
    ],
    ['a class that does not exist', () => model('sparse_categorical_crossentropy').predict([[1]], silent), /features/],
    [
      'nothing to learn from',
      () => {
        const own = model()
        own.compile({ optimizer: 'sgd' })
        return own.fit(x, x, silent)
      },
      /loss/,
    ],
    ['a wrong validationSplit', () => model('mse').fit(x, x, { ...silent, validationSplit: 1.5 }), /validationSplit[\s\S]*1.5/],
    [
      'weights of another number',
      () =>
        model('mse').fit(
          x,
          [
            [1, 2, 3],
            [1, 2, 3],
            [1, 2, 3],
          ],
          { ...silent, sampleWeight: [1, 2] },
        ),
      /sampleWeight[\s\S]*2|2[\s\S]*sampleWeight/i,
    ],
  ])('%s', (_, mistake, message) => expect(mistake()).rejects.toThrow(message))

  it('is given inputs by name, and says which is missing', async () => {
    const [p, q] = [Input({ shape: [1], name: 'p' }), Input({ shape: [1], name: 'q' })]
    const two = new Model({ inputs: [p, q], outputs: layers.add([p, q]) })
    // @ts-expect-error the compiler misses q too
    await expect(two.predict({ p: [[1]] }, silent)).rejects.toThrow(/'q'/)
    // @ts-expect-error and knows no Q
    await expect(two.predict({ p: [[1]], Q: [[1]] }, silent)).rejects.toThrow(/'q'/)
    await expect(two.predict([[[1]]], silent)).rejects.toThrow(/2|two|'q'/)
  })
})
