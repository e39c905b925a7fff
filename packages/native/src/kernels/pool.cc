// Pooling and moments: shapes for the vector code in simd/.
#include "../simd.h"

namespace ondol {
namespace {

PoolShape readShape(Reader& reader, const View& x, const View& y) {
  const Dims window = reader.list(), strides = reader.list(), padding = reader.list();
  const bool last = reader.flag();
  const size_t rank = x.shape.size(), spatial = rank - 2, first = last ? 1 : 2;
  PoolShape shape;
  const Index channels = x.shape[last ? rank - 1 : 1];
  shape.images = last ? x.shape[0] : x.shape[0] * channels;
  shape.channels = last ? channels : 1;
  for (size_t i = 0; i < 3; i++) {
    const bool real = i + spatial >= 3;
    const size_t at = i + spatial - 3;
    shape.in[i] = real ? x.shape[first + at] : 1;
    shape.out[i] = real ? y.shape[first + at] : 1;
    shape.window[i] = real ? window[at] : 1;
    shape.strides[i] = real ? strides[at] : 1;
    shape.low[i] = real ? padding[2 * at] : 0;
  }
  return shape;
}

}  // namespace

StepPtr makePool(KernelContext& context) {
  const KernelName name = context.name;
  const bool grad = name == KernelName::maxPoolGrad || name == KernelName::avgPoolGrad;
  const View from = context.inputs.at(0), to = context.outputs.at(0);
  const PoolShape shape = readShape(context.decode.reader, grad ? to : from, grad ? from : to);
  bool hasPositions = name == KernelName::maxPoolGrad || name == KernelName::maxPoolGather;
  View positions;
  if (name == KernelName::maxPool) hasPositions = context.decode.reader.flag();
  if (hasPositions) positions = name == KernelName::maxPool ? context.outputs.at(1) : context.inputs.at(1);
  const PoolKind kind = name == KernelName::maxPool         ? PoolKind::max
                        : name == KernelName::maxPoolGrad   ? PoolKind::maxGrad
                        : name == KernelName::maxPoolGather ? PoolKind::maxGather
                        : name == KernelName::avgPool       ? PoolKind::average
                                                            : PoolKind::averageGrad;
  const double touches = static_cast<double>(shape.images * shape.outPoints()) * static_cast<double>(shape.window[0] * shape.window[1] * shape.window[2]);
  const double cost = 300 + touches * (3 + 0.1 * static_cast<double>(shape.channels));
  return makeStep(cost, [=](Frame& frame) {
    const PoolCall call{kind, from.dtype, hasPositions ? positions.dtype : DType::u8, frame.at(from), frame.at(to), hasPositions ? frame.at(positions) : nullptr};
    simd().kernels.pool(shape, call, threadsFor(cost, frame));
  });
}

StepPtr makeMoments(KernelContext& context) {
  const View x = context.inputs.at(0), mean = context.outputs.at(0), variance = context.outputs.at(1);
  const double cost = 500 + 0.3 * static_cast<double>(x.size());
  return makeStep(cost, [=](Frame& frame) {
    if (mean.size() == 0) return;
    MomentsCall call{x.dtype, frame.at(x), frame.at(mean), frame.at(variance), x.shape[0], x.shape[1], x.shape[2], {x.strides[0], x.strides[1], x.strides[2]}};
    simd().kernels.moments(call, threadsFor(cost, frame));
  });
}

}  // namespace ondol
