// Runs a compiled loop: walks over the outer trips, and for each block loads, computes, folds and stores.
#pragma once
#include <alloca.h>

#include "../threads.h"
#include "../workspace.h"
#include "ops.h"

namespace {

using ondol::Access;
using ondol::Action;
using ondol::DType;
using ondol::Fold;
using ondol::Frame;
using ondol::Fused;
using ondol::Group;
using ondol::Loop;
using ondol::Program;
using ondol::Range;
using ondol::Reduction;
using ondol::Run;
using ondol::Store;
using ondol::Stored;

// ---- Loads: memory → register ----

template <class S> void readRow(typename S::Value* to, const typename S::Raw* from, Index n, Index stride) {
  if (stride == 1) {
    // May write up to 15 elements too many: the next row, or the register's padding, lies there.
    for (Index i = 0; i < n; i += kLanes) for (int l = 0; l < kLanes; l++) to[i + l] = S::load(from[i + l]);
  } else if (stride == 0) {
    const typename S::Value value = S::load(*from);
    for (Index i = 0; i < n; i += kLanes) for (int l = 0; l < kLanes; l++) to[i + l] = value;
  } else {
    for (Index i = 0; i < n; i++) to[i] = S::load(from[i * stride]);
  }
}

template <class S> typename S::Value* readRuns(typename S::Value* to, const typename S::Raw* from, const Run* runs, size_t depth, Index size) {
  if (depth == 1) {
    readRow<S>(to, from, size, runs[0].stride);
    return to + size;
  }
  if (depth == 2) {
    const Index n = runs[1].size, stride = runs[1].stride;
    if (runs[0].stride == 1 && stride != 1 && stride != 0) {
      // A transpose: read along memory, write across the register.
      for (Index j = 0; j < n; j++) {
        const typename S::Raw* line = from + j * stride;
        for (Index i = 0; i < size; i++) to[i * n + j] = S::load(line[i]);
      }
      return to + size * n;
    }
    for (Index i = 0; i < size; i++, to += n) readRow<S>(to, from + i * runs[0].stride, n, stride);
    return to;
  }
  for (Index i = 0; i < size; i++) to = readRuns<S>(to, from + i * runs[0].stride, runs + 1, depth - 1, runs[1].size);
  return to;
}

// Asks for the block that comes next: the hardware does not follow as many streams as a loop may have.
inline void prefetchRuns(const char* from, const Run* runs, size_t depth, Index size, int bytes) {
  if (depth == 1) {
    if (runs[0].stride == 1) for (Index at = 0; at < size * bytes; at += 64) __builtin_prefetch(from + at, 0, 2);
    return;
  }
  for (Index i = 0; i < size; i++) prefetchRuns(from + i * runs[0].stride * bytes, runs + 1, depth - 1, runs[1].size, bytes);
}

void prefetch(const Access& access, const Frame& frame, Index offset, Index m) {
  const int bytes = ondol::bytesOf(access.dtype);
  prefetchRuns(frame.base[access.buffer] + (offset + access.step) * bytes, access.runs.data(), access.runs.size(), m * access.unit, bytes);
}

inline int32_t* countRuns(int32_t* to, Index from, const Run* runs, size_t depth, Index size) {
  if (depth > 1) {
    for (Index i = 0; i < size; i++) to = countRuns(to, from + i * runs[0].stride, runs + 1, depth - 1, runs[1].size);
    return to;
  }
  const int32_t start = static_cast<int32_t>(from), stride = static_cast<int32_t>(runs[0].stride);
  for (Index i = 0; i < size; i += kLanes) for (int l = 0; l < kLanes; l++) to[i + l] = start + static_cast<int32_t>(i + l) * stride;
  return to + size;
}

template <class Fn> inline void withStored(DType type, Fn&& fn) {
  switch (type) {
    case DType::f32: return fn(Stored<DType::f32>{});
    case DType::f64: return fn(Stored<DType::f64>{});
    case DType::f16: return fn(Stored<DType::f16>{});
    case DType::bf16: return fn(Stored<DType::bf16>{});
    case DType::i32: return fn(Stored<DType::i32>{});
    case DType::u8:
    case DType::boolean: return fn(Stored<DType::u8>{});
  }
}

void load(const Access& access, const Frame& frame, Index offset, void* to, Index m) {
  if (access.index) {
    countRuns(static_cast<int32_t*>(to), offset, access.runs.data(), access.runs.size(), m * access.unit);
    return;
  }
  withStored(access.dtype, [&](auto stored) {
    using S = decltype(stored);
    const auto* from = reinterpret_cast<const typename S::Raw*>(frame.base[access.buffer]) + offset;
    readRuns<S>(static_cast<typename S::Value*>(to), from, access.runs.data(), access.runs.size(), m * access.unit);
  });
}

void loadUniform(const Access& access, const Frame& frame, Index offset, void* to) {
  if (access.index) {
    for (int l = 0; l < kLanes; l++) static_cast<int32_t*>(to)[l] = static_cast<int32_t>(offset);
    return;
  }
  withStored(access.dtype, [&](auto stored) {
    using S = decltype(stored);
    readRow<S>(static_cast<typename S::Value*>(to), reinterpret_cast<const typename S::Raw*>(frame.base[access.buffer]) + offset, kLanes, 0);
  });
}

// ---- Stores: register → memory, never beyond the run ----

template <class S> void writeRow(typename S::Raw* to, const typename S::Value* from, Index n, Index stride) {
  if (stride != 1) {
    for (Index i = 0; i < n; i++) to[i * stride] = S::store(from[i]);
    return;
  }
  Index i = 0;
  for (; i + kLanes <= n; i += kLanes) for (int l = 0; l < kLanes; l++) to[i + l] = S::store(from[i + l]);
  if (i + 8 <= n) {
    for (int l = 0; l < 8; l++) to[i + l] = S::store(from[i + l]);
    i += 8;
  }
  if (i + 4 <= n) {
    for (int l = 0; l < 4; l++) to[i + l] = S::store(from[i + l]);
    i += 4;
  }
  for (; i < n; i++) to[i] = S::store(from[i]);
}

template <class S> const typename S::Value* writeRuns(typename S::Raw* to, const typename S::Value* from, const Run* runs, size_t depth, Index size) {
  if (depth == 1) {
    writeRow<S>(to, from, size, runs[0].stride);
    return from + size;
  }
  for (Index i = 0; i < size; i++) from = writeRuns<S>(to + i * runs[0].stride, from, runs + 1, depth - 1, runs[1].size);
  return from;
}

void store(const Access& access, const Frame& frame, Index offset, const void* from, Index m) {
  const auto write = [&](auto stored) {
    using S = decltype(stored);
    auto* to = reinterpret_cast<typename S::Raw*>(frame.base[access.buffer]) + offset;
    // A run of one element may have stride 0 (a block of one point).
    if (access.kind == Access::uniform) *to = S::store(*static_cast<const typename S::Value*>(from));
    else writeRuns<S>(to, static_cast<const typename S::Value*>(from), access.runs.data(), access.runs.size(), m * access.unit);
  };
  if (access.dtype == DType::boolean) write(Stored<DType::boolean>{});
  else withStored(access.dtype, write);
}

// ---- Folds: the points of a block into accumulators ----

template <Fold F, class T> inline T combine(T a, T b) {
  if constexpr (F == Fold::sum) {
    if constexpr (std::is_integral_v<T>) return static_cast<T>(static_cast<std::make_unsigned_t<T>>(a) + static_cast<std::make_unsigned_t<T>>(b));
    else return a + b;
  } else if constexpr (F == Fold::prod) {
    if constexpr (std::is_integral_v<T>) return static_cast<T>(static_cast<std::make_unsigned_t<T>>(a) * static_cast<std::make_unsigned_t<T>>(b));
    else return a * b;
  } else if constexpr (F == Fold::max) {
    return a > b || a != a ? a : b;
  } else {
    return a < b || a != a ? a : b;
  }
}

// n ≥ 1. Sixty-four running results, so that sums stay accurate and the loop stays wide.
template <Fold F, class T> T horizontal(const T* v, Index n) {
  constexpr int kWide = 64;
  T result = v[0];
  Index i = 1;
  if (n >= kWide) {
    T lane[kWide];
    for (int l = 0; l < kWide; l++) lane[l] = v[l];
    for (i = kWide; i + kWide <= n; i += kWide) {
#pragma GCC ivdep
      for (int l = 0; l < kWide; l++) lane[l] = combine<F>(lane[l], v[i + l]);
    }
    for (int half = kWide / 2; half > 0; half /= 2) for (int l = 0; l < half; l++) lane[l] = combine<F>(lane[l], lane[l + half]);
    result = lane[0];
  }
  if (n - i >= kLanes) {
    T lane[kLanes];
    for (int l = 0; l < kLanes; l++) lane[l] = v[i + l];
    for (i += kLanes; i + kLanes <= n; i += kLanes) for (int l = 0; l < kLanes; l++) lane[l] = combine<F>(lane[l], v[i + l]);
    for (int half = kLanes / 2; half > 0; half /= 2) for (int l = 0; l < half; l++) lane[l] = combine<F>(lane[l], lane[l + half]);
    result = combine<F>(result, lane[0]);
  }
  for (; i < n; i++) result = combine<F>(result, v[i]);
  return result;
}

// Rows of c elements into one row, by halves: wide operations also where c is small, and pairwise sums.
template <Fold F, class T> const T* foldRows(const T* v, T* scratch, Index rows, Index c) {
  if (rows == 1) return v;
  const T* from = v;
  while (rows > 1) {
    const Index half = rows / 2, n = half * c;
    const T* upper = from + n;
#pragma GCC ivdep
    for (Index i = 0; i < n; i++) scratch[i] = combine<F>(from[i], upper[i]);
    if (rows & 1) {
      const T* last = from + 2 * n;
      for (Index i = 0; i < c; i++) scratch[i] = combine<F>(scratch[i], last[i]);
    }
    from = scratch;
    rows = half;
  }
  return scratch;
}

template <Fold F, class T, class A> void foldGroups(A* accumulator, const T* v, T* scratch, const Group* groups, size_t count, Index size) {
  if (size == 0) return;
  if (count == 1) {
    if (groups[0].reduced) accumulator[0] = combine<F, A>(accumulator[0], static_cast<A>(horizontal<F, T>(v, size)));
    else for (Index i = 0; i < size; i++) accumulator[i] = combine<F, A>(accumulator[i], static_cast<A>(v[i]));
    return;
  }
  if (count == 2 && groups[0].reduced) {
    const Index c = groups[1].size;
    const T* row = foldRows<F, T>(v, scratch, size, c);
    for (Index i = 0; i < c; i++) accumulator[i] = combine<F, A>(accumulator[i], static_cast<A>(row[i]));
    return;
  }
  Index points = 1, kept = 1;
  for (size_t g = 1; g < count; g++) {
    points *= groups[g].size;
    if (!groups[g].reduced) kept *= groups[g].size;
  }
  if (points == 0) return;
  for (Index i = 0; i < size; i++) {
    foldGroups<F, T, A>(accumulator, v + i * points, scratch, groups + 1, count - 1, groups[1].size);
    if (!groups[0].reduced) accumulator += kept;
  }
}

using FoldFn = void (*)(void* accumulator, const void* v, void* scratch, const Group* groups, size_t count, Index size);
template <Fold F, class T, class A> void foldAny(void* accumulator, const void* v, void* scratch, const Group* groups, size_t count, Index size) {
  foldGroups<F, T, A>(static_cast<A*>(accumulator), static_cast<const T*>(v), static_cast<T*>(scratch), groups, count, size);
}
template <Fold F> FoldFn findFold(LoopType type) {
  if (type == LoopType::f32) return foldAny<F, float, double>;
  return type == LoopType::f64 ? foldAny<F, double, double> : foldAny<F, int32_t, int64_t>;
}
FoldFn foldOf(const Reduction& reduction) {
  switch (reduction.fold) {
    case Fold::sum: return findFold<Fold::sum>(reduction.type);
    case Fold::prod: return findFold<Fold::prod>(reduction.type);
    case Fold::max: return findFold<Fold::max>(reduction.type);
    default: return findFold<Fold::min>(reduction.type);
  }
}

bool isFloating(const Reduction& reduction) { return reduction.type == LoopType::f32 || reduction.type == LoopType::f64; }

void startAccumulators(const Reduction& reduction, void* accumulator, Index count) {
  const double floats[] = {0, 1, -std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity()};
  const bool isBool = reduction.type == LoopType::boolean;
  const int64_t integers[] = {0, 1, isBool ? 0 : INT32_MIN, isBool ? 1 : INT32_MAX};
  const int which = static_cast<int>(reduction.fold);
  for (Index i = 0; i < count; i++) {
    if (isFloating(reduction)) static_cast<double*>(accumulator)[i] = floats[which];
    else static_cast<int64_t*>(accumulator)[i] = integers[which];
  }
}

template <Fold F> void combineAccumulators(bool floating, void* to, const void* from, Index count) {
  for (Index i = 0; i < count; i++) {
    if (floating) static_cast<double*>(to)[i] = combine<F>(static_cast<double*>(to)[i], static_cast<const double*>(from)[i]);
    else static_cast<int64_t*>(to)[i] = combine<F>(static_cast<int64_t*>(to)[i], static_cast<const int64_t*>(from)[i]);
  }
}
void joinAccumulators(const Reduction& reduction, void* to, const void* from, Index count) {
  const bool floating = isFloating(reduction);
  switch (reduction.fold) {
    case Fold::sum: return combineAccumulators<Fold::sum>(floating, to, from, count);
    case Fold::prod: return combineAccumulators<Fold::prod>(floating, to, from, count);
    case Fold::max: return combineAccumulators<Fold::max>(floating, to, from, count);
    default: return combineAccumulators<Fold::min>(floating, to, from, count);
  }
}

void readReduced(LoopType type, void* to, const void* accumulator, Index count) {
  if (type == LoopType::f32) for (Index i = 0; i < count; i++) static_cast<float*>(to)[i] = static_cast<float>(static_cast<const double*>(accumulator)[i]);
  else if (type == LoopType::f64) for (Index i = 0; i < count; i++) static_cast<double*>(to)[i] = static_cast<const double*>(accumulator)[i];
  else for (Index i = 0; i < count; i++) static_cast<int32_t*>(to)[i] = static_cast<int32_t>(static_cast<const int64_t*>(accumulator)[i]);
}

// ---- One thread's part of a loop ----

constexpr size_t kMostOuter = 16;

class Worker {
 public:
  Worker(const Loop& loop, const Frame& frame, const void** bodyValues, const void** epilogueValues)
      : loop_(loop), frame_(frame), bodyValues_(bodyValues), epilogueValues_(epilogueValues) {
    // Body and epilogue keep their invariants all through, so each has its own part.
    bodySpace_ = ondol::threadWorkspace(loop.workspace + loop.epilogue.workspace + loop.accumulators + 64);
    epilogueSpace_ = bodySpace_ + loop.workspace;
    accumulators_ = epilogueSpace_ + loop.epilogue.workspace;
    for (size_t d = 0; d < kMostOuter; d++) keptAt_[d] = reducedAt_[d] = 0;
    prepare(loop.body, bodyValues_, bodySpace_, loop.chunk, loop.chunk * loop.inner);
    prepare(loop.epilogue, epilogueValues_, epilogueSpace_, loop.chunkReduced ? 1 : loop.chunk, loop.keptBlock);
  }

