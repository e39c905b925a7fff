// Element types, errors and small helpers that every file of the add-on uses.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

namespace ondol {

// In the order of the TypeScript encoder (backends/native/encode.ts).
enum class DType : uint8_t { f32, f64, f16, bf16, i32, u8, boolean };
constexpr int kBytes[] = {4, 8, 2, 2, 4, 1, 1};
static inline int bytesOf(DType type) { return kBytes[static_cast<int>(type)]; }

using Index = int64_t;
using Dims = std::vector<Index>;

static inline Index product(const Dims& dims) {
  Index result = 1;
  for (Index size : dims) result *= size;
  return result;
}

struct OutOfMemory : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Reads past the end of a buffer up to this far are harmless: vector loops round their length up.
constexpr size_t kPadding = 128;
constexpr size_t kAlignment = 64;
static inline size_t roundUp(size_t value, size_t unit) { return (value + unit - 1) / unit * unit; }

// 16-bit floats. bfloat16 rounds to nearest even; NaN stays NaN.
static inline float bitsToFloat(uint32_t bits) { float value; std::memcpy(&value, &bits, 4); return value; }
static inline uint32_t floatToBits(float value) { uint32_t bits; std::memcpy(&bits, &value, 4); return bits; }
static inline float fromBf16(uint16_t bits) { return bitsToFloat(static_cast<uint32_t>(bits) << 16); }
static inline uint16_t toBf16(float value) {
  const uint32_t bits = floatToBits(value);
  const uint32_t rounded = value != value ? bits | 0x400000 : bits + 0x7fff + ((bits >> 16) & 1);
  return static_cast<uint16_t>(rounded >> 16);
}
// Exact for all halves, subnormals included: a multiplication moves the exponent.
static inline float fromF16(uint16_t bits) {
  const float magnitude = bitsToFloat(static_cast<uint32_t>(bits & 0x7fff) << 13) * 0x1p112f;
  const uint32_t infinite = (bits & 0x7c00) == 0x7c00 ? 0x7f800000u | (static_cast<uint32_t>(bits & 0x3ff) << 13) : floatToBits(magnitude);
  return bitsToFloat(infinite | (static_cast<uint32_t>(bits & 0x8000) << 16));
}
static inline uint16_t toF16(float value) {
  const uint32_t bits = floatToBits(value), sign = (bits >> 16) & 0x8000, magnitude = bits & 0x7fffffff;
  const uint32_t normal = (magnitude - 0x38000000 + 0xfff + ((magnitude >> 13) & 1)) >> 13;
  // Adding 0.5 puts a subnormal half's unit (2^-24) at the last bit of the float's fraction.
  const uint32_t small = floatToBits(bitsToFloat(magnitude) + 0.5f) - 0x3f000000;
  uint32_t half = magnitude < 0x38800000 ? small : normal;
  half = magnitude >= 0x477ff000 ? 0x7c00 : half;
  half = magnitude > 0x7f800000 ? 0x7e00 : half;
  return static_cast<uint16_t>(sign | half);
}

// Truncates and saturates; NaN is 0 (the engine's conversion rule).
template <class F> static inline int32_t toInt32(F value) {
  if (!(value == value)) return 0;
  if (value >= F(2147483647)) return 2147483647;
  if (value <= F(-2147483648.0)) return INT32_MIN;
  return static_cast<int32_t>(value);
}

// One storage type for each DType, with its conversion to and from the type that it is computed in.
template <DType> struct Stored;
template <> struct Stored<DType::f32> { using Raw = float; using Value = float; static Value load(Raw r) { return r; } static Raw store(Value v) { return v; } };
template <> struct Stored<DType::f64> { using Raw = double; using Value = double; static Value load(Raw r) { return r; } static Raw store(Value v) { return v; } };
template <> struct Stored<DType::f16> { using Raw = uint16_t; using Value = float; static Value load(Raw r) { return fromF16(r); } static Raw store(Value v) { return toF16(v); } };
template <> struct Stored<DType::bf16> { using Raw = uint16_t; using Value = float; static Value load(Raw r) { return fromBf16(r); } static Raw store(Value v) { return toBf16(v); } };
template <> struct Stored<DType::i32> { using Raw = int32_t; using Value = int32_t; static Value load(Raw r) { return r; } static Raw store(Value v) { return v; } };
template <> struct Stored<DType::u8> { using Raw = uint8_t; using Value = int32_t; static Value load(Raw r) { return r; } static Raw store(Value v) { return static_cast<uint8_t>(v); } };
template <> struct Stored<DType::boolean> { using Raw = uint8_t; using Value = int32_t; static Value load(Raw r) { return r; } static Raw store(Value v) { return v != 0; } };

// Calls fn(Stored<type>{}) for a type known at run time.
template <class Fn> inline auto withType(DType type, Fn&& fn) {
  switch (type) {
    case DType::f32: return fn(Stored<DType::f32>{});
    case DType::f64: return fn(Stored<DType::f64>{});
    case DType::f16: return fn(Stored<DType::f16>{});
    case DType::bf16: return fn(Stored<DType::bf16>{});
    case DType::i32: return fn(Stored<DType::i32>{});
    case DType::u8: return fn(Stored<DType::u8>{});
    default: return fn(Stored<DType::boolean>{});
  }
}

// The encoded plan: one stream of numbers.
class Reader {
 public:
  Reader(const double* at, size_t length) : at_(at), end_(at + length) {}
  double number() {
    if (at_ >= end_) throw std::runtime_error("the encoded plan ends too early");
    return *at_++;
  }
  Index integer() { return static_cast<Index>(number()); }
  bool flag() { return number() != 0; }
  Dims list() {
    Dims values(static_cast<size_t>(integer()));
    for (Index& value : values) value = integer();
    return values;
  }

 private:
  const double* at_;
  const double* end_;
};

}  // namespace ondol
