#pragma once

#include <napi.h>

#include <atomic>
#include <functional>
#include <memory>

namespace lmc {

// Lets connection threads wake the JavaScript thread. Owns the threadsafe function.
//
// Node deletes a threadsafe function when its environment ends, whoever still uses it. So a thread announces
// itself before it calls, and close() waits for those inside; nobody enters afterwards. No lock is held
// during the call into Node-API, which never blocks (the queue is unbounded).
class Wakeup : public std::enable_shared_from_this<Wakeup> {
 public:
  // JavaScript thread. `onWake` runs on the JavaScript thread, inside a handle scope.
  static std::shared_ptr<Wakeup> create(Napi::Env env, std::function<void(Napi::Env)> onWake);

  // Any thread.
  void wake();

  // JavaScript thread. An idle client must not keep the process alive; a pending operation must.
  void ref(Napi::Env env);
  void unref(Napi::Env env);

  // JavaScript thread; idempotent. Afterwards no thread is inside Node-API because of us, and none gets
  // there. `environmentEnds`: Node takes the threadsafe function away itself.
  void close(bool environmentEnds);

 private:
  static void callJavaScript(napi_env env, napi_value callback, void* context, void* data);

  napi_threadsafe_function function_ = nullptr;
  std::function<void(Napi::Env)> onWake_;
  std::atomic<bool> closed_{false};
  std::atomic<std::uint32_t> inside_{0};
};

}  // namespace lmc
