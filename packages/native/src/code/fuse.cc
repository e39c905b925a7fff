#include "fuse.h"

#include <algorithm>
#include <array>

#include "assembler.h"

namespace ondol {
namespace {

constexpr int kMap0F = 1, kMap38 = 2, kMap3A = 3, k66 = 1, kF3 = 2;
constexpr Evex kMove{kMap0F, 0, 0x10}, kStore{kMap0F, 0, 0x11}, kMoveMasked{kMap0F, k66, 0x6f}, kBroadcast{kMap38, k66, 0x18}, kBroadcastEax{kMap38, k66, 0x7c};
constexpr Evex kAddF{kMap0F, 0, 0x58}, kMulF{kMap0F, 0, 0x59}, kSubF{kMap0F, 0, 0x5c}, kMinF{kMap0F, 0, 0x5d}, kDivF{kMap0F, 0, 0x5e}, kMaxF{kMap0F, 0, 0x5f};
constexpr Evex kSqrtF{kMap0F, 0, 0x51}, kRoundF{kMap3A, k66, 0x08}, kFromInt{kMap0F, 0, 0x5b}, kCompareF{kMap0F, 0, 0xc2}, kCompareI{kMap3A, k66, 0x1f};
constexpr Evex kMulAdd{kMap38, k66, 0xb8}, kMulSub{kMap38, k66, 0xba}, kSubMul{kMap38, k66, 0xbc};
constexpr Evex kAddI{kMap0F, k66, 0xfe}, kSubI{kMap0F, k66, 0xfa}, kMulI{kMap38, k66, 0x40}, kAnd{kMap0F, k66, 0xdb}, kOr{kMap0F, k66, 0xeb}, kXor{kMap0F, k66, 0xef};
constexpr Evex kAbsI{kMap38, k66, 0x1e}, kMaxI{kMap38, k66, 0x3d}, kMinI{kMap38, k66, 0x39}, kBlend{kMap38, k66, 0x65}, kTest{kMap38, k66, 0x27};
constexpr Evex kShift{kMap0F, k66, 0x72};  // by an immediate: /2 right, /6 left
constexpr Evex kWiden16{kMap38, k66, 0x33}, kWiden8{kMap38, k66, 0x31}, kNarrow16{kMap38, kF3, 0x33}, kNarrow8{kMap38, kF3, 0x31};
constexpr int kEqual = 0, kUnordered = 3, kNotEqual = 4, kOrdered = 7;

// How an operation becomes an instruction. A `Shape` says what its operands are.
enum class Shape : uint8_t { none, binary, extremum, fused, compare, logical, select, negate, absolute, root, inverseRoot, rounding, logicalNot, cast, roundBf16, fill };
struct Form {
  Shape shape = Shape::none;
  Evex code{};
  int extra = 0;
};

Form floatForm(LoopOp op) {
  switch (op) {
    case LoopOp::add: return {Shape::binary, kAddF};
    case LoopOp::sub: return {Shape::binary, kSubF};
    case LoopOp::mul: return {Shape::binary, kMulF};
    case LoopOp::div: return {Shape::binary, kDivF};
    case LoopOp::max: return {Shape::extremum, kMaxF};
    case LoopOp::min: return {Shape::extremum, kMinF};
    case LoopOp::mulAdd: return {Shape::fused, kMulAdd};
    case LoopOp::mulSub: return {Shape::fused, kMulSub};
    case LoopOp::subMul: return {Shape::fused, kSubMul};
    case LoopOp::neg: return {Shape::negate};
    case LoopOp::abs: return {Shape::absolute};
    case LoopOp::sqrt: return {Shape::root};
    case LoopOp::rsqrt: return {Shape::inverseRoot};
    case LoopOp::floor: return {Shape::rounding, kRoundF, 9};
    case LoopOp::ceil: return {Shape::rounding, kRoundF, 10};
    case LoopOp::round: return {Shape::rounding, kRoundF, 8};
    case LoopOp::roundBf16: return {Shape::roundBf16};
    case LoopOp::eq: return {Shape::compare, kCompareF, kEqual};
    case LoopOp::ne: return {Shape::compare, kCompareF, kNotEqual};
    case LoopOp::lt: return {Shape::compare, kCompareF, 0x11};
    case LoopOp::le: return {Shape::compare, kCompareF, 0x12};
    case LoopOp::gt: return {Shape::compare, kCompareF, 0x1e};
    case LoopOp::ge: return {Shape::compare, kCompareF, 0x1d};
    default: return {};
  }
}

Form integerForm(LoopOp op, LoopType result) {
  switch (op) {
    case LoopOp::add: return {Shape::binary, kAddI};
    case LoopOp::sub: return {Shape::binary, kSubI};
    case LoopOp::mul: return {Shape::binary, kMulI};
    case LoopOp::max: return {Shape::binary, kMaxI};
    case LoopOp::min: return {Shape::binary, kMinI};
    case LoopOp::bitwiseAnd: return {Shape::binary, kAnd};
    case LoopOp::bitwiseOr: return {Shape::binary, kOr};
    case LoopOp::bitwiseXor: return {Shape::binary, kXor};
    case LoopOp::logicalAnd: return {Shape::logical, {}, 0x41};
    case LoopOp::logicalOr: return {Shape::logical, {}, 0x45};
    case LoopOp::logicalXor: return {Shape::logical, {}, 0x47};
    case LoopOp::logicalNot: return {Shape::logicalNot};
    case LoopOp::abs: return result == LoopType::i32 ? Form{Shape::absolute} : Form{};
    case LoopOp::neg: return {Shape::negate};
    case LoopOp::eq: return {Shape::compare, kCompareI, 0};
    case LoopOp::ne: return {Shape::compare, kCompareI, 4};
    case LoopOp::lt: return {Shape::compare, kCompareI, 1};
    case LoopOp::le: return {Shape::compare, kCompareI, 2};
    case LoopOp::gt: return {Shape::compare, kCompareI, 6};
    case LoopOp::ge: return {Shape::compare, kCompareI, 5};
    default: return {};
  }
}

bool isWhole(LoopType type) { return type == LoopType::i32 || type == LoopType::boolean; }

Form formOf(const Program& program, const Action& action) {
  if (action.type == LoopType::f64 || action.args[0] < 0) return {};
  for (int arg : action.args) if (arg >= 0 && program.actions[arg].type == LoopType::f64) return {};
  if (action.op == LoopOp::fill) return {Shape::fill};
  if (action.op == LoopOp::select) return {Shape::select};
  const LoopType argument = program.actions[action.args[0]].type;
  // A float becomes a whole number by saturation: that stays a call.
  if (action.op == LoopOp::cast) return action.type == LoopType::i32 && argument == LoopType::f32 ? Form{} : Form{Shape::cast};
  return argument == LoopType::f32 ? floatForm(action.op) : integerForm(action.op, action.type);
}

// Emits one group. Values are numbered by action; a boolean may be in a mask register, in a vector (0 or 1), or both.
class Emitter {
 public:
  Emitter(const Program& program, const Fused& fused) : program_(program), fused_(fused), uses_(program.actions.size(), 0), homes_(program.actions.size()) {}

