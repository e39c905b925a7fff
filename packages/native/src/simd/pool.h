// Pooling and its gradients, vector code over channels. Each image belongs to one thread, so sums of
// overlapping windows need no atomics and have one order.
#pragma once
#include "run_loop.h"

namespace {

using ondol::PoolCall;
using ondol::PoolKind;
using ondol::PoolShape;

// Calls fn(outPoint, windowPlace, inPoint) for every place of every window that is not padding, and
// before(outPoint, places) and after(outPoint) around each window.
template <class Before, class Fn, class After> void eachWindow(const PoolShape& s, Before&& before, Fn&& fn, After&& after) {
  Index outPoint = 0;
  for (Index a = 0; a < s.out[0]; a++) {
    const Index a0 = a * s.strides[0] - s.low[0];
    const Index aLow = a0 < 0 ? -a0 : 0, aHigh = a0 + s.window[0] > s.in[0] ? s.in[0] - a0 : s.window[0];
    for (Index b = 0; b < s.out[1]; b++) {
      const Index b0 = b * s.strides[1] - s.low[1];
      const Index bLow = b0 < 0 ? -b0 : 0, bHigh = b0 + s.window[1] > s.in[1] ? s.in[1] - b0 : s.window[1];
      for (Index c = 0; c < s.out[2]; c++, outPoint++) {
        const Index c0 = c * s.strides[2] - s.low[2];
        const Index cLow = c0 < 0 ? -c0 : 0, cHigh = c0 + s.window[2] > s.in[2] ? s.in[2] - c0 : s.window[2];
        const Index places = (aHigh > aLow ? aHigh - aLow : 0) * (bHigh > bLow ? bHigh - bLow : 0) * (cHigh > cLow ? cHigh - cLow : 0);
        before(outPoint, places);
        for (Index i = aLow; i < aHigh; i++) {
          for (Index j = bLow; j < bHigh; j++) {
            for (Index k = cLow; k < cHigh; k++) {
              fn(outPoint, (i * s.window[1] + j) * s.window[2] + k, ((a0 + i) * s.in[1] + b0 + j) * s.in[2] + c0 + k);
            }
          }
        }
        after(outPoint);
      }
    }
  }
}

template <class S, class P> void maxPoolImage(const PoolShape& s, const typename S::Raw* x, typename S::Raw* y, P* positions) {
  using V = typename S::Value;
  const Index channels = s.channels;
  constexpr Index kPart = 64;
  for (Index from = 0; from < channels; from += kPart) {
    const Index n = channels - from < kPart ? channels - from : kPart;
    V best[kPart];
    int32_t place[kPart];
    const V lowest = std::numeric_limits<V>::has_infinity ? -std::numeric_limits<V>::infinity() : std::numeric_limits<V>::lowest();
    eachWindow(
        s,
        [&](Index, Index) {
          for (Index c = 0; c < kPart; c++) {
            best[c] = lowest;
            place[c] = -1;
          }
        },
        [&](Index, Index w, Index point) {
          const typename S::Raw* row = x + point * channels + from;
          const int32_t at = static_cast<int32_t>(w);
          for (Index c = 0; c < n; c++) {
            const V value = S::load(row[c]);
            const bool better = value > best[c] || (value != value && best[c] == best[c]) || place[c] < 0;
            best[c] = better ? value : best[c];
            place[c] = better ? at : place[c];
          }
        },
        [&](Index point) {
          typename S::Raw* row = y + point * channels + from;
          for (Index c = 0; c < n; c++) row[c] = S::store(best[c]);
          if (positions == nullptr) return;
          P* places = positions + point * channels + from;
          for (Index c = 0; c < n; c++) places[c] = static_cast<P>(place[c] < 0 ? 0 : place[c]);
        });
  }
}

template <class S, class P> void maxGradImage(const PoolShape& s, const typename S::Raw* dy, typename S::Value* dx, const P* positions) {
  const Index channels = s.channels;
  for (Index i = 0; i < s.inPoints() * channels; i++) dx[i] = 0;
  eachWindow(
      s, [](Index, Index) {},
      [&](Index point, Index w, Index inPoint) {
        typename S::Value* row = dx + inPoint * channels;
        const typename S::Raw* from = dy + point * channels;
        const P* places = positions + point * channels;
        const P at = static_cast<P>(w);
#pragma GCC ivdep
        for (Index c = 0; c < channels; c++) row[c] += places[c] == at ? S::load(from[c]) : typename S::Value(0);
      },
      [](Index) {});
}

template <class S, class P> void maxGatherImage(const PoolShape& s, const typename S::Raw* x, typename S::Raw* y, const P* positions) {
  const Index channels = s.channels;
  eachWindow(
      s, [&](Index point, Index) { for (Index c = 0; c < channels; c++) y[point * channels + c] = S::store(typename S::Value(0)); },
      [&](Index point, Index w, Index inPoint) {
        for (Index c = 0; c < channels; c++) {
          if (positions[point * channels + c] == static_cast<P>(w)) y[point * channels + c] = x[inPoint * channels + c];
        }
      },
      [](Index) {});
}

template <class S> void averageImage(const PoolShape& s, const typename S::Raw* x, typename S::Raw* y) {
  using V = typename S::Value;
  const Index channels = s.channels;
  constexpr Index kPart = 64;
  for (Index from = 0; from < channels; from += kPart) {
    const Index n = channels - from < kPart ? channels - from : kPart;
    V sum[kPart];
    V scale = 0;
    eachWindow(
        s,
        [&](Index, Index places) {
          scale = places > 0 ? static_cast<V>(places) : V(1);
          for (Index c = 0; c < kPart; c++) sum[c] = 0;
        },
        [&](Index, Index, Index point) {
          const typename S::Raw* row = x + point * channels + from;
          for (Index c = 0; c < n; c++) sum[c] += S::load(row[c]);
        },
        [&](Index point) {
          typename S::Raw* row = y + point * channels + from;
          for (Index c = 0; c < n; c++) row[c] = S::store(sum[c] / scale);
        });
  }
}

template <class S> void averageGradImage(const PoolShape& s, const typename S::Raw* dy, typename S::Value* dx) {
  using V = typename S::Value;
  const Index channels = s.channels;
  for (Index i = 0; i < s.inPoints() * channels; i++) dx[i] = 0;
  V scale = 0;
  eachWindow(
      s, [&](Index, Index places) { scale = places > 0 ? V(1) / static_cast<V>(places) : V(0); },
      [&](Index point, Index, Index inPoint) {
        V* row = dx + inPoint * channels;
        const typename S::Raw* from = dy + point * channels;
#pragma GCC ivdep
        for (Index c = 0; c < channels; c++) row[c] += S::load(from[c]) * scale;
      },
      [](Index) {});
}

template <class S, class P> void poolImage(const PoolShape& s, const PoolCall& call, Index image) {
  using Raw = typename S::Raw;
  using V = typename S::Value;
  const Index in = s.inPoints() * s.channels, out = s.outPoints() * s.channels;
  const bool grad = call.kind == PoolKind::maxGrad || call.kind == PoolKind::averageGrad;
  const Raw* from = static_cast<const Raw*>(call.from) + image * (grad ? out : in);
  Raw* to = static_cast<Raw*>(call.to) + image * (grad ? in : out);
  P* positions = call.positions == nullptr ? nullptr : static_cast<P*>(call.positions) + image * out;
  if (call.kind == PoolKind::max) return maxPoolImage<S, P>(s, from, to, positions);
  if (call.kind == PoolKind::maxGather) return maxGatherImage<S, P>(s, from, to, positions);
  if (call.kind == PoolKind::average) return averageImage<S>(s, from, to);
  // Sums of 16-bit floats are made in float32.
  V* sums;
  if constexpr (std::is_same_v<Raw, V>) sums = to;
  else sums = reinterpret_cast<V*>(ondol::threadWorkspace(static_cast<size_t>(in) * sizeof(V)));
  if (call.kind == PoolKind::maxGrad) maxGradImage<S, P>(s, from, sums, positions);
  else averageGradImage<S>(s, from, sums);
  if constexpr (!std::is_same_v<Raw, V>) for (Index i = 0; i < in; i++) to[i] = S::store(sums[i]);
}

void pool(const PoolShape& shape, const PoolCall& call, int threads) {
  withStored(call.dtype, [&](auto stored) {
    using S = decltype(stored);
    ondol::parallelFor(threads, shape.images, [&](Range images) {
      for (Index image = images.begin; image < images.end; image++) {
        if (call.positionType == DType::u8) poolImage<S, uint8_t>(shape, call, image);
        else poolImage<S, int32_t>(shape, call, image);
      }
    });
  });
}

}  // namespace
