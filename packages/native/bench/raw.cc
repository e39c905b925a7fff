// oneDNN by itself: the times that the backend's kernels are compared with. Prints one JSON line.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <oneapi/dnnl/dnnl.hpp>
#include <thread>
#include <vector>

#include "../src/onednn.h"

using namespace ondol::onednn;
using Tag = memory::format_tag;

static double best(const std::function<void()>& run) {
  for (int i = 0; i < 3; i++) run();
  double least = 1e9;
  for (int i = 0; i < 15; i++) {
    const auto start = std::chrono::steady_clock::now();
    run();
    least = std::min(least, std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  return least;
}

static memory filled(const Desc& desc) {
  memory made(desc, engine());
  float* data = static_cast<float*>(made.get_data_handle());
  for (size_t i = 0; i < desc.get_size() / 4; i++) data[i] = static_cast<float>(i % 17) * 0.1f;
  return made;
}

static double product(memory::dim m, memory::dim n, memory::dim k) {
  const auto type = memory::data_type::f32;
  const Desc a({m, k}, type, Tag::ab), b({k, n}, type, Tag::ab), c({m, n}, type, Tag::ab);
  dnnl::matmul matmul(primitiveDesc<dnnl::matmul>(dnnl::primitive_attr(), a, b, c));
  dnnl::stream stream(engine());
  memory from = filled(a), by = filled(b), to = filled(c);
  return best([&] {
    matmul.execute(stream, {{DNNL_ARG_SRC, from}, {DNNL_ARG_WEIGHTS, by}, {DNNL_ARG_DST, to}});
    stream.wait();
  });
}

int main() {
  std::vector<float> from(16 << 20, 1.f), to(16 << 20, 2.f);
  const double copy = best([&] {
    const size_t half = from.size() / 2;
    std::thread other([&] { std::memcpy(to.data() + half, from.data() + half, half * 4); });
    std::memcpy(to.data(), from.data(), half * 4);
    other.join();
  });
  std::printf("{\"matmul1024\":%g,\"matmul128x784x512\":%g,\"copy64MiB\":%g}\n", product(1024, 1024, 1024), product(128, 512, 784), copy);
}
