// scan, while and cond: plans inside plans, run on frames of their own.
#include "plan.h"
#include "threads.h"
#include "workspace.h"

namespace ondol {
namespace {

struct Carry {
  View initial, final, other;
};
struct Stacked {
  View view;
  Index stride;  // bytes
};

std::vector<View> decodeViews(DecodeContext& context, const Plan& plan) {
  std::vector<View> views;
  const Index count = context.reader.integer();
  for (Index i = 0; i < count; i++) views.push_back(decodeView(context, plan));
  return views;
}

std::vector<Carry> decodeCarries(DecodeContext& context, const Plan& plan) {
  std::vector<Carry> carries;
  const Index count = context.reader.integer();
  for (Index i = 0; i < count; i++) {
    View initial = decodeView(context, plan), final = decodeView(context, plan), other = decodeView(context, plan);
    carries.push_back({initial, final, other});
  }
  return carries;
}

std::vector<Stacked> decodeStacked(DecodeContext& context, const Plan& plan) {
  std::vector<Stacked> stacked;
  const Index count = context.reader.integer();
  for (Index i = 0; i < count; i++) {
    const View view = decodeView(context, plan);
    stacked.push_back({view, context.reader.integer() * bytesOf(view.dtype)});
  }
  return stacked;
}

void copy(Frame& frame, const View& to, const View& from) {
  char* a = frame.at(to);
  const char* b = frame.at(from);
  if (a != b) std::memmove(a, b, static_cast<size_t>(from.size() * bytesOf(from.dtype)));
}

// The inner plan's frame, kept between runs; one for each slot of the outer plan.
class Inner {
 public:
  Inner(std::unique_ptr<Plan> plan, int slots) : plan_(std::move(plan)), frames_(static_cast<size_t>(slots)), arenas_(static_cast<size_t>(slots)) {}
  const Plan& plan() const { return *plan_; }

  Frame& enter(const Frame& outer, char* arena) {
    Frame& frame = frames_.at(static_cast<size_t>(outer.slot));
    char*& bound = arenas_.at(static_cast<size_t>(outer.slot));
    if (bound != arena || frame.base.empty()) {
      plan_->bind(frame, arena);
      bound = arena;
    }
    frame.scratch = outer.scratch;
    frame.threads = outer.threads;
    frame.slot = outer.slot;
    frame.stopping = outer.stopping;
    // The first of parallel frames stands for all.
    const bool timed = outer.times != nullptr && outer.slot == 0;
    if (timed) times_.resize(plan_->steps.size(), 0);
    frame.times = timed ? times_.data() : nullptr;
    return frame;
  }
  void takeTimes(std::vector<double>& to) { plan_->takeTimes(times_, to); }
  void input(Frame& frame, size_t index, char* address) const { frame.base[static_cast<size_t>(plan_->inputs[index])] = address; }
  void output(Frame& frame, size_t index, char* address) const { frame.base[static_cast<size_t>(plan_->outputs[index])] = address; }

 private:
  std::unique_ptr<Plan> plan_;
  std::vector<Frame> frames_;
  std::vector<char*> arenas_;
  std::vector<double> times_;
};

// Where carries live from step to step: `final` and `other` in turn, so that step `length - 1` writes `final`.
char* carryAt(const Frame& frame, const Carry& carry, Index step, Index length) {
  if (step == 0) return frame.at(carry.initial);
  return (length - step) % 2 == 0 ? frame.at(carry.final) : frame.at(carry.other);
}

// Where the rows of a batch do not meet, `parts_` are bodies for some of the rows each, run side by side from the
// first step to the last; else there is one body for all.
class ScanStep : public Step {
 public:
  ScanStep(DecodeContext& context, const Plan& outer)
      : inner_(decodePlan(context), context.slots) {
    const Index parts = context.reader.integer();
    const int threads = context.threads;
    context.threads = 1;
    for (Index i = 0; i < parts; i++) parts_.emplace_back(decodePlan(context), context.slots);
    context.threads = threads;
    length_ = context.reader.integer();
    reverse_ = context.reader.flag();
    constants_ = decodeViews(context, outer);
    carries_ = decodeCarries(context, outer);
    elements_ = decodeStacked(context, outer);
    results_ = decodeStacked(context, outer);
    arena_ = decodeView(context, outer);
    // Rows are worth a region where the whole scan is.
    if (cost() < kParallelCost) parts_.clear();
    for (const Inner& part : parts_) partBytes_ = std::max(partBytes_, roundUp(part.plan().arenaBytes + kPadding, 4096) + roundUp(part.plan().scratchBytes + kPadding, 4096));
  }

  void run(Frame& outer) override {
    if (parts_.empty() || outer.threads == 1) {
      steps(outer, inner_, inner_.enter(outer, outer.at(arena_)));
    } else {
      parallel(static_cast<int>(parts_.size()), [&](int at, int) {
        Inner& part = parts_[static_cast<size_t>(at)];
        char* arena = outer.scratch + partBytes_ * static_cast<size_t>(at);
        Frame& frame = part.enter(outer, arena);
        frame.scratch = arena + roundUp(part.plan().arenaBytes + kPadding, 4096);
        frame.threads = 1;
        steps(outer, part, frame);
      });
    }
    if (length_ == 0) for (const Carry& carry : carries_) copy(outer, carry.final, carry.initial);
  }
  size_t scratchBytes() const override { return std::max(inner_.plan().scratchBytes, partBytes_ * parts_.size()); }
  double cost() const override { return 200 + static_cast<double>(length_) * (inner_.plan().cost + 100); }
  // The first part stands for all.
  void takeInnerTimes(std::vector<double>& to) override { (parts_.empty() ? inner_ : parts_[0]).takeTimes(to); }

