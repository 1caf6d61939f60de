#pragma once

#include <string_view>
#include <utility>

#include "core/completion.h"
#include "core/slot_table.h"

namespace lmc {

// Where requests are completed, each exactly once, and where completions wait for their delivery. A request
// that nobody waits for (any longer) completes without a trace.
class Results {
 public:
  explicit Results(SlotTable& slots) : slots_(slots) {}

  bool empty() const { return batch_.empty(); }
  CompletionBatch take() { return std::exchange(batch_, CompletionBatch{}); }

  // The completion to fill in; null: nobody waits.
  Completion* answer(Request& request, std::int32_t status) {
    if (request.slot == kNoSlot) return nullptr;
    Completion& completion = batch_.add(request.slot, status);
    completion.server = request.server;
    slots_.close(std::exchange(request.slot, kNoSlot));
    return &completion;
  }

  void fail(Request& request, std::int32_t status, Outcome outcome, std::string_view message = {}) {
    Completion* const completion = answer(request, status);
    if (completion == nullptr) return;
    completion->outcome = outcome;
    if (!message.empty()) batch_.attach(*completion, message);
  }

  void attach(Completion& completion, std::string_view value) { batch_.attach(completion, value); }
  void attachBlock(Completion& completion, char* memory, std::size_t size) {
    batch_.attachBlock(completion, memory, size);
  }

 private:
  SlotTable& slots_;
  CompletionBatch batch_;
};

}  // namespace lmc
