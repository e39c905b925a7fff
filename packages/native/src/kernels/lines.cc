// Kernels along one axis of an (outer, n, inner) view: arg-reductions, running results, sorting.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "../kernels.h"
#include "../threads.h"

namespace ondol {
namespace {

// NaN counts as greatest (or smallest).
template <class V> bool isNaN(V value) { return value != value; }

// Calls fn(line, dense index of the line's first element, inner size) with strided access to x.
struct Lines {
  Index outer, n, inner;
  Index strides[3];
  explicit Lines(const View& x) : outer(x.shape[0]), n(x.shape[1]), inner(x.shape[2]), strides{x.strides[0], x.strides[1], x.strides[2]} {}
  Index count() const { return outer * inner; }
  Index start(Index line) const { return line / inner * strides[0] + line % inner * strides[2]; }
  Index denseStart(Index line) const { return line / inner * n * inner + line % inner; }
};

template <class S> int32_t argOf(const typename S::Raw* x, Index n, Index stride, bool smallest) {
  auto best = S::load(x[0]);
  Index at = 0;
  for (Index i = 1; i < n && !isNaN(best); i++) {
    const auto value = S::load(x[i * stride]);
    if (smallest ? value < best || isNaN(value) : value > best || isNaN(value)) {
      best = value;
      at = i;
    }
  }
  return static_cast<int32_t>(at);
}

template <class V> V accumulate(KernelName name, V total, V value) {
  if (name == KernelName::cumMax) return isNaN(total) || total > value ? total : value;
  if constexpr (std::is_integral_v<V>) {
    const uint32_t a = static_cast<uint32_t>(total), b = static_cast<uint32_t>(value);
    return static_cast<V>(name == KernelName::cumSum ? a + b : a * b);
  } else {
    return name == KernelName::cumSum ? total + value : total * value;
  }
}

}  // namespace

StepPtr makeArg(KernelContext& context) {
  const View x = context.inputs.at(0), y = context.outputs.at(0);
  const bool smallest = context.name == KernelName::argMin;
  const Lines lines(x);
  const double cost = 100 + static_cast<double>(x.size()) * 0.8;
  return makeStep(cost, [=](Frame& frame) {
    int32_t* to = reinterpret_cast<int32_t*>(frame.at(y));
    withType(x.dtype, [&](auto stored) {
      using S = decltype(stored);
      const auto* from = reinterpret_cast<const typename S::Raw*>(frame.at(x));
      parallelFor(threadsFor(cost, frame), lines.n == 0 ? 0 : lines.count(), [&](Range range) {
        for (Index line = range.begin; line < range.end; line++) to[line] = argOf<S>(from + lines.start(line), lines.n, lines.strides[1], smallest);
      });
    });
  });
}

StepPtr makeCumulative(KernelContext& context) {
  const View x = context.inputs.at(0), y = context.outputs.at(0);
  const KernelName name = context.name;
  const bool reverse = context.decode.reader.flag();
  const Lines lines(x);
  const double cost = 100 + static_cast<double>(x.size()) * 2;
  return makeStep(cost, [=](Frame& frame) {
    withType(x.dtype, [&](auto stored) {
      using S = decltype(stored);
      // Sums of floats run in float64, so that a long line stays accurate.
      using V = typename S::Value;
      using T = std::conditional_t<std::is_integral_v<V>, V, double>;
      const auto* from = reinterpret_cast<const typename S::Raw*>(frame.at(x));
      auto* to = reinterpret_cast<typename S::Raw*>(frame.at(y));
      parallelFor(threadsFor(cost, frame), lines.count(), [&](Range range) {
        for (Index line = range.begin; line < range.end; line++) {
          const auto* a = from + lines.start(line);
          auto* b = to + lines.denseStart(line);
          T total{};
          for (Index i = 0; i < lines.n; i++) {
            const Index at = reverse ? lines.n - 1 - i : i;
            const T value = static_cast<T>(S::load(a[at * lines.strides[1]]));
            total = i == 0 ? value : accumulate<T>(name, total, value);
            b[at * lines.inner] = S::store(static_cast<V>(total));
          }
        }
      });
    });
  });
}

StepPtr makeSort(KernelContext& context) {
  const View x = context.inputs.at(0), values = context.outputs.at(0), positions = context.outputs.at(1);
  const bool descending = context.decode.reader.flag();
  const Lines lines(x);
  const double cost = 200 + static_cast<double>(x.size()) * 4 * std::log2(static_cast<double>(lines.n) + 2);
  return makeStep(cost, [=](Frame& frame) {
    int32_t* order = reinterpret_cast<int32_t*>(frame.at(positions));
    withType(x.dtype, [&](auto stored) {
      using S = decltype(stored);
      using V = typename S::Value;
      const auto* from = reinterpret_cast<const typename S::Raw*>(frame.at(x));
      auto* to = reinterpret_cast<typename S::Raw*>(frame.at(values));
      parallelFor(threadsFor(cost, frame), lines.count(), [&](Range range) {
        std::vector<V> line(static_cast<size_t>(lines.n));
        std::vector<int32_t> index(static_cast<size_t>(lines.n));
        for (Index l = range.begin; l < range.end; l++) {
          for (Index i = 0; i < lines.n; i++) line[i] = S::load(from[lines.start(l) + i * lines.strides[1]]);
          std::iota(index.begin(), index.end(), 0);
          // NaN is last when ascending, first when descending.
          std::stable_sort(index.begin(), index.end(), [&](int32_t a, int32_t b) {
            const V p = line[a], q = line[b];
            if (descending) return isNaN(p) ? !isNaN(q) : p > q;
            return isNaN(q) ? !isNaN(p) : p < q;
          });
          const Index start = lines.denseStart(l);
          for (Index i = 0; i < lines.n; i++) {
            to[start + i * lines.inner] = S::store(line[index[i]]);
            order[start + i * lines.inner] = index[i];
          }
        }
      });
    });
  });
}

}  // namespace ondol
