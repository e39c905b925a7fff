// A fused loop, compiled: which block of points is worked on at once, how each operand touches a block,
// and the operations of one block. `loop.cc` makes it, `simd/run_loop.cc` runs it.
//
// The iteration space is split into outer trips and a block of at most `Loop::block` points that spans the
// innermost dims (its first dim possibly in chunks). Every value of a block lies in an L1-sized register of
// consecutive elements, so that each operation is one call of a vector function for some hundred points.
// A value that is equal for the whole block is *uniform*: 16 equal elements. A value that is equal for all
// blocks is computed once a thread.
#pragma once
#include "code/memory.h"
#include "plan.h"

namespace ondol {

enum class LoopType : uint8_t { f32, f64, i32, boolean };
static inline int registerBytes(LoopType type) { return type == LoopType::f64 ? 8 : 4; }

// Names are those of the primitives; the TypeScript encoder asks the add-on for this list.
#define ONDOL_LOOP_OPS(X)                                                                                     \
  X(load) X(literal) X(reduced) X(exp) X(expm1) X(log) X(log1p) X(sqrt) X(rsqrt) X(sin) X(cos) X(tan) X(asin) \
  X(acos) X(atan) X(tanh) X(sigmoid) X(erf) X(erfInv) X(lgamma) X(digamma) X(floor) X(ceil) X(round) X(neg)   \
  X(abs) X(sign) X(logicalNot) X(bitwiseNot) X(add) X(sub) X(mul) X(div) X(pow) X(max) X(min) X(floorDiv)     \
  X(mod) X(atan2) X(bitwiseAnd) X(bitwiseOr) X(bitwiseXor) X(shiftLeft) X(shiftRight) X(shiftRightLogical)    \
  X(eq) X(ne) X(lt) X(le) X(gt) X(ge) X(logicalAnd) X(logicalOr) X(logicalXor) X(select) X(cast) X(randomBits) \
  /* made here: fill a register from a uniform value, round to a narrower dtype, fused multiply-adds */       \
  X(fill) X(roundBf16) X(roundF16) X(roundF32) X(roundU8) X(mulAdd) X(mulSub) X(subMul)

enum class LoopOp : uint8_t {
#define X(name) name,
  ONDOL_LOOP_OPS(X)
#undef X
};
constexpr int kLanes = 16;

// Works on `n` rounded up to 16 elements; operands are registers or memory. Bit i of the variant that was
// asked for says that operand i is uniform.
using OpFn = void (*)(void* to, const void* a, const void* b, const void* c, Index n);

// A run of elements of one operand inside a block, outermost first; all but the last stand for whole runs.
struct Run {
  Index size, stride;
};

struct Access {
  // rows: memory that machine code walks through row by row.
  enum Kind : uint8_t { uniform, direct, dense, pattern, rows };
  Kind kind = uniform;
  bool index = false;  // a number computed from the position, no memory
  int buffer = -1;
  DType dtype = DType::f32;
  LoopType type = LoopType::f32;
  Index offset = 0;              // elements
  Dims keptSteps, reducedSteps;  // elements for each outer trip
  Index step = 0;                // elements from a block to the one that is worked on next
  std::vector<Run> runs;
  Index unit = 1;  // elements of runs[0] for one index of the block's first dim
};

struct Action {
  LoopOp op;
  LoopType type;
  bool uniform = false;
  bool invariant = false;
  OpFn fn = nullptr;
  int args[3] = {-1, -1, -1};
  double literal = 0;
  int access = -1;     // load: which of Program::loads
  int reduction = -1;  // reduced
  int place = 0;       // byte offset of its register in the workspace; -1: direct load, nothing is moved
  int directStore = -1;
  int fused = -1;      // which of Program::fused does it
};

struct Store {
  int value;
  Access access;
  bool written = false;  // by the operation that makes the value
};

// Actions that one function of machine code does for a whole block: fn(pointers of operands and results, points, rows).
struct Fused {
  // Where a value goes: to a store, to be added to a reduction's row, or else to its register.
  struct Result {
    int action, store = -1, reduction = -1;
  };
  int begin, end;  // the actions
  size_t code = 0;  // place in the program's CodeMemory
  std::vector<int> operands;
  std::vector<Result> results;
  std::vector<Index> steps;  // bytes from row to row, of operands and then of results
};
using FusedFn = void (*)(const void** pointers, Index n, Index rows);
constexpr size_t kMostPointers = 48;

// The operations of a body or an epilogue, in order; values are numbered by position.
struct Program {
  std::vector<Action> actions;
  std::vector<Access> loads;
  std::vector<Store> stores;
  std::vector<Fused> fused;
  Index width = 0;  // of the rows that machine code works on one after the other; 0: blocks are one run of points
  size_t workspace = 0;  // bytes
  int tail = 0;          // place of one spare 16-element register
};

enum class Fold : uint8_t { sum, prod, max, min };

struct Reduction {
  Fold fold;
  LoopType type;
  int value;
  int row = -1;  // place of one row of floats, where machine code sums the rows of a block
};

// Dims of the block, merged where neighbours are both reduced or both kept.
struct Group {
  Index size;
  bool reduced;
};


struct Loop {
  std::vector<Index> kept, reduced;  // trips of the outer loops
  Index keptTrips = 1, reducedTrips = 1;
  // The block: `chunk` indices (fewer in the last trip) of its first dim, `inner` points for each.
  Index chunk = 1, inner = 1, extent = 1;
  bool chunkReduced = false, chunked = false;
  Index keptInner = 1;  // kept points of the block for one index of its first dim
  std::vector<Group> groups;
  Index groupUnit = 1;  // as Access::unit, for groups[0]
  Program body, epilogue;
  std::vector<Reduction> reductions;
  size_t foldPlace = 0;  // scratch register for folding
  size_t accumulators = 0;  // bytes for one kept trip
  size_t workspace = 0;
  Index keptBlock = 1;  // most kept points in a block
  double cost = 0;
  int threads = 1;
  std::shared_ptr<CodeMemory> code;  // where the body has fused actions
};

}  // namespace ondol
