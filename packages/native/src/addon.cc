// The face to JavaScript: plain Node-API, one Queue for each environment (main thread or worker).
#define NAPI_VERSION 8
#include <node_api.h>
#include <omp.h>

#include <cstdlib>
#include <unordered_map>

#include "onednn.h"
#include "queue.h"
#include "simd.h"

namespace {

using namespace ondol;

// A read or finish that a promise waits for.
struct Pending {
  napi_deferred deferred;
  napi_ref array;  // what is read into; null for finish
  std::optional<Failure> failure;
};

struct Instance {
  napi_env env = nullptr;
  napi_threadsafe_function report = nullptr;
  std::unique_ptr<Queue> queue;
  std::vector<Block*> blocks;
  std::vector<uint32_t> freeIds;
  std::unordered_map<uint32_t, ProgramPtr> programs;
  uint32_t nextProgram = 1;
  int64_t allocated = 0;
  int64_t unreported = 0;
  int pending = 0;
};

// ---- Small helpers ----

napi_value undefinedValue(napi_env env) {
  napi_value value;
  napi_get_undefined(env, &value);
  return value;
}

napi_value makeNumber(napi_env env, double number) {
  napi_value value;
  napi_create_double(env, number, &value);
  return value;
}

napi_value makeString(napi_env env, const std::string& text) {
  napi_value value;
  napi_create_string_utf8(env, text.data(), text.size(), &value);
  return value;
}

napi_value makeError(napi_env env, const Failure& failure) {
  napi_value error;
  napi_create_error(env, makeString(env, failure.outOfMemory ? "ONDOL_OUT_OF_MEMORY" : "ONDOL_FAILED"), makeString(env, failure.message), &error);
  return error;
}

struct Arguments {
  napi_env env;
  napi_value values[4];
  Instance& instance;

