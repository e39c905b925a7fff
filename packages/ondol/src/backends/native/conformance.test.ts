import { describeConformance } from '../testing/conformance.js'
import { createNativeBackend } from './index.js'

describeConformance('native', createNativeBackend)