  bool emit(std::vector<uint8_t>& code) {
    const size_t pointers = fused_.operands.size() + fused_.results.size();
    const size_t pinned = std::min(pointers, kPinned.size());
    for (size_t i = kCallerPointers; i < pinned; i++) as_.push(kPinned[i]);
    hoist();
    for (size_t i = 0; i < pinned; i++) as_.loadPointer(kPinned[i], i);
    const size_t top = as_.here();
    run();
    if (program_.width > 0) {
      for (size_t i = 0; i < pointers; i++) {
        const uint32_t step = static_cast<uint32_t>(fused_.steps[i]);
        if (step == 0) continue;
        if (i < pinned) as_.add(kPinned[i], step);
        else as_.addToPointer(i, step);
      }
      as_.list({0x48, 0xff, 0xca});                              // dec rdx
      as_.land(as_.jump({0x0f, 0x85}), top);                     // jnz
    }
    for (size_t i = pinned; i-- > kCallerPointers;) as_.pop(kPinned[i]);
    as_.list({0xc5, 0xf8, 0x77, 0xc3});                          // vzeroupper; ret
    code = as_.bytes();
    return !failed_;
  }

 private:
  static constexpr int kTailMask = 7;
  // The first four need not be saved. rdi: the table, rsi: points to go, rdx: rows to go, rcx: the point, rax: for the moment.
  static constexpr size_t kCallerPointers = 4;
  static constexpr std::array<Gpr, 10> kPinned{r8, r9, r10, r11, rbx, rbp, r12, r13, r14, r15};
  enum Constant { one, rounding, quiet, upper, sign, magnitude, oneFloat, constants };
  static constexpr uint32_t kConstants[constants] = {1, 0x7fff, 0x400000, 0xffff0000, 0x80000000, 0x7fffffff, 0x3f800000};

