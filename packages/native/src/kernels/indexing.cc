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

template <class S> void copyElements(typename S::Raw* to, Index toStride, const typename S::Raw* from, Index n, Index stride) {
  for (Index i = 0; i < n; i++) to[i * toStride] = from[i * stride];
}

// Adds in the type that sums are kept in: float32 for 16-bit floats.
template <class S> void addElements(typename S::Value* to, Index toStride, const typename S::Raw* from, Index n, Index stride) {
  using V = typename S::Value;
  for (Index i = 0; i < n; i++) {
    V& sum = to[i * toStride];
    if constexpr (std::is_integral_v<V>) sum = static_cast<V>(static_cast<uint32_t>(sum) + static_cast<uint32_t>(S::load(from[i * stride])));
    else sum += S::load(from[i * stride]);
  }
}

struct Scatter {
  View indices, updates, y;
  bool add;
  Index outer() const { return y.shape[0]; }
  Index n() const { return y.shape[1]; }
  Index inner() const { return y.shape[2]; }

  // Calls fn(update row, target row) for the indices of outer index o that fall into `rows`, in order.
  template <class Fn> void each(const Frame& frame, Range rows, Fn&& fn) const {
    const int32_t* index = reinterpret_cast<const int32_t*>(frame.at(indices));
    const Index step = indices.strides.empty() ? 1 : indices.strides.back();
    for (Index i = 0; i < updates.shape[1]; i++) {
      const Index row = clampIndex(index[i * step], n());
      if (row >= rows.begin && row < rows.end) fn(i, row);
    }
  }

  template <class S> void run(const Frame& frame, Range rows) const {
    using Raw = typename S::Raw;
    using V = typename S::Value;
    constexpr bool kOwnSums = !std::is_same_v<Raw, V>;
    const Raw* from = reinterpret_cast<const Raw*>(frame.at(updates));
    Raw* to = reinterpret_cast<Raw*>(frame.at(y));
    std::vector<V> sums(add && kOwnSums ? static_cast<size_t>((rows.end - rows.begin) * inner()) : 0);
    for (Index o = 0; o < outer(); o++) {
      const Raw* source = from + o * updates.strides[0];
      Raw* target = to + o * y.strides[0];
      if (!add) {
        each(frame, rows, [&](Index i, Index row) { copyElements<S>(target + row * y.strides[1], y.strides[2], source + i * updates.strides[1], inner(), updates.strides[2]); });
      } else if constexpr (!kOwnSums) {
        each(frame, rows, [&](Index i, Index row) { addElements<S>(target + row * y.strides[1], y.strides[2], source + i * updates.strides[1], inner(), updates.strides[2]); });
      } else {
        const auto eachElement = [&](auto&& fn) {
          for (Index row = rows.begin; row < rows.end; row++) {
            for (Index i = 0; i < inner(); i++) fn(target[row * y.strides[1] + i * y.strides[2]], sums[static_cast<size_t>((row - rows.begin) * inner() + i)]);
          }
        };
        eachElement([](Raw& element, V& sum) { sum = S::load(element); });
        each(frame, rows, [&](Index i, Index row) { addElements<S>(sums.data() + (row - rows.begin) * inner(), 1, source + i * updates.strides[1], inner(), updates.strides[2]); });
        eachElement([](Raw& element, V& sum) { element = S::store(sum); });
      }
    }
  }
};

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

// Each thread owns a share of the output's rows and passes over all indices: no atomics, and sums in the
// order of the updates.
StepPtr makeScatter(KernelContext& context) {
  const Scatter scatter{context.inputs.at(0), context.inputs.at(1), context.outputs.at(0), context.name == KernelName::scatterAdd};
  const double cost = 100 + static_cast<double>(scatter.outer() * scatter.updates.shape[1]) * (5 + 0.3 * static_cast<double>(scatter.inner()));
  return makeStep(cost, [=](Frame& frame) {
    withType(scatter.y.dtype, [&](auto stored) {
      using S = decltype(stored);
      parallelFor(threadsFor(cost, frame), scatter.n(), [&](Range rows) { scatter.run<S>(frame, rows); });
    });
  });
}

}  // namespace ondol
