// oneDNN behind one small face, the same for 2.x and 3.x: descriptors of primitives, a cache of primitives,
// and calls whose arguments are plain addresses.
#pragma once
#include <functional>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <utility>

#include "plan.h"

namespace ondol::onednn {

using dnnl::memory;
using Desc = memory::desc;

const dnnl::engine& engine();
memory::data_type typeOf(DType dtype);
bool supports(DType dtype);
std::string version();

// The thread count that primitives created or run by this thread see.
void useThreads(int threads);

// ---- What differs between the major versions ----

#if DNNL_VERSION_MAJOR >= 3
template <class Primitive, class... Args> auto primitiveDesc(const dnnl::primitive_attr& attr, const Args&... args) {
  return typename Primitive::primitive_desc(engine(), args..., attr);
}
// Backward descriptors end with the forward one.
template <class Primitive, class Hint, class... Args>
auto backwardDesc(const dnnl::primitive_attr& attr, const Hint& hint, const Args&... args) {
  return typename Primitive::primitive_desc(engine(), args..., hint, attr);
}
inline void appendRelu(dnnl::post_ops& ops) { ops.append_eltwise(dnnl::algorithm::eltwise_relu, 0.f, 0.f); }
#else
template <class Primitive, class... Args> auto primitiveDesc(const dnnl::primitive_attr& attr, const Args&... args) {
  return typename Primitive::primitive_desc(typename Primitive::desc(args...), attr, engine());
}
template <class Primitive, class Hint, class... Args>
auto backwardDesc(const dnnl::primitive_attr& attr, const Hint& hint, const Args&... args) {
  return typename Primitive::primitive_desc(typename Primitive::desc(args...), attr, engine(), hint);
}
inline void appendRelu(dnnl::post_ops& ops) { ops.append_eltwise(1.f, dnnl::algorithm::eltwise_relu, 0.f, 0.f); }
#endif

// ---- Cached primitives ----

// A primitive with the descriptors of its arguments, by DNNL_ARG_ number.
struct Primitive {
  dnnl::primitive handle;
  std::vector<std::pair<int, Desc>> arguments;
  size_t scratchBytes = 0;
  const Desc& argument(int number) const;
};
using PrimitivePtr = std::shared_ptr<const Primitive>;

// The primitive that `make` makes, kept under `key` (and the current thread count) for the next plan that wants it.
// Null if oneDNN has no implementation.
PrimitivePtr cached(const std::string& key, int threads, const std::function<Primitive()>& make);

dnnl::primitive_attr scratchpadByUser();

// A reorder between two descriptors; null if they are equal.
PrimitivePtr reorderBetween(const Desc& from, const Desc& to, const std::string& key, int threads);

// Text that tells descriptors apart.
class Key {
 public:
  explicit Key(const char* name) : text_(name) {}
  template <class T> Key& add(T value) {
    text_ += ',';
    text_ += std::to_string(value);
    return *this;
  }
  Key& add(const memory::dims& dims) {
    text_ += ';';
    for (auto value : dims) add(value);
    return *this;
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// A primitive bound to memory objects whose addresses change from run to run; one set a slot, so that slots may run side by side.
class Call {
 public:
  Call(PrimitivePtr primitive, int slots);
  // Addresses in the order of Primitive::arguments.
  void run(int slot, int threads, std::initializer_list<void*> addresses, char* scratchpad);
  const Primitive& primitive() const { return *primitive_; }

 private:
  struct Slot {
    std::vector<memory> memories;
    std::vector<dnnl_exec_arg_t> args;
    std::vector<void*> addresses;
  };
  Slot& slot(int index);
  PrimitivePtr primitive_;
  std::vector<std::unique_ptr<Slot>> slots_;
};

}  // namespace ondol::onednn
