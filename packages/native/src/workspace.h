// Memory that a thread keeps for the steps it runs: registers of loops, partial results.
#pragma once
#include <cstddef>

namespace ondol {

// Undefined content, 64-byte aligned, valid until the same thread asks the same shelf again.
char* threadWorkspace(size_t bytes, int shelf = 0);

}  // namespace ondol
