#include "threads.h"

#include <chrono>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace ondol {
namespace {

thread_local Team* currentTeam = nullptr;

// Helpers wait at full speed between the regions of a program, and asleep between programs. They never yield:
// a thread that yields is put behind everybody for whole time slices, one that wakes up goes first.
constexpr auto kAwake = std::chrono::microseconds(500);
constexpr int kSpins = 2000;

void breathe() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

constexpr uint64_t kPartMask = 0xffff;
int nextPart(uint64_t tickets) { return static_cast<int>(tickets & kPartMask); }
int partCount(uint64_t tickets) { return static_cast<int>((tickets >> 16) & kPartMask); }
bool hasPart(uint64_t tickets) { return nextPart(tickets) < partCount(tickets); }

}  // namespace

Team* Team::current() { return currentTeam; }

Team::Team(int helpers) {
  for (int i = 0; i < helpers; i++) helpers_.emplace_back([this] { help(); });
  currentTeam = this;
}

Team::~Team() {
  currentTeam = nullptr;
  ending_ = true;
  { const std::lock_guard<std::mutex> lock(mutex_); }
  wake_.notify_all();
  for (std::thread& helper : helpers_) helper.join();
}

void Team::run(int parts, Part call, void* work) {
  call_ = call;
  work_ = work;
  unfinished_.store(parts, std::memory_order_relaxed);
  const uint64_t generation = (tickets_.load(std::memory_order_relaxed) >> 32) + 1;
  tickets_.store(generation << 32 | static_cast<uint64_t>(parts) << 16);
  if (asleep_.load() > 0) {
    { const std::lock_guard<std::mutex> lock(mutex_); }
    wake_.notify_all();
  }
  // A region inside a part runs there.
  currentTeam = nullptr;
  while (runPart()) {}
  currentTeam = this;
  for (int spins = 0; unfinished_.load(std::memory_order_acquire) > 0; spins++) {
    if (spins < kSpins) breathe();
    else std::this_thread::yield();
  }
  if (failure_ == nullptr) return;
  std::exception_ptr failure;
  std::swap(failure, failure_);
  std::rethrow_exception(failure);
}

bool Team::runPart() {
  uint64_t tickets = tickets_.load(std::memory_order_acquire);
  do {
    if (!hasPart(tickets)) return false;
  } while (!tickets_.compare_exchange_weak(tickets, tickets + 1, std::memory_order_acquire));
  // The region lasts until this part is finished, so `call_` and `work_` are its own.
  try {
    call_(work_, nextPart(tickets), partCount(tickets));
  } catch (...) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (failure_ == nullptr) failure_ = std::current_exception();
  }
  unfinished_.fetch_sub(1, std::memory_order_acq_rel);
  return true;
}

void Team::help() {
  using Clock = std::chrono::steady_clock;
  while (!ending_) {
    while (runPart()) {}
    const auto start = Clock::now();
    while (!hasPart(tickets_.load(std::memory_order_relaxed)) && Clock::now() - start < kAwake) for (int i = 0; i < 16; i++) breathe();
    if (hasPart(tickets_.load(std::memory_order_relaxed))) continue;
    std::unique_lock<std::mutex> lock(mutex_);
    asleep_++;
    wake_.wait(lock, [this] { return ending_ || hasPart(tickets_.load()); });
    asleep_--;
  }
}

}  // namespace ondol
