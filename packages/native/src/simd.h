// The functions that are compiled once for each instruction set, and the choice among them.
#pragma once
#include "kernels.h"
#include "loop.h"

namespace ondol {

struct Simd {
  const char* name;
  // The vector function for an operation on arguments of a type; null if that variant does not exist.
  OpFn (*find)(LoopOp op, LoopType argument, LoopType result, int uniformMask);
  void (*runLoop)(const Loop& loop, const Frame& frame);
  SimdKernels kernels;
};

// The widest that this processor runs; ONDOL_SIMD=baseline|avx2|avx512 asks for less.
const Simd& simd();

extern const Simd kSimdBaseline;
#if defined(__x86_64__)
extern const Simd kSimdAvx2, kSimdAvx512;
#endif

}  // namespace ondol
