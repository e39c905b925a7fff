// Memory for machine code: written while it can not be run, run while it can not be written.
#pragma once
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "../core.h"

namespace ondol {

// The machine code of one program, nested plans included.
class CodeMemory {
 public:
  CodeMemory() = default;
  CodeMemory(const CodeMemory&) = delete;
  ~CodeMemory();
  // Appends a function; returns where it lies. Trials are taken back with `truncate`.
  size_t add(const std::vector<uint8_t>& code);
  size_t size() const { return bytes_.size(); }
  void truncate(size_t size) { bytes_.resize(size); }
  // Makes what was added executable; throws OutOfMemory.
  void seal();
  const char* at(size_t place) const { return base_ + place; }

 private:
  std::vector<uint8_t> bytes_;
  char* base_ = nullptr;
  size_t mapped_ = 0;
};

// Loops of so many points and more become machine code: none where the processor has no AVX-512 or the system (some hardened ones)
// forbids code that was made at run time. ONDOL_LOOP_CODE=always|never asks for another choice.
Index codeFrom();
constexpr Index kNoCode = std::numeric_limits<Index>::max();

}  // namespace ondol
