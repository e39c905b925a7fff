#include "simd.h"

#include <cstdlib>

namespace ondol {

static const Simd& choose() {
#if defined(__x86_64__)
  const char* asked = std::getenv("ONDOL_SIMD");
  const std::string limit = asked == nullptr ? "avx512" : asked;
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl");
  if (limit == "avx512" && avx512 && avx2) return kSimdAvx512;
  if (limit != "baseline" && avx2) return kSimdAvx2;
#endif
  return kSimdBaseline;
}

const Simd& simd() {
  static const Simd& chosen = choose();
  return chosen;
}

}  // namespace ondol
