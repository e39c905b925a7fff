#include "place.h"

#include <algorithm>

#include "code/fuse.h"

namespace ondol {
namespace {

// When an action happens: those of one function happen at its end.
size_t timeOf(const Program& program, size_t action) {
  const int fused = program.actions[action].fused;
  return fused < 0 ? action : static_cast<size_t>(program.fused[fused].end) - 1;
}

// Whether machine code that works row by row reaches an operand: rows of neighbours, or one element for each row.
bool liesInRows(const Access& access, Index width) {
  if (access.kind != Access::pattern || access.index || access.runs.size() != 2 || access.runs[1].size != width || !codeAccesses(access.dtype)) return false;
  const Index step = access.runs[0].stride * bytesOf(access.dtype);  // is an immediate of the code
  if (step != static_cast<int32_t>(step)) return false;
  return access.runs[1].stride == 1 || (access.runs[1].stride == 0 && bytesOf(access.dtype) == 4);
}

// What functions read and write, and how far it is from row to row.
void listPointers(Program& program, const std::vector<Reduction>& reductions, const std::vector<bool>& outside) {
  const auto stepOf = [&](const Access& access) { return (access.runs.size() == 2 ? access.runs[0].stride : program.width) * bytesOf(access.dtype); };
  const Index registerStep = program.width * static_cast<Index>(sizeof(float));
  for (Fused& fused : program.fused) {
    const auto isMember = [&](int action) { return action >= fused.begin && action < fused.end; };
    for (int i = fused.begin; i < fused.end; i++) {
      for (int arg : program.actions[i].args) {
        if (arg >= 0 && !isMember(arg) && std::find(fused.operands.begin(), fused.operands.end(), arg) == fused.operands.end()) fused.operands.push_back(arg);
      }
      if (outside[i]) fused.results.push_back({i});
    }
    for (size_t s = 0; s < program.stores.size(); s++) {
      if (program.stores[s].written && isMember(program.stores[s].value)) fused.results.push_back({program.stores[s].value, static_cast<int>(s)});
    }
    for (size_t r = 0; r < reductions.size(); r++) if (reductions[r].row >= 0 && isMember(reductions[r].value)) fused.results.push_back({reductions[r].value, -1, static_cast<int>(r)});
    for (int operand : fused.operands) {
      const Action& action = program.actions[operand];
      fused.steps.push_back(action.uniform ? 0 : action.place < 0 ? stepOf(program.loads[action.access]) : registerStep);
    }
    for (const Fused::Result& result : fused.results) {
      fused.steps.push_back(result.reduction >= 0 ? 0 : result.store >= 0 ? stepOf(program.stores[result.store].access) : registerStep);
    }
  }
}

}  // namespace

void placeValues(Program& program, std::vector<Reduction>& reductions, const Placing& placing) {
  const Plan& plan = placing.plan;
  const size_t count = program.actions.size();
  std::vector<size_t> lastUse(count);
  // Values that are read by others than the function that makes or loads them.
  std::vector<bool> outside(count, false);
  size_t slotBytes = 4;
  for (size_t i = 0; i < count; i++) {
    const Action& action = program.actions[i];
    lastUse[i] = i;
    for (int arg : action.args) {
      if (arg < 0) continue;
      lastUse[arg] = std::max(lastUse[arg], timeOf(program, i));
      const Action& maker = program.actions[arg];
      if (action.fused < 0 || (maker.op != LoopOp::load && action.fused != maker.fused)) outside[arg] = true;
    }
    slotBytes = std::max<size_t>(slotBytes, registerBytes(action.type));
  }
  slotBytes = roundUp(slotBytes * roundUp(static_cast<size_t>(placing.block), kLanes) + kPadding, kAlignment);
  for (const Store& store : program.stores) lastUse[store.value] = count;
  for (Reduction& reduction : reductions) {
    const size_t value = static_cast<size_t>(reduction.value);
    const bool inCode = placing.foldsRows && program.width > 0 && program.actions[value].fused >= 0 && reduction.fold == Fold::sum && reduction.type == LoopType::f32;
    reduction.row = inCode ? 0 : -1;  // the place follows
    if (inCode) continue;
    lastUse[value] = count;
    outside[value] = true;
  }

  // Functions read other dtypes where they lie.
  for (size_t i = 0; i < count; i++) {
    if (program.actions[i].op != LoopOp::load || outside[i] || lastUse[i] == i || lastUse[i] == count) continue;
    Access& load = program.loads[program.actions[i].access];
    if (load.kind == Access::dense && codeAccesses(load.dtype)) load.kind = Access::direct;
    else if (program.width > 0 && liesInRows(load, program.width)) load.kind = Access::rows;
  }
  const auto staysInMemory = [](const Access& access) { return access.kind == Access::direct || access.kind == Access::rows; };
  // A load that is stored as it is must not be changed by an earlier store of the same block.
  for (size_t i = 0; i < count; i++) {
    if (program.actions[i].op != LoopOp::load || lastUse[i] != count) continue;
    Access& load = program.loads[program.actions[i].access];
    if (load.kind != Access::direct || program.stores.size() < 2) continue;
    for (const Store& store : program.stores) if (mayOverlap(plan, load.buffer, store.access.buffer)) load.kind = Access::dense;
  }
  // An operation writes straight to memory if no later operation of the block reads what was there.
  for (size_t s = 0; s < program.stores.size(); s++) {
    Store& store = program.stores[s];
    Action& maker = program.actions[store.value];
    const bool reachable = maker.fused < 0 ? store.access.kind == Access::direct && !maker.invariant && maker.directStore < 0
                                           : codeAccesses(store.access.dtype) && (store.access.kind == Access::direct || store.access.kind == Access::dense ||
                                                                                  (program.width > 0 && liesInRows(store.access, program.width)));
    if (!reachable || maker.op == LoopOp::load || maker.op == LoopOp::reduced) {
      outside[store.value] = true;
      continue;
    }
    bool safe = true;
    for (size_t i = 0; i < count && safe; i++) {
      if (program.actions[i].op != LoopOp::load) continue;
      const Access& load = program.loads[program.actions[i].access];
      if (load.index || !mayOverlap(plan, load.buffer, store.access.buffer)) continue;
      safe = (staysInMemory(load) ? lastUse[i] : i) <= timeOf(program, static_cast<size_t>(store.value));
    }
    store.written = safe;
    if (!safe) outside[store.value] = true;
    else if (maker.fused < 0) maker.directStore = static_cast<int>(s);
  }

  std::vector<size_t> freeSlots;
  size_t top = kLanes * 8;  // the tail register comes first
  const auto take = [&](size_t bytes) {
    const size_t place = top;
    top += roundUp(bytes, kAlignment);
    return place;
  };
  std::vector<std::vector<size_t>> ending(count + 1);
  for (size_t i = 0; i < count; i++) {
    Action& action = program.actions[i];
    for (size_t slot : ending[i]) freeSlots.push_back(slot);
    if (action.directStore >= 0 || (action.fused >= 0 && !outside[i])) continue;
    const bool moves = !(action.op == LoopOp::load && staysInMemory(program.loads[action.access]));
    if (!moves) {
      action.place = -1;
    } else if (action.uniform) {
      action.place = static_cast<int>(take(kLanes * 8));
    } else if (action.invariant) {
      action.place = static_cast<int>(take(slotBytes));
    } else {
      size_t slot;
      if (freeSlots.empty()) slot = take(slotBytes);
      else {
        slot = freeSlots.back();
        freeSlots.pop_back();
      }
      action.place = static_cast<int>(slot);
      // Free for the operation after its last use, so that a result never lands on its own argument.
      ending[std::min(lastUse[i] + 1, count)].push_back(slot);
    }
  }
  for (Reduction& reduction : reductions) if (reduction.row >= 0) reduction.row = static_cast<int>(take(roundUp(static_cast<size_t>(program.width), kLanes) * sizeof(float)));
  program.workspace = top;
  if (!program.fused.empty()) listPointers(program, reductions, outside);
}

void placeWithCode(Program& program, std::vector<Reduction>& reductions, std::vector<Fused> groups, const Placing& placing, CodeMemory& code) {
  for (;;) {
    Program placed = program;
    placed.fused = groups;
    for (size_t g = 0; g < groups.size(); g++) for (int i = groups[g].begin; i < groups[g].end; i++) placed.actions[i].fused = static_cast<int>(g);
    placeValues(placed, reductions, placing);
    const size_t before = code.size();
    size_t emitted = 0;
    while (emitted < groups.size() && emitFused(placed, placed.fused[emitted], code)) emitted++;
    if (emitted == groups.size()) {
      program = std::move(placed);
      return;
    }
    code.truncate(before);
    groups.erase(groups.begin() + static_cast<long>(emitted));
  }
}

}  // namespace ondol