  void run(Range kept, Range reduced) {
    for (Index k = kept.begin; k < kept.end; k++) {
      const Index points = startKept(k);
      if (!loop_.reductions.empty()) start(accumulators_);
      fold(reduced, accumulators_);
      if (!loop_.reductions.empty()) finish(accumulators_, points);
    }
  }

  // The body only, for some of the reduced trips, into accumulators that are joined later.
  void runPart(Index keptTrip, Range reduced, char* accumulators) {
    startKept(keptTrip);
    start(accumulators);
    fold(reduced, accumulators);
  }

  void finishKept(Index keptTrip, char* accumulators) { finish(accumulators, startKept(keptTrip)); }

 private:
  static void position(Index trip, const ondol::Dims& trips, Index* at) {
    for (size_t d = trips.size(); d-- > 0; trip /= trips[d]) at[d] = trip % trips[d];
  }

  Index chunkAt(Index trip) const {
    const Index left = loop_.extent - trip * loop_.chunk;
    return left < loop_.chunk ? left : loop_.chunk;
  }

  // Returns how many kept points the block has.
  Index startKept(Index trip) {
    position(trip, loop_.kept, keptAt_);
    if (loop_.chunkReduced) return loop_.keptInner;
    size_ = chunkAt(keptAt_[loop_.kept.size() - 1]);
    return size_ * loop_.keptInner;
  }

