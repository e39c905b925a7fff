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
// is reordered on each call (1-5 µs at these sizes, 130 µs for 3×3×256×256, under 1 %). Where images have few points
// that would be much (more than half of ResNet-50's time for one image), so a kernel that lasts is kept in order. Plain
// NCHW is slow (49-150), so channelsFirst activations are reordered to what oneDNN prefers on the way in and out.
#include <algorithm>

#include "conv_plain.h"
#include "../memory.h"
#include "../onednn.h"
#include "../threads.h"

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

// For each element of a kernel, a reorder takes as long as the products with about 100 points: with more than these it is under 5 %.
constexpr Index kPointsWorthReordering = 2048;

// What an argument is to the parts of a split convolution.
enum class Sharing : uint8_t { images, whole, summed };

// One argument: where it lies, and the reorder into or out of the layout that the primitive wants.
struct Argument {
  View view;
  Sharing sharing = Sharing::whole;
  size_t place = 0;  // in scratch, if there is a reorder or there are sums to make
  size_t bytes = 0;   // of one part's sums
  size_t floats = 0;
  bool scratched = false;
  std::unique_ptr<onednn::Call> reorder;
  // What the reorder made of an argument that lasts.
  std::shared_ptr<char> kept;
};

// Either one primitive that uses `threads` threads by itself, or one for each part of the images, each for one thread;
// then the gradients of the kernel that the parts found are added up, in order.
class ConvStep : public Step {
 public:
  ConvStep(const std::vector<onednn::PrimitivePtr>& primitives, std::vector<Index> firstImages, int slots, double cost, int threads)
      : firstImages_(std::move(firstImages)), cost_(cost), threads_(threads) {
    for (const auto& primitive : primitives) {
      calls_.push_back(std::make_unique<onednn::Call>(primitive, slots));
      scratches_.push_back(scratch_);
      scratch_ += roundUp(primitive->scratchBytes, 4096);
    }
  }

  // Adds the next argument of the primitive; the one that is added with `output` is written. `lasts`: it is reordered only when renewed.
  void add(const View& view, const Desc& plain, Sharing sharing, const std::string& key, int slots, bool output, bool lasts) {
    const Desc& wanted = calls_[0]->primitive().arguments[arguments_.size()].second;
    Argument argument;
    argument.view = view;
    argument.sharing = sharing;
    argument.bytes = roundUp(wanted.get_size() + kPadding, 4096);
    if (sharing != Sharing::images || calls_.size() == 1) {
      const auto reorder = output ? onednn::reorderBetween(wanted, plain, key, reorderThreads()) : onednn::reorderBetween(plain, wanted, key, reorderThreads());
      if (reorder != nullptr) {
        reorderScratch_ = std::max(reorderScratch_, reorder->scratchBytes);
        argument.reorder = std::make_unique<onednn::Call>(reorder, slots);
      }
      const bool sums = sharing == Sharing::summed && calls_.size() > 1;
      if (lasts && reorder != nullptr) argument.kept = alignedMemory(argument.bytes);
      argument.scratched = (reorder != nullptr || sums) && argument.kept == nullptr;
      argument.place = scratch_;
      if (argument.scratched) scratch_ += argument.bytes * (sums ? calls_.size() : 1);
      argument.floats = wanted.get_size() / sizeof(float);
    }
    if (output) output_ = arguments_.size();
    arguments_.push_back(std::move(argument));
  }

  void run(Frame& frame) override {
    char* addresses[4] = {};
    for (size_t i = 0; i < arguments_.size(); i++) {
      Argument& argument = arguments_[i];
      addresses[i] = frame.at(argument.view);
      if (!argument.scratched && argument.kept == nullptr) continue;
      char* own = argument.kept != nullptr ? argument.kept.get() : frame.scratch + argument.place;
      if (i != output_ && (argument.kept == nullptr || frame.renewed)) argument.reorder->run(frame.slot, reorderThreads(), {addresses[i], own}, frame.scratch + scratch_);
      addresses[i] = own;
    }
    if (calls_.size() == 1) runPart(frame, 0, threads_, addresses);
    else parallel(static_cast<int>(calls_.size()), [&](int part, int) { runPart(frame, part, 1, addresses); });
    Argument& output = arguments_[output_];
    if (output.sharing == Sharing::summed && calls_.size() > 1) addParts(addresses[output_], output);
    if (output.reorder != nullptr) output.reorder->run(frame.slot, reorderThreads(), {addresses[output_], frame.at(output.view)}, frame.scratch + scratch_);
    else if (output.scratched) std::memcpy(frame.at(output.view), addresses[output_], output.floats * sizeof(float));
  }
  size_t scratchBytes() const override { return scratch_ + reorderScratch_; }
  double cost() const override { return cost_; }

 private:
  int reorderThreads() const { return calls_.size() == 1 ? threads_ : 1; }