  double number(int i) const {
    double value = 0;
    if (napi_get_value_double(env, values[i], &value) != napi_ok) throw std::runtime_error("a number is expected");
    return value;
  }
  bool flag(int i) const {
    bool value = false;
    if (napi_get_value_bool(env, values[i], &value) != napi_ok) throw std::runtime_error("a boolean is expected");
    return value;
  }
  uint32_t id(int i) const { return static_cast<uint32_t>(number(i)); }
  Block* block(int i) const { return blockOf(id(i)); }
  Block* blockOf(uint32_t at) const {
    if (at >= instance.blocks.size() || instance.blocks[at] == nullptr) throw std::runtime_error("memory is used after it was freed");
    return instance.blocks[at];
  }
  struct Bytes {
    void* data;
    size_t bytes, length;
  };
  static Bytes bytesOfArray(napi_env env, napi_value value) {
    napi_typedarray_type type;
    Bytes result{};
    if (napi_get_typedarray_info(env, value, &type, &result.length, &result.data, nullptr, nullptr) != napi_ok) throw std::runtime_error("a typed array is expected");
    constexpr size_t sizes[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8};
    result.bytes = result.length * sizes[type];
    return result;
  }
  Bytes bytes(int i) const { return bytesOfArray(env, values[i]); }
};

// Runs `body` with decoded arguments; C++ exceptions become JavaScript ones.
template <napi_value (*body)(Arguments&)> napi_value method(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  Arguments arguments{env, {}, *static_cast<Instance*>(data)};
  size_t count = 4;
  napi_get_cb_info(env, info, &count, arguments.values, nullptr, nullptr);
  Failure failure{false, ""};
  try {
    return body(arguments);
  } catch (const OutOfMemory& error) {
    failure = {true, error.what()};
  } catch (const std::bad_alloc&) {
    failure = {true, "the system has no memory left"};
  } catch (const std::exception& error) {
    failure.message = error.what();
  }
  napi_throw(env, makeError(env, failure));
  return nullptr;
}

// V8 hears of memory in steps, for each report may cost it a garbage collection.
void account(Instance& instance, int64_t bytes) {
  constexpr int64_t kStep = 1 << 20;
  instance.allocated += bytes;
  instance.unreported += bytes;
  if (instance.unreported < kStep && instance.unreported > -kStep) return;
  int64_t total;
  napi_adjust_external_memory(instance.env, instance.unreported, &total);
  instance.unreported = 0;
}

void settle(Instance& instance, Pending* pending) {
  napi_env env = instance.env;
  napi_value value = undefinedValue(env);
  if (pending->array != nullptr) {
    napi_get_reference_value(env, pending->array, &value);
    napi_delete_reference(env, pending->array);
  }
  if (pending->failure) napi_reject_deferred(env, pending->deferred, makeError(env, *pending->failure));
  else napi_resolve_deferred(env, pending->deferred, value);
  delete pending;
}

void onReport(napi_env env, napi_value, void* context, void* data) {
  Instance& instance = *static_cast<Instance*>(context);
  if (env == nullptr) return;
  // Node may end once nothing is waited for.
  if (--instance.pending == 0) napi_unref_threadsafe_function(env, instance.report);
  napi_handle_scope scope;
  napi_open_handle_scope(env, &scope);
  settle(instance, static_cast<Pending*>(data));
  napi_close_handle_scope(env, scope);
}

// Makes a promise and gives it to `start`, which says whether it is settled already.
template <class Start> napi_value promise(Instance& instance, napi_ref array, Start&& start) {
  napi_env env = instance.env;
  auto* pending = new Pending{nullptr, array, std::nullopt};
  napi_value result;
  napi_create_promise(env, &pending->deferred, &result);
  if (start(pending, pending->failure)) {
    settle(instance, pending);
  } else if (instance.pending++ == 0) {
    napi_ref_threadsafe_function(env, instance.report);
  }
  return result;
}

// ---- Methods ----

napi_value allocate(Arguments& a) {
  Instance& instance = a.instance;
  Block* block = instance.queue->pool().allocate(static_cast<size_t>(a.number(0)));
  uint32_t id;
  if (instance.freeIds.empty()) {
    id = static_cast<uint32_t>(instance.blocks.size());
    instance.blocks.push_back(block);
  } else {
    id = instance.freeIds.back();
    instance.freeIds.pop_back();
    instance.blocks[id] = block;
  }
  account(instance, static_cast<int64_t>(block->bytes));
  return makeNumber(a.env, id);
}

napi_value release(Arguments& a) {
  Block* block = a.block(0);
  account(a.instance, -static_cast<int64_t>(block->bytes));
  a.instance.blocks[a.id(0)] = nullptr;
  a.instance.freeIds.push_back(a.id(0));
  a.instance.queue->pool().release(block);
  return undefinedValue(a.env);
}

void checkSize(const Block* block, size_t bytes) {
  if (bytes > block->bytes) throw std::runtime_error("a copy of " + std::to_string(bytes) + " bytes does not fit memory of " + std::to_string(block->bytes));
}

napi_value write(Arguments& a) {
  const Arguments::Bytes from = a.bytes(1);
  Block* block = a.block(0);
  checkSize(block, from.bytes);
  a.instance.queue->write(block, from.data, from.bytes);
  return undefinedValue(a.env);
}

napi_value readNow(Arguments& a) {
  const Arguments::Bytes to = a.bytes(1);
  Block* block = a.block(0);
  checkSize(block, to.bytes);
  const std::optional<Failure> failure = a.instance.queue->readNow(block, to.data, to.bytes);
  if (failure) napi_throw(a.env, makeError(a.env, *failure));
  return a.values[1];
}

napi_value read(Arguments& a) {
  const Arguments::Bytes to = a.bytes(1);
  Block* block = a.block(0);
  checkSize(block, to.bytes);
  napi_ref array;
  napi_create_reference(a.env, a.values[1], 1, &array);
  return promise(a.instance, array, [&](void* token, std::optional<Failure>& failure) { return a.instance.queue->read(block, to.data, to.bytes, token, failure); });
}

napi_value finish(Arguments& a) {
  return promise(a.instance, nullptr, [&](void* token, std::optional<Failure>& failure) { return a.instance.queue->finish(token, failure); });
}

napi_value load(Arguments& a) {
  const Arguments::Bytes code = a.bytes(0);
  std::vector<Constant> constants;
  uint32_t count = 0;
  napi_get_array_length(a.env, a.values[1], &count);
  for (uint32_t i = 0; i < count; i++) {
    napi_value item;
    napi_get_element(a.env, a.values[1], i, &item);
    const Arguments::Bytes bytes = Arguments::bytesOfArray(a.env, item);
    constants.push_back({bytes.data, bytes.bytes});
  }
  const uint32_t id = a.instance.nextProgram++;
  a.instance.programs[id] = a.instance.queue->load(static_cast<const double*>(code.data), code.length, std::move(constants));
  return makeNumber(a.env, id);
}

const ProgramPtr& programOf(const Arguments& a) {
  const auto found = a.instance.programs.find(a.id(0));
  if (found == a.instance.programs.end()) throw std::runtime_error("a program is used after it was disposed of");
  return found->second;
}

napi_value run(Arguments& a) {
  const ProgramPtr& program = programOf(a);
  const Arguments::Bytes ids = a.bytes(1);
  if (ids.length != program->slots()) throw std::runtime_error("a program got " + std::to_string(ids.length) + " buffers, not " + std::to_string(program->slots()));
  std::vector<Block*> blocks(ids.length);
  for (size_t i = 0; i < ids.length; i++) blocks[i] = a.blockOf(static_cast<const uint32_t*>(ids.data)[i]);
  for (Block* block : blocks) a.instance.queue->pool().retain(block);
  a.instance.queue->run(program, std::move(blocks), a.flag(2));
  return undefinedValue(a.env);
}

napi_value unload(Arguments& a) {
  a.instance.programs.erase(a.id(0));
  return undefinedValue(a.env);
}

napi_value scratchBytes(Arguments& a) { return makeNumber(a.env, static_cast<double>(programOf(a)->arenaBytes())); }
napi_value programCost(Arguments& a) { return makeNumber(a.env, programOf(a)->cost()); }
// Call it when the queue is idle.
napi_value stepTimes(Arguments& a) {
  const std::vector<double> times = programOf(a)->takeTimes();
  napi_value array;
  napi_create_array_with_length(a.env, times.size(), &array);
  for (size_t i = 0; i < times.size(); i++) napi_set_element(a.env, array, static_cast<uint32_t>(i), makeNumber(a.env, times[i]));
  return array;
}

napi_value allocatedBytes(Arguments& a) { return makeNumber(a.env, static_cast<double>(a.instance.allocated)); }

napi_value names(napi_env env, const std::vector<const char*>& list) {
  napi_value array;
  napi_create_array_with_length(env, list.size(), &array);
  for (size_t i = 0; i < list.size(); i++) napi_set_element(env, array, static_cast<uint32_t>(i), makeString(env, list[i]));
  return array;
}

napi_value info(Arguments& a) {
  napi_value object;
  napi_create_object(a.env, &object);
#define X(name) #name,
  napi_set_named_property(a.env, object, "ops", names(a.env, {ONDOL_LOOP_OPS(X)}));
  napi_set_named_property(a.env, object, "kernels", names(a.env, {ONDOL_KERNELS(X)}));
#undef X
  napi_set_named_property(a.env, object, "oneDNN", makeString(a.env, onednn::version()));
  napi_set_named_property(a.env, object, "simd", makeString(a.env, simd().name));
  napi_set_named_property(a.env, object, "codeFrom", makeNumber(a.env, codeFrom() == kNoCode ? std::numeric_limits<double>::infinity() : static_cast<double>(codeFrom())));
  napi_set_named_property(a.env, object, "threads", makeNumber(a.env, a.instance.queue->threads()));
  return object;
}

int chosenThreads() {
  const char* asked = std::getenv("ONDOL_THREADS");
  const int wanted = asked == nullptr ? 0 : std::atoi(asked);
  const int most = 64, there = omp_get_num_procs();
  return wanted > 0 ? (wanted < most ? wanted : most) : there < most ? there : most;
}

// The queue ends before the function that it reports through.
void cleanUp(void* data) { static_cast<Instance*>(data)->queue.reset(); }

}  // namespace

