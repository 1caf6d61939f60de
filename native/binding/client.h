#pragma once

#include <napi.h>

#include <deque>
#include <memory>
#include <unordered_set>
#include <vector>

#include "binding/record.h"
#include "binding/submission.h"
#include "binding/wakeup.h"
#include "memcached/cluster.h"

namespace lmc {

// What JavaScript sees: one object for each client. JavaScript thread only.
//
// It lives as long as JavaScript holds it or operations are pending. Collected without having been stopped,
// it stops itself; its threads end on their own.
class NativeClient : public Napi::ObjectWrap<NativeClient> {
 public:
  static Napi::Function define(Napi::Env env);

  explicit NativeClient(const Napi::CallbackInfo& info);
  ~NativeClient() override;

 private:
  // Methods.
  Napi::Value submit(const Napi::CallbackInfo& info);
  Napi::Value stage(const Napi::CallbackInfo& info);
  Napi::Value cancel(const Napi::CallbackInfo& info);
  Napi::Value setBehaviors(const Napi::CallbackInfo& info);
  Napi::Value getBehaviors(const Napi::CallbackInfo& info);
  Napi::Value route(const Napi::CallbackInfo& info);
  Napi::Value resume(const Napi::CallbackInfo& info);
  Napi::Value metrics(const Napi::CallbackInfo& info);
  Napi::Value stop(const Napi::CallbackInfo& info);

  bool adoptArrays(const Napi::Object& options);
  void deliver(Napi::Env env);
  void deliverSome(Napi::Env env, std::size_t budget);
  void deliverRound(Napi::Env env, std::size_t count, const std::vector<Block*>& blocks);
  void settled(Napi::Env env, std::size_t count);
  void shutDown(bool environmentEnds);
  static void environmentEnds(void* self);

  struct Bytes {
    Napi::Reference<Napi::TypedArray> array;  // keeps the memory
    char* data = nullptr;
    std::size_t size = 0;
  };

  Bytes submission_;  // requests, written by JavaScript, read by submit()
  Bytes records_;     // completions, written by deliver(), read by JavaScript
  Bytes bytes_;       // their small values
  std::vector<StagedValue> staged_;
  // Taken from the outbox and not delivered yet; backlogAt_ is the next item of the first batch.
  std::deque<CompletionBatch> backlog_;
  std::size_t backlogAt_ = 0;
  // Since when the event loop has not been seen to go on; and whether it was asked to, see deliver().
  double turnMs_ = 0;
  bool yielding_ = false;
  // Requests that somebody waits for: while there are any, the process and this object stay alive.
  std::size_t pending_ = 0;
  // Given up by JavaScript, not completed yet.
  std::unordered_set<std::uint32_t> abandoned_;
  bool stopped_ = false;
  // Destruction order: the cluster (and with it every reference to the outbox that we own) goes before what
  // its threads post to.
  std::shared_ptr<Wakeup> wakeup_;
  std::shared_ptr<Outbox> outbox_;
  std::unique_ptr<Cluster> cluster_;
};

}  // namespace lmc
