#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/connection.h"
#include "core/health.h"
#include "core/outbox.h"
#include "core/slot_table.h"
#include "memcached/router.h"

namespace lmc {

struct ClusterConfig {
  std::vector<ServerSpec> servers;
  Protocol protocol = Protocol::Auto;
  bool hasCredentials = false;
  std::string username;
  std::string password;
  std::string keyNamespace;
  std::vector<BehaviorValue> behaviors;
  std::uint32_t connections = 1;  // per server
  double patienceMs = 2000;       // the client's timeout
  bool inflate = true;
};

// All servers of a client with their connections: routes requests, refuses those for servers that are down,
// and hands them over once per tick. JavaScript thread only.
class Cluster {
 public:
  // On failure `*error` is not MEMCACHED_SUCCESS and the cluster must not be used.
  Cluster(ClusterConfig config, std::shared_ptr<Outbox> outbox, memcached_return_t* error);
  ~Cluster() { stop(); }
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  // Requests are gathered by `add` and leave with `flush`.
  void add(Request&& request);
  void addForServer(Request&& request);  // request.server says which
  void flush();

  memcached_return_t setBehaviors(const std::vector<BehaviorValue>& behaviors, const Behavior** refused);
  memcached_return_t setNamespace(const std::string& keyNamespace);
  const std::string& keyNamespace() const { return config_.keyNamespace; }

  // Ends all threads after the exchange each is at. What waits is completed as closed.
  void stop();
  // For an environment that ends: waits for the threads. Bounded, because one may wait for a silent server;
  // such a thread owns all that it still touches.
  bool waitForThreads(double milliseconds) { return threads_->waitForNone(milliseconds); }

  SlotTable& slots() { return *slots_; }
  Router& router() { return router_; }
  std::size_t size() const { return servers_.size(); }
  ServerState stateOf(std::size_t server) const { return servers_[server].health->state(); }

  // What callers asked of a server, by Op, whether it was sent or not.
  using OperationCounts = std::array<std::uint64_t, static_cast<std::size_t>(Op::LastPublic) + 1>;
  const OperationCounts& operationsOf(std::size_t server) const { return servers_[server].operations; }
  ServerCounts countsOf(std::size_t server) const;

 private:
  struct Lane {
    std::shared_ptr<Connection> connection;
    std::vector<Request> staged;
    std::size_t copyBytes = 0;  // of copies for a replica among them
  };
  struct Server {
    std::shared_ptr<Health> health;
    ConnectionConfig settings;  // in force for requests submitted now
    std::vector<Lane> lanes;    // one for each connection
    bool admitsThisTick = false;
    OperationCounts operations{};
  };

  ConnectionConfig connectionConfig(const ServerSpec& server) const;
  FailurePolicy failurePolicy() const;
  void applyConnectionConfig();
  void beginTick();
  void watchDeadServers();
  bool admit(Server& server, const Request& request);
  void refuse(const Request& request, std::int32_t status);
  void stage(Server& server, Request&& request);
  static Lane& laneOf(Server& server, const Request& request);
  void enter(Server& server, Request& request);
  void replicate(const Request& request, std::size_t position);
  std::uint64_t valueOf(std::string_view behavior) const { return router_.get(*findBehavior(behavior)); }

  ClusterConfig config_;
  Router router_;
  std::shared_ptr<Outbox> outbox_;
  std::shared_ptr<ThreadCount> threads_ = std::make_shared<ThreadCount>();
  // Requests point into it, also those that a thread still holds when the cluster is gone.
  std::shared_ptr<SlotTable> slots_ = std::make_shared<SlotTable>();
  std::vector<Server> servers_;
  std::vector<bool> ejected_;
  std::uint32_t replicas_ = 0;  // num_replicas
  CompletionBatch refused_;
  bool ticking_ = false;
  double tickMs_ = 0;
};

}  // namespace lmc