NAPI_MODULE_INIT() {
  auto* instance = new Instance;
  instance->env = env;
  napi_create_threadsafe_function(env, nullptr, nullptr, makeString(env, "ondol"), 0, 1, nullptr, nullptr, instance, onReport, &instance->report);
  napi_unref_threadsafe_function(env, instance->report);
  instance->queue = std::make_unique<Queue>(chosenThreads(), [instance](void* token, const std::optional<Failure>& failure) {
    static_cast<Pending*>(token)->failure = failure;
    napi_call_threadsafe_function(instance->report, token, napi_tsfn_nonblocking);
  });
  napi_set_instance_data(env, instance, [](napi_env, void* data, void*) {
    auto* ended = static_cast<Instance*>(data);
    ended->programs.clear();
    delete ended;
  }, nullptr);
  napi_add_env_cleanup_hook(env, cleanUp, instance);

  const napi_property_descriptor properties[] = {
#define ONDOL_METHOD(name, function) {name, nullptr, method<function>, nullptr, nullptr, nullptr, napi_enumerable, nullptr}
      ONDOL_METHOD("allocate", allocate), ONDOL_METHOD("free", release), ONDOL_METHOD("write", write), ONDOL_METHOD("read", read),
      ONDOL_METHOD("readNow", readNow), ONDOL_METHOD("finish", finish), ONDOL_METHOD("load", load), ONDOL_METHOD("run", run),
      ONDOL_METHOD("unload", unload), ONDOL_METHOD("scratchBytes", scratchBytes), ONDOL_METHOD("programCost", programCost), ONDOL_METHOD("stepTimes", stepTimes),
      ONDOL_METHOD("allocatedBytes", allocatedBytes), ONDOL_METHOD("info", info),
#undef ONDOL_METHOD
  };
  napi_define_properties(env, exports, sizeof(properties) / sizeof(properties[0]), properties);
  return exports;
}
