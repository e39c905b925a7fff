// Scalar forms of the loop operations, written so that compilers turn loops over them into vector code:
// no branches, no library calls in the float32 versions of exp, log, tanh and friends (2-3 ulp).
// Rare functions call the C library.
#pragma once
#include <cmath>
#include <limits>

#include "../core.h"

namespace {
namespace math {

using ondol::bitsToFloat;
using ondol::floatToBits;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// 2^n for n in -126..127.
static inline float powerOfTwo(int32_t n) { return bitsToFloat(static_cast<uint32_t>(n + 127) << 23); }

// Cephes expf: 2^n · polynomial on [-ln2/2, ln2/2]; 2^n in two halves, so that results may be subnormal.
static inline float exp(float x) {
  float y = x < -104.0f ? -104.0f : x;
  y = y > 89.0f ? 89.0f : y;
  const float shifted = y * 1.44269504088896341f + 12582912.0f;
  const int32_t n = static_cast<int32_t>(floatToBits(shifted)) - 0x4b400000;
  const float k = shifted - 12582912.0f;
  float r = y - k * 0.693359375f;
  r = r + k * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  const int32_t half = n >> 1;
  return p * powerOfTwo(half) * powerOfTwo(n - half);
}

// Cephes logf.
static inline float log(float x) {
  const bool small = x < 1.17549435e-38f;
  const float scaled = small ? x * 8388608.0f : x;
  const uint32_t bits = floatToBits(scaled);
  // Mantissa in [sqrt(1/2), sqrt(2)).
  const uint32_t moved = bits - 0x3f3504f3;
  const int32_t exponent = static_cast<int32_t>(moved) >> 23;
  const float m = bitsToFloat((moved & 0x007fffff) + 0x3f3504f3) - 1.0f;
  const float e = static_cast<float>(exponent) - (small ? 23.0f : 0.0f);
  float p = 7.0376836292e-2f;
  p = p * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  const float z = m * m;
  float y = m * z * p;
  y = y - e * 2.12194440e-4f;
  y = y - 0.5f * z;
  float result = m + y + e * 0.693359375f;
  result = x == kInf ? kInf : result;
  result = x == 0.0f ? -kInf : result;
  return x < 0.0f || x != x ? kNaN : result;
}

// Kahan: the rounding error of 1 + x is put right by a ratio.
static inline float log1p(float x) {
  const float u = 1.0f + x, d = u - 1.0f;
  const float ratio = d == 0.0f ? 1.0f : x / d;
  const float value = log(u) * ratio;
  return d == 0.0f ? x : u == kInf ? u : value;
}

static inline float expm1(float x) {
  // Taylor series where 1 would drown it.
  float p = 1.9841270e-4f;
  p = p * x + 1.3888889e-3f;
  p = p * x + 8.3333333e-3f;
  p = p * x + 4.1666667e-2f;
  p = p * x + 1.6666667e-1f;
  p = p * x + 0.5f;
  p = p * x * x + x;
  const float big = exp(x) - 1.0f;
  return x < 0.35f && x > -0.35f ? p : big;
}

// Rational approximations of tanh and erf, from Eigen's packet math (MPL-2.0 formulae, own code).
static inline float tanh(float x) {
  float y = x > 7.90531110763549805f ? 7.90531110763549805f : x;
  y = y < -7.90531110763549805f ? -7.90531110763549805f : y;
  const float z = y * y;
  float p = -2.76076847742355e-16f;
  p = p * z + 2.00018790482477e-13f;
  p = p * z - 8.60467152213735e-11f;
  p = p * z + 5.12229709037114e-08f;
  p = p * z + 1.48572235717979e-05f;
  p = p * z + 6.37261928875436e-04f;
  p = p * z + 4.89352455891786e-03f;
  float q = 1.19825839466702e-06f;
  q = q * z + 1.18534705686654e-04f;
  q = q * z + 2.26843463243900e-03f;
  q = q * z + 4.89352518554385e-03f;
  const float result = y * p / q;
  return x < 0.0004f && x > -0.0004f ? x : result;
}

static inline float erf(float x) {
  float y = x > 4.0f ? 4.0f : x;
  y = y < -4.0f ? -4.0f : y;
  const float z = y * y;
  float p = -2.72614225801306e-10f;
  p = p * z + 2.77068142495902e-08f;
  p = p * z - 2.10102402082508e-06f;
  p = p * z - 5.69250639462346e-05f;
  p = p * z - 7.34990630326855e-04f;
  p = p * z - 2.95459980854025e-03f;
  p = p * z - 1.60960333262415e-02f;
  float q = -1.45660718464996e-05f;
  q = q * z - 2.13374055278905e-04f;
  q = q * z - 1.68282697438203e-03f;
  q = q * z - 7.37332916720468e-03f;
  q = q * z - 1.42647390514189e-02f;
  return y * p / q;
}

static inline float sigmoid(float x) { return 1.0f / (1.0f + exp(-x)); }

// Cephes sinf and cosf on x reduced by multiples of π/2 in three parts; good for |x| below about 8192.
static inline float sinCos(float x, int32_t quarter) {
  const float shifted = x * 0.636619772367581343f + 12582912.0f;
  const int32_t n = static_cast<int32_t>(floatToBits(shifted)) - 0x4b400000 + quarter;
  const float k = shifted - 12582912.0f;
  float r = x - k * 1.5703125f;
  r = r - k * 4.837512969970703125e-4f;
  r = r - k * 7.54978995489188216e-8f;
  const float z = r * r;
  const float sine = ((-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f) * z * r + r;
  const float cosine = ((2.443315711809948e-5f * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f) * z * z - 0.5f * z + 1.0f;
  const float value = n & 1 ? cosine : sine;
  return n & 2 ? -value : value;
}
constexpr float kSinCosLimit = 8192.0f;

// Giles, "Approximating the erfinv function" (single precision); float64 adds two Newton steps.
static inline double erfInv(double x) {
  if (!(x > -1.0) || !(x < 1.0)) return x == 1.0 ? kInf : x == -1.0 ? -kInf : kNaN;
  double w = -std::log((1.0 - x) * (1.0 + x)), p;
  if (w < 5.0) {
    w -= 2.5;
    p = 2.81022636e-08;
    for (double c : {3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503, -0.00417768164, 0.246640727, 1.50140941}) p = p * w + c;
  } else {
    w = std::sqrt(w) - 3.0;
    p = -0.000200214257;
    for (double c : {0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047, 1.00167406, 2.83297682}) p = p * w + c;
  }
  double y = p * x;
  for (int i = 0; i < 2; i++) y -= (x < 0.5 && x > -0.5 ? std::erf(y) - x : x > 0 ? (1 - x) - std::erfc(y) : std::erfc(-y) - (1 + x)) / (1.1283791670955126 * std::exp(-y * y));
  return y;
}

static inline double digamma(double x) {
  if (x <= 0 && x == std::floor(x)) return kNaN;
  if (x < 0) return digamma(1 - x) - 3.14159265358979323846 / std::tan(3.14159265358979323846 * x);
  double result = 0;
  for (; x < 10; x += 1) result -= 1 / x;
  const double z = 1 / (x * x);
  return result + std::log(x) - 0.5 / x - z * (1.0 / 12 - z * (1.0 / 120 - z * (1.0 / 252 - z * (1.0 / 240 - z * (1.0 / 132 - z * 691.0 / 32760)))));
}

static inline int32_t wrap(int64_t value) { return static_cast<int32_t>(static_cast<uint32_t>(value)); }

static inline int32_t intPow(int32_t base, int32_t exponent) {
  if (exponent < 0) return base == 1 ? 1 : base == -1 ? (exponent & 1 ? -1 : 1) : 0;
  uint32_t result = 1, power = static_cast<uint32_t>(base);
  for (; exponent > 0; exponent >>= 1, power *= power) if (exponent & 1) result *= power;
  return static_cast<int32_t>(result);
}

static inline int32_t floorDiv(int32_t a, int32_t b) {
  if (b == 0) return 0;
  const int64_t x = a, y = b, q = x / y;
  return wrap(q - (x % y != 0 && (x < 0) != (y < 0)));
}
static inline int32_t floorMod(int32_t a, int32_t b) {
  if (b == 0) return 0;
  const int64_t r = static_cast<int64_t>(a) % b;
  return static_cast<int32_t>(r != 0 && (r < 0) != (b < 0) ? r + b : r);
}
template <class T> static inline T floorMod(T a, T b) {
  const T r = std::fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

// Threefry-2x32, 20 rounds (Salmon et al., 2011), on counter (0, index).
static inline int32_t threefry(uint32_t key0, uint32_t key1, uint32_t index) {
  const uint32_t keys[3] = {key0, key1, key0 ^ key1 ^ 0x1BD11BDAu};
  constexpr int rotations[8] = {13, 15, 26, 6, 17, 29, 16, 24};
  uint32_t x0 = keys[0], x1 = index + keys[1];
#pragma GCC unroll 5
  for (int group = 0; group < 5; group++) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
      const int r = rotations[(group & 1) * 4 + i];
      x0 += x1;
      x1 = (x1 << r) | (x1 >> (32 - r));
      x1 ^= x0;
    }
    x0 += keys[(group + 1) % 3];
    x1 += keys[(group + 2) % 3] + static_cast<uint32_t>(group + 1);
  }
  return static_cast<int32_t>(x0 ^ x1);
}

}  // namespace math
}  // namespace