  void start(char* accumulators) {
    char* at = accumulators;
    for (size_t r = 0; r < loop_.reductions.size(); r++, at += stride()) startAccumulators(loop_.reductions[r], at, loop_.keptBlock);
  }

  size_t stride() const { return loop_.accumulators / loop_.reductions.size(); }

  void fold(Range reduced, char* accumulators) {
    for (Index r = reduced.begin; r < reduced.end; r++) {
      position(r, loop_.reduced, reducedAt_);
      if (loop_.chunkReduced) size_ = chunkAt(reducedAt_[loop_.reduced.size() - 1]);
      const Index n = size_ * loop_.inner;
      for (const Reduction& reduction : loop_.reductions) {
        if (reduction.row >= 0) __builtin_memset(bodySpace_ + reduction.row, 0, ondol::roundUp(static_cast<size_t>(loop_.inner), kLanes) * sizeof(float));
      }
      compute(loop_.body, bodyValues_, bodySpace_, size_, n, false, nullptr);
      char* at = accumulators;
      for (const Reduction& reduction : loop_.reductions) {
        const bool isSummed = reduction.row >= 0;
        const void* v = isSummed ? bodySpace_ + reduction.row : bodyValues_[reduction.value];
        foldOf(reduction)(at, v, bodySpace_ + loop_.foldPlace, loop_.groups.data(), loop_.groups.size(), isSummed ? 1 : size_ * loop_.groupUnit);
        at += stride();
      }
      storeAll(loop_.body, bodyValues_, size_);
    }
  }

