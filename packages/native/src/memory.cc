#include "memory.h"

#include <cstdlib>
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace ondol {
namespace {

constexpr size_t kHuge = size_t(2) << 20;

// Sizes in eighths of a power of two, so that few blocks differ and little is wasted.
size_t capacityFor(size_t bytes) {
  const size_t padded = roundUp(bytes + kPadding, 256);
  size_t unit = 256;
  while (unit * 16 < padded) unit *= 2;
  return roundUp(padded, unit);
}

char* systemAllocate(size_t capacity) {
  const size_t alignment = capacity >= 2 * kHuge ? kHuge : 4096 <= capacity ? 4096 : kAlignment;
  char* data = static_cast<char*>(std::aligned_alloc(alignment, roundUp(capacity, alignment)));
#if defined(MADV_HUGEPAGE)
  if (data != nullptr && alignment == kHuge) madvise(data, roundUp(capacity, alignment), MADV_HUGEPAGE);
#endif
  return data;
}

}  // namespace

std::shared_ptr<char> alignedMemory(size_t bytes) {
  const size_t capacity = roundUp(bytes + kPadding, kAlignment);
  char* data = systemAllocate(capacity);
  if (data == nullptr) throw OutOfMemory("no memory for " + std::to_string(bytes) + " bytes that a program keeps");
  std::memset(data + bytes, 0, capacity - bytes);
  return std::shared_ptr<char>(data, [](char* p) { std::free(p); });
}

Pool::~Pool() {
  for (auto& [capacity, data] : kept_) std::free(data);
}

Block* Pool::allocate(size_t bytes) {
  if (bytes > (size_t(1) << 46)) throw OutOfMemory(std::to_string(bytes) + " bytes are more than any machine has");
  const size_t capacity = capacityFor(bytes);
  char* data = nullptr;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = kept_.find(capacity);
    if (found != kept_.end()) {
      data = found->second;
      keptBytes_ -= capacity;
      kept_.erase(found);
    }
  }
  if (data == nullptr) data = systemAllocate(capacity);
  if (data == nullptr) {
    // What is kept for reuse may be what is missing.
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto& [size, memory] : kept_) std::free(memory);
    kept_.clear();
    keptBytes_ = 0;
    data = systemAllocate(capacity);
  }
  if (data == nullptr) throw OutOfMemory("the system has no " + std::to_string(bytes) + " bytes left");
  Block* block = new Block;
  block->data = data;
  block->bytes = bytes;
  block->capacity = capacity;
  return block;
}

void Pool::release(Block* block) {
  if (block->owners.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (keptBytes_ + block->capacity <= kMostKept) {
    keptBytes_ += block->capacity;
    kept_.emplace(block->capacity, block->data);
  } else {
    std::free(block->data);
  }
  delete block;
}

}  // namespace ondol
