#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "memcached/behaviors.h"
#include "memcached/config.h"
#include "memcached/handle.h"

namespace lmc {

// Key → server, by libmemcached's own hash on a handle that knows all servers and never connects: so
// placement is that of every other client of libmemcached. The same handle answers what behaviors are in
// force.
class Router {
 public:
  // The behaviors are applied before the servers are added, as pylibmc does it.
  // On failure `*error` is not MEMCACHED_SUCCESS and the router must not be used.
  Router(std::vector<ServerSpec> servers, const std::vector<BehaviorValue>& behaviors, const std::string& keyNamespace,
         bool binary, memcached_return_t* error);

  // Applied in pylibmc's order. Stops at the first that libmemcached refuses and names it.
  memcached_return_t set(const std::vector<BehaviorValue>& behaviors, const Behavior** refused);
  std::uint64_t get(const Behavior& behavior) const;
  // Other servers, with the behaviors and the namespace in force.
  memcached_return_t setServers(std::vector<ServerSpec> servers);
  memcached_return_t setNamespace(const std::string& keyNamespace);

  // Where the key's own server stands in libmemcached's order; its copies are on those behind it. Not to be
  // asked twice for one request: with the distribution `random` the answers differ.
  std::uint32_t positionOf(std::string_view key) const { return servers_.size() == 1 ? 0 : hashOf(key); }
  std::uint32_t serverAt(std::size_t position) const { return order_[position % order_.size()]; }
  std::uint32_t serverOf(std::string_view key) const { return serverAt(positionOf(key)); }
  // What memcached_generate_hash says: the index of the server in the handle's order.
  std::uint32_t hashOf(std::string_view key) const {
    return memcached_generate_hash(handle_.get(), key.data(), key.size());
  }
  // The value of the hash function in force, before the distribution.
  std::uint32_t digestOf(std::string_view key) const;

  // Takes the servers that are true out of the distribution. Only ketama does that: the others keep their
  // places (pylibmc: "only the ketama distribution actually removes servers").
  void eject(const std::vector<bool>& dead);

  // Whether the distribution in force is one that servers can be taken out of.
  bool ejects() const;

  std::size_t size() const { return servers_.size(); }
  const ServerSpec& server(std::size_t index) const { return servers_[index]; }

 private:
  void learnOrder();

  std::vector<ServerSpec> servers_;
  Handle handle_;
  std::vector<std::uint32_t> order_;  // the handle's index → ours; differs with _sort_hosts
  // Values that the handle cannot hold: it refuses or interprets them, or has to connect to answer.
  std::vector<std::pair<memcached_behavior_t, std::uint64_t>> overrides_;
};

}  // namespace lmc
