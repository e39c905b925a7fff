#include "queue.h"

#include "threads.h"

#include <new>

namespace ondol {
namespace {

// Programs cheaper than this (nanoseconds) run at once on the calling thread while the queue is empty:
// a hand-over to the executor and back costs more.
constexpr double kInlineCost = 20000;

}  // namespace

LoadedProgram::LoadedProgram(const double* code, size_t length, std::vector<Constant> constants, int threads) {
  DecodeContext context{Reader(code, length), std::move(constants), threads};
  plan_ = decodePlan(context);
  context.code->seal();
  scratchAt_ = roundUp(plan_->arenaBytes + kPadding, 4096);
}

std::vector<double> LoadedProgram::takeTimes() {
  std::vector<double> taken;
  plan_->takeTimes(times_, taken);
  frame_.times = times_.data();
  return taken;
}

void LoadedProgram::run(Block* const* blocks, bool renewed, char* arena, int threads, const std::atomic<bool>& stopping) {
  if (boundArena_ != arena || frame_.base.empty()) {
    plan_->bind(frame_, arena);
    boundArena_ = arena;
  }
  for (int id : plan_->inputs) frame_.base[static_cast<size_t>(id)] = (*blocks++)->data;
  for (int id : plan_->outputs) frame_.base[static_cast<size_t>(id)] = (*blocks++)->data;
  frame_.scratch = arena + scratchAt_;
  frame_.threads = threads;
  frame_.stopping = &stopping;
  // What a run that failed was to renew stays to be renewed.
  frame_.renewed = frame_.renewed || renewed;
  plan_->run(frame_);
  frame_.renewed = false;
  if (warm_) return;
  warm_ = true;
  if (frame_.times != nullptr) takeTimes();
}

Queue::Queue(int threads, OnDone onDone) : threads_(threads), onDone_(std::move(onDone)), thread_([this] { work(); }) {}

Queue::~Queue() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
  for (Job& job : jobs_) {
    for (Block* block : job.blocks) pool_.release(block);
    if (job.staging != nullptr) pool_.release(job.staging);
    if (job.arena != nullptr) pool_.release(job.arena);
  }
  if (arena_ != nullptr) pool_.release(arena_);
}

ProgramPtr Queue::load(const double* code, size_t length, std::vector<Constant> constants) {
  auto program = std::make_shared<LoadedProgram>(code, length, std::move(constants), threads_);
  reserveArena(program->arenaBytes());
  return program;
}

// Queued work keeps the arena that it was queued with; nothing in an arena outlives a run.
void Queue::reserveArena(size_t bytes) {
  if (arena_ != nullptr && arena_->bytes >= bytes) return;
  Block* larger = pool_.allocate(bytes);
  if (arena_ != nullptr) pool_.release(arena_);
  arena_ = larger;
}

void Queue::run(const ProgramPtr& program, std::vector<Block*> blocks, bool renewed) {
  Job job;
  job.program = program;
  job.blocks = std::move(blocks);
  job.renewed = renewed;
  job.arena = arena_;
  pool_.retain(arena_);
  if (program->cost() < kInlineCost && isIdle()) execute(job, 1);
  else submit(std::move(job));
}

void Queue::write(Block* block, const void* data, size_t bytes) {
  // Nothing queued knows this block (only the caller owns it), or nothing is queued.
  if (isIdle() || block->owners.load(std::memory_order_acquire) == 1) {
    std::memcpy(block->data, data, bytes);
    return;
  }
  Job job;
  job.staging = pool_.allocate(bytes);
  std::memcpy(job.staging->data, data, bytes);
  job.blocks = {block};
  job.bytes = bytes;
  pool_.retain(block);
  submit(std::move(job));
}

bool Queue::read(Block* block, void* to, size_t bytes, Token token, std::optional<Failure>& failure) {
  if (isIdle()) {
    std::memcpy(to, block->data, bytes);
    failure = takeFailure();
    return true;
  }
  Job job;
  job.blocks = {block};
  job.to = to;
  job.bytes = bytes;
  job.token = token;
  pool_.retain(block);
  submit(std::move(job));
  return false;
}

bool Queue::finish(Token token, std::optional<Failure>& failure) {
  if (isIdle()) {
    failure = takeFailure();
    return true;
  }
  Job job;
  job.token = token;
  submit(std::move(job));
  return false;
}

std::optional<Failure> Queue::readNow(Block* block, void* to, size_t bytes) {
  if (!isIdle()) {
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, [this] { return isIdle(); });
  }
  std::memcpy(to, block->data, bytes);
  return takeFailure();
}

void Queue::submit(Job job) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    jobs_.push_back(std::move(job));
    submitted_++;
  }
  wake_.notify_one();
}

void Queue::work() {
  Team team(threads_ - 1);
  for (;;) {
    Job job;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (stopping_) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    execute(job, threads_);
    std::optional<Failure> failure;
    if (job.token != nullptr) failure = takeFailure();
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      completed_.fetch_add(1, std::memory_order_release);
    }
    done_.notify_all();
    if (job.token != nullptr) onDone_(job.token, failure);
  }
}

void Queue::execute(Job& job, int threads) {
  attempt([&] {
    if (job.program != nullptr) job.program->run(job.blocks.data(), job.renewed, job.arena->data, threads, stopping_);
    else if (job.staging != nullptr) std::memcpy(job.blocks[0]->data, job.staging->data, job.bytes);
    else if (job.to != nullptr) std::memcpy(job.to, job.blocks[0]->data, job.bytes);
  });
  for (Block* block : job.blocks) pool_.release(block);
  if (job.staging != nullptr) pool_.release(job.staging);
  if (job.arena != nullptr) pool_.release(job.arena);
}

void Queue::attempt(const std::function<void()>& action) {
  std::optional<Failure> failure;
  try {
    action();
  } catch (const OutOfMemory& error) {
    failure = Failure{true, error.what()};
  } catch (const std::bad_alloc&) {
    failure = Failure{true, "the system has no memory left"};
  } catch (const std::exception& error) {
    failure = Failure{false, error.what()};
  }
  if (!failure) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!failure_) failure_ = failure;
}

std::optional<Failure> Queue::takeFailure() {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::optional<Failure> taken;
  taken.swap(failure_);
  return taken;
}

}  // namespace ondol
