// Decoding and running of plans; the stream's layout is written down in backends/native/encode.ts.
#include "plan.h"

#include <chrono>

#include "memory.h"

namespace ondol {

static std::shared_ptr<char> copyConstant(const Constant& constant) {
  std::shared_ptr<char> copy = alignedMemory(constant.bytes);
  std::memcpy(copy.get(), constant.data, constant.bytes);
  return copy;
}

View decodeView(DecodeContext& context, const Plan& plan) {
  View view;
  view.buffer = static_cast<int>(context.reader.integer());
  view.dtype = plan.buffers.at(view.buffer).dtype;
  view.offset = context.reader.integer() * bytesOf(view.dtype);
  view.shape = context.reader.list();
  view.strides = context.reader.list();
  return view;
}

static std::unique_ptr<Step> decodeStep(DecodeContext& context, const Plan& plan) {
  switch (context.reader.integer()) {
    case 0: return decodeLoop(context, plan);
    case 1: return decodeKernel(context, plan);
    case 2: return decodeScan(context, plan);
    case 3: return decodeWhile(context, plan);
    case 4: return decodeCond(context, plan);
    default: throw std::runtime_error("unknown kind of step in the encoded plan");
  }
}

std::unique_ptr<Plan> decodePlan(DecodeContext& context) {
  Reader& reader = context.reader;
  auto plan = std::make_unique<Plan>();
  plan->arenaBytes = static_cast<size_t>(reader.integer());
  plan->buffers.resize(static_cast<size_t>(reader.integer()));
  for (Buffer& buffer : plan->buffers) {
    buffer.dtype = static_cast<DType>(reader.integer());
    buffer.size = reader.integer();
    buffer.role = static_cast<Role>(reader.integer());
    buffer.at = reader.integer();
    if (buffer.role != Role::constant) continue;
    plan->constants.push_back(copyConstant(context.constants.at(static_cast<size_t>(buffer.at))));
    buffer.at = static_cast<Index>(plan->constants.size()) - 1;
  }
  for (Index id : reader.list()) plan->inputs.push_back(static_cast<int>(id));
  for (Index id : reader.list()) plan->outputs.push_back(static_cast<int>(id));
  for (Index id : reader.list()) plan->lasting.push_back(static_cast<int>(id));
  const Index count = reader.integer();
  for (Index i = 0; i < count; i++) {
    plan->steps.push_back(decodeStep(context, *plan));
    plan->cost += plan->steps.back()->cost();
    plan->scratchBytes = std::max(plan->scratchBytes, plan->steps.back()->scratchBytes());
  }
  return plan;
}

void Plan::bind(Frame& frame, char* arena) const {
  frame.base.resize(buffers.size());
  for (size_t i = 0; i < buffers.size(); i++) {
    if (buffers[i].role == Role::constant) frame.base[i] = constants[static_cast<size_t>(buffers[i].at)].get();
    if (buffers[i].role == Role::temporary) frame.base[i] = arena + buffers[i].at;
  }
}

void Plan::run(Frame& frame) const {
  using Clock = std::chrono::steady_clock;
  for (size_t i = 0; i < steps.size(); i++) {
    if (frame.stopping != nullptr && frame.stopping->load(std::memory_order_relaxed)) return;
    if (frame.times == nullptr) {
      steps[i]->run(frame);
      continue;
    }
    const auto start = Clock::now();
    steps[i]->run(frame);
    frame.times[i] += std::chrono::duration<double, std::nano>(Clock::now() - start).count();
  }
}

void Plan::takeTimes(std::vector<double>& times, std::vector<double>& to) const {
  times.resize(steps.size(), 0);
  for (size_t i = 0; i < steps.size(); i++) {
    to.push_back(times[i]);
    times[i] = 0;
    steps[i]->takeInnerTimes(to);
  }
}

bool mayOverlap(const Plan& plan, int a, int b) {
  if (a == b) return true;
  const Buffer& x = plan.buffers[a];
  const Buffer& y = plan.buffers[b];
  if (x.role == Role::temporary && y.role == Role::temporary) {
    return x.at < y.at + y.size * bytesOf(y.dtype) && y.at < x.at + x.size * bytesOf(x.dtype);
  }
  // A caller may bind one memory to an input and an output; anything else is apart.
  return (x.role == Role::input && y.role == Role::output) || (x.role == Role::output && y.role == Role::input);
}

}  // namespace ondol
