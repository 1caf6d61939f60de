#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "../batch.h"
#include "core/planner.h"
#include "memcached/session.h"

namespace lmc::test {

struct Answer {
  std::int32_t status = 0;
  Outcome outcome = Outcome::Definite;
  std::string value;
  std::uint32_t flags = 0;
  std::uint64_t number = 0;
  int times = 0;  // 1, or something is wrong
  bool isBlock = false;
};

// Keeps what is delivered, by slot.
class Answers final : public Deliverer {
 public:
  void deliver(CompletionBatch& batch) override {
    for (const Completion& item : batch.items) {
      Answer& answer = bySlot_[item.slot];
      ++answer.times;
      answer.status = item.status;
      answer.outcome = item.outcome;
      answer.flags = item.flags;
      answer.number = item.number;
      answer.isBlock = item.isBlock;
      answer.value = item.isBlock ? std::string(batch.blocks[item.offset].bytes.get(), item.length)
                                  : batch.bytes.substr(item.offset, item.length);
    }
    batch = CompletionBatch{};
  }

  const Answer& operator[](std::uint32_t slot) { return bySlot_[slot]; }
  // Every one of `count` slots once, and nobody else.
  bool complete(std::size_t count) const {
    if (bySlot_.size() != count) return false;
    std::uint32_t slot = 0;
    for (const auto& [key, answer] : bySlot_) {
      if (key != slot++ || answer.times != 1) return false;
    }
    return true;
  }
  void clear() { bySlot_.clear(); }

 private:
  std::map<std::uint32_t, Answer> bySlot_;
};

// A session with a planner in front, as a connection drives it, without the thread.
class Exchange {
 public:
  explicit Exchange(std::shared_ptr<const ConnectionConfig> config) : session_(std::move(config)) {}

  // Carries a batch out and returns how the steps went. Stops at none: every step is tried.
  std::vector<Contact> run(Batch& batch, double patienceMs = 10000) {
    answers.clear();
    std::vector<Contact> contacts;
    CompletionBatch results;
    const Plan& plan = planner_.plan(batch.view(), session_.prefixBytes());
    for (std::size_t position = 0; position < plan.steps.size(); ++position) {
      contacts.push_back(carryOut(session_, plan, position, batch.requests(), patienceMs, results, answers));
      answers.deliver(results);
      if (contacts.back() == Contact::Failed) session_.discard();
    }
    return contacts;
  }

  Answer one(Op op, std::string_view key, std::string_view value = {}, std::uint64_t number = 0,
             std::uint64_t initial = 0) {
    Batch batch;
    batch.add(op, key, value, number).initial = initial;
    run(batch);
    return answers[0];
  }
  std::string get(std::string_view key) { return one(Op::Get, key).value; }

  MemcachedSession& session() { return session_; }
  Answers answers;

 private:
  MemcachedSession session_;
  Planner planner_;
};

}  // namespace lmc::test
