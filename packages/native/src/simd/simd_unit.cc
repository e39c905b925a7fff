// Compiled once for each instruction set; ONDOL_SIMD_TABLE and ONDOL_SIMD_NAME come from the build.
#include "../simd.h"
#include "matmul.h"

namespace ondol {

const Simd ONDOL_SIMD_TABLE = {ONDOL_SIMD_NAME, findOp, runLoop, {pool, moments, matmul}};

}  // namespace ondol