 private:
  void steps(const Frame& outer, const Inner& inner, Frame& frame) const {
    for (size_t i = 0; i < constants_.size(); i++) inner.input(frame, i, outer.at(constants_[i]));
    for (Index step = 0; step < length_; step++) {
      const Index at = reverse_ ? length_ - 1 - step : step;
      size_t input = constants_.size(), output = 0;
      for (const Carry& carry : carries_) {
        inner.input(frame, input++, carryAt(outer, carry, step, length_));
        inner.output(frame, output++, carryAt(outer, carry, step + 1, length_));
      }
      for (const Stacked& element : elements_) inner.input(frame, input++, outer.at(element.view) + at * element.stride);
      for (const Stacked& result : results_) inner.output(frame, output++, outer.at(result.view) + at * result.stride);
      inner.plan().run(frame);
    }
  }

  Inner inner_;
  std::vector<Inner> parts_;
  size_t partBytes_ = 0;
  Index length_;
  bool reverse_;
  std::vector<View> constants_;
  std::vector<Carry> carries_;
  std::vector<Stacked> elements_, results_;
  View arena_;
};

class WhileStep : public Step {
 public:
  WhileStep(DecodeContext& context, const Plan& outer)
      : condition_(decodePlan(context), context.slots), body_(decodePlan(context), context.slots) {
    conditionConstants_ = decodeViews(context, outer);
    bodyConstants_ = decodeViews(context, outer);
    carries_ = decodeCarries(context, outer);
    flag_ = decodeView(context, outer);
    arena_ = decodeView(context, outer);
  }

  void run(Frame& outer) override {
    char* arena = outer.at(arena_);
    Frame& condition = condition_.enter(outer, arena);
    for (size_t i = 0; i < conditionConstants_.size(); i++) condition_.input(condition, i, outer.at(conditionConstants_[i]));
    condition_.output(condition, 0, outer.at(flag_));
    Frame& body = body_.enter(outer, arena);
    for (size_t i = 0; i < bodyConstants_.size(); i++) body_.input(body, i, outer.at(bodyConstants_[i]));
    for (Index step = 0;; step++) {
      // The number of steps is not known, so the first writes `other` and the second `final`.
      const auto place = [&](const Carry& carry, Index at) { return at == 0 ? outer.at(carry.initial) : at % 2 == 0 ? outer.at(carry.final) : outer.at(carry.other); };
      for (size_t i = 0; i < carries_.size(); i++) condition_.input(condition, conditionConstants_.size() + i, place(carries_[i], step));
      condition_.plan().run(condition);
      const bool stop = *outer.at(flag_) == 0 || (outer.stopping != nullptr && outer.stopping->load(std::memory_order_relaxed));
      if (stop) {
        for (const Carry& carry : carries_) if (place(carry, step) != outer.at(carry.final)) copy(outer, carry.final, step == 0 ? carry.initial : carry.other);
        return;
      }
      for (size_t i = 0; i < carries_.size(); i++) {
        body_.input(body, bodyConstants_.size() + i, place(carries_[i], step));
        body_.output(body, i, place(carries_[i], step + 1));
      }
      body_.plan().run(body);
    }
  }
  size_t scratchBytes() const override { return std::max(condition_.plan().scratchBytes, body_.plan().scratchBytes); }
  // How often it runs is not known; a guess large enough to keep it off the calling thread.
  double cost() const override { return 1e6 + 100 * (condition_.plan().cost + body_.plan().cost); }
  void takeInnerTimes(std::vector<double>& to) override {
    condition_.takeTimes(to);
    body_.takeTimes(to);
  }

 private:
  Inner condition_, body_;
  std::vector<View> conditionConstants_, bodyConstants_;
  std::vector<Carry> carries_;
  View flag_, arena_;
};

class CondStep : public Step {
 public:
  CondStep(DecodeContext& context, const Plan& outer)
      : whenTrue_(decodePlan(context), context.slots), whenFalse_(decodePlan(context), context.slots) {
    predicate_ = decodeView(context, outer);
    inputs_ = decodeViews(context, outer);
    outputs_ = decodeViews(context, outer);
    arena_ = decodeView(context, outer);
  }

  void run(Frame& outer) override {
    Inner& branch = *outer.at(predicate_) != 0 ? whenTrue_ : whenFalse_;
    Frame& frame = branch.enter(outer, outer.at(arena_));
    for (size_t i = 0; i < inputs_.size(); i++) branch.input(frame, i, outer.at(inputs_[i]));
    for (size_t i = 0; i < outputs_.size(); i++) branch.output(frame, i, outer.at(outputs_[i]));
    branch.plan().run(frame);
  }
  size_t scratchBytes() const override { return std::max(whenTrue_.plan().scratchBytes, whenFalse_.plan().scratchBytes); }
  double cost() const override { return 100 + std::max(whenTrue_.plan().cost, whenFalse_.plan().cost); }
  void takeInnerTimes(std::vector<double>& to) override {
    whenTrue_.takeTimes(to);
    whenFalse_.takeTimes(to);
  }

 private:
  Inner whenTrue_, whenFalse_;
  View predicate_, arena_;
  std::vector<View> inputs_, outputs_;
};

}  // namespace

std::unique_ptr<Step> decodeScan(DecodeContext& context, const Plan& plan) { return std::make_unique<ScanStep>(context, plan); }
std::unique_ptr<Step> decodeWhile(DecodeContext& context, const Plan& plan) { return std::make_unique<WhileStep>(context, plan); }
std::unique_ptr<Step> decodeCond(DecodeContext& context, const Plan& plan) { return std::make_unique<CondStep>(context, plan); }

}  // namespace ondol