  struct Home {
    int vector = -1, mask = -1;
  };

  bool isMember(int action) const { return action >= fused_.begin && action < fused_.end; }

  // ---- Registers ----

  int takeVector() {
    for (int i = 0; i < 32; i++) if ((vectors_ >> i & 1) == 0) return vectors_ |= 1u << i, i;
    failed_ = true;
    return 0;
  }
  int takeMask() {
    for (int i = 1; i < kTailMask; i++) if ((masks_ >> i & 1) == 0) return masks_ |= 1u << i, i;
    failed_ = true;
    return 1;
  }
  void freeVector(int i) { vectors_ &= ~(1u << i); }
  void freeMask(int i) { masks_ &= ~(1u << i); }

  // Equal elements and constants stay in registers for all of the block.
  void hoist() {
    std::array<bool, constants> needed{};
    for (int i = fused_.begin; i < fused_.end; i++) {
      const Form form = formOf(program_, program_.actions[i]);
      const bool isFloat = program_.actions[i].type == LoopType::f32;
      if (form.shape == Shape::roundBf16) needed[one] = needed[rounding] = needed[quiet] = needed[upper] = true;
      if (form.shape == Shape::negate && isFloat) needed[sign] = true;
      if (form.shape == Shape::absolute && isFloat) needed[magnitude] = true;
      if (form.shape == Shape::inverseRoot) needed[oneFloat] = true;
      if (program_.actions[i].type == LoopType::boolean) needed[one] = true;
      for (int arg : program_.actions[i].args) if (arg >= 0 && program_.actions[arg].type == LoopType::boolean) needed[one] = true;
    }
    for (const Fused::Result& result : fused_.results) {
      if (result.store >= 0 && program_.stores[result.store].access.dtype == DType::bf16) needed[one] = needed[rounding] = needed[quiet] = true;
    }
    for (int c = 0; c < constants; c++) {
      if (!needed[c]) continue;
      constant_[c] = takeVector();
      as_.moveEax(kConstants[c]);
      as_.op(kBroadcastEax, constant_[c], 0, rax);
    }
    for (size_t i = 0; i < fused_.operands.size(); i++) {
      const int operand = fused_.operands[i];
      if (!program_.actions[operand].uniform) continue;
      homes_[operand].vector = takeVector();
      as_.loadPointer(rax, i);
      as_.op(kBroadcast, homes_[operand].vector, 0, Address{rax});
      if (program_.actions[operand].type != LoopType::boolean) continue;
      homes_[operand].mask = takeMask();
      as_.op(kTest, homes_[operand].mask, homes_[operand].vector, homes_[operand].vector);
    }
  }

  Gpr pointer(size_t index) {
    if (index < kPinned.size()) return kPinned[index];
    as_.loadPointer(rax, index);
    return rax;
  }
  // The present element, of `bytes` bytes, of entry `index` of the table.
  Address element(size_t index, int bytes) { return {pointer(index), bytes == 4 ? 2 : bytes == 2 ? 1 : 0}; }

  // ---- Values ----

  int vectorOf(int value) {
    Home& home = homes_[value];
    if (home.vector >= 0) return home.vector;
    home.vector = takeVector();
    if (home.mask >= 0) as_.op(kMoveMasked, home.vector, 0, constant_[one], home.mask, true);
    else load(value, home.vector);
    return home.vector;
  }