  void finish(char* accumulators, Index points) {
    const Index m = loop_.chunkReduced ? 1 : size_;
    for (size_t d = 0; d < loop_.reduced.size(); d++) reducedAt_[d] = 0;
    compute(loop_.epilogue, epilogueValues_, epilogueSpace_, m, points, false, accumulators);
    storeAll(loop_.epilogue, epilogueValues_, m);
  }

  Index offsetOf(const Access& access) const {
    Index offset = access.offset;
    for (size_t d = 0; d < access.keptSteps.size(); d++) offset += access.keptSteps[d] * keptAt_[d];
    for (size_t d = 0; d < access.reducedSteps.size(); d++) offset += access.reducedSteps[d] * reducedAt_[d];
    return offset;
  }

  void prepare(const Program& program, const void** values, char* space, Index m, Index n) { compute(program, values, space, m, n, true, nullptr); }

  // Either the actions that are equal for all blocks, or those of one block.
  void compute(const Program& program, const void** values, char* space, Index m, Index n, bool invariants, const char* accumulators) {
    const size_t count = program.actions.size();
    for (size_t i = 0; i < count; i++) {
      const Action& action = program.actions[i];
      if (action.invariant != invariants) continue;
      if (action.fused >= 0) {
        const Fused& fused = program.fused[action.fused];
        runFused(program, fused, values, space, m, n);
        i = static_cast<size_t>(fused.end) - 1;
        continue;
      }
      char* to = space + action.place;
      values[i] = to;
      if (action.op == LoopOp::load) {
        const Access& access = program.loads[action.access];
        const Index offset = offsetOf(access);
        if (access.step != 0 && access.kind != Access::uniform && !access.index) prefetch(access, frame_, offset, m);
        if (access.kind == Access::direct || access.kind == Access::rows) values[i] = frame_.base[access.buffer] + offset * ondol::bytesOf(access.dtype);
        else if (access.kind == Access::uniform) loadUniform(access, frame_, offset, to);
        else load(access, frame_, offset, to, m);
      } else if (action.op == LoopOp::literal) {
        for (int l = 0; l < kLanes; l++) {
          if (action.type == LoopType::f32) reinterpret_cast<float*>(to)[l] = static_cast<float>(action.literal);
          else if (action.type == LoopType::f64) reinterpret_cast<double*>(to)[l] = action.literal;
          else reinterpret_cast<int32_t*>(to)[l] = static_cast<int32_t>(action.literal);
        }
      } else if (action.op == LoopOp::reduced) {
        readReduced(action.type, to, accumulators + stride() * static_cast<size_t>(action.reduction), n);
      } else if (action.directStore >= 0) {
        values[i] = computeInto(program, action, values, space, n);
      } else {
        action.fn(to, argument(values, action.args[0]), argument(values, action.args[1]), argument(values, action.args[2]), action.uniform ? kLanes : n);
      }
    }
  }

