#include "binding/wakeup.h"

#include <thread>
#include <utility>

namespace lmc {

std::shared_ptr<Wakeup> Wakeup::create(Napi::Env env, std::function<void(Napi::Env)> onWake) {
  auto wakeup = std::make_shared<Wakeup>();
  wakeup->onWake_ = std::move(onWake);
  // The threadsafe function keeps its context alive until it is finalized, whatever happens to the client.
  auto* context = new std::shared_ptr<Wakeup>(wakeup);
  const auto finalize = [](napi_env, void*, void* hint) {
    delete static_cast<std::shared_ptr<Wakeup>*>(hint);
  };
  const napi_status created =
      napi_create_threadsafe_function(env, nullptr, nullptr, Napi::String::New(env, "libmemcached"), 0, 1,
                                      context, finalize, context, callJavaScript, &wakeup->function_);
  if (created != napi_ok) {
    delete context;
    return nullptr;
  }
  napi_unref_threadsafe_function(env, wakeup->function_);
  return wakeup;
}

void Wakeup::wake() {
  // Sequentially consistent on purpose: either close() sees us inside, or we see that it is closed.
  inside_.fetch_add(1);
  if (!closed_.load()) napi_call_threadsafe_function(function_, nullptr, napi_tsfn_nonblocking);
  inside_.fetch_sub(1);
}

void Wakeup::ref(Napi::Env env) {
  if (!closed_.load()) napi_ref_threadsafe_function(env, function_);
}

void Wakeup::unref(Napi::Env env) {
  if (!closed_.load()) napi_unref_threadsafe_function(env, function_);
}

void Wakeup::close(bool environmentEnds) {
  if (closed_.exchange(true)) return;
  while (inside_.load() != 0) std::this_thread::yield();
  if (!environmentEnds) napi_release_threadsafe_function(function_, napi_tsfn_abort);
}

void Wakeup::callJavaScript(napi_env env, napi_value, void* context, void*) {
  if (env == nullptr) return;  // the environment is gone; what is queued is dropped
  const std::shared_ptr<Wakeup> self = *static_cast<std::shared_ptr<Wakeup>*>(context);
  if (self->closed_.load()) return;
  self->onWake_(Napi::Env(env));
}

}  // namespace lmc
