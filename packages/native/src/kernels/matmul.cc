// Matrix products: oneDNN where it has the type, own loops elsewhere and where its call costs more than the product.
#include <algorithm>

#include "../onednn.h"
#include "../simd.h"
#include "../threads.h"

namespace ondol {
namespace {

// A matrix axis pair that oneDNN can take: one stride is 1, the other spans it.
bool isPlain(Index rows, Index columns, Index rowStride, Index columnStride) {
  return (columnStride == 1 && rowStride >= columns) || (rowStride == 1 && columnStride >= rows);
}

struct Operand {
  View view;
  // Strides with those of axes of size 1 made regular.
  Index batch, rows, columns, batchStride, rowStride, columnStride;

  explicit Operand(View from) : view(std::move(from)) {
    batch = view.shape[0], rows = view.shape[1], columns = view.shape[2];
    batchStride = view.strides[0], rowStride = view.strides[1], columnStride = view.strides[2];
    if (rows == 1 && columns == 1) rowStride = columnStride = 1;
    else if (columns == 1) columnStride = rowStride == 1 ? rows : 1;
    else if (rows == 1) rowStride = columnStride == 1 ? columns : 1;
    if (batchStride == 0) batch = 1;
    if (batch == 1) batchStride = rows * columns;
  }
  bool plain() const { return isPlain(rows, columns, rowStride, columnStride) && (batch == 1 || batchStride > 0); }

  // As much of it as one part works on.
  Operand block(Index batches, Index rowCount, Index columnCount) const {
    Operand part = *this;
    part.batch = batches, part.rows = rowCount, part.columns = columnCount;
    return part;
  }

  onednn::Desc desc(bool batched) const {
    const auto type = onednn::typeOf(view.dtype);
    if (!batched) return {{rows, columns}, type, onednn::memory::dims{rowStride, columnStride}};
    return {{batch, rows, columns}, type, onednn::memory::dims{batchStride, rowStride, columnStride}};
  }
};

// Below this many multiply-adds oneDNN's call (about 2 µs) costs more than plain loops.
constexpr double kPlainProducts = 20000;

// How a product is split over threads: the batch, or the longer side of the result.
enum class Axis : uint8_t { batch, rows, columns };
struct Shares {
  Axis axis;
  Index count, unit;
  int parts;
};

Shares shareProduct(Index batch, Index m, Index n, int threads) {
  constexpr Index kUnit = 16;
  if (batch >= threads) return {Axis::batch, batch, 1, threads};
  const Index units = (std::max(m, n) + kUnit - 1) / kUnit;
  return {m >= n ? Axis::rows : Axis::columns, std::max(m, n), kUnit, static_cast<int>(std::min<Index>(threads, units))};
}

// a · b for one thread, into a result whose rows lie `step` and whose matrices lie `pitch` elements apart.
onednn::PrimitivePtr makeProduct(const Operand& a, const Operand& b, Index batch, Index step, Index pitch, bool hasBias, bool relu) {
  const bool batched = batch > 1;
  const DType dtype = a.view.dtype;
  const Index m = a.rows, n = b.columns;
  onednn::Key key("matmul");
  key.add(static_cast<int>(dtype)).add(batched).add(hasBias).add(relu).add(step).add(pitch);
  for (const Operand* o : {&a, &b}) key.add({o->batch, o->rows, o->columns, o->batchStride, o->rowStride, o->columnStride});
  return onednn::cached(key.text(), 1, [&] {
    using Dims = onednn::memory::dims;
    const auto type = onednn::typeOf(dtype);
    const onednn::Desc to(batched ? Dims{batch, m, n} : Dims{m, n}, type, batched ? Dims{pitch, step, 1} : Dims{step, 1});
    dnnl::primitive_attr attr = onednn::scratchpadByUser();
    if (relu) {
      dnnl::post_ops ops;
      onednn::appendRelu(ops);
      attr.set_post_ops(ops);
    }
    const onednn::Desc from = a.desc(batched), weights = b.desc(batched);
    onednn::Primitive made;
    made.arguments = {{DNNL_ARG_SRC, from}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DST, to}};
    const auto finish = [&](const dnnl::matmul::primitive_desc& desc) {
      made.handle = dnnl::matmul(desc);
      made.scratchBytes = desc.scratchpad_desc().get_size();
    };
    if (hasBias) {
      const onednn::Desc row(batched ? Dims{1, 1, n} : Dims{1, n}, type, batched ? Dims{n, n, 1} : Dims{n, 1});
      made.arguments.push_back({DNNL_ARG_BIAS, row});
      finish(onednn::primitiveDesc<dnnl::matmul>(attr, from, weights, row, to));
    } else {
      finish(onednn::primitiveDesc<dnnl::matmul>(attr, from, weights, to));
    }
    return made;
  });
}

// One part of a product: its primitive, and where its operands begin, in bytes.
struct Block {
  std::unique_ptr<onednn::Call> call;
  Index a, b, bias, c;
  size_t scratch;
};

class MatmulStep : public Step {
 public:
  MatmulStep(std::vector<Block> blocks, View a, View b, View bias, View c, bool hasBias, double cost)
      : blocks_(std::move(blocks)), a_(std::move(a)), b_(std::move(b)), bias_(std::move(bias)), c_(std::move(c)), hasBias_(hasBias), cost_(cost) {
    for (Block& block : blocks_) {
      block.scratch = scratch_;
      scratch_ += roundUp(block.call->primitive().scratchBytes, 4096);
    }
  }
  void run(Frame& frame) override {
    parallel(static_cast<int>(blocks_.size()), [&](int part, int) {
      Block& block = blocks_[static_cast<size_t>(part)];
      char *a = frame.at(a_) + block.a, *b = frame.at(b_) + block.b, *c = frame.at(c_) + block.c, *scratch = frame.scratch + block.scratch;
      if (hasBias_) block.call->run(frame.slot, 1, {a, b, c, frame.at(bias_) + block.bias}, scratch);
      else block.call->run(frame.slot, 1, {a, b, c}, scratch);
    });
  }
  size_t scratchBytes() const override { return scratch_; }
  double cost() const override { return cost_; }

