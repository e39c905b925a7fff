/** The smallest useful page: one perceptron with a hidden layer, trained in the browser. */
import { Sequential, tensor } from 'ondol'
import { Dense } from 'ondol/layers'
import { MeanSquaredError } from 'ondol/losses'
import { SGD } from 'ondol/optimizers'

const model = new Sequential([new Dense(8, { activation: 'tanh' }), new Dense(1)])
model.compile({ optimizer: new SGD({ learningRate: 0.1 }), loss: new MeanSquaredError() })
await model.fit(tensor([[0], [1]]), tensor([[1], [0]]), { epochs: 10, verbose: 0 })
