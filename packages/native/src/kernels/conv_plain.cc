#include "conv_plain.h"

#include "../threads.h"

namespace ondol {
namespace {

// Everything as three spatial axes; strides in elements.
struct Geometry {
  Index batch, groups, inputs, outputs;  // channels of one group
  Index in[3], out[3], window[3];
  Index step[3], dilation[3], low[3];
  Index xBatch, xChannel, xAt[3], yBatch, yChannel, yAt[3], kAt[3], kInput;

  explicit Geometry(const PlainConv& conv) {
    const size_t rank = conv.x.shape.size(), spatial = rank - 2;
    const bool last = conv.spec.channelsLast;
    const size_t channel = last ? rank - 1 : 1, first = last ? 1 : 2;
    groups = conv.spec.groups;
    batch = conv.x.shape[0];
    inputs = conv.x.shape[channel] / groups;
    outputs = conv.y.shape[channel] / groups;
    const auto dense = [&](const Dims& shape) {
      Dims strides(shape.size());
      Index step = 1;
      for (size_t axis = shape.size(); axis-- > 0; step *= shape[axis]) strides[axis] = step;
      return strides;
    };
    const Dims xs = dense(conv.x.shape), ys = dense(conv.y.shape), ks = dense(conv.kernel.shape);
    xBatch = xs[0], xChannel = xs[channel], yBatch = ys[0], yChannel = ys[channel], kInput = ks[rank - 2];
    for (size_t i = 0; i < 3; i++) {
      const bool real = i + spatial >= 3;
      const size_t at = i + spatial - 3;
      in[i] = real ? conv.x.shape[first + at] : 1;
      out[i] = real ? conv.y.shape[first + at] : 1;
      window[i] = real ? conv.kernel.shape[at] : 1;
      step[i] = real ? conv.spec.strides[at] : 1;
      dilation[i] = real ? conv.spec.dilation[at] : 1;
      low[i] = real ? conv.spec.low[at] : 0;
      xAt[i] = real ? xs[first + at] : 0;
      yAt[i] = real ? ys[first + at] : 0;
      kAt[i] = real ? ks[at] : 0;
    }
  }

  // Calls fn(x offset, y offset, kernel offset) for every pairing of an input with an output place.
  template <class Fn> void eachPair(Fn&& fn) const {
    for (Index a = 0; a < out[0]; a++) for (Index b = 0; b < out[1]; b++) for (Index c = 0; c < out[2]; c++) {
      for (Index i = 0; i < window[0]; i++) {
        const Index p = a * step[0] + i * dilation[0] - low[0];
        if (p < 0 || p >= in[0]) continue;
        for (Index j = 0; j < window[1]; j++) {
          const Index q = b * step[1] + j * dilation[1] - low[1];
          if (q < 0 || q >= in[1]) continue;
          for (Index k = 0; k < window[2]; k++) {
            const Index r = c * step[2] + k * dilation[2] - low[2];
            if (r < 0 || r >= in[2]) continue;
            fn(p * xAt[0] + q * xAt[1] + r * xAt[2], a * yAt[0] + b * yAt[1] + c * yAt[2], i * kAt[0] + j * kAt[1] + k * kAt[2]);
          }
        }
      }
    }
  }
};

// Sums are made in float64.
template <class S> void run(const PlainConv& conv, const Geometry& g, const Frame& frame, int threads) {
  using Raw = typename S::Raw;
  const auto* x = reinterpret_cast<Raw*>(frame.at(conv.x));
  const auto* y = reinterpret_cast<Raw*>(frame.at(conv.y));
  const auto* kernel = reinterpret_cast<Raw*>(frame.at(conv.kernel));
  const auto load = [](Raw raw) { return static_cast<double>(S::load(raw)); };
  const auto finish = [&](const View& view, const std::vector<double>& sums, Index from) {
    Raw* to = reinterpret_cast<Raw*>(frame.at(view)) + from;
    for (size_t i = 0; i < sums.size(); i++) to[i] = S::store(static_cast<typename S::Value>(sums[i]));
  };
  if (conv.kind == ConvKind::kernelGrad) {
    std::vector<double> sums(static_cast<size_t>(conv.kernel.size()), 0.0);
    // Output channels are shared out; each kernel element has one owner.
    parallelFor(threads, g.groups * g.outputs, [&](Range range) {
      for (Index n = 0; n < g.batch; n++) {
        g.eachPair([&](Index xo, Index yo, Index ko) {
          for (Index o = range.begin; o < range.end; o++) {
            const double dy = load(y[n * g.yBatch + yo + o * g.yChannel]);
            const Index group = o / g.outputs;
            for (Index i = 0; i < g.inputs; i++) sums[static_cast<size_t>(ko + i * g.kInput + o)] += dy * load(x[n * g.xBatch + xo + (group * g.inputs + i) * g.xChannel]);
          }
        });
      }
    });
    return finish(conv.kernel, sums, 0);
  }
  const bool forward = conv.kind == ConvKind::forward;
  parallelFor(threads, g.batch, [&](Range images) {
    for (Index n = images.begin; n < images.end; n++) {
      std::vector<double> sums(static_cast<size_t>(forward ? g.yBatch : g.xBatch), 0.0);
      g.eachPair([&](Index xo, Index yo, Index ko) {
        for (Index o = 0; o < g.groups * g.outputs; o++) {
          const Index group = o / g.outputs, yi = yo + o * g.yChannel;
          for (Index i = 0; i < g.inputs; i++) {
            const Index xi = xo + (group * g.inputs + i) * g.xChannel;
            const double weight = load(kernel[ko + i * g.kInput + o]);
            if (forward) sums[static_cast<size_t>(yi)] += weight * load(x[n * g.xBatch + xi]);
            else sums[static_cast<size_t>(xi)] += weight * load(y[n * g.yBatch + yi]);
          }
        }
      });
      if (forward && (conv.hasBias || conv.relu)) {
        const auto* bias = conv.hasBias ? reinterpret_cast<Raw*>(frame.at(conv.bias)) : nullptr;
        const Index channels = g.groups * g.outputs;
        for (size_t at = 0; at < sums.size(); at++) {
          const Index channel = g.yChannel == 1 ? static_cast<Index>(at) % channels : static_cast<Index>(at) / g.yChannel;
          if (bias != nullptr) sums[at] += load(bias[channel]);
          if (conv.relu && sums[at] < 0) sums[at] = 0;
        }
      }
      finish(forward ? conv.y : conv.x, sums, n * (forward ? g.yBatch : g.xBatch));
    }
  });
}

}  // namespace

StepPtr makePlainConv(const PlainConv& conv, double cost) {
  return makeStep(cost, [conv, cost, g = Geometry(conv)](Frame& frame) {
    withType(conv.x.dtype, [&](auto stored) { run<decltype(stored)>(conv, g, frame, threadsFor(cost, frame)); });
  });
}

}  // namespace ondol
