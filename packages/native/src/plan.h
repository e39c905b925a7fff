// A decoded plan: buffers, and steps that run on a frame of bound addresses.
#pragma once
#include <algorithm>
#include <atomic>
#include <memory>

#include "code/memory.h"
#include "core.h"

namespace ondol {

enum class Role : uint8_t { input, output, constant, temporary };

struct Buffer {
  DType dtype;
  Index size;
  Role role;
  // Index of the input, output or constant; byte offset of a temporary.
  Index at;
};

struct View {
  int buffer;
  DType dtype;
  Index offset;  // bytes
  Dims shape, strides;  // elements
  Index size() const { return product(shape); }
};

// What running steps share: addresses by buffer, scratch memory, and how many threads they may use.
struct Frame {
  std::vector<char*> base;
  char* scratch = nullptr;
  int threads = 1;
  // Which of the parallel frames of one program this is: steps keep mutable state per slot.
  int slot = 0;
  const std::atomic<bool>* stopping = nullptr;
  // Whether what lasting buffers hold may be other than in the run before.
  bool renewed = true;
  // Where the plan's steps add up their nanoseconds; null if nobody asks.
  double* times = nullptr;

  char* at(const View& view) const { return base[view.buffer] + view.offset; }
};

class Step {
 public:
  virtual ~Step() = default;
  virtual void run(Frame& frame) = 0;
  // Bytes of Frame::scratch that it needs.
  virtual size_t scratchBytes() const { return 0; }
  // Estimated nanoseconds on one thread.
  virtual double cost() const = 0;
  // Appends what the steps of inner plans took since the last call.
  virtual void takeInnerTimes(std::vector<double>&) {}
};

struct Plan {
  std::vector<Buffer> buffers;
  std::vector<int> inputs, outputs;
  // Inputs whose content lasts from run to run (see Frame::renewed).
  std::vector<int> lasting;
  size_t arenaBytes = 0;
  std::vector<std::unique_ptr<Step>> steps;
  size_t scratchBytes = 0;
  double cost = 0;
  // Copies of constants, aligned and padded.
  std::vector<std::shared_ptr<char>> constants;

  bool lasts(int buffer) const { return std::find(lasting.begin(), lasting.end(), buffer) != lasting.end(); }
  // Points constants and temporaries of `frame` at their memory; inputs and outputs are the caller's to set.
  void bind(Frame& frame, char* arena) const;
  void run(Frame& frame) const;
  // Appends `times` of the steps, each followed by those of its inner plans, and starts them anew.
  void takeTimes(std::vector<double>& times, std::vector<double>& to) const;
};

// What decoding needs besides the stream.
struct Constant {
  const void* data;
  size_t bytes;
};
struct DecodeContext {
  Reader reader;
  std::vector<Constant> constants;
  // Threads that a step may use, and frames of the plan that may run side by side.
  int threads;
  int slots = 1;
  // Where loops put their machine code; sealed when all is decoded.
  std::shared_ptr<CodeMemory> code = std::make_shared<CodeMemory>();
};

std::unique_ptr<Plan> decodePlan(DecodeContext& context);
View decodeView(DecodeContext& context, const Plan& plan);

// Whether a write through `a` could be seen through `b`.
bool mayOverlap(const Plan& plan, int a, int b);

std::unique_ptr<Step> decodeLoop(DecodeContext& context, const Plan& plan);
std::unique_ptr<Step> decodeKernel(DecodeContext& context, const Plan& plan);
std::unique_ptr<Step> decodeScan(DecodeContext& context, const Plan& plan);
std::unique_ptr<Step> decodeWhile(DecodeContext& context, const Plan& plan);
std::unique_ptr<Step> decodeCond(DecodeContext& context, const Plan& plan);

// Below this estimate (nanoseconds) a step is not worth a parallel region.
constexpr double kParallelCost = 15000;

}  // namespace ondol