  void runFused(const Program& program, const Fused& fused, const void** values, char* space, Index m, Index n) {
    const void* pointers[ondol::kMostPointers];
    size_t count = 0;
    for (int operand : fused.operands) pointers[count++] = values[operand];
    for (const Fused::Result& result : fused.results) {
      if (result.reduction >= 0) {
        pointers[count++] = space + loop_.reductions[result.reduction].row;
      } else if (result.store < 0) {
        pointers[count++] = values[result.action] = space + program.actions[result.action].place;
      } else {
        const Access& access = program.stores[result.store].access;
        pointers[count++] = frame_.base[access.buffer] + offsetOf(access) * ondol::bytesOf(access.dtype);
      }
    }
    reinterpret_cast<ondol::FusedFn>(const_cast<char*>(loop_.code->at(fused.code)))(pointers, n, m);
  }

  static const void* argument(const void** values, int index) { return index < 0 ? values[0] : values[index]; }

  // Writes whole groups of lanes to memory, and the last few through a register.
  const void* computeInto(const Program& program, const Action& action, const void** values, char* space, Index n) {
    const Access& access = program.stores[action.directStore].access;
    const int bytes = ondol::bytesOf(access.dtype);
    char* to = frame_.base[access.buffer] + offsetOf(access) * bytes;
    const Index whole = n / kLanes * kLanes;
    const void* args[3];
    for (int a = 0; a < 3; a++) args[a] = argument(values, action.args[a]);
    if (whole > 0) action.fn(to, args[0], args[1], args[2], whole);
    if (whole == n) return to;
    for (int a = 0; a < 3 && action.args[a] >= 0; a++) {
      const Action& arg = program.actions[action.args[a]];
      if (!arg.uniform) args[a] = static_cast<const char*>(args[a]) + whole * ondol::registerBytes(arg.type);
    }
    char* tail = space + program.tail;
    action.fn(tail, args[0], args[1], args[2], kLanes);
    __builtin_memcpy(to + whole * bytes, tail, static_cast<size_t>((n - whole) * bytes));
    return to;
  }