  void load(int value, int to) {
    const size_t index = static_cast<size_t>(std::find(fused_.operands.begin(), fused_.operands.end(), value) - fused_.operands.begin());
    const Action& action = program_.actions[value];
    if (readsMemory(action) && isRowScalar(program_.loads[action.access])) {
      as_.op(kBroadcast, to, 0, Address{pointer(index)});
      return;
    }
    const DType dtype = readsMemory(action) ? program_.loads[action.access].dtype : DType::f32;
    const Address at = element(index, bytesOf(dtype));
    if (dtype == DType::bf16) {
      as_.op(kWiden16, to, 0, at);
      as_.opImm(kShift, 6, to, to, 16);
    } else {
      as_.op(bytesOf(dtype) == 1 ? kWiden8 : kMove, to, 0, at);
    }
  }

  static bool isRowScalar(const Access& access) { return access.kind == Access::rows && access.runs[1].stride == 0; }
  static bool readsMemory(const Action& action) { return action.op == LoopOp::load && action.place < 0; }

  int maskOf(int value) {
    Home& home = homes_[value];
    if (home.mask >= 0) return home.mask;
    const int vector = vectorOf(value);
    home.mask = takeMask();
    as_.op(kTest, home.mask, vector, vector);
    return home.mask;
  }

  // After an operand's last use its registers are free; those of uniform ones stay.
  void release(int value) {
    if (--uses_[value] > 0 || program_.actions[value].uniform) return;
    Home& home = homes_[value];
    if (home.vector >= 0) freeVector(home.vector);
    if (home.mask >= 0) freeMask(home.mask);
    home = {};
  }

  // All points of a row, or of a block that is not in rows: groups of sixteen, and the few that remain.
  void run() {
    if (program_.width > 0) as_.moveEsi(static_cast<uint32_t>(program_.width));
    as_.list({0x31, 0xc9});                                      // xor ecx, ecx
    as_.list({0x48, 0x83, 0xee, kLanes});                        // sub rsi, 16
    const size_t top = as_.here();
    as_.list({0x48, 0x39, 0xf1});                                // cmp rcx, rsi
    const size_t toTail = as_.jump({0x0f, 0x8f});                // jg
    body(false);
    as_.list({0x48, 0x83, 0xc1, kLanes});                        // add rcx, 16
    as_.land(as_.jump({0xe9}), top);
    as_.land(toTail, as_.here());
    if (program_.width > 0 && program_.width % kLanes == 0) return;
    as_.list({0x48, 0x83, 0xc6, kLanes, 0x48, 0x29, 0xce});      // add rsi, 16; sub rsi, rcx
    const size_t toEnd = as_.jump({0x0f, 0x8e});                 // jle
    as_.moveEax(0xffffffff);
    as_.list({0xc4, 0xe2, 0x48, 0xf5, 0xc0, 0xc5, 0xf8, 0x92, 0xc0 | kTailMask << 3});  // bzhi eax, eax, esi; kmovw k7, eax
    body(true);
    as_.land(toEnd, as_.here());
  }

  // ---- One group of sixteen points ----

  void body(bool tail) {
    for (int i = fused_.begin; i < fused_.end; i++) for (int arg : program_.actions[i].args) if (arg >= 0) uses_[arg]++;
    for (const Fused::Result& result : fused_.results) uses_[result.action]++;
    // A value that nobody uses was left out when the loop was compiled, so each is released in the end.
    for (int i = fused_.begin; i < fused_.end; i++) {
      const Action& action = program_.actions[i];
      compute(i, action);
      for (int arg : action.args) if (arg >= 0) release(arg);
    }
    // Last, so that a result may lie where an operand lay.
    for (size_t r = 0; r < fused_.results.size(); r++) {
      write(fused_.results[r], element(fused_.operands.size() + r, bytesOf(dtypeOf(fused_.results[r]))), tail);
      release(fused_.results[r].action);
    }
    // Uniform operands are used again in the next round.
    std::fill(uses_.begin(), uses_.end(), 0);
  }

  DType dtypeOf(const Fused::Result& result) const { return result.store < 0 ? DType::f32 : program_.stores[result.store].access.dtype; }

