// Plain matrix products: float64 and integers, and float products too small for oneDNN's call overhead.
#pragma once
#include "moments.h"

namespace {

using ondol::MatmulCall;

// Rows of C in strips of 64 columns: each element of A scales a strip of B. Sums in float32 at least.
template <class S> void matmulRows(const MatmulCall& call, Range rows) {
  using V = typename S::Value;
  using Raw = typename S::Raw;
  constexpr Index kStrip = 64;
  const Raw* a = static_cast<const Raw*>(call.a);
  const Raw* b = static_cast<const Raw*>(call.b);
  const Raw* bias = static_cast<const Raw*>(call.bias);
  Raw* c = static_cast<Raw*>(call.c);
  for (Index j = 0; j < call.n; j += kStrip) {
    const Index n = call.n - j < kStrip ? call.n - j : kStrip;
    for (Index i = rows.begin; i < rows.end; i++) {
      V sum[kStrip];
      for (Index l = 0; l < kStrip; l++) sum[l] = 0;
      for (Index p = 0; p < call.k; p++) {
        const V scale = S::load(a[i * call.a0 + p * call.a1]);
        const Raw* row = b + p * call.b0 + j * call.b1;
        if (call.b1 == 1) for (Index l = 0; l < n; l++) sum[l] = combine<Fold::sum, V>(sum[l], combine<Fold::prod, V>(scale, S::load(row[l])));
        else for (Index l = 0; l < n; l++) sum[l] = combine<Fold::sum, V>(sum[l], combine<Fold::prod, V>(scale, S::load(row[l * call.b1])));
      }
      for (Index l = 0; l < n; l++) {
        V value = bias == nullptr ? sum[l] : combine<Fold::sum, V>(sum[l], S::load(bias[j + l]));
        if (call.relu) value = value > 0 || value != value ? value : V(0);
        c[i * call.n + j + l] = S::store(value);
      }
    }
  }
}

void matmul(const MatmulCall& call, int threads) {
  withStored(call.dtype, [&](auto stored) {
    ondol::parallelFor(threads, call.m, [&](Range rows) { matmulRows<decltype(stored)>(call, rows); });
  });
}

}  // namespace