 private:
  std::vector<Block> blocks_;
  View a_, b_, bias_, c_;
  bool hasBias_;
  double cost_;
  size_t scratch_ = 0;
};

}  // namespace

StepPtr makeMatmul(KernelContext& context) {
  Reader& reader = context.decode.reader;
  const bool hasBias = reader.flag(), relu = reader.flag();
  const Operand a(context.inputs.at(0)), b(context.inputs.at(1));
  const View c = context.outputs.at(0);
  const Index batch = c.shape[0], m = c.shape[1], n = c.shape[2], k = a.columns;
  const View bias = hasBias ? context.inputs.at(2) : View{};
  const double products = static_cast<double>(batch) * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  const bool known = onednn::supports(c.dtype);
  const double cost = products * (known ? 0.02 : 0.3) + 500;
  const int threads = cost > kParallelCost ? context.threads() : 1;

  std::vector<Block> blocks;
  if (known && products > kPlainProducts && a.plain() && b.plain()) {
    const Shares shares = shareProduct(batch, m, n, threads);
    const Index size = bytesOf(c.dtype);
    for (int part = 0; part < shares.parts; part++) {
      const Range range = shareOf(shares.count, part, shares.parts, shares.unit);
      const bool rows = shares.axis == Axis::rows, columns = shares.axis == Axis::columns;
      const Index first = range.begin, count = range.end - range.begin;
      const Index images = shares.axis == Axis::batch ? count : batch, m1 = rows ? count : m, n1 = columns ? count : n;
      const Index aStep = shares.axis == Axis::batch ? a.batchStride : rows ? a.rowStride : 0;
      const Index bStep = shares.axis == Axis::batch ? b.batchStride : columns ? b.columnStride : 0;
      const Index cStep = shares.axis == Axis::batch ? m * n : rows ? n : 1;
      const bool aShared = shares.axis == Axis::batch && a.batch == 1, bShared = shares.axis == Axis::batch && b.batch == 1;
      auto primitive = makeProduct(a.block(std::min(images, a.batch), m1, k), b.block(std::min(images, b.batch), k, n1), images, n, m * n, hasBias, relu);
      if (primitive == nullptr) break;
      blocks.push_back({std::make_unique<onednn::Call>(std::move(primitive), context.decode.slots), aShared ? 0 : first * aStep * size,
                        bShared ? 0 : first * bStep * size, columns ? first * size : 0, first * cStep * size, 0});
    }
  }
  if (blocks.empty()) {
    return makeStep(cost, [=, a = a.view, b = b.view](Frame& frame) {
      if (c.size() == 0) return;
      const int size = bytesOf(c.dtype);
      for (Index i = 0; i < batch; i++) {
        const MatmulCall call{c.dtype, frame.at(a) + i * a.strides[0] * size, frame.at(b) + i * b.strides[0] * size, hasBias ? frame.at(bias) : nullptr,
                              frame.at(c) + i * m * n * size, m, n, k, a.strides[1], a.strides[2], b.strides[1], b.strides[2], relu};
        simd().kernels.matmul(call, threads < frame.threads ? threads : frame.threads);
      }
    });
  }

  return std::make_unique<MatmulStep>(std::move(blocks), a.view, b.view, bias, c, hasBias, cost);
}

}  // namespace ondol
