/** A small WebAssembly assembler: typed expressions in, module bytes out. */
export { Local, type Operand, Statement, type Type, Value } from './code.js'
export { FunctionBuilder, FunctionReference, type Label } from './function.js'
export { f32, f32x4, f64, f64x2, i8x16, i16x8, i32, i32x4, i64, memory, select, v128 } from './instructions.js'
export { type MemoryImport, ModuleBuilder } from './module.js'
