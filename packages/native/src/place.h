// Where the values of a block lie: in memory, in a register of L1, or nowhere, because machine code keeps them.
#pragma once
#include "loop.h"

namespace ondol {

struct Placing {
  const Plan& plan;
  Index block;     // most points of a block
  bool foldsRows;  // reductions are over the rows of a block
};

// Registers by liveness: a block value's slot is free after its last use.
void placeValues(Program& program, std::vector<Reduction>& reductions, const Placing& placing);

// The same, with machine code for as many of `groups` as processor registers suffice for.
void placeWithCode(Program& program, std::vector<Reduction>& reductions, std::vector<Fused> groups, const Placing& placing, CodeMemory& code);

}  // namespace ondol
