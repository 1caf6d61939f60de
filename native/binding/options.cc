#include "binding/options.h"

#include <algorithm>
#include <utility>

namespace lmc {

namespace {

// libmemcached asserts that its continuum has room: more servers abort the process.
constexpr std::size_t kMaxServers = 100;
// sun_path, less its zero byte.
constexpr std::size_t kMaxUnixPath = 107;

bool readServer(const Napi::Value& value, ServerSpec* server) {
  if (!value.IsObject()) return false;
  const auto object = value.As<Napi::Object>();
  const Napi::Value transport = object.Get("transport");
  const Napi::Value host = object.Get("host");
  const Napi::Value port = object.Get("port");
  const Napi::Value weight = object.Get("weight");
  if (!transport.IsNumber() || !host.IsString() || !port.IsNumber() || !weight.IsNumber()) return false;
  server->transport = static_cast<Transport>(transport.As<Napi::Number>().Uint32Value());
  server->host = host.As<Napi::String>().Utf8Value();
  server->port = static_cast<std::uint16_t>(port.As<Napi::Number>().Uint32Value());
  server->weight = weight.As<Napi::Number>().Uint32Value();
  const bool isUnix = server->transport == Transport::Unix;
  if (isUnix) server->port = 0;
  if (server->host.empty() || server->host.size() > (isUnix ? kMaxUnixPath : 1024)) return false;
  return isUnix == (server->host[0] == '/');
}

bool readString(const Napi::Object& options, const char* name, std::string* text) {
  const Napi::Value value = options.Get(name);
  if (!value.IsString()) return false;
  *text = value.As<Napi::String>().Utf8Value();
  return true;
}

}  // namespace

bool readServers(const Napi::Value& value, std::vector<ServerSpec>* servers) {
  if (!value.IsArray()) return false;
  const auto list = value.As<Napi::Array>();
  if (list.Length() == 0 || list.Length() > kMaxServers) return false;
  for (std::uint32_t index = 0; index < list.Length(); ++index) {
    if (!readServer(list.Get(index), &servers->emplace_back())) return false;
  }
  return true;
}

bool readClusterConfig(const Napi::Object& options, ClusterConfig* config) {
  if (!readServers(options.Get("servers"), &config->servers)) return false;
  const Napi::Value timeout = options.Get("timeout");
  const Napi::Value maxInflated = options.Get("maxInflated");
  const Napi::Value behaviors = options.Get("behaviors");
  if (!timeout.IsNumber() || !maxInflated.IsNumber() || !behaviors.IsObject()) return false;
  config->binary = options.Get("binary").ToBoolean().Value();
  config->isTls = options.Get("isTls").ToBoolean().Value();
  config->awaitsServers = options.Get("awaitsServers").ToBoolean().Value();
  config->timeoutMs = timeout.As<Napi::Number>().DoubleValue();
  config->maxInflated = static_cast<std::size_t>(maxInflated.As<Napi::Number>().Uint32Value());
  config->inflate = options.Get("inflate").ToBoolean().Value();
  config->hasCredentials = options.Get("username").IsString();
  if (config->hasCredentials &&
      (!readString(options, "username", &config->username) || !readString(options, "password", &config->password)))
    return false;
  return readBehaviors(behaviors.As<Napi::Object>(), &config->behaviors, &config->keyNamespace);
}

bool readBehaviors(const Napi::Object& values, std::vector<BehaviorValue>* behaviors, std::string* keyNamespace) {
  const Napi::Array names = values.GetPropertyNames();
  for (std::uint32_t index = 0; index < names.Length(); ++index) {
    // Not what anybody has added to Object.prototype.
    if (!values.HasOwnProperty(names.Get(index))) continue;
    const std::string name = names.Get(index).ToString().Utf8Value();
    const Napi::Value value = values.Get(name);
    if (name == "namespace") {
      if (!value.IsString()) return false;
      *keyNamespace = value.As<Napi::String>().Utf8Value();
      continue;
    }
    // An unknown number would abort the process in libmemcached: only names from the table get there.
    const Behavior* behavior = findBehavior(name);
    if (behavior == nullptr || !value.IsNumber()) return false;
    behaviors->push_back({behavior, static_cast<std::uint64_t>(value.As<Napi::Number>().Int64Value())});
  }
  return true;
}

Napi::Array idsOf(Napi::Env env, const Cluster& cluster) {
  Napi::Array ids = Napi::Array::New(env, cluster.size());
  for (std::uint32_t index = 0; index < cluster.size(); ++index) ids.Set(index, cluster.ids()[index]);
  return ids;
}

void throwRefused(Napi::Env env, memcached_return_t rc, const Behavior* behavior) {
  Napi::Error error = Napi::Error::New(env, memcached_strerror(nullptr, rc));
  error.Set("retcode", Napi::Number::New(env, rc));
  if (behavior != nullptr) error.Set("behavior", Napi::String::New(env, behavior->name));
  error.ThrowAsJavaScriptException();
}

}  // namespace lmc
