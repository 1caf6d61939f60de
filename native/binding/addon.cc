#include <napi.h>

#include <exception>

#include "binding/client.h"
#include "binding/metrics.h"
#include "core/clock.h"
#include "memcached/behaviors.h"
#include "memcached/library.h"
#include "memcached/linkage.h"

namespace lmc {

namespace {

template <typename Range>
Napi::Object numbersByName(Napi::Env env, const Range& range) {
  Napi::Object object = Napi::Object::New(env);
  for (const NamedNumber& named : range) object.Set(named.name, Napi::Number::New(env, named.value));
  return object;
}

Napi::Array behaviorTable(Napi::Env env) {
  Napi::Array table = Napi::Array::New(env, behaviors().size());
  std::uint32_t index = 0;
  for (const Behavior& behavior : behaviors()) {
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("name", behavior.name);
    entry.Set("kind", Napi::Number::New(env, static_cast<double>(behavior.kind)));
    table.Set(index++, entry);
  }
  return table;
}

Napi::Value now(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), nowMs()); }

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  if (const std::string& missing = installLinkage(); !missing.empty()) {
    Napi::Error::New(env, "libmemcached's system calls cannot be redirected: " + missing).ThrowAsJavaScriptException();
    return exports;
  }
  exports.Set("NativeClient", NativeClient::define(env));
  exports.Set("behaviors", behaviorTable(env));
  exports.Set("hashers", numbersByName(env, hashers()));
  exports.Set("distributions", numbersByName(env, distributions()));
  exports.Set("returnCodes", numbersByName(env, returnCodes()));
  exports.Set("latencyBounds", latencyBounds(env));
  exports.Set("libmemcachedVersion", libraryVersion());
  exports.Set("supportSasl", Napi::Boolean::New(env, librarySupportsSasl()));
  exports.Set("now", Napi::Function::New(env, now, "now"));
  return exports;
}

}  // namespace

}  // namespace lmc

Napi::Object InitializeAddon(Napi::Env env, Napi::Object exports) {
  try {
    return lmc::initialize(env, exports);
  } catch (const std::exception& error) {  // no memory: through Node's own frames no C++ exception gets
    Napi::Error::New(env, error.what()).ThrowAsJavaScriptException();
    return exports;
  }
}

NODE_API_MODULE(libmemcached, InitializeAddon)
