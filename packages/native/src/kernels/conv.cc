// Convolutions and their gradients over oneDNN.
//
// Measured with oneDNN 2.6 on a Zen 4 (AVX-512, 2 cores, float32, GFLOP/s forward / input gradient / kernel
// gradient), plain NHWC activations with blocked kernels against blocked (nChw16c) activations:
//   128×13×13×32 → 64, 3×3    226/225/218   232/226/197
//   64×32×32×120 → 48, 1×1    151/170/228   192/207/189
//   64×32×32×48 → 12, 3×3     168/233/165   129/173/149
//   64×16×16×300 → 48, 1×1    224/213/231   224/225/215
//   128×28×28×1 → 32, 3×3     115/ 14/215   187/ 14/218
// Plain NHWC loses nothing on the whole, so activations stay in the engine's own layout and only the kernel
// is reordered on each call (1-5 µs at these sizes, 130 µs for 3×3×256×256, under 1 %). Plain NCHW is slow
// (49-150), so channelsFirst activations are reordered to what oneDNN prefers on the way in and out.
#include "conv_plain.h"
#include "../onednn.h"

namespace ondol {
namespace {

using onednn::Desc;
using Dims64 = onednn::memory::dims;

// Logical dims and strides as oneDNN wants them: (N, C, spatial) and ([groups,] O, I, spatial), at least 2 spatial axes.
struct Described {
  Dims64 dims, strides;
  Desc plain(onednn::memory::data_type type) const { return {dims, type, strides}; }
};

Described describeActivations(const View& view, bool channelsLast) {
  const size_t rank = view.shape.size(), spatial = rank - 2;
  Dims strides(rank);
  for (Index step = 1, axis = static_cast<Index>(rank) - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= view.shape[axis];
  }
  const size_t channel = channelsLast ? rank - 1 : 1, first = channelsLast ? 1 : 2;
  Described d{{view.shape[0], view.shape[channel]}, {strides[0], strides[channel]}};
  for (size_t i = spatial; i < 2; i++) {
    d.dims.push_back(1);
    d.strides.push_back(strides[first] * view.shape[first]);
  }
  for (size_t i = 0; i < spatial; i++) {
    d.dims.push_back(view.shape[first + i]);
    d.strides.push_back(strides[first + i]);
  }
  return d;
}

Described describeKernel(const View& view, Index groups) {
  const size_t rank = view.shape.size(), spatial = rank - 2;
  const Index inputs = view.shape[rank - 2], outputs = view.shape[rank - 1];
  Described d;
  if (groups > 1) d = {{groups, outputs / groups, inputs}, {outputs / groups, 1, outputs}};
  else d = {{outputs, inputs}, {1, outputs}};
  Index step = inputs * outputs;
  Dims strides(spatial);
  for (size_t i = spatial; i-- > 0;) {
    strides[i] = step;
    step *= view.shape[i];
  }
  for (size_t i = spatial; i < 2; i++) {
    d.dims.push_back(1);
    d.strides.push_back(step);
  }
  for (size_t i = 0; i < spatial; i++) {
    d.dims.push_back(view.shape[i]);
    d.strides.push_back(strides[i]);
  }
  return d;
}

struct Windows {
  Dims64 strides, dilation, low, high;
};

Windows describeWindows(const ConvSpec& spec) {
  Windows w;
  for (size_t i = spec.strides.size(); i < 2; i++) {
    w.strides.push_back(1);
    w.dilation.push_back(0);
    w.low.push_back(0);
    w.high.push_back(0);
  }
  for (size_t i = 0; i < spec.strides.size(); i++) {
    w.strides.push_back(spec.strides[i]);
    w.dilation.push_back(spec.dilation[i] - 1);
    w.low.push_back(spec.low[i]);
    w.high.push_back(spec.high[i]);
  }
  return w;
}

// One argument: where it lies, and the reorder into or out of the layout that the primitive wants.
struct Argument {
  View view;
  size_t place = 0;  // in scratch, if there is a reorder
  std::unique_ptr<onednn::Call> reorder;
};

class ConvStep : public Step {
 public:
  ConvStep(onednn::PrimitivePtr primitive, int slots, double cost, int threads) : call_(std::move(primitive), slots), cost_(cost), threads_(threads) {
    scratch_ = roundUp(call_.primitive().scratchBytes, 4096);
  }