  void runPart(const Frame& frame, int part, int threads, char* const* shared) {
    char* addresses[4] = {};
    for (size_t i = 0; i < arguments_.size(); i++) {
      const Argument& argument = arguments_[i];
      addresses[i] = shared[i];
      if (argument.sharing == Sharing::images) addresses[i] += firstImages_[static_cast<size_t>(part)] * argument.view.strides[0] * bytesOf(argument.view.dtype);
      else if (argument.sharing == Sharing::summed) addresses[i] += static_cast<size_t>(part) * argument.bytes;
    }
    onednn::Call& call = *calls_[static_cast<size_t>(part)];
    char* scratch = frame.scratch + scratches_[static_cast<size_t>(part)];
    if (arguments_.size() == 4) call.run(frame.slot, threads, {addresses[0], addresses[1], addresses[2], addresses[3]}, scratch);
    else call.run(frame.slot, threads, {addresses[0], addresses[1], addresses[2]}, scratch);
  }

  void addParts(char* sums, const Argument& output) const {
    const int threads = output.floats > 50000 ? threads_ : 1;
    parallelFor(threads, static_cast<Index>(output.floats), [&](Range range) {
      float* to = reinterpret_cast<float*>(sums);
      for (size_t part = 1; part < calls_.size(); part++) {
        const float* from = reinterpret_cast<const float*>(sums + part * output.bytes);
        for (Index i = range.begin; i < range.end; i++) to[i] += from[i];
      }
    });
  }

  std::vector<std::unique_ptr<onednn::Call>> calls_;
  std::vector<size_t> scratches_;
  std::vector<Index> firstImages_;
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

  // The primitive for some of the images.
  const auto make = [&](Index images, int primitiveThreads) {
    const std::string name = key.text() + "n" + std::to_string(images);
    return onednn::cached(name, primitiveThreads, [&] {
      using dnnl::algorithm;
      const auto any = onednn::memory::format_tag::any;
      // One input channel or a plain layout: see the table above.
      const auto activations = [&](Described d) {
        d.dims[0] = images;
        return spec.channelsLast ? d.plain(type) : Desc(d.dims, type, any);
      };
      const Desc xd = activations(dx), yd = activations(dy), kd(dk.dims, type, any), bd({kernel.shape.back()}, type, onednn::memory::format_tag::x);
      // Kernel gradients are sums over all points: float32 until they are stored.
      const Desc sums(dk.dims, onednn::memory::data_type::f32, any);
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
        const auto back = onednn::backwardDesc<Backward>(attr, ahead, direct, xd, sums, yd, w.strides, w.dilation, w.low, w.high);
        made.handle = Backward(back);
        made.arguments = {{DNNL_ARG_SRC, back.src_desc()}, {DNNL_ARG_DIFF_DST, back.diff_dst_desc()}, {DNNL_ARG_DIFF_WEIGHTS, back.diff_weights_desc()}};
        made.scratchBytes = back.scratchpad_desc().get_size();
      }
      return made;
    });
  };

  // Each thread takes its share of the images, where all shares want the kernel in one layout; else oneDNN uses its own threads.
  const Index images = x.shape[0];
  const Sharing kernelSharing = forward || inputGrad ? Sharing::whole : Sharing::summed;
  const auto layoutOfKernel = [&](const onednn::PrimitivePtr& primitive) { return primitive->argument(kernelSharing == Sharing::summed ? DNNL_ARG_DIFF_WEIGHTS : DNNL_ARG_WEIGHTS); };
  std::vector<onednn::PrimitivePtr> primitives;
  std::vector<Index> firstImages;
  const int parts = spec.channelsLast && images >= threads ? threads : 1;
  for (int part = 0; part < parts; part++) {
    const Range range = shareOf(images, part, parts);
    primitives.push_back(make(range.end - range.begin, parts == 1 ? threads : 1));
    firstImages.push_back(range.begin);
    if (primitives.back() == nullptr) return plainStep();
  }
  const bool agree = std::all_of(primitives.begin(), primitives.end(), [&](const auto& primitive) { return layoutOfKernel(primitive) == layoutOfKernel(primitives[0]); });
  if (!agree) {
    primitives = {make(images, threads)};
    if (primitives[0] == nullptr) return plainStep();
  }

  const Index points = y.size() / std::max<Index>(kernel.shape.back(), 1);
  const bool keepsKernel = (forward || inputGrad) && points <= kPointsWorthReordering && context.plan.lasts(kernel.buffer);
  const int slots = context.decode.slots;
  auto step = std::make_unique<ConvStep>(primitives, firstImages, slots, cost, threads);
  const std::string keyEnd = key.text() + "p" + std::to_string(primitives.size());
  const auto add = [&](const char* name, const View& view, const Described& d, Sharing sharing, bool output, bool lasts = false) {
    step->add(view, d.plain(type), sharing, name + keyEnd, slots, output, lasts);
  };
  if (forward) {
    add("x", x, dx, Sharing::images, false);
    add("k", kernel, dk, kernelSharing, false, keepsKernel);
    add("y", y, dy, Sharing::images, true);
    if (hasBias) step->add(bias, primitives[0]->arguments[3].second, Sharing::whole, "b", slots, false, false);
  } else if (inputGrad) {
    add("y", y, dy, Sharing::images, false);
    add("k", kernel, dk, kernelSharing, false, keepsKernel);
    add("x", x, dx, Sharing::images, true);
  } else {
    add("x", x, dx, Sharing::images, false);
    add("y", y, dy, Sharing::images, false);
    add("k", kernel, dk, kernelSharing, true);
  }
  return step;
}

}  // namespace ondol
