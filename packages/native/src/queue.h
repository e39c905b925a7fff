// The executor: one thread, one first-in-first-out queue, one arena for all programs.
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "memory.h"
#include "plan.h"

namespace ondol {

struct Failure {
  bool outOfMemory;
  std::string message;
};

// A plan that was loaded, with the frame it runs on.
class LoadedProgram {
 public:
  LoadedProgram(const double* code, size_t length, std::vector<Constant> constants, int threads);
  size_t arenaBytes() const { return scratchAt_ + plan_->scratchBytes + kPadding; }
  size_t slots() const { return plan_->inputs.size() + plan_->outputs.size(); }
  double cost() const { return plan_->cost; }
  // Nanoseconds of each step, and after it of its inner steps, since the last call; from the first call on they are measured.
  // A program's first run does not count: the system finds the memory then.
  std::vector<double> takeTimes();
  // `blocks` are inputs, then outputs; `renewed`: a lasting input may have another content than in the run before. Throws what steps throw.
  void run(Block* const* blocks, bool renewed, char* arena, int threads, const std::atomic<bool>& stopping);

 private:
  std::unique_ptr<Plan> plan_;
  Frame frame_;
  std::vector<double> times_;
  bool warm_ = false;
  size_t scratchAt_ = 0;
  char* boundArena_ = nullptr;
};
using ProgramPtr = std::shared_ptr<LoadedProgram>;

class Queue {
 public:
  // `onDone` is called on the executor's thread with what `read` and `finish` were given.
  using Token = void*;
  using OnDone = std::function<void(Token token, const std::optional<Failure>& failure)>;
  Queue(int threads, OnDone onDone);
  // Lets the step that runs end, forgets the rest.
  ~Queue();

  Pool& pool() { return pool_; }
  int threads() const { return threads_; }
  ProgramPtr load(const double* code, size_t length, std::vector<Constant> constants);

  // The queue owns the references to blocks that it is given.
  void run(const ProgramPtr& program, std::vector<Block*> blocks, bool renewed);
  void write(Block* block, const void* data, size_t bytes);
  // Copies into `to`, then reports `token`. True if it was done at once (and nothing will be reported).
  bool read(Block* block, void* to, size_t bytes, Token token, std::optional<Failure>& failure);
  bool finish(Token token, std::optional<Failure>& failure);
  // Blocks until everything queued before is done.
  std::optional<Failure> readNow(Block* block, void* to, size_t bytes);

 private:
  struct Job {
    ProgramPtr program;
    std::vector<Block*> blocks;
    bool renewed = true;
    Block* arena = nullptr;
    Block* staging = nullptr;   // write: what to copy
    void* to = nullptr;         // read: where to
    size_t bytes = 0;
    Token token = nullptr;      // read and finish
  };

  void submit(Job job);
  void work();
  void execute(Job& job, int threads);
  void attempt(const std::function<void()>& action);
  bool isIdle() const { return completed_.load(std::memory_order_acquire) == submitted_; }
  std::optional<Failure> takeFailure();
  void reserveArena(size_t bytes);

  const int threads_;
  OnDone onDone_;
  Pool pool_;
  Block* arena_ = nullptr;
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::deque<Job> jobs_;
  uint64_t submitted_ = 0;
  std::atomic<uint64_t> completed_{0};
  std::atomic<bool> stopping_{false};
  std::optional<Failure> failure_;
  std::thread thread_;
};

}  // namespace ondol
