// Mean and biased variance in one pass over memory: exact sums of squared deviations for blocks that
// lie in L1, joined by Chan's rule in float64.
#pragma once
#include "pool.h"

namespace {

using ondol::MomentsCall;

// Count, mean and sum of squared deviations, for `columns` columns at once.
struct Spread {
  double* mean;
  double* square;
  double count = 0;

  void join(const double* otherMean, const double* otherSquare, double otherCount, Index columns) {
    if (otherCount == 0) return;
    const double total = count + otherCount, part = otherCount / total, cross = count * part;
    for (Index c = 0; c < columns; c++) {
      const double delta = otherMean[c] - mean[c];
      mean[c] += delta * part;
      square[c] += otherSquare[c] + delta * delta * cross;
    }
    count = total;
  }
};

constexpr Index kMomentsBlock = 2048;
constexpr Index roundUpTo(Index value, Index unit) { return (value + unit - 1) / unit * unit; }

// One block of rows (n rows of `columns` values). The mean is laid out over some rows at a time, so that
// the deviations are wide operations also where columns are few.
template <class V> void joinBlock(Spread& spread, const V* x, V* scratch, V* means, Index n, Index columns, double* blockMean, double* blockSquare) {
  const V inverse = V(1) / static_cast<V>(n);
  const V* sums = foldRows<Fold::sum, V>(x, scratch, n, columns);
  for (Index c = 0; c < columns; c++) {
    means[c] = sums[c] * inverse;
    blockMean[c] = static_cast<double>(means[c]);
  }
  Index tile = 1;
  for (; tile * 2 <= n && tile * columns < 8 * kLanes; tile *= 2) for (Index i = 0; i < tile * columns; i++) means[tile * columns + i] = means[i];
  const Index width = tile * columns, total = n * columns;
  for (Index at = 0; at < total; at += width) {
    const Index count = total - at < width ? total - at : width;
#pragma GCC ivdep
    for (Index i = 0; i < count; i++) {
      const V d = x[at + i] - means[i];
      scratch[at + i] = d * d;
    }
  }
  const V* squares = n == 1 ? scratch : foldRows<Fold::sum, V>(scratch, scratch, n, columns);
  for (Index c = 0; c < columns; c++) blockSquare[c] = static_cast<double>(squares[c]);
  spread.join(blockMean, blockSquare, static_cast<double>(n), columns);
}

// Columns `columns` of rows `rows`, for one outer index.
template <class S> void momentsOf(const MomentsCall& call, Index outer, Range rows, Range columns, Spread& spread) {
  using V = typename S::Value;
  const Index width = columns.end - columns.begin;
  const Index perBlock = kMomentsBlock / width > 0 ? kMomentsBlock / width : 1;
  // Converted rows, deviations, the laid-out mean, and the block's results.
  const Index room = kMomentsBlock + width + 2 * kLanes;
  V* space = reinterpret_cast<V*>(ondol::threadWorkspace(static_cast<size_t>(room * 3 + width * 4 + 16 * kLanes) * 8));
  V* scratch = space + room;
  V* means = scratch + room;
  double* blockMean = reinterpret_cast<double*>(means + roundUpTo(width * 2 + 16 * kLanes, kLanes));
  const auto* x = static_cast<const typename S::Raw*>(call.x) + outer * call.strides[0] + columns.begin * call.strides[2];
  const bool dense = call.strides[2] == 1 && call.strides[1] == width;
  const ondol::Run runs[] = {{perBlock, call.strides[1]}, {width, call.strides[2]}};
  for (Index r = rows.begin; r < rows.end; r += perBlock) {
    const Index n = rows.end - r < perBlock ? rows.end - r : perBlock;
    const V* block = space;
    prefetchRuns(reinterpret_cast<const char*>(x + (r + perBlock) * call.strides[1]), runs, 2, perBlock, sizeof(*x));
    if constexpr (std::is_same_v<typename S::Raw, V>) {
      if (dense) block = x + r * width;
    }
    if (block == space) {
      if (dense) readRow<S>(space, x + r * width, n * width, 1);
      else for (Index i = 0; i < n; i++) readRow<S>(space + i * width, x + (r + i) * call.strides[1], width, call.strides[2]);
    }
    joinBlock<V>(spread, block, scratch, means, n, width, blockMean, blockMean + width);
  }
}

// One row of values reduced to a pair: rows are folded as 64 columns, then the columns are joined.
template <class S> void rowMoments(const MomentsCall& call, Index outer, Index inner, double* mean, double* variance) {
  using V = typename S::Value;
  V* space = reinterpret_cast<V*>(ondol::threadWorkspace(static_cast<size_t>(kMomentsBlock + kLanes) * 8));
  const auto* x = static_cast<const typename S::Raw*>(call.x) + outer * call.strides[0] + inner * call.strides[2];
  Spread spread{mean, variance};
  *mean = *variance = 0;
  for (Index r = 0; r < call.reduced; r += kMomentsBlock) {
    const Index n = call.reduced - r < kMomentsBlock ? call.reduced - r : kMomentsBlock;
    readRow<S>(space, x + r * call.strides[1], n, call.strides[1]);
    const V center = horizontal<Fold::sum, V>(space, n) / static_cast<V>(n);
    for (Index i = 0; i < n; i++) {
      const V d = space[i] - center;
      space[i] = d * d;
    }
    const double blockMean = static_cast<double>(center), blockSquare = static_cast<double>(horizontal<Fold::sum, V>(space, n));
    spread.join(&blockMean, &blockSquare, static_cast<double>(n), 1);
  }
  *variance = call.reduced > 0 ? *variance / static_cast<double>(call.reduced) : std::numeric_limits<double>::quiet_NaN();
  if (call.reduced == 0) *mean = std::numeric_limits<double>::quiet_NaN();
}

template <class S> void momentsTyped(const MomentsCall& call, int threads) {
  using Raw = typename S::Raw;
  using V = typename S::Value;
  Raw* means = static_cast<Raw*>(call.mean);
  Raw* variances = static_cast<Raw*>(call.variance);
  if (call.inner == 1 || call.strides[2] != 1) {
    ondol::parallelFor(threads, call.outer * call.inner, [&](Range range) {
      for (Index i = range.begin; i < range.end; i++) {
        double mean, variance;
        rowMoments<S>(call, i / call.inner, i % call.inner, &mean, &variance);
        means[i] = S::store(static_cast<V>(mean));
        variances[i] = S::store(static_cast<V>(variance));
      }
    });
    return;
  }
  // Threads share the outer axis if that is enough for all, else the rows.
  const bool splitRows = call.outer < 4 * threads;
  const int parts = threads;
  double* partial = reinterpret_cast<double*>(ondol::threadWorkspace(static_cast<size_t>(call.inner * 2 * parts) * sizeof(double), 1));
  const auto write = [&](Index outer, const Spread& spread) {
    const double scale = 1.0 / spread.count;
    for (Index c = 0; c < call.inner; c++) {
      means[outer * call.inner + c] = S::store(static_cast<V>(spread.count > 0 ? spread.mean[c] : spread.count * scale));
      variances[outer * call.inner + c] = S::store(static_cast<V>(spread.square[c] * scale));
    }
  };
  const auto empty = [&](int part) {
    double* at = partial + call.inner * 2 * part;
    for (Index c = 0; c < call.inner * 2; c++) at[c] = 0;
    return Spread{at, at + call.inner};
  };
  const auto fold = [&](Index outer, Range rows, Spread& spread) {
    // Wide rows are worked on in parts that fit the block.
    double count = spread.count;
    for (Index c = 0; c < call.inner; c += kMomentsBlock) {
      Spread part{spread.mean + c, spread.square + c, count};
      momentsOf<S>(call, outer, rows, {c, c + kMomentsBlock < call.inner ? c + kMomentsBlock : call.inner}, part);
      spread.count = part.count;
    }
  };
  if (!splitRows) {
    ondol::parallel(threads, [&](int part, int of) {
      const Range range = ondol::shareOf(call.outer, part, of);
      for (Index outer = range.begin; outer < range.end; outer++) {
        Spread spread = empty(part);
        fold(outer, {0, call.reduced}, spread);
        write(outer, spread);
      }
    });
    return;
  }
  for (Index outer = 0; outer < call.outer; outer++) {
    double counts[256] = {};
    ondol::parallel(parts, [&](int part, int of) {
      Spread spread = empty(part);
      fold(outer, ondol::shareOf(call.reduced, part, of), spread);
      counts[part] = spread.count;
    });
    Spread total{partial, partial + call.inner, counts[0]};
    for (int part = 1; part < parts; part++) {
      double* at = partial + call.inner * 2 * part;
      total.join(at, at + call.inner, counts[part], call.inner);
    }
    write(outer, total);
  }
}

void moments(const MomentsCall& call, int threads) {
  withStored(call.dtype, [&](auto stored) { momentsTyped<decltype(stored)>(call, threads); });
}

}  // namespace
