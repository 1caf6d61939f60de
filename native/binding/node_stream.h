#pragma once

#include <napi.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "transport/loop.h"
#include "transport/stream.h"

namespace lmc {

class NodeStream;

// The sockets of Node's that streams of one client lie over: TLS. Node looks names up, connects, checks certificates
// and encrypts; JavaScript (lib/topology/secure-sockets.ts) owns the sockets and reports what happens to them.
class NodeSockets {
 public:
  // What JavaScript reports.
  enum class Event : std::uint32_t { Connected = 0, Data = 1, Written = 2, Closed = 3 };

  NodeSockets(Napi::Env env, const Napi::AsyncContext& context, const Napi::Reference<Napi::Object>& owner)
      : env_(env), context_(context), owner_(owner) {}

  std::unique_ptr<Stream> open(const std::string& host, std::uint16_t port,
                               std::function<void(Loop::Readiness)> onReady);
  // `data`: of Data the bytes, of Written how many, of Closed what broke it, if anything.
  void report(std::uint32_t id, Event event, const Napi::Value& data);
  // JavaScript is called no longer.
  void shutDown() { isShutDown_ = true; }

 private:
  friend class NodeStream;
  // Calls a method of the owner: `openSocket`, `writeSocket`, `closeSocket`. From anywhere but a fiber.
  void call(const char* method, const std::function<std::vector<napi_value>()>& arguments);

  Napi::Env env_;
  const Napi::AsyncContext& context_;
  const Napi::Reference<Napi::Object>& owner_;
  std::unordered_map<std::uint32_t, NodeStream*> streams_;
  std::uint32_t lastId_ = 0;
  bool isShutDown_ = false;
};

}  // namespace lmc
