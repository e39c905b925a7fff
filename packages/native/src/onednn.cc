#include "onednn.h"

#include <omp.h>

#include <list>
#include <mutex>
#include <unordered_map>

namespace ondol::onednn {

const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

static dnnl_stream_t stream() {
  static const dnnl::stream only(engine());
  return only.get();
}

memory::data_type typeOf(DType dtype) {
  switch (dtype) {
    case DType::bf16: return memory::data_type::bf16;
    case DType::f16: return memory::data_type::f16;
    case DType::i32: return memory::data_type::s32;
    case DType::u8: return memory::data_type::u8;
    default: return memory::data_type::f32;
  }
}

bool supports(DType dtype) { return dtype == DType::f32 || dtype == DType::bf16; }

std::string version() {
  const dnnl_version_t* v = dnnl_version();
  return std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
}

void useThreads(int threads) {
  if (omp_get_max_threads() != threads) omp_set_num_threads(threads);
}

const Desc& Primitive::argument(int number) const {
  for (const auto& [id, desc] : arguments) if (id == number) return desc;
  throw std::runtime_error("a primitive has no such argument");
}

dnnl::primitive_attr scratchpadByUser() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

namespace {

// Least recently used primitives go first; plans keep those that they use.
class Cache {
 public:
  PrimitivePtr get(const std::string& key, const std::function<PrimitivePtr()>& make) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = entries_.find(key);
    if (found != entries_.end()) {
      order_.splice(order_.begin(), order_, found->second.second);
      return found->second.first;
    }
    PrimitivePtr made = make();
    order_.push_front(key);
    entries_.emplace(key, std::make_pair(made, order_.begin()));
    if (entries_.size() > kMost) {
      entries_.erase(order_.back());
      order_.pop_back();
    }
    return made;
  }

 private:
  static constexpr size_t kMost = 2048;
  std::mutex mutex_;
  std::list<std::string> order_;
  std::unordered_map<std::string, std::pair<PrimitivePtr, std::list<std::string>::iterator>> entries_;
};

}  // namespace

PrimitivePtr cached(const std::string& key, int threads, const std::function<Primitive()>& make) {
  static Cache cache;
  return cache.get(key + "@" + std::to_string(threads), [&]() -> PrimitivePtr {
    const int before = omp_get_max_threads();
    useThreads(threads);
    PrimitivePtr made;
    try {
      made = std::make_shared<const Primitive>(make());
    } catch (const dnnl::error& error) {
      if (error.status != dnnl_unimplemented && error.status != dnnl_invalid_arguments) {
        useThreads(before);
        throw;
      }
    }
    useThreads(before);
    return made;
  });
}

PrimitivePtr reorderBetween(const Desc& from, const Desc& to, const std::string& key, int threads) {
  if (from == to) return nullptr;
  return cached("reorder:" + key, threads, [&] {
    const dnnl::reorder::primitive_desc desc(engine(), from, engine(), to, scratchpadByUser());
    return Primitive{dnnl::reorder(desc), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}}, desc.scratchpad_desc().get_size()};
  });
}

Call::Call(PrimitivePtr primitive, int slots) : primitive_(std::move(primitive)), slots_(static_cast<size_t>(slots)) {}

Call::Slot& Call::slot(int index) {
  std::unique_ptr<Slot>& slot = slots_.at(static_cast<size_t>(index));
  if (slot == nullptr) {
    slot = std::make_unique<Slot>();
    const auto add = [&](int number, const Desc& desc) {
      slot->memories.emplace_back(desc, engine(), nullptr);
      slot->args.push_back({number, slot->memories.back().get()});
      slot->addresses.push_back(nullptr);
    };
    for (const auto& [number, desc] : primitive_->arguments) add(number, desc);
    if (primitive_->scratchBytes > 0) {
      const Desc bytes({static_cast<memory::dim>(primitive_->scratchBytes)}, memory::data_type::u8, memory::format_tag::a);
      add(DNNL_ARG_SCRATCHPAD, bytes);
    }
  }
  return *slot;
}

void Call::run(int index, int threads, std::initializer_list<void*> addresses, char* scratchpad) {
  Slot& at = slot(index);
  const auto bind = [&](size_t i, void* address) {
    if (at.addresses[i] == address) return;
    at.addresses[i] = address;
    at.memories[i].set_data_handle(address);
  };
  size_t i = 0;
  for (void* address : addresses) bind(i++, address);
  if (i < at.memories.size()) bind(i, scratchpad);
  useThreads(threads);
  const dnnl_status_t status = dnnl_primitive_execute(primitive_->handle.get(), stream(), static_cast<int>(at.args.size()), at.args.data());
  if (status == dnnl_out_of_memory) throw OutOfMemory("oneDNN ran out of memory");
  if (status != dnnl_success) throw std::runtime_error(std::string("oneDNN failed: status ") + std::to_string(status));
}

}  // namespace ondol::onednn
