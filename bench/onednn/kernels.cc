// One oneDNN kernel on prepared memory: matmul on plain row-major matrices, convolution in the layouts the library likes best.
//   kernels matmul float32|bfloat16 repeats M K N
//   kernels conv   float32|bfloat16 repeats batch height width channels filters kernel
// Prints the milliseconds of each repeat on one line. Builds against oneDNN 2 and 3.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dnnl.hpp>
#include <unordered_map>
#include <vector>

using namespace dnnl;
using tag = memory::format_tag;

static engine cpu(engine::kind::cpu, 0);
static stream queue(cpu);

static memory random_memory(const memory::desc &desc) {
  memory m(desc, cpu);
  auto *bytes = static_cast<unsigned char *>(m.get_data_handle());
  for (size_t i = 0; i < desc.get_size(); i++) bytes[i] = (i & 1) ? 0x3f : static_cast<unsigned char>(i * 37);  // small positive numbers
  return m;
}

static void run(const primitive &kernel, const std::unordered_map<int, memory> &arguments, int repeats) {
  for (int i = 0; i < 3; i++) kernel.execute(queue, arguments);
  queue.wait();
  for (int i = 0; i < repeats; i++) {
    auto begin = std::chrono::steady_clock::now();
    kernel.execute(queue, arguments);
    queue.wait();
    std::printf("%.6f ", std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
  }
  std::printf("\n");
}

int main(int count, char **words) {
  if (count < 7) return 2;
  auto type = std::strcmp(words[2], "bfloat16") ? memory::data_type::f32 : memory::data_type::bf16;
  int repeats = std::atoi(words[3]);
  std::vector<memory::dim> n;
  for (int i = 4; i < count; i++) n.push_back(std::atoll(words[i]));

  if (!std::strcmp(words[1], "matmul")) {
    memory::desc a({n[0], n[1]}, type, tag::ab), b({n[1], n[2]}, type, tag::ab), c({n[0], n[2]}, type, tag::ab);
#if DNNL_VERSION_MAJOR >= 3
    matmul::primitive_desc chosen(cpu, a, b, c);
#else
    matmul::primitive_desc chosen(matmul::desc(a, b, c), cpu);
#endif
    run(matmul(chosen), {{DNNL_ARG_SRC, random_memory(chosen.src_desc())}, {DNNL_ARG_WEIGHTS, random_memory(chosen.weights_desc())},
                         {DNNL_ARG_DST, memory(chosen.dst_desc(), cpu)}}, repeats);
    return 0;
  }

  memory::dim pad = n[5] / 2;
  memory::desc x({n[0], n[3], n[1], n[2]}, type, tag::any), w({n[4], n[3], n[5], n[5]}, type, tag::any), y({n[0], n[4], n[1], n[2]}, type, tag::any);
#if DNNL_VERSION_MAJOR >= 3
  convolution_forward::primitive_desc chosen(cpu, prop_kind::forward_training, algorithm::convolution_direct, x, w, y, {1, 1}, {pad, pad}, {pad, pad});
#else
  convolution_forward::primitive_desc chosen(
      {prop_kind::forward_training, algorithm::convolution_direct, x, w, y, {1, 1}, {pad, pad}, {pad, pad}}, cpu);
#endif
  run(convolution_forward(chosen), {{DNNL_ARG_SRC, random_memory(chosen.src_desc())}, {DNNL_ARG_WEIGHTS, random_memory(chosen.weights_desc())},
                                    {DNNL_ARG_DST, memory(chosen.dst_desc(), cpu)}}, repeats);
  return 0;
}
