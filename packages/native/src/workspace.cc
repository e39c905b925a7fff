#include "workspace.h"

#include <cstdlib>

#include "core.h"

namespace ondol {
namespace {

struct Shelf {
  char* memory = nullptr;
  size_t bytes = 0;
  ~Shelf() { std::free(memory); }
};
thread_local Shelf shelves[2];

}  // namespace

char* threadWorkspace(size_t bytes, int which) {
  Shelf& shelf = shelves[which];
  if (shelf.bytes >= bytes) return shelf.memory;
  std::free(shelf.memory);
  shelf.bytes = 0;
  shelf.memory = static_cast<char*>(std::aligned_alloc(4096, roundUp(bytes + kPadding, 4096)));
  if (shelf.memory == nullptr) throw OutOfMemory("no memory for " + std::to_string(bytes) + " bytes of working space");
  std::memset(shelf.memory, 0, roundUp(bytes + kPadding, 4096));
  shelf.bytes = bytes;
  return shelf.memory;
}

}  // namespace ondol
