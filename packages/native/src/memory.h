// Memory of tensors: aligned blocks, counted by the JavaScript side and by queued work, and recycled.
#pragma once
#include <atomic>
#include <map>
#include <memory>
#include <mutex>

#include "core.h"

namespace ondol {

struct Block {
  char* data;
  size_t bytes;  // as asked for
  size_t capacity;
  std::atomic<int> owners{1};
};

// Memory that a program keeps, padded with zeros; throws OutOfMemory.
std::shared_ptr<char> alignedMemory(size_t bytes);

class Pool {
 public:
  ~Pool();
  // Undefined content; throws OutOfMemory.
  Block* allocate(size_t bytes);
  void retain(Block* block) { block->owners.fetch_add(1, std::memory_order_relaxed); }
  void release(Block* block);

 private:
  // Freed memory that is kept for the next allocation of its size.
  static constexpr size_t kMostKept = size_t(256) << 20;
  std::mutex mutex_;
  std::multimap<size_t, char*> kept_;
  size_t keptBytes_ = 0;
};

}  // namespace ondol
