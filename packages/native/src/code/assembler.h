// Just as much of an x86-64 assembler as fused loops need: AVX-512 on whole registers, and a few lines around them.
// Encodings: Intel's Software Developer's Manual, volume 2 (2.7 for EVEX).
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ondol {

enum Gpr : int { rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15 };

// [base + rcx · 2^scale], or [base] where scale is -1.
struct Address {
  Gpr base;
  int scale = -1;
};

// One instruction with an EVEX prefix: opcode map (1 = 0F, 2 = 0F38, 3 = 0F3A), mandatory prefix (0 none, 1 = 66, 2 = F3), opcode.
struct Evex {
  int map, prefix, opcode;
};

class Assembler {
 public:
  const std::vector<uint8_t>& bytes() const { return bytes_; }
  size_t here() const { return bytes_.size(); }

  // op reg{mask}{z}, first, second; `first` is 0 where the instruction has none. Registers are zmm 0 to 31 or k 0 to 7.
  void op(Evex code, int reg, int first, int second, int mask = 0, bool zeroing = false) {
    prefix(code, reg, first, second >> 3 & 1, second >> 4 & 1, mask, zeroing);
    byte(0xc0 | (reg & 7) << 3 | (second & 7));
  }
  void op(Evex code, int reg, int first, Address at, int mask = 0) {
    prefix(code, reg, first, at.base >> 3, 0, mask, false);
    const bool indexed = at.scale >= 0, displaced = (at.base & 7) == rbp;  // no displacement would mean another base
    byte((displaced ? 0x40 : 0) | (reg & 7) << 3 | (indexed || (at.base & 7) == rsp ? 4 : at.base & 7));
    if (indexed) byte(at.scale << 6 | rcx << 3 | (at.base & 7));
    else if ((at.base & 7) == rsp) byte(0x24);
    if (displaced) byte(0);
  }
  template <class Operand> void opImm(Evex code, int reg, int first, Operand second, int immediate) {
    op(code, reg, first, second);
    byte(immediate);
  }

  // Mask registers: to = a op b. and 0x41, or 0x45, xor 0x47.
  void maskOp(int opcode, int to, int a, int b) { list({0xc5, 0x84 | (~a & 15) << 3, opcode, 0xc0 | to << 3 | b}); }
  void maskNot(int to, int from) { list({0xc5, 0xf8, 0x44, 0xc0 | to << 3 | from}); }

  void push(Gpr reg) { if (reg >= r8) byte(0x41); byte(0x50 | (reg & 7)); }
  void pop(Gpr reg) { if (reg >= r8) byte(0x41); byte(0x58 | (reg & 7)); }
  // to = entry `index` of the table of pointers at rdi
  void loadPointer(Gpr to, size_t index) {
    list({0x48 | (to >= r8 ? 4 : 0), 0x8b, 0x80 | (to & 7) << 3 | rdi});
    word(static_cast<uint32_t>(index * 8));
  }
  void moveEax(uint32_t value) { byte(0xb8); word(value); }
  void moveEsi(uint32_t value) { byte(0xbe); word(value); }
  void add(Gpr to, uint32_t value) { list({0x48 | (to >= r8), 0x81, 0xc0 | (to & 7)}); word(value); }
  void addToPointer(size_t index, uint32_t value) { list({0x48, 0x81, 0x87}); word(static_cast<uint32_t>(index * 8)); word(value); }
  void list(std::initializer_list<int> values) { for (int value : values) byte(value); }
  // A jump (its opcode is given) to a place that is known, or to be known.
  size_t jump(std::initializer_list<int> opcode) { list(opcode); word(0); return here(); }
  void land(size_t jump, size_t at) {
    const uint32_t distance = static_cast<uint32_t>(at - jump);
    for (int i = 0; i < 4; i++) bytes_[jump - 4 + static_cast<size_t>(i)] = static_cast<uint8_t>(distance >> 8 * i);
  }

 private:
  void prefix(Evex code, int reg, int first, int b, int x, int mask, bool zeroing) {
    byte(0x62);
    byte((~reg >> 3 & 1) << 7 | (~x & 1) << 6 | (~b & 1) << 5 | (~reg >> 4 & 1) << 4 | code.map);
    byte((~first & 15) << 3 | 4 | code.prefix);
    byte(zeroing << 7 | 2 << 5 | (~first >> 4 & 1) << 3 | mask);
    byte(code.opcode);
  }
  void byte(int value) { bytes_.push_back(static_cast<uint8_t>(value)); }
  void word(uint32_t value) { for (int i = 0; i < 4; i++) byte(value >> 8 * i & 255); }

  std::vector<uint8_t> bytes_;
};

}  // namespace ondol
