import { describeConformance } from '../testing/conformance.js'
import { createWasmBackend } from './index.js'

describeConformance('wasm', () => createWasmBackend())
