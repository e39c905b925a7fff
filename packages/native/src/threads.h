// One parallel region, static parts: part t of T works on its share of a range.
#pragma once
#include <omp.h>

#include "core.h"

namespace ondol {

struct Range {
  Index begin, end;
};

// Share `part` of `parts` of `count` items, in multiples of `unit`.
inline Range shareOf(Index count, int part, int parts, Index unit = 1) {
  const Index units = (count + unit - 1) / unit;
  const Index begin = units * part / parts * unit, end = units * (part + 1) / parts * unit;
  return {begin < count ? begin : count, end < count ? end : count};
}

// Runs fn(part, parts) on `threads` threads of the calling thread's team.
template <class Fn> inline void parallel(int threads, Fn&& fn) {
  if (threads <= 1) return fn(0, 1);
#pragma omp parallel num_threads(threads)
  fn(omp_get_thread_num(), omp_get_num_threads());
}

template <class Fn> inline void parallelFor(int threads, Index count, Fn&& fn) {
  parallel(count < threads ? static_cast<int>(count) : threads, [&](int part, int parts) {
    const Range range = shareOf(count, part, parts);
    if (range.begin < range.end) fn(range);
  });
}

}  // namespace ondol
