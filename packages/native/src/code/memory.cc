#include "memory.h"

#include <cstdlib>
#if defined(__x86_64__) && defined(__linux__)
#include <sys/mman.h>
#endif

#include "../simd.h"

namespace ondol {

size_t CodeMemory::add(const std::vector<uint8_t>& code) {
  const size_t place = roundUp(bytes_.size(), kAlignment);
  bytes_.resize(place);
  bytes_.insert(bytes_.end(), code.begin(), code.end());
  return place;
}

#if defined(__x86_64__) && defined(__linux__)

CodeMemory::~CodeMemory() {
  if (base_ != nullptr) munmap(base_, mapped_);
}

void CodeMemory::seal() {
  if (bytes_.empty()) return;
  mapped_ = bytes_.size();
  void* memory = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw OutOfMemory("no memory for the machine code of a program");
  base_ = static_cast<char*>(memory);
  std::memcpy(base_, bytes_.data(), bytes_.size());
  if (mprotect(base_, mapped_, PROT_READ | PROT_EXEC) != 0) throw OutOfMemory("the machine code of a program can not be made executable");
  bytes_ = std::vector<uint8_t>();
}

static bool canRunCode() {
  if (&simd() != &kSimdAvx512 || !__builtin_cpu_supports("bmi2")) return false;
  try {
    CodeMemory memory;
    memory.add({0xc3});
    memory.seal();
    reinterpret_cast<void (*)()>(const_cast<char*>(memory.at(0)))();
    return true;
  } catch (const OutOfMemory&) {
    return false;
  }
}

#else

CodeMemory::~CodeMemory() = default;
void CodeMemory::seal() {}
static bool canRunCode() { return false; }

#endif

Index codeFrom() {
  static const Index points = [] {
    const char* asked = std::getenv("ONDOL_LOOP_CODE");
    const std::string wish = asked == nullptr ? "" : asked;
    if (wish == "never" || !canRunCode()) return kNoCode;
    return wish == "always" ? Index(0) : Index(16384);
  }();
  return points;
}

}  // namespace ondol
