// The vector functions of the loop operations: each a plain loop over 16-element groups.
#pragma once
#include <type_traits>

#include "../loop.h"
#include "math.h"

namespace {

using ondol::Index;
using ondol::kLanes;
using ondol::LoopOp;
using ondol::LoopType;
using ondol::OpFn;

static thread_local int signGamma;

// Every operation is a struct with static `f`s; an overload that is missing does not exist for that type.
#define UNARY_F32(name, expression) struct name##F { static float f(float x) { return expression; } };
#define UNARY_F64(name, expression) struct name##D { static double f(double x) { return expression; } };
#define UNARY_BOTH(name, single, twice) UNARY_F32(name, single) UNARY_F64(name, twice)
UNARY_BOTH(Exp, math::exp(x), std::exp(x))
UNARY_BOTH(Expm1, math::expm1(x), std::expm1(x))
UNARY_BOTH(Log, math::log(x), std::log(x))
UNARY_BOTH(Log1p, math::log1p(x), std::log1p(x))
UNARY_BOTH(Sqrt, std::sqrt(x), std::sqrt(x))
UNARY_BOTH(Rsqrt, 1.0f / std::sqrt(x), 1.0 / std::sqrt(x))
UNARY_BOTH(Tan, std::tan(x), std::tan(x))
UNARY_BOTH(Asin, std::asin(x), std::asin(x))
UNARY_BOTH(Acos, std::acos(x), std::acos(x))
UNARY_BOTH(Atan, std::atan(x), std::atan(x))
UNARY_BOTH(Tanh, math::tanh(x), std::tanh(x))
UNARY_BOTH(Sigmoid, math::sigmoid(x), 1.0 / (1.0 + std::exp(-x)))
UNARY_BOTH(Erf, math::erf(x), std::erf(x))
UNARY_BOTH(ErfInv, static_cast<float>(math::erfInv(x)), math::erfInv(x))
UNARY_BOTH(Lgamma, static_cast<float>(lgamma_r(x, &signGamma)), lgamma_r(x, &signGamma))
UNARY_BOTH(Digamma, static_cast<float>(math::digamma(x)), math::digamma(x))
UNARY_BOTH(Floor, std::floor(x), std::floor(x))
UNARY_BOTH(Ceil, std::ceil(x), std::ceil(x))
UNARY_BOTH(Round, std::nearbyint(x), std::nearbyint(x))
UNARY_BOTH(Neg, -x, -x)
UNARY_BOTH(Abs, std::fabs(x), std::fabs(x))
UNARY_BOTH(Sign, x > 0 ? 1.0f : x < 0 ? -1.0f : x, x > 0 ? 1.0 : x < 0 ? -1.0 : x)
UNARY_BOTH(RoundBf16, ondol::fromBf16(ondol::toBf16(x)), ondol::fromBf16(ondol::toBf16(static_cast<float>(x))))
UNARY_BOTH(RoundF16, ondol::fromF16(ondol::toF16(x)), ondol::fromF16(ondol::toF16(static_cast<float>(x))))
UNARY_F64(RoundF32, static_cast<float>(x))
UNARY_F64(Sin, std::sin(x))
UNARY_F64(Cos, std::cos(x))
#define UNARY_I32(name, expression) struct name##I { static int32_t f(int32_t x) { return expression; } };
UNARY_I32(Neg, math::wrap(-static_cast<int64_t>(x)))
UNARY_I32(Abs, math::wrap(x < 0 ? -static_cast<int64_t>(x) : x))
UNARY_I32(Sign, (x > 0) - (x < 0))
UNARY_I32(LogicalNot, x == 0)
UNARY_I32(BitwiseNot, ~x)
UNARY_I32(RoundU8, x & 255)

#define BINARY(name, type, expression) struct name { static type f(type a, type b) { return expression; } };
#define BINARY_FLOAT(name, expression) \
  struct name { template <class T> static T f(T a, T b) { return expression; } };
BINARY_FLOAT(Add, a + b)
BINARY_FLOAT(Sub, a - b)
BINARY_FLOAT(Mul, a * b)
BINARY_FLOAT(Div, a / b)
BINARY_FLOAT(Pow, std::pow(a, b))
BINARY_FLOAT(Max, a > b || a != a ? a : b)
BINARY_FLOAT(Min, a < b || a != a ? a : b)
BINARY_FLOAT(FloorDiv, std::floor(a / b))
BINARY_FLOAT(Mod, math::floorMod(a, b))
BINARY_FLOAT(Atan2, std::atan2(a, b))
#define BINARY_I32(name, expression) BINARY(name##I, int32_t, expression)
#define UNSIGNED(expression) static_cast<int32_t>(expression)
BINARY_I32(Add, UNSIGNED(static_cast<uint32_t>(a) + static_cast<uint32_t>(b)))
BINARY_I32(Sub, UNSIGNED(static_cast<uint32_t>(a) - static_cast<uint32_t>(b)))
BINARY_I32(Mul, UNSIGNED(static_cast<uint32_t>(a) * static_cast<uint32_t>(b)))
BINARY_I32(Pow, math::intPow(a, b))
BINARY_I32(Max, a > b ? a : b)
BINARY_I32(Min, a < b ? a : b)
BINARY_I32(FloorDiv, math::floorDiv(a, b))
BINARY_I32(Mod, math::floorMod(a, b))
BINARY_I32(And, a & b)
BINARY_I32(Or, a | b)
BINARY_I32(Xor, a ^ b)
BINARY_I32(ShiftLeft, UNSIGNED(static_cast<uint32_t>(a) << (b & 31)))
BINARY_I32(ShiftRight, a >> (b & 31))
BINARY_I32(ShiftRightLogical, UNSIGNED(static_cast<uint32_t>(a) >> (b & 31)))
BINARY_I32(LogicalAnd, (a != 0) & (b != 0))
BINARY_I32(LogicalOr, (a != 0) | (b != 0))
BINARY_I32(LogicalXor, (a != 0) ^ (b != 0))
#define COMPARE(name, operator) struct name { template <class T> static int32_t f(T a, T b) { return a operator b; } };
COMPARE(Eq, ==)
COMPARE(Ne, !=)
COMPARE(Lt, <)
COMPARE(Le, <=)
COMPARE(Gt, >)
COMPARE(Ge, >=)

struct Select { template <class T> static T f(int32_t c, T a, T b) { return c ? a : b; } };
struct MulAdd { static float f(float a, float b, float c) { return a * b + c; } };
struct MulSub { static float f(float a, float b, float c) { return a * b - c; } };
struct SubMul { static float f(float a, float b, float c) { return c - a * b; } };
struct Threefry { static int32_t f(int32_t a, int32_t b, int32_t c) { return math::threefry(static_cast<uint32_t>(a), static_cast<uint32_t>(b), static_cast<uint32_t>(c)); } };

struct Widen { template <class T> static double f(T x) { return static_cast<double>(x); } };
struct Single { template <class T> static float f(T x) { return static_cast<float>(x); } };
struct Truth { template <class T> static int32_t f(T x) { return x != 0; } };
// As toInt32, without branches: out-of-range lanes are replaced after the conversion.
struct Whole {
  template <class T> static int32_t f(T x) {
    const T low = static_cast<T>(-2147483648.0);
    const bool over = x >= static_cast<T>(2147483648.0), under = x < low, inside = !over && !under && x == x;
    const int32_t value = static_cast<int32_t>(inside ? x : T(0));
    return over ? INT32_MAX : under ? INT32_MIN : value;
  }
};

// `to` may be one of the arguments, element by element: without ivdep for both loops that case would be scalar code.
template <class F, class To, class A> void apply1(void* to, const void* pa, const void*, const void*, Index n) {
  To* out = static_cast<To*>(to);
  const A* a = static_cast<const A*>(pa);
#pragma GCC ivdep
  for (Index i = 0; i < n; i += kLanes) {
#pragma GCC ivdep
    for (int l = 0; l < kLanes; l++) out[i + l] = F::f(a[i + l]);
  }
}
template <class F, class To, class A, int Mask> void apply2(void* to, const void* pa, const void* pb, const void*, Index n) {
  To* out = static_cast<To*>(to);
  const A* a = static_cast<const A*>(pa);
  const A* b = static_cast<const A*>(pb);
  const A a0 = a[0], b0 = b[0];
#pragma GCC ivdep
  for (Index i = 0; i < n; i += kLanes) {
#pragma GCC ivdep
    for (int l = 0; l < kLanes; l++) out[i + l] = F::f(Mask & 1 ? a0 : a[i + l], Mask & 2 ? b0 : b[i + l]);
  }
}
template <class F, class To, class A, class B, int Mask> void apply3(void* to, const void* pa, const void* pb, const void* pc, Index n) {
  To* out = static_cast<To*>(to);
  const A* a = static_cast<const A*>(pa);
  const B* b = static_cast<const B*>(pb);
  const B* c = static_cast<const B*>(pc);
  const A a0 = a[0];
  const B b0 = b[0], c0 = c[0];
#pragma GCC ivdep
  for (Index i = 0; i < n; i += kLanes) {
#pragma GCC ivdep
    for (int l = 0; l < kLanes; l++) out[i + l] = F::f(Mask & 1 ? a0 : a[i + l], Mask & 2 ? b0 : b[i + l], Mask & 4 ? c0 : c[i + l]);
  }
}
template <class T> void fill(void* to, const void* from, const void*, const void*, Index n) {
  T* out = static_cast<T*>(to);
  const T value = *static_cast<const T*>(from);
  for (Index i = 0; i < n; i += kLanes) for (int l = 0; l < kLanes; l++) out[i + l] = value;
}
// Vector code where every angle is moderate, the C library where one is not.
template <int Quarter> void sinCos(void* to, const void* from, const void*, const void*, Index n) {
  float* out = static_cast<float*>(to);
  const float* a = static_cast<const float*>(from);
  for (Index i = 0; i < n; i += kLanes) {
    int wild = 0;
    for (int l = 0; l < kLanes; l++) wild |= !(std::fabs(a[i + l]) < math::kSinCosLimit);
    if (wild) {
      for (int l = 0; l < kLanes; l++) out[i + l] = Quarter ? std::cos(a[i + l]) : std::sin(a[i + l]);
    } else {
#pragma GCC ivdep
      for (int l = 0; l < kLanes; l++) out[i + l] = math::sinCos(a[i + l], Quarter);
    }
  }
}

template <class F, class To, class A> OpFn pick2(int mask) {
  switch (mask) {
    case 0: return apply2<F, To, A, 0>;
    case 1: return apply2<F, To, A, 1>;
    case 2: return apply2<F, To, A, 2>;
    default: return nullptr;
  }
}
template <class F, class To, class A, class B> OpFn pick3(int mask) {
  switch (mask) {
    case 0: return apply3<F, To, A, B, 0>;
    case 1: return apply3<F, To, A, B, 1>;
    case 2: return apply3<F, To, A, B, 2>;
    case 3: return apply3<F, To, A, B, 3>;
    case 4: return apply3<F, To, A, B, 4>;
    case 5: return apply3<F, To, A, B, 5>;
    case 6: return apply3<F, To, A, B, 6>;
    default: return nullptr;
  }
}

template <class T> OpFn findCompare(LoopOp op, int mask) {
  switch (op) {
    case LoopOp::eq: return pick2<Eq, int32_t, T>(mask);
    case LoopOp::ne: return pick2<Ne, int32_t, T>(mask);
    case LoopOp::lt: return pick2<Lt, int32_t, T>(mask);
    case LoopOp::le: return pick2<Le, int32_t, T>(mask);
    case LoopOp::gt: return pick2<Gt, int32_t, T>(mask);
    case LoopOp::ge: return pick2<Ge, int32_t, T>(mask);
    case LoopOp::select: return pick3<Select, T, int32_t, T>(mask);
    default: return nullptr;
  }
}

#define FLOAT_CASES(X)                                                                                                \
  X(exp, Exp) X(expm1, Expm1) X(log, Log) X(log1p, Log1p) X(sqrt, Sqrt) X(rsqrt, Rsqrt) X(tan, Tan) X(asin, Asin)     \
  X(acos, Acos) X(atan, Atan) X(tanh, Tanh) X(sigmoid, Sigmoid) X(erf, Erf) X(erfInv, ErfInv) X(lgamma, Lgamma)       \
  X(digamma, Digamma) X(floor, Floor) X(ceil, Ceil) X(round, Round) X(neg, Neg) X(abs, Abs) X(sign, Sign)             \
  X(roundBf16, RoundBf16) X(roundF16, RoundF16)
#define FLOAT_PAIRS(X) \
  X(add, Add) X(sub, Sub) X(mul, Mul) X(div, Div) X(pow, Pow) X(max, Max) X(min, Min) X(floorDiv, FloorDiv) X(mod, Mod) X(atan2, Atan2)

OpFn findF32(LoopOp op, int mask) {
  switch (op) {
#define X(name, functor) case LoopOp::name: return mask ? nullptr : apply1<functor##F, float, float>;
    FLOAT_CASES(X)
#undef X
#define X(name, functor) case LoopOp::name: return pick2<functor, float, float>(mask);
    FLOAT_PAIRS(X)
#undef X
    case LoopOp::sin: return mask ? nullptr : sinCos<0>;
    case LoopOp::cos: return mask ? nullptr : sinCos<1>;
    case LoopOp::mulAdd: return pick3<MulAdd, float, float, float>(mask);
    case LoopOp::mulSub: return pick3<MulSub, float, float, float>(mask);
    case LoopOp::subMul: return pick3<SubMul, float, float, float>(mask);
    default: return findCompare<float>(op, mask);
  }
}
OpFn findF64(LoopOp op, int mask) {
  switch (op) {
#define X(name, functor) case LoopOp::name: return mask ? nullptr : apply1<functor##D, double, double>;
    FLOAT_CASES(X)
    X(sin, Sin) X(cos, Cos) X(roundF32, RoundF32)
#undef X
#define X(name, functor) case LoopOp::name: return pick2<functor, double, double>(mask);
    FLOAT_PAIRS(X)
#undef X
    default: return findCompare<double>(op, mask);
  }
}
OpFn findI32(LoopOp op, int mask) {
  switch (op) {
#define X(name, functor) case LoopOp::name: return mask ? nullptr : apply1<functor##I, int32_t, int32_t>;
    X(neg, Neg) X(abs, Abs) X(sign, Sign) X(logicalNot, LogicalNot) X(bitwiseNot, BitwiseNot) X(roundU8, RoundU8)
#undef X
#define X(name, functor) case LoopOp::name: return pick2<functor##I, int32_t, int32_t>(mask);
    X(add, Add) X(sub, Sub) X(mul, Mul) X(pow, Pow) X(max, Max) X(min, Min) X(floorDiv, FloorDiv) X(mod, Mod) X(bitwiseAnd, And)
    X(bitwiseOr, Or) X(bitwiseXor, Xor) X(shiftLeft, ShiftLeft) X(shiftRight, ShiftRight) X(shiftRightLogical, ShiftRightLogical)
    X(logicalAnd, LogicalAnd) X(logicalOr, LogicalOr) X(logicalXor, LogicalXor)
#undef X
    case LoopOp::randomBits:
      return mask == 0 ? apply3<Threefry, int32_t, int32_t, int32_t, 0> : mask == 3 ? apply3<Threefry, int32_t, int32_t, int32_t, 3> : nullptr;
    default: return findCompare<int32_t>(op, mask);
  }
}

template <class A> OpFn findCast(LoopType to) {
  switch (to) {
    case LoopType::f32: return apply1<Single, float, A>;
    case LoopType::f64: return apply1<Widen, double, A>;
    case LoopType::boolean: return apply1<Truth, int32_t, A>;
    default:
      if constexpr (std::is_integral_v<A>) return nullptr;
      else return apply1<Whole, int32_t, A>;
  }
}

OpFn findOp(LoopOp op, LoopType argument, LoopType result, int mask) {
  if (op == LoopOp::fill) return argument == LoopType::f64 ? fill<double> : fill<float>;
  if (op == LoopOp::cast) {
    if (mask != 0) return nullptr;
    return argument == LoopType::f32 ? findCast<float>(result) : argument == LoopType::f64 ? findCast<double>(result) : findCast<int32_t>(result);
  }
  switch (argument) {
    case LoopType::f32: return findF32(op, mask);
    case LoopType::f64: return findF64(op, mask);
    default: return findI32(op, mask);
  }
}

}  // namespace