  void compute(int value, const Action& action) {
    const Form form = formOf(program_, action);
    const auto vector = [&](int i) { return vectorOf(action.args[i]); };
    const auto mask = [&](int i) { return maskOf(action.args[i]); };
    const auto made = [&] { return homes_[value].vector = takeVector(); };
    const auto madeMask = [&] { return homes_[value].mask = takeMask(); };
    switch (form.shape) {
      case Shape::binary: {
        const int a = vector(0), b = vector(1);
        as_.op(form.code, made(), a, b);
        // Whole numbers that are booleans stay 0 or 1 under these operations.
        break;
      }
      case Shape::extremum: {  // of a NaN and a number, the NaN
        const int a = vector(0), b = vector(1), to = made(), unordered = takeMask();
        as_.op(form.code, to, a, b);
        as_.opImm(kCompareF, unordered, a, a, kUnordered);
        as_.op(kMoveMasked, to, 0, a, unordered);
        freeMask(unordered);
        break;
      }
      case Shape::fused: {  // to = ±(a · b) ± to
        const int a = vector(0), b = vector(1), c = vector(2), to = made();
        as_.op(kMove, to, 0, c);
        as_.op(form.code, to, a, b);
        break;
      }
      case Shape::compare: {
        const int a = vector(0), b = vector(1);
        as_.opImm(form.code, madeMask(), a, b, form.extra);
        break;
      }
      case Shape::logical: {
        const int a = mask(0), b = mask(1);
        as_.maskOp(form.extra, madeMask(), a, b);
        break;
      }
      case Shape::logicalNot: {
        const int a = mask(0);
        as_.maskNot(madeMask(), a);
        break;
      }
      case Shape::select: {
        const int condition = mask(0), yes = vector(1), no = vector(2);
        as_.op(kBlend, made(), no, yes, condition);
        break;
      }
      case Shape::negate: {
        const int a = vector(0), to = made();
        if (action.type == LoopType::f32) {
          as_.op(kXor, to, a, constant_[sign]);
        } else {
          as_.op(kXor, to, to, to);
          as_.op(kSubI, to, to, a);
        }
        break;
      }
      case Shape::absolute: {
        const int a = vector(0);
        if (action.type == LoopType::f32) as_.op(kAnd, made(), a, constant_[magnitude]);
        else as_.op(kAbsI, made(), 0, a);
        break;
      }
      case Shape::root: {
        const int a = vector(0);
        as_.op(kSqrtF, made(), 0, a);
        break;
      }
      case Shape::inverseRoot: {
        const int a = vector(0), to = made();
        as_.op(kSqrtF, to, 0, a);
        as_.op(kDivF, to, constant_[oneFloat], to);
        break;
      }
      case Shape::rounding: {
        const int a = vector(0);
        as_.opImm(form.code, made(), 0, a, form.extra);
        break;
      }
      case Shape::roundBf16: {
        const int a = vector(0), to = made();
        roundUpper(to, a);
        as_.op(kAnd, to, to, constant_[upper]);
        break;
      }
      case Shape::fill: {
        const int a = vector(0);
        as_.op(kMove, made(), 0, a);
        break;
      }
      case Shape::cast: castTo(value, action); break;
      case Shape::none: failed_ = true; break;
    }
  }

  void castTo(int value, const Action& action) {
    const LoopType from = program_.actions[action.args[0]].type;
    if (action.type == LoopType::boolean) {
      const int a = vectorOf(action.args[0]);
      homes_[value].mask = takeMask();
      if (from == LoopType::f32) {
        const int zero = takeVector();
        as_.op(kXor, zero, zero, zero);
        as_.opImm(kCompareF, homes_[value].mask, a, zero, kNotEqual);
        freeVector(zero);
      } else {
        as_.op(kTest, homes_[value].mask, a, a);
      }
      return;
    }
    const int a = vectorOf(action.args[0]);
    homes_[value].vector = takeVector();
    as_.op(action.type == LoopType::f32 && isWhole(from) ? kFromInt : kMove, homes_[value].vector, 0, a);
  }

