// Kernel steps: what their decoders share, and the kernels that are compiled for each instruction set.
#pragma once
#include "plan.h"

namespace ondol {

#define ONDOL_KERNELS(X)                                                                                             \
  X(matmul) X(conv) X(convInputGrad) X(convKernelGrad) X(maxPool) X(maxPoolGrad) X(maxPoolGather) X(avgPool)         \
  X(avgPoolGrad) X(moments) X(argMax) X(argMin) X(cumSum) X(cumProd) X(cumMax) X(gather) X(scatterAdd) X(scatterSet) \
  X(sort)

enum class KernelName : uint8_t {
#define X(name) name,
  ONDOL_KERNELS(X)
#undef X
};

struct KernelContext {
  DecodeContext& decode;
  const Plan& plan;
  KernelName name;
  std::vector<View> inputs, outputs;
  int threads() const { return decode.threads; }
};

using StepPtr = std::unique_ptr<Step>;
StepPtr makeMatmul(KernelContext& context);
StepPtr makeConv(KernelContext& context);
StepPtr makePool(KernelContext& context);
StepPtr makeMoments(KernelContext& context);
StepPtr makeArg(KernelContext& context);
StepPtr makeCumulative(KernelContext& context);
StepPtr makeGather(KernelContext& context);
StepPtr makeScatter(KernelContext& context);
StepPtr makeSort(KernelContext& context);

// A step that runs a function.
template <class Run> class FunctionStep : public Step {
 public:
  FunctionStep(double cost, Run run) : cost_(cost), run_(std::move(run)) {}
  void run(Frame& frame) override { run_(frame); }
  double cost() const override { return cost_; }

 private:
  double cost_;
  Run run_;
};
template <class Run> StepPtr makeStep(double cost, Run run) { return std::make_unique<FunctionStep<Run>>(cost, std::move(run)); }

// Threads for a step of that cost.
static inline int threadsFor(double cost, const Frame& frame) { return cost > kParallelCost ? frame.threads : 1; }

// Pooling over up to three spatial axes; channelsFirst counts its channels as images of one channel.
struct PoolShape {
  Index images, channels;
  Index in[3], out[3], window[3], strides[3], low[3];
  Index inPoints() const { return in[0] * in[1] * in[2]; }
  Index outPoints() const { return out[0] * out[1] * out[2]; }
};
enum class PoolKind : uint8_t { max, maxGrad, maxGather, average, averageGrad };
struct PoolCall {
  PoolKind kind;
  DType dtype, positionType;
  const void* from;
  void* to;
  void* positions;  // may be null for max
};

struct MomentsCall {
  DType dtype;
  const void* x;
  void* mean;
  void* variance;
  Index outer, reduced, inner;
  Index strides[3];
};

struct MatmulCall {
  DType dtype;
  const void* a;
  const void* b;
  const void* bias;
  void* c;
  Index m, n, k;
  Index a0, a1, b0, b1;  // strides
  bool relu;
};

struct SimdKernels {
  void (*pool)(const PoolShape& shape, const PoolCall& call, int threads);
  void (*moments)(const MomentsCall& call, int threads);
  // Plain products for types that oneDNN lacks, and for products too small for its overhead.
  void (*matmul)(const MatmulCall& call, int threads);
};

}  // namespace ondol