  // Adds the next argument of the primitive; the last one that is added with `output` is written.
  void add(const View& view, const Desc& plain, const std::string& key, int slots, bool output) {
    const Desc& wanted = call_.primitive().arguments[arguments_.size()].second;
    Argument argument{view, 0, nullptr};
    const auto reorder = output ? onednn::reorderBetween(wanted, plain, key, threads_) : onednn::reorderBetween(plain, wanted, key, threads_);
    if (reorder != nullptr) {
      reorderScratch_ = std::max(reorderScratch_, reorder->scratchBytes);
      argument.reorder = std::make_unique<onednn::Call>(reorder, slots);
      argument.place = scratch_;
      scratch_ += roundUp(wanted.get_size() + kPadding, 4096);
    }
    if (output) output_ = arguments_.size();
    arguments_.push_back(std::move(argument));
  }

  void run(Frame& frame) override {
    void* addresses[4] = {};
    for (size_t i = 0; i < arguments_.size(); i++) {
      Argument& argument = arguments_[i];
      addresses[i] = frame.at(argument.view);
      if (argument.reorder == nullptr) continue;
      void* own = frame.scratch + argument.place;
      if (i != output_) argument.reorder->run(frame, threads_, {addresses[i], own}, frame.scratch + scratch_);
      addresses[i] = own;
    }
    if (arguments_.size() == 4) call_.run(frame, threads_, {addresses[0], addresses[1], addresses[2], addresses[3]}, frame.scratch);
    else call_.run(frame, threads_, {addresses[0], addresses[1], addresses[2]}, frame.scratch);
    Argument& output = arguments_[output_];
    if (output.reorder != nullptr) output.reorder->run(frame, threads_, {addresses[output_], frame.at(output.view)}, frame.scratch + scratch_);
  }
  size_t scratchBytes() const override { return scratch_ + reorderScratch_; }
  double cost() const override { return cost_; }

