// One parallel region, static parts: part t of T works on its share of a range. A part is run by whichever
// thread comes first, so a region never waits for a thread that the system has given to somebody else,
// and results depend on the number of parts only.
#pragma once
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <type_traits>

#include "core.h"

namespace ondol {

// The threads that help one thread, the one that made the team.
class Team {
 public:
  using Part = void (*)(void* work, int part, int parts);
  explicit Team(int helpers);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  // Runs call(work, part, parts) for each part, on this thread and on helpers; throws what a part threw.
  void run(int parts, Part call, void* work);

  // The team of the calling thread; null in helpers and inside a region.
  static Team* current();

 private:
  void help();
  bool runPart();

  // Generation, number of parts and next part: taking a part is one exchange, and fails once the region has ended.
  std::atomic<uint64_t> tickets_{0};
  std::atomic<int> unfinished_{0};
  Part call_ = nullptr;
  void* work_ = nullptr;
  std::exception_ptr failure_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<int> asleep_{0};
  std::atomic<bool> ending_{false};
  std::vector<std::thread> helpers_;
};

struct Range {
  Index begin, end;
};

// Share `part` of `parts` of `count` items, in multiples of `unit`.
inline Range shareOf(Index count, int part, int parts, Index unit = 1) {
  const Index units = (count + unit - 1) / unit;
  const Index begin = units * part / parts * unit, end = units * (part + 1) / parts * unit;
  return {begin < count ? begin : count, end < count ? end : count};
}

// Runs fn(part, parts) for `parts` parts, side by side where the calling thread has a team.
template <class Fn> inline void parallel(int parts, Fn&& fn) {
  Team* team = parts > 1 ? Team::current() : nullptr;
  if (team == nullptr) {
    for (int part = 0; part < parts; part++) fn(part, parts);
    return;
  }
  using Work = std::remove_reference_t<Fn>;
  team->run(parts, [](void* work, int part, int of) { (*static_cast<Work*>(work))(part, of); }, const_cast<std::remove_const_t<Work>*>(&fn));
}

template <class Fn> inline void parallelFor(int threads, Index count, Fn&& fn) {
  parallel(count < threads ? static_cast<int>(count) : threads, [&](int part, int parts) {
    const Range range = shareOf(count, part, parts);
    if (range.begin < range.end) fn(range);
  });
}

}  // namespace ondol
