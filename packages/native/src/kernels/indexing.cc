// gather and scatter along the middle axis of (outer, n, inner) views. Indices are clamped.
#include <algorithm>

#include "../kernels.h"
#include "../threads.h"

namespace ondol {
namespace {

Index clampIndex(int32_t index, Index n) { return std::clamp<Index>(index, 0, n - 1); }

void copyRow(char* to, const char* from, Index n, Index stride, int bytes) {
  if (stride == 1) {
    std::memcpy(to, from, static_cast<size_t>(n * bytes));
    return;
  }
  for (Index i = 0; i < n; i++) std::memcpy(to + i * bytes, from + i * stride * bytes, static_cast<size_t>(bytes));
}

template <class S> void addRow(typename S::Raw* to, const typename S::Raw* from, Index n, Index stride) {
  using V = typename S::Value;
  for (Index i = 0; i < n; i++) {
    if constexpr (std::is_integral_v<V>) to[i] = S::store(static_cast<V>(static_cast<uint32_t>(S::load(to[i])) + static_cast<uint32_t>(S::load(from[i * stride]))));
    else to[i] = S::store(S::load(to[i]) + S::load(from[i * stride]));
  }
}

}  // namespace

StepPtr makeGather(KernelContext& context) {
  const View x = context.inputs.at(0), indices = context.inputs.at(1), y = context.outputs.at(0);
  const Index outer = x.shape[0], n = x.shape[1], inner = x.shape[2], m = y.shape[1];
  const double cost = 100 + static_cast<double>(outer * m) * (5 + 0.1 * static_cast<double>(inner));
  return makeStep(cost, [=](Frame& frame) {
    const int bytes = bytesOf(x.dtype);
    const char* from = frame.at(x);
    const int32_t* index = reinterpret_cast<const int32_t*>(frame.at(indices));
    char* to = frame.at(y);
    const Index step = indices.strides.empty() ? 1 : indices.strides.back();
    if (n == 0) return;
    parallelFor(threadsFor(cost, frame), outer * m, [&](Range range) {
      for (Index i = range.begin; i < range.end; i++) {
        const Index o = i / m, at = clampIndex(index[i % m * step], n);
        copyRow(to + i * inner * bytes, from + (o * x.strides[0] + at * x.strides[1]) * bytes, inner, x.strides[2], bytes);
      }
    });
  });
}

// Each thread owns a share of the output's rows (or of the columns, where rows are few) and passes over all
// indices: no atomics, and sums in the order of the updates.
StepPtr makeScatter(KernelContext& context) {
  const bool add = context.name == KernelName::scatterAdd;
  const View indices = context.inputs.at(0), updates = context.inputs.at(1), y = context.outputs.at(0);
  const Index outer = y.shape[0], n = y.shape[1], inner = y.shape[2], m = updates.shape[1];
  const double cost = 100 + static_cast<double>(outer * m) * (5 + 0.3 * static_cast<double>(inner));
  return makeStep(cost, [=](Frame& frame) {
    const int32_t* index = reinterpret_cast<const int32_t*>(frame.at(indices));
    const Index step = indices.strides.empty() ? 1 : indices.strides.back();
    if (n == 0) return;
    withType(y.dtype, [&](auto stored) {
      using S = decltype(stored);
      using Raw = typename S::Raw;
      const Raw* from = reinterpret_cast<const Raw*>(frame.at(updates));
      Raw* to = reinterpret_cast<Raw*>(frame.at(y));
      parallel(threadsFor(cost, frame), [&](int part, int parts) {
        const Range rows = shareOf(n, part, parts);
        for (Index o = 0; o < outer; o++) {
          for (Index i = 0; i < m; i++) {
            const Index row = clampIndex(index[i * step], n);
            if (row < rows.begin || row >= rows.end) continue;
            Raw* target = to + (o * n + row) * inner;
            const Raw* source = from + o * updates.strides[0] + i * updates.strides[1];
            if (add) addRow<S>(target, source, inner, updates.strides[2]);
            else copyRow(reinterpret_cast<char*>(target), reinterpret_cast<const char*>(source), inner, updates.strides[2], sizeof(Raw));
          }
        }
      });
    });
  });
}

}  // namespace ondol
