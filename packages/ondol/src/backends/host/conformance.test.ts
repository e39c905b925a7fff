import { describeConformance } from '../testing/conformance.js'
import { createHostBackend } from './index.js'

describeConformance('host', createHostBackend)
