// Matrix products: oneDNN where it has the type, own loops elsewhere and where its call costs more than the product.
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

  onednn::Desc desc(bool batched) const {
    const auto type = onednn::typeOf(view.dtype);
    if (!batched) return {{rows, columns}, type, onednn::memory::dims{rowStride, columnStride}};
    return {{batch, rows, columns}, type, onednn::memory::dims{batchStride, rowStride, columnStride}};
  }
};

// Below this many multiply-adds oneDNN's call (about 2 µs) costs more than plain loops.
constexpr double kPlainProducts = 20000;

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

  onednn::PrimitivePtr primitive;
  if (known && products > kPlainProducts && a.plain() && b.plain()) {
    const bool batched = batch > 1;
    onednn::Key key("matmul");
    key.add(static_cast<int>(c.dtype)).add(batched).add(hasBias).add(relu);
    for (const Operand* o : {&a, &b}) key.add({o->batch, o->rows, o->columns, o->batchStride, o->rowStride, o->columnStride});
    primitive = onednn::cached(key.text(), threads, [&] {
      using Dims = onednn::memory::dims;
      const auto type = onednn::typeOf(c.dtype);
      const onednn::Desc to(batched ? Dims{batch, m, n} : Dims{m, n}, type, batched ? Dims{m * n, n, 1} : Dims{n, 1});
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
  if (primitive == nullptr) {
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

  class MatmulStep : public Step {
   public:
    MatmulStep(onednn::PrimitivePtr primitive, int slots, View a, View b, View bias, View c, bool hasBias, double cost, int threads)
        : call_(std::move(primitive), slots), a_(std::move(a)), b_(std::move(b)), bias_(std::move(bias)), c_(std::move(c)), hasBias_(hasBias), cost_(cost), threads_(threads) {}
    void run(Frame& frame) override {
      if (hasBias_) call_.run(frame, threads_, {frame.at(a_), frame.at(b_), frame.at(c_), frame.at(bias_)}, frame.scratch);
      else call_.run(frame, threads_, {frame.at(a_), frame.at(b_), frame.at(c_)}, frame.scratch);
    }
    size_t scratchBytes() const override { return call_.primitive().scratchBytes; }
    double cost() const override { return cost_; }

   private:
    onednn::Call call_;
    View a_, b_, bias_, c_;
    bool hasBias_;
    double cost_;
    int threads_;
  };
  return std::make_unique<MatmulStep>(primitive, context.decode.slots, a.view, b.view, bias, c, hasBias, cost, threads);
}

}  // namespace ondol
