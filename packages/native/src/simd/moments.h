// Mean and biased variance in one pass over memory: sums of squared deviations for blocks that lie in cache, joined by
// Chan's rule in float64.
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

template <class V> struct Lanes {
  typedef V Type __attribute__((vector_size(kLanes * sizeof(V))));
};

// Means and squares of n rows, for `Count` registers of columns: two passes over rows in L1, the second of which corrects the
// first one's mean.
template <class V, int Count> void columnsOf(const V* x, Index stride, Index n, double* means, double* squares) {
  using Register = typename Lanes<V>::Type;
  const V inverse = V(1) / static_cast<V>(n);
  Register mean[Count] = {}, left[Count] = {}, square[Count] = {};
  for (Index r = 0; r < n; r++) {
    for (int k = 0; k < Count; k++) {
      Register v;
      __builtin_memcpy(&v, x + r * stride + k * kLanes, sizeof(v));
      mean[k] += v;
    }
  }
  for (int k = 0; k < Count; k++) mean[k] *= inverse;
  for (Index r = 0; r < n; r++) {
    for (int k = 0; k < Count; k++) {
      Register v;
      __builtin_memcpy(&v, x + r * stride + k * kLanes, sizeof(v));
      v -= mean[k];
      left[k] += v;
      square[k] += v * v;
    }
  }
  for (int k = 0; k < Count; k++) {
    for (int l = 0; l < kLanes; l++) {
      const V correction = left[k][l] * inverse;
      means[k * kLanes + l] = static_cast<double>(mean[k][l]) + (correction == correction ? static_cast<double>(correction) : 0);  // infinite means stay
      squares[k * kLanes + l] = static_cast<double>(square[k][l] - left[k][l] * left[k][l] * inverse);
    }
  }
}

// Columns `columns` of rows `rows`, for one outer index. Registers may reach beyond a row; what they find there is not kept.
template <class S> void momentsOf(const MomentsCall& call, Index outer, Range rows, Range columns, Spread& spread) {
  using V = typename S::Value;
  const Index width = columns.end - columns.begin, registers = (width + kLanes - 1) / kLanes;
  const bool inPlace = std::is_same_v<typename S::Raw, V> && call.strides[2] == 1;
  const Index perBlock = std::clamp<Index>((inPlace ? 8 : 2) * kMomentsBlock / width, 1, 256);
  double* means = reinterpret_cast<double*>(ondol::threadWorkspace(static_cast<size_t>(2 * registers * kLanes + (inPlace ? 0 : perBlock * width) + 2 * kLanes) * 8));
  double* squares = means + registers * kLanes;
  V* space = reinterpret_cast<V*>(squares + registers * kLanes);
  const auto* x = static_cast<const typename S::Raw*>(call.x) + outer * call.strides[0] + columns.begin * call.strides[2];
  const ondol::Run runs[] = {{perBlock, call.strides[1]}, {width, call.strides[2]}};
  for (Index r = rows.begin; r < rows.end; r += perBlock) {
    const Index n = rows.end - r < perBlock ? rows.end - r : perBlock;
    prefetchRuns(reinterpret_cast<const char*>(x + (r + perBlock) * call.strides[1]), runs, 2, perBlock, sizeof(*x));
    const V* block = space;
    Index stride = width;
    if constexpr (std::is_same_v<typename S::Raw, V>) {
      if (inPlace) {
        block = x + r * call.strides[1];
        stride = call.strides[1];
      }
    }
    if (!inPlace) for (Index i = 0; i < n; i++) readRow<S>(space + i * width, x + (r + i) * call.strides[1], width, call.strides[2]);
    Index k = 0;
    for (; k + 4 <= registers; k += 4) columnsOf<V, 4>(block + k * kLanes, stride, n, means + k * kLanes, squares + k * kLanes);
    for (; k < registers; k++) columnsOf<V, 1>(block + k * kLanes, stride, n, means + k * kLanes, squares + k * kLanes);
    spread.join(means, squares, static_cast<double>(n), width);
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