 private:
  onednn::Call call_;
  std::vector<Argument> arguments_;
  size_t output_ = 0, scratch_ = 0, reorderScratch_ = 0;
  double cost_;
  int threads_;
};

ConvSpec readSpec(Reader& reader) {
  ConvSpec spec;
  spec.strides = reader.list();
  const Dims padding = reader.list();
  for (size_t i = 0; i < padding.size(); i += 2) {
    spec.low.push_back(padding[i]);
    spec.high.push_back(padding[i + 1]);
  }
  spec.dilation = reader.list();
  spec.groups = reader.integer();
  spec.channelsLast = reader.flag();
  return spec;
}

bool isPlain(const ConvSpec& spec) {
  for (size_t i = 0; i < spec.low.size(); i++) if (spec.low[i] < 0 || spec.high[i] < 0) return false;
  return true;
}

}  // namespace

StepPtr makeConv(KernelContext& context) {
  Reader& reader = context.decode.reader;
  const ConvSpec spec = readSpec(reader);
  const bool forward = context.name == KernelName::conv, inputGrad = context.name == KernelName::convInputGrad;
  const bool hasBias = forward && reader.flag(), relu = forward && reader.flag();
  // (x, kernel) → y, (y, kernel) → x, (x, y) → kernel.
  const View x = inputGrad ? context.outputs.at(0) : context.inputs.at(0);
  const View y = forward ? context.outputs.at(0) : context.inputs.at(inputGrad ? 0 : 1);
  const View kernel = forward || inputGrad ? context.inputs.at(1) : context.outputs.at(0);
  const View bias = hasBias ? context.inputs.at(2) : View{};

  const bool known = onednn::supports(x.dtype);
  const double products = static_cast<double>(y.size()) * static_cast<double>(kernel.size()) / static_cast<double>(std::max<Index>(kernel.shape.back(), 1));
  const double cost = products * (known ? 0.02 : 1.0) + static_cast<double>(x.size() + y.size()) * 0.1 + 3000;
  const int threads = cost > kParallelCost ? context.threads() : 1;
  const auto plainStep = [&]() -> StepPtr {
    const ConvKind kind = forward ? ConvKind::forward : inputGrad ? ConvKind::inputGrad : ConvKind::kernelGrad;
    return makePlainConv({kind, spec, x, kernel, y, bias, hasBias, relu}, products * 1.0 + 500);
  };
  if (!known || !isPlain(spec) || x.size() == 0 || y.size() == 0 || kernel.size() == 0) return plainStep();

  const auto type = onednn::typeOf(x.dtype);
  const Described dx = describeActivations(x, spec.channelsLast), dy = describeActivations(y, spec.channelsLast), dk = describeKernel(kernel, spec.groups);
  const Windows w = describeWindows(spec);
  onednn::Key key("conv");
  key.add(static_cast<int>(context.name)).add(static_cast<int>(x.dtype)).add(hasBias).add(relu).add(spec.channelsLast).add(spec.groups);
  for (const Dims64* dims : {&dx.dims, &dy.dims, &dk.dims, &w.strides, &w.dilation, &w.low, &w.high}) key.add(*dims);

  const auto primitive = onednn::cached(key.text(), threads, [&] {
    using dnnl::algorithm;
    const auto any = onednn::memory::format_tag::any;
    // One input channel or a plain layout: see the table above.
    const auto activations = [&](const Described& d) { return spec.channelsLast ? d.plain(type) : Desc(d.dims, type, any); };
    const Desc xd = activations(dx), yd = activations(dy), kd(dk.dims, type, any), bd({kernel.shape.back()}, type, onednn::memory::format_tag::x);
    dnnl::primitive_attr attr = onednn::scratchpadByUser();
    if (relu) {
      dnnl::post_ops ops;
      onednn::appendRelu(ops);
      attr.set_post_ops(ops);
    }
    const auto direct = algorithm::convolution_direct;
    const auto training = dnnl::prop_kind::forward_training;
    using Forward = dnnl::convolution_forward;
    const auto ahead = hasBias ? onednn::primitiveDesc<Forward>(attr, training, direct, xd, kd, bd, yd, w.strides, w.dilation, w.low, w.high)
                               : onednn::primitiveDesc<Forward>(attr, training, direct, xd, kd, yd, w.strides, w.dilation, w.low, w.high);
    onednn::Primitive made;
    if (forward) {
      made.handle = Forward(ahead);
      made.arguments = {{DNNL_ARG_SRC, ahead.src_desc()}, {DNNL_ARG_WEIGHTS, ahead.weights_desc()}, {DNNL_ARG_DST, ahead.dst_desc()}};
      if (hasBias) made.arguments.push_back({DNNL_ARG_BIAS, ahead.bias_desc()});
      made.scratchBytes = ahead.scratchpad_desc().get_size();
    } else if (inputGrad) {
      using Backward = dnnl::convolution_backward_data;
      const auto back = onednn::backwardDesc<Backward>(attr, ahead, direct, xd, kd, yd, w.strides, w.dilation, w.low, w.high);
      made.handle = Backward(back);
      made.arguments = {{DNNL_ARG_DIFF_DST, back.diff_dst_desc()}, {DNNL_ARG_WEIGHTS, back.weights_desc()}, {DNNL_ARG_DIFF_SRC, back.diff_src_desc()}};
      made.scratchBytes = back.scratchpad_desc().get_size();
    } else {
      using Backward = dnnl::convolution_backward_weights;
      const auto back = onednn::backwardDesc<Backward>(attr, ahead, direct, xd, kd, yd, w.strides, w.dilation, w.low, w.high);
      made.handle = Backward(back);
      made.arguments = {{DNNL_ARG_SRC, back.src_desc()}, {DNNL_ARG_DIFF_DST, back.diff_dst_desc()}, {DNNL_ARG_DIFF_WEIGHTS, back.diff_weights_desc()}};
      made.scratchBytes = back.scratchpad_desc().get_size();
    }
    return made;
  });
  if (primitive == nullptr) return plainStep();

  const int slots = context.decode.slots;
  auto step = std::make_unique<ConvStep>(primitive, slots, cost, threads);
  const auto add = [&](const char* name, const View& view, const Described& d, bool output) { step->add(view, d.plain(type), name + key.text(), slots, output); };
  if (forward) {
    add("x", x, dx, false);
    add("k", kernel, dk, false);
    add("y", y, dy, true);
    if (hasBias) step->add(bias, primitive->arguments[3].second, "b", slots, false);
  } else if (inputGrad) {
    add("y", y, dy, false);
    add("k", kernel, dk, false);
    add("x", x, dx, true);
  } else {
    add("x", x, dx, false);
    add("y", y, dy, false);
    add("k", kernel, dk, true);
  }
  return step;
}

}  // namespace ondol
