#pragma once

#include <napi.h>

#include <deque>
#include <memory>
#include <vector>

#include "binding/node_stream.h"
#include "binding/record.h"
#include "binding/submission.h"
#include "binding/uv_loop.h"
#include "memcached/cluster.h"

namespace lmc {

// What JavaScript sees: one object for each client.
//
// It lives as long as JavaScript holds it or operations are pending. Collected without having been stopped,
// it stops itself.
class NativeClient : public Napi::ObjectWrap<NativeClient> {
 public:
  static Napi::Function define(Napi::Env env);

  explicit NativeClient(const Napi::CallbackInfo& info);
  ~NativeClient() override;

 private:
  using Method = Napi::Value (NativeClient::*)(const Napi::CallbackInfo& info);
  template <Method method>
  Napi::Value guarded(const Napi::CallbackInfo& info);
  void construct(const Napi::CallbackInfo& info);

  // Methods.
  Napi::Value submit(const Napi::CallbackInfo& info);
  Napi::Value stage(const Napi::CallbackInfo& info);
  Napi::Value cancel(const Napi::CallbackInfo& info);
  Napi::Value setBehaviors(const Napi::CallbackInfo& info);
  Napi::Value getBehaviors(const Napi::CallbackInfo& info);
  Napi::Value route(const Napi::CallbackInfo& info);
  Napi::Value receive(const Napi::CallbackInfo& info);
  Napi::Value resume(const Napi::CallbackInfo& info);
  Napi::Value metrics(const Napi::CallbackInfo& info);
  Napi::Value setServers(const Napi::CallbackInfo& info);
  Napi::Value failHeld(const Napi::CallbackInfo& info);
  Napi::Value reportSocket(const Napi::CallbackInfo& info);
  Napi::Value stop(const Napi::CallbackInfo& info);

  bool adoptArrays(const Napi::Object& options);
  void deliverFromLoop(bool isJob);
  void deliverNow(Napi::Env env);
  void deliverLater();
  void deliverSome(Napi::Env env, std::size_t budget);
  void deliverRound(Napi::Env env, std::size_t count, const std::vector<Block*>& blocks);
  void collectResults();
  void reportEvents(Napi::Env env);
  void settled(Napi::Env env, std::size_t count);
  void shutDown();

  // Keeps the environment until libuv holds nothing of ours any longer; lives on when the client is gone.
  struct CleanupHook {
    NativeClient* client;
    napi_async_cleanup_hook_handle handle = nullptr;
  };

  struct Bytes {
    Napi::Reference<Napi::TypedArray> array;  // keeps the memory
    char* data = nullptr;
    std::size_t size = 0;
  };

  Bytes submission_;  // requests, written by JavaScript, read by submit()
  Bytes records_;     // completions, written by deliver…(), read by JavaScript
  Bytes bytes_;       // their small values
  std::vector<StagedValue> staged_;
  // To be delivered; backlogAt_ is the next item of the first batch.
  std::deque<CompletionBatch> backlog_;
  std::size_t backlogAt_ = 0;
  // Values that JavaScript reads in some 5 ms, by what the last ones took: a codec may be slow.
  std::size_t maxRoundValues_ = 16;
  double turnStartedMs_ = 0;
  double deliveredMs_ = 0;  // when the last delivery ended
  bool isDelivering_ = false;
  // The event loop was asked to go on to its other phases first, see deliverLater().
  bool isYielding_ = false;
  // Requests that somebody waits for: while there are any, the process and this object stay alive.
  std::size_t pending_ = 0;
  bool isStopped_ = false;
  CleanupHook* cleanupHook_ = nullptr;
  std::unique_ptr<Napi::AsyncContext> asyncContext_;
  // Destruction order: the cluster's connections go before the loop that watches them.
  std::unique_ptr<NodeSockets> sockets_;
  std::unique_ptr<UvLoop> loop_;
  std::unique_ptr<Cluster> cluster_;
};

}  // namespace lmc
