// Convolutions by plain loops: for float64 and float16, and for padding that oneDNN refuses (negative).
#pragma once
#include "../kernels.h"

namespace ondol {

struct ConvSpec {
  Dims strides, low, high, dilation;
  Index groups;
  bool channelsLast;
};

enum class ConvKind : uint8_t { forward, inputGrad, kernelGrad };

struct PlainConv {
  ConvKind kind;
  ConvSpec spec;
  View x, kernel, y, bias;
  bool hasBias, relu;
};

StepPtr makePlainConv(const PlainConv& conv, double cost);

}  // namespace ondol
