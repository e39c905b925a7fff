// From an encoded loop step to a `Loop`: merges dims, chooses the block, places values in registers.
#include "loop.h"

#include <algorithm>
#include <cmath>

#include "code/fuse.h"
#include "place.h"
#include "simd.h"

namespace ondol {
namespace {

struct Operand {
  bool index;
  int buffer;
  Index offset;
  Dims strides;
};

struct RawStore {
  int value;
  Operand to;
};

struct RawInstruction {
  LoopOp op;
  LoopType type;
  int input = -1;
  int reduction = -1;
  double literal = 0;
  std::vector<int> args;
};

// As decoded, with roundings and multiply-adds made into instructions of their own.
struct Raw {
  Dims sizes;
  std::vector<bool> reduced;
  std::vector<Operand> inputs;
  std::vector<RawInstruction> body, epilogue;
  std::vector<RawStore> stores, epilogueStores;
  std::vector<Reduction> reductions;
};

LoopOp roundingTo(DType dtype) {
  switch (dtype) {
    case DType::bf16: return LoopOp::roundBf16;
    case DType::f16: return LoopOp::roundF16;
    case DType::u8: return LoopOp::roundU8;
    case DType::f32: return LoopOp::roundF32;
    default: return LoopOp::fill;  // nothing to round
  }
}

LoopType loopTypeOf(DType dtype) {
  switch (dtype) {
    case DType::f64: return LoopType::f64;
    case DType::i32:
    case DType::u8: return LoopType::i32;
    case DType::boolean: return LoopType::boolean;
    default: return LoopType::f32;
  }
}

bool isRegisterI32(LoopType type) { return type == LoopType::i32 || type == LoopType::boolean; }

// Reads instructions; `names` maps their numbers in the stream to positions in the result.
std::vector<RawInstruction> readProgram(Reader& reader, std::vector<int>& names) {
  std::vector<RawInstruction> program;
  const Index count = reader.integer();
  for (Index i = 0; i < count; i++) {
    RawInstruction instruction;
    instruction.op = static_cast<LoopOp>(reader.integer());
    instruction.type = static_cast<LoopType>(reader.integer());
    int rounding = -1;
    if (instruction.op == LoopOp::load) instruction.input = static_cast<int>(reader.integer());
    else if (instruction.op == LoopOp::literal) instruction.literal = reader.number();
    else if (instruction.op == LoopOp::reduced) instruction.reduction = static_cast<int>(reader.integer());
    else {
      for (Index arg : reader.list()) instruction.args.push_back(names.at(static_cast<size_t>(arg)));
      rounding = static_cast<int>(reader.integer());
    }
    const bool sameRegister = instruction.op == LoopOp::cast && [&] {
      const LoopType from = program[instruction.args[0]].type;
      return from == instruction.type || (from == LoopType::boolean && instruction.type == LoopType::i32);
    }();
    if (sameRegister) {
      names.push_back(instruction.args[0]);
    } else {
      names.push_back(static_cast<int>(program.size()));
      program.push_back(instruction);
    }
    const LoopOp round = rounding < 0 ? LoopOp::fill : roundingTo(static_cast<DType>(rounding));
    const bool changes = round == LoopOp::roundU8 ? isRegisterI32(instruction.type) : round == LoopOp::roundF32 ? instruction.type == LoopType::f64 : round != LoopOp::fill;
    if (!changes) continue;
    RawInstruction rounded;
    rounded.op = round;
    rounded.type = instruction.type;
    rounded.args = {names.back()};
    names.back() = static_cast<int>(program.size());
    program.push_back(rounded);
  }
  return program;
}

// mul then add becomes one instruction where nothing else uses the product.
void fuseMultiplyAdds(std::vector<RawInstruction>& program, const std::vector<int>& results) {
  std::vector<int> uses(program.size(), 0);
  for (const RawInstruction& instruction : program) for (int arg : instruction.args) uses[arg]++;
  for (int result : results) uses[result]++;
  for (RawInstruction& instruction : program) {
    const bool isSub = instruction.op == LoopOp::sub;
    if ((instruction.op != LoopOp::add && !isSub) || instruction.type != LoopType::f32) continue;
    for (int side = 0; side < 2; side++) {
      const int product = instruction.args[side], other = instruction.args[1 - side];
      if (program[product].op != LoopOp::mul || uses[product] != 1) continue;
      uses[product] = 0;
      instruction.op = !isSub ? LoopOp::mulAdd : side == 0 ? LoopOp::mulSub : LoopOp::subMul;
      instruction.args = {program[product].args[0], program[product].args[1], other};
      break;
    }
  }
}

Operand readOperand(Reader& reader, bool index) {
  Operand operand;
  operand.index = index;
  operand.buffer = static_cast<int>(reader.integer());
  operand.offset = reader.integer();
  operand.strides = reader.list();
  return operand;
}

Raw readLoop(Reader& reader, const Plan& plan) {
  Raw raw;
  const Index dims = reader.integer();
  for (Index i = 0; i < dims; i++) {
    raw.sizes.push_back(reader.integer());
    raw.reduced.push_back(reader.flag());
  }
  const Index inputs = reader.integer();
  for (Index i = 0; i < inputs; i++) {
    const bool index = reader.flag();
    raw.inputs.push_back(readOperand(reader, index));
  }
  const auto readStores = [&](const std::vector<RawInstruction>& program, const std::vector<int>& names) {
    std::vector<RawStore> stores(static_cast<size_t>(reader.integer()));
    for (RawStore& store : stores) {
      store.value = names.at(static_cast<size_t>(reader.integer()));
      store.to = readOperand(reader, false);
      // A value is rounded when it is stored, too.
      const DType dtype = plan.buffers.at(store.to.buffer).dtype;
      const RawInstruction& maker = program[store.value];
      if (maker.op == roundingTo(dtype) && maker.type == loopTypeOf(dtype)) store.value = maker.args[0];
    }
    return stores;
  };
  std::vector<int> names, epilogueNames;
  raw.body = readProgram(reader, names);
  raw.stores = readStores(raw.body, names);
  const Index reductions = reader.integer();
  for (Index i = 0; i < reductions; i++) {
    const Fold fold = static_cast<Fold>(reader.integer());
    const int value = names.at(static_cast<size_t>(reader.integer()));
    raw.reductions.push_back({fold, raw.body[value].type, value});
  }
  raw.epilogue = readProgram(reader, epilogueNames);
  raw.epilogueStores = readStores(raw.epilogue, epilogueNames);
  std::vector<int> results, epilogueResults;
  for (const RawStore& store : raw.stores) results.push_back(store.value);
  for (const Reduction& reduction : raw.reductions) results.push_back(reduction.value);
  for (const RawStore& store : raw.epilogueStores) epilogueResults.push_back(store.value);
  fuseMultiplyAdds(raw.body, results);
  fuseMultiplyAdds(raw.epilogue, epilogueResults);
  return raw;
}

// Every operand of the loop with the dims that it depends on.
template <class Fn> void eachOperand(Raw& raw, Fn&& fn) {
  std::vector<bool> inBody(raw.inputs.size(), false);
  for (const RawInstruction& instruction : raw.body) if (instruction.op == LoopOp::load) inBody[instruction.input] = true;
  for (size_t i = 0; i < raw.inputs.size(); i++) fn(raw.inputs[i], !inBody[i]);
  for (RawStore& store : raw.stores) fn(store.to, false);
  for (RawStore& store : raw.epilogueStores) fn(store.to, true);
}

// Removes dims of size 1 and merges neighbours that every operand walks through in one stride.
void mergeDims(Raw& raw) {
  eachOperand(raw, [&](Operand& operand, bool onlyKept) {
    for (size_t d = 0; d < raw.sizes.size(); d++) if (onlyKept && raw.reduced[d]) operand.strides[d] = 0;
  });
  const auto erase = [&](size_t d) {
    raw.sizes.erase(raw.sizes.begin() + static_cast<long>(d));
    raw.reduced.erase(raw.reduced.begin() + static_cast<long>(d));
    eachOperand(raw, [&](Operand& operand, bool) { operand.strides.erase(operand.strides.begin() + static_cast<long>(d)); });
  };
  for (size_t d = raw.sizes.size(); d-- > 0;) if (raw.sizes[d] == 1) erase(d);
  for (size_t d = raw.sizes.size(); d-- > 1;) {
    bool mergeable = raw.reduced[d] == raw.reduced[d - 1];
    eachOperand(raw, [&](Operand& operand, bool) { mergeable = mergeable && operand.strides[d - 1] == operand.strides[d] * raw.sizes[d]; });
    if (!mergeable) continue;
    raw.sizes[d - 1] *= raw.sizes[d];
    eachOperand(raw, [&](Operand& operand, bool) { operand.strides[d - 1] = operand.strides[d]; });
    erase(d);
  }
  if (raw.sizes.empty()) {
    raw.sizes = {1};
    raw.reduced = {false};
    eachOperand(raw, [&](Operand& operand, bool) { operand.strides = {0}; });
  }
}

// A loop that walks one operand across its memory order (a transpose) would touch a cache line for each
// element. It is visited in tiles: the last dim in parts of at most 64, and next to it the dim along which
// that operand lies in memory.
void tileTransposes(Raw& raw) {
  constexpr Index kTile = 64, kLeast = 8;
  if (raw.sizes.size() < 2 || product(raw.sizes) < 4096) return;
  const size_t last = raw.sizes.size() - 1;
  size_t along = last;
  eachOperand(raw, [&](Operand& operand, bool) {
    if (operand.index || operand.strides[last] == 0 || operand.strides[last] == 1 || operand.strides[last] == -1) return;
    for (size_t d = 0; d < last; d++) if (operand.strides[d] == 1 && raw.sizes[d] >= kLeast) along = d;
  });
  if (along == last) return;
  Index part = std::min(raw.sizes[last], kTile);
  while (raw.sizes[last] % part != 0) part--;
  if (part < kLeast && part < raw.sizes[last]) return;
  const auto reorder = [&](auto& list, auto outer, auto inner) {
    const auto moved = list[along];
    list.back() = outer;
    list.erase(list.begin() + static_cast<long>(along));
    list.push_back(moved);
    list.push_back(inner);
  };
  eachOperand(raw, [&](Operand& operand, bool) { reorder(operand.strides, operand.strides[last] * part, operand.strides[last]); });
  const bool reduced = raw.reduced[last];
  reorder(raw.sizes, raw.sizes[last] / part, part);
  const bool moved = raw.reduced[along];
  raw.reduced.erase(raw.reduced.begin() + static_cast<long>(along));
  raw.reduced.push_back(moved);
  raw.reduced.push_back(reduced);
}

// Which dims lie inside the block and which are outer.
struct Shape {
  const Raw& raw;
  const Plan& plan;
  size_t first;  // first dim of the block
  Index chunk;
};

void chooseBlock(const Raw& raw, Index limit, Loop& loop, size_t& first) {
  first = raw.sizes.size() - 1;
  loop.inner = 1;
  while (first > 0 && loop.inner * raw.sizes[first] * 2 <= limit) loop.inner *= raw.sizes[first--];
  loop.extent = raw.sizes[first];
  loop.chunk = std::clamp<Index>(limit / std::max<Index>(loop.inner, 1), 1, std::max<Index>(loop.extent, 1));
  // Equal chunks: 1100 points are 560 + 540, not 1024 + 76.
  const Index trips = (loop.extent + loop.chunk - 1) / loop.chunk;
  if (trips > 1) loop.chunk = std::min<Index>(loop.chunk, static_cast<Index>(roundUp(static_cast<size_t>((loop.extent + trips - 1) / trips), loop.inner == 1 ? kLanes : 1)));
  loop.chunkReduced = raw.reduced[first];
  for (size_t d = 0; d < first; d++) (raw.reduced[d] ? loop.reduced : loop.kept).push_back(raw.sizes[d]);
  (loop.chunkReduced ? loop.reduced : loop.kept).push_back((loop.extent + loop.chunk - 1) / loop.chunk);
  loop.keptTrips = product(loop.kept);
  loop.reducedTrips = product(loop.reduced);
  loop.keptInner = 1;
  for (size_t d = first + 1; d < raw.sizes.size(); d++) if (!raw.reduced[d]) loop.keptInner *= raw.sizes[d];
  loop.keptBlock = loop.keptInner * (loop.chunkReduced ? 1 : loop.chunk);
  for (size_t d = first; d < raw.sizes.size(); d++) {
    const Index size = d == first ? loop.chunk : raw.sizes[d];
    if (!loop.groups.empty() && loop.groups.back().reduced == raw.reduced[d]) loop.groups.back().size *= size;
    else loop.groups.push_back({size, raw.reduced[d]});
  }
  loop.groupUnit = loop.groups[0].size / loop.chunk;
}

bool isNative(DType dtype) { return dtype == DType::f32 || dtype == DType::f64 || dtype == DType::i32; }

Access accessOf(const Operand& operand, const Shape& shape, const Loop& loop, bool epilogue) {
  const Raw& raw = shape.raw;
  Access access;
  access.index = operand.index;
  access.buffer = operand.buffer;
  access.dtype = operand.index ? DType::i32 : shape.plan.buffers.at(operand.buffer).dtype;
  access.type = loopTypeOf(access.dtype);
  access.offset = operand.offset;
  std::vector<Run> runs;
  bool reducedSteps = false;  // reduced trips are the inner ones
  for (size_t d = 0; d < raw.sizes.size(); d++) {
    const Index stride = operand.strides[d];
    const bool reduced = raw.reduced[d];
    if (d <= shape.first) {
      const Index trips = d == shape.first ? (raw.sizes[d] + shape.chunk - 1) / shape.chunk : raw.sizes[d];
      const Index step = trips <= 1 ? 0 : d == shape.first ? stride * shape.chunk : stride;
      (reduced ? access.reducedSteps : access.keptSteps).push_back(step);
      if (trips > 1 && (reduced || !reducedSteps)) {
        access.step = step;
        reducedSteps = reduced;
      }
    }
    if (d < shape.first || (epilogue && reduced)) continue;
    runs.push_back({d == shape.first ? shape.chunk : raw.sizes[d], stride});
  }
  const bool firstIsChunk = !(epilogue && loop.chunkReduced);
  for (const Run& run : runs) {
    if (!access.runs.empty() && access.runs.back().stride == run.stride * run.size) access.runs.back() = {access.runs.back().size * run.size, run.stride};
    else if (!access.runs.empty() && access.runs.back().size == 1) access.runs.back() = run;
    else if (access.runs.empty() || run.size != 1) access.runs.push_back(run);
  }
  if (access.runs.empty()) access.runs.push_back({1, 0});
  access.unit = firstIsChunk ? access.runs[0].size / shape.chunk : access.runs[0].size;
  const bool still = std::all_of(access.runs.begin(), access.runs.end(), [](const Run& run) { return run.stride == 0; });
  const bool straight = access.runs.size() == 1 && access.runs[0].stride == 1 && !access.index;
  access.kind = still ? Access::uniform : !straight ? Access::pattern : isNative(access.dtype) ? Access::direct : Access::dense;
  return access;
}

bool isInvariant(const Access& access) {
  const auto zero = [](Index step) { return step == 0; };
  return std::all_of(access.keptSteps.begin(), access.keptSteps.end(), zero) && std::all_of(access.reducedSteps.begin(), access.reducedSteps.end(), zero);
}

LoopType argumentType(const Program& program, const Action& action) {
  if (action.args[0] < 0) return action.type;
  return program.actions[action.args[action.op == LoopOp::select ? 1 : 0]].type;
}

// Finds the vector function, filling registers from uniform values where it has no variant for them.
void resolve(Program& program, Action action) {
  const LoopType argument = argumentType(program, action);
  int mask = 0, count = 0;
  bool invariant = true;
  for (int i = 0; i < 3 && action.args[i] >= 0; i++) {
    count++;
    mask |= program.actions[action.args[i]].uniform << i;
    invariant = invariant && program.actions[action.args[i]].invariant;
  }
  action.invariant = invariant;
  action.uniform = mask == (1 << count) - 1;
  if (!action.uniform) action.fn = simd().find(action.op, argument, action.type, mask);
  if (action.fn == nullptr) {
    if (!action.uniform) {
      for (int i = 0; i < count; i++) {
        if (!program.actions[action.args[i]].uniform) continue;
        Action fill = program.actions[action.args[i]];
        fill.op = LoopOp::fill;
        fill.args[0] = action.args[i];
        fill.args[1] = fill.args[2] = -1;
        fill.uniform = false;
        fill.fn = simd().find(LoopOp::fill, fill.type, fill.type, 0);
        action.args[i] = static_cast<int>(program.actions.size());
        program.actions.push_back(fill);
      }
    }
    action.fn = simd().find(action.op, argument, action.type, 0);
  }
  if (action.fn == nullptr) throw std::runtime_error("a fused loop holds an operation that its type does not have");
  program.actions.push_back(action);
}

// Uniform values that are stored or folded must fill a register.
int filled(Program& program, int value, bool needed) {
  if (!needed || !program.actions[value].uniform) return value;
  Action fill = program.actions[value];
  fill.op = LoopOp::fill;
  fill.args[0] = value;
  fill.args[1] = fill.args[2] = -1;
  fill.uniform = false;
  fill.access = -1;
  fill.fn = simd().find(LoopOp::fill, fill.type, fill.type, 0);
  program.actions.push_back(fill);
  return static_cast<int>(program.actions.size()) - 1;
}

// Rows that fill processor registers, and not too few of them.
bool isWorthRows(Index width) { return width >= kLanes && static_cast<Index>(roundUp(static_cast<size_t>(width), kLanes)) * 3 <= width * 4; }

// The body of `loop`, whose reductions it fills in, or its epilogue. `code`: where machine code goes; null if there is to be none.
Program compile(const Shape& shape, Loop& loop, bool epilogue, CodeMemory* code) {
  const std::vector<RawInstruction>& instructions = epilogue ? shape.raw.epilogue : shape.raw.body;
  const std::vector<RawStore>& stores = epilogue ? shape.raw.epilogueStores : shape.raw.stores;
  std::vector<Reduction> reductions;
  if (!epilogue) reductions = shape.raw.reductions;
  Program program;
  std::vector<int> names;
  std::vector<bool> used(instructions.size(), false);
  for (const RawStore& store : stores) used[store.value] = true;
  for (const Reduction& reduction : reductions) used[reduction.value] = true;
  for (size_t i = instructions.size(); i-- > 0;) if (used[i]) for (int arg : instructions[i].args) used[arg] = true;
  for (size_t i = 0; i < instructions.size(); i++) {
    const RawInstruction& raw = instructions[i];
    names.push_back(-1);
    if (!used[i]) continue;
    Action action;
    action.op = raw.op;
    action.type = raw.type;
    if (raw.op == LoopOp::load) {
      program.loads.push_back(accessOf(shape.raw.inputs.at(raw.input), shape, loop, epilogue));
      const Access& access = program.loads.back();
      action.access = static_cast<int>(program.loads.size()) - 1;
      action.uniform = access.kind == Access::uniform;
      action.invariant = loop.keptTrips * loop.reducedTrips > 1 && isInvariant(access);
      program.actions.push_back(action);
    } else if (raw.op == LoopOp::literal) {
      action.literal = raw.literal;
      action.uniform = action.invariant = true;
      program.actions.push_back(action);
    } else if (raw.op == LoopOp::reduced) {
      action.reduction = raw.reduction;
      program.actions.push_back(action);
    } else {
      for (size_t a = 0; a < raw.args.size() && a < 3; a++) action.args[a] = names[raw.args[a]];
      resolve(program, action);
    }
    names.back() = static_cast<int>(program.actions.size()) - 1;
  }
  for (const RawStore& store : stores) program.stores.push_back({filled(program, names[store.value], true), accessOf(store.to, shape, loop, epilogue)});
  for (Reduction& reduction : reductions) reduction.value = filled(program, names[reduction.value], true);
  const Placing placing{shape.plan, epilogue ? loop.keptBlock : loop.chunk * loop.inner, loop.groups.size() == 2 && loop.chunkReduced};
  if (code == nullptr) {
    placeValues(program, reductions, placing);
  } else {
    std::vector<int> at;
    const std::vector<Fused> groups = groupActions(program, at);
    for (Reduction& reduction : reductions) reduction.value = at[reduction.value];
    const Index width = shape.raw.sizes.back();
    if (shape.first + 2 == shape.raw.sizes.size() && isWorthRows(width)) program.width = width;
    placeWithCode(program, reductions, groups, placing, *code);
  }
  if (!epilogue) loop.reductions = reductions;
  return program;
}

// Nanoseconds for one element.
double weightOf(LoopOp op, LoopType type) {
  switch (op) {
    case LoopOp::load:
    case LoopOp::literal:
    case LoopOp::reduced: return 0.01;
    case LoopOp::exp: case LoopOp::log: case LoopOp::tanh: case LoopOp::sigmoid: case LoopOp::erf: case LoopOp::div: case LoopOp::sqrt: case LoopOp::rsqrt:
    case LoopOp::expm1: case LoopOp::log1p: case LoopOp::sin: case LoopOp::cos:
      return type == LoopType::f64 ? 5 : 0.4;
    case LoopOp::randomBits: return 1.5;
    case LoopOp::tan: case LoopOp::asin: case LoopOp::acos: case LoopOp::atan: case LoopOp::erfInv: case LoopOp::lgamma: case LoopOp::digamma:
    case LoopOp::pow: case LoopOp::mod: case LoopOp::floorDiv: case LoopOp::atan2: return 10;
    default: return 0.04;
  }
}

// A block has as many points as let its registers fill half of L1.
constexpr Index kMostPoints = 2048, kFewestPoints = 256;
constexpr size_t kMostWorkspace = 16384;

class LoopStep : public Step {
 public:
  explicit LoopStep(Loop loop) : loop_(std::move(loop)) {}
  void run(Frame& frame) override { simd().runLoop(loop_, frame); }
  double cost() const override { return loop_.cost; }