  // The upper halves of `to` are those of the nearest bfloat16; NaN stays NaN.
  void roundUpper(int to, int from) {
    const int odd = takeVector(), number = takeMask();
    as_.opImm(kShift, 2, odd, from, 16);
    as_.op(kAnd, odd, odd, constant_[one]);
    as_.op(kAddI, odd, odd, constant_[rounding]);
    as_.opImm(kCompareF, number, from, from, kOrdered);
    as_.op(kOr, to, from, constant_[quiet]);
    as_.op(kAddI, to, from, odd, number);
    freeVector(odd);
    freeMask(number);
  }

  void write(const Fused::Result& result, Address at, bool tail) {
    if (result.reduction >= 0) {
      const int sum = takeVector();
      as_.op(kMove, sum, 0, at);
      as_.op(kAddF, sum, sum, vectorOf(result.action));
      as_.op(kStore, sum, 0, at);
      freeVector(sum);
      return;
    }
    const int mask = tail && result.store >= 0 ? kTailMask : 0;
    const DType dtype = dtypeOf(result);
    if (dtype == DType::bf16) {
      const int from = vectorOf(result.action), to = takeVector();
      roundUpper(to, from);
      as_.opImm(kShift, 2, to, to, 16);
      as_.op(kNarrow16, to, 0, at, mask);
      freeVector(to);
    } else if (dtype == DType::boolean) {
      const int truth = maskOf(result.action), to = takeVector();
      as_.op(kMoveMasked, to, 0, constant_[one], truth, true);
      as_.op(kNarrow8, to, 0, at, mask);
      freeVector(to);
    } else {
      as_.op(dtype == DType::u8 ? kNarrow8 : kStore, vectorOf(result.action), 0, at, mask);
    }
  }

  const Program& program_;
  const Fused& fused_;
  Assembler as_;
  std::vector<int> uses_;
  std::vector<Home> homes_;
  int constant_[constants] = {};
  uint32_t vectors_ = 0, masks_ = 0;
  bool failed_ = false;
};

}  // namespace

bool codeAccesses(DType dtype) { return dtype != DType::f64 && dtype != DType::f16; }

std::vector<Fused> groupActions(Program& program, std::vector<int>& at) {
  // Even times are those of groups, odd ones those of calls; what comes before all of them has time -2.
  const int count = static_cast<int>(program.actions.size());
  std::vector<int> time(program.actions.size(), -2);
  int last = -2;
  for (int i = 0; i < count; i++) {
    const Action& action = program.actions[i];
    if (action.uniform || action.invariant || action.args[0] < 0) continue;
    const bool isCode = formOf(program, action).shape != Shape::none;
    int earliest = isCode ? 0 : -1;
    for (int arg : action.args) {
      if (arg < 0) continue;
      const bool sameKind = (time[arg] % 2 == 0) == isCode;
      if (time[arg] >= -1) earliest = std::max(earliest, sameKind ? time[arg] : time[arg] + 1);
    }
    time[i] = earliest;
    last = std::max(last, earliest);
  }
  std::vector<Action> ordered;
  std::vector<Fused> groups;
  at.assign(program.actions.size(), -1);
  for (int now = -2; now <= last; now++) {
    const int begin = static_cast<int>(ordered.size());
    for (int i = 0; i < count; i++) {
      if (time[i] != now) continue;
      at[i] = static_cast<int>(ordered.size());
      ordered.push_back(program.actions[i]);
    }
    const int end = static_cast<int>(ordered.size());
    if (now >= 0 && now % 2 == 0 && end > begin) groups.push_back({begin, end, 0, {}, {}, {}});
  }
  for (Action& action : ordered) for (int& arg : action.args) if (arg >= 0) arg = at[arg];
  for (Store& store : program.stores) store.value = at[store.value];
  program.actions = std::move(ordered);
  return groups;
}

bool emitFused(const Program& program, Fused& fused, CodeMemory& memory) {
  if (fused.operands.size() + fused.results.size() > kMostPointers) return false;
  std::vector<uint8_t> code;
  if (!Emitter(program, fused).emit(code)) return false;
  fused.code = memory.add(code);
  return true;
}

}  // namespace ondol
