// Machine code for the operations of a loop's body: what the vector functions do one by one over registers in L1 happens in
// processor registers, sixteen points at a time. Operations that are functions of their own (exp, random bits) stay calls, and
// so does everything where the processor has no AVX-512.
#pragma once
#include "../loop.h"
#include "memory.h"

namespace ondol {

// Orders the actions so that those that can become code lie together; `at` tells where each action went. Returns the groups.
std::vector<Fused> groupActions(Program& program, std::vector<int>& at);

// Whether code can load or store elements of a dtype.
bool codeAccesses(DType dtype);

// Emits the code of `fused`, whose operands and results are filled in; false if there are too many of them, or too few processor registers.
bool emitFused(const Program& program, Fused& fused, CodeMemory& memory);

}  // namespace ondol
