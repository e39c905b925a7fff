// Kernel steps: from the stream to the maker of the named kernel.
#include "../kernels.h"

namespace ondol {

std::unique_ptr<Step> decodeKernel(DecodeContext& decode, const Plan& plan) {
  KernelContext context{decode, plan, static_cast<KernelName>(decode.reader.integer()), {}, {}};
  const Index inputs = decode.reader.integer();
  for (Index i = 0; i < inputs; i++) context.inputs.push_back(decodeView(decode, plan));
  const Index outputs = decode.reader.integer();
  for (Index i = 0; i < outputs; i++) context.outputs.push_back(decodeView(decode, plan));
  switch (context.name) {
    case KernelName::matmul: return makeMatmul(context);
    case KernelName::conv:
    case KernelName::convInputGrad:
    case KernelName::convKernelGrad: return makeConv(context);
    case KernelName::maxPool:
    case KernelName::maxPoolGrad:
    case KernelName::maxPoolGather:
    case KernelName::avgPool:
    case KernelName::avgPoolGrad: return makePool(context);
    case KernelName::moments: return makeMoments(context);
    case KernelName::argMax:
    case KernelName::argMin: return makeArg(context);
    case KernelName::cumSum:
    case KernelName::cumProd:
    case KernelName::cumMax: return makeCumulative(context);
    case KernelName::gather: return makeGather(context);
    case KernelName::scatterAdd:
    case KernelName::scatterSet: return makeScatter(context);
    case KernelName::sort: return makeSort(context);
  }
  throw std::runtime_error("unknown kernel in the encoded plan");
}

}  // namespace ondol