 private:
  Loop loop_;
};

}  // namespace

std::unique_ptr<Step> decodeLoop(DecodeContext& context, const Plan& plan) {
  Raw raw = readLoop(context.reader, plan);
  mergeDims(raw);
  tileTransposes(raw);
  const bool isCode = product(raw.sizes) >= codeFrom();
  Loop loop;
  const size_t codeBefore = context.code->size();
  for (Index limit = kMostPoints;; limit /= 2) {
    loop = {};
    context.code->truncate(codeBefore);
    size_t first = 0;
    chooseBlock(raw, limit, loop, first);
    const Shape shape{raw, plan, first, loop.chunk};
    loop.body = compile(shape, loop, false, isCode ? context.code.get() : nullptr);
    loop.epilogue = compile(shape, loop, true, nullptr);
    if (loop.body.workspace <= kMostWorkspace || limit <= kFewestPoints) break;
  }
  if (isCode) loop.code = context.code;
  loop.accumulators = loop.reductions.size() * static_cast<size_t>(roundUp(static_cast<size_t>(loop.keptBlock), 8)) * 8;
  loop.foldPlace = std::max(loop.body.workspace, loop.epilogue.workspace);
  loop.workspace = loop.foldPlace + roundUp(static_cast<size_t>(loop.chunk * loop.inner) * 8 + kPadding, kAlignment);

  const double points = static_cast<double>(product(raw.sizes));
  double each = 0.02 * static_cast<double>(loop.reductions.size());
  for (const Action& action : loop.body.actions) each += action.uniform ? 0 : weightOf(action.op, action.type);
  for (const Access& load : loop.body.loads) each += load.kind == Access::uniform || isInvariant(load) ? 0 : load.kind == Access::pattern ? 0.4 : 0.1;
  each += 0.15 * static_cast<double>(loop.body.stores.size());
  loop.cost = 150 + points * each + 0.5 * static_cast<double>(loop.keptTrips * loop.keptBlock) * static_cast<double>(loop.epilogue.actions.size()) * (loop.reductions.empty() ? 0 : 1);
  loop.threads = loop.cost > kParallelCost ? context.threads : 1;
  return std::make_unique<LoopStep>(std::move(loop));
}

}  // namespace ondol