  void storeAll(const Program& program, const void** values, Index m) {
    for (size_t s = 0; s < program.stores.size(); s++) {
      const Store& one = program.stores[s];
      if (one.written) continue;
      store(one.access, frame_, offsetOf(one.access), values[one.value], m);
    }
  }

  const Loop& loop_;
  const Frame& frame_;
  const void** bodyValues_;
  const void** epilogueValues_;
  char* bodySpace_;
  char* epilogueSpace_;
  char* accumulators_;
  Index keptAt_[kMostOuter], reducedAt_[kMostOuter];
  Index size_ = 1;
};

#define ONDOL_WORKER(name, loop, frame)                                                                                 \
  Worker name(loop, frame, static_cast<const void**>(alloca(sizeof(void*) * ((loop).body.actions.size() + 1))),         \
              static_cast<const void**>(alloca(sizeof(void*) * ((loop).epilogue.actions.size() + 1))))

void runLoop(const Loop& loop, const Frame& frame) {
  if (loop.keptTrips == 0 || loop.keptBlock == 0) return;
  const int threads = frame.threads < loop.threads ? frame.threads : loop.threads;
  const bool splitReduced = !loop.reductions.empty() && loop.keptTrips < 4 * threads && loop.reducedTrips >= 2 * threads;
  if (threads <= 1 || !splitReduced) {
    const int parts = loop.keptTrips < threads ? static_cast<int>(loop.keptTrips) : threads;
    ondol::parallel(parts, [&](int part, int of) {
      ONDOL_WORKER(worker, loop, frame);
      worker.run(ondol::shareOf(loop.keptTrips, part, of), {0, loop.reducedTrips});
    });
    return;
  }
  // Few kept points, many reduced ones: each thread folds its share, then they are joined in order.
  const size_t each = loop.accumulators * static_cast<size_t>(loop.keptTrips);
  char* partial = ondol::threadWorkspace(each * static_cast<size_t>(threads), 1);
  int team = 1;
  ondol::parallel(threads, [&](int part, int of) {
    if (part == 0) team = of;
    ONDOL_WORKER(worker, loop, frame);
    for (Index k = 0; k < loop.keptTrips; k++) {
      worker.runPart(k, ondol::shareOf(loop.reducedTrips, part, of), partial + each * static_cast<size_t>(part) + loop.accumulators * static_cast<size_t>(k));
    }
  });
  ONDOL_WORKER(worker, loop, frame);
  const size_t stride = loop.accumulators / loop.reductions.size();
  for (Index k = 0; k < loop.keptTrips; k++) {
    char* to = partial + loop.accumulators * static_cast<size_t>(k);
    for (int part = 1; part < team; part++) {
      for (size_t r = 0; r < loop.reductions.size(); r++) joinAccumulators(loop.reductions[r], to + r * stride, to + each * static_cast<size_t>(part) + r * stride, loop.keptBlock);
    }
    worker.finishKept(k, to);
  }
}

}  // namespace
