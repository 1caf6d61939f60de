#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/health.h"
#include "core/results.h"
#include "memcached/connection.h"
#include "memcached/router.h"

namespace lmc {

struct ClusterConfig {
  std::vector<ServerSpec> servers;
  bool binary = false;
  bool isTls = false;
  bool awaitsServers = false;  // what is called waits for setServers(): the list is to be discovered
  bool hasCredentials = false;
  std::string username;
  std::string password;
  std::string keyNamespace;
  std::vector<BehaviorValue> behaviors;
  double timeoutMs = 2000;
  bool inflate = true;
  std::size_t maxInflated = std::size_t{64} << 20;
};

// All servers of a client with their connections: routes requests, refuses those for servers that are down,
// and hands them over in batches.
class Cluster {
 public:
  // On failure `*error` is not MEMCACHED_SUCCESS and the cluster must not be used.
  Cluster(ClusterConfig config, Loop& loop, memcached_return_t* error);
  ~Cluster() { shutDown(); }
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  // Requests are gathered by `add` and leave with `flush`.
  void add(std::unique_ptr<Request> request);
  void addForServer(std::unique_ptr<Request> request);  // request.server is its id
  void flush();
  // A tick may flush in portions: until it ends, all of them ride along with a probe.
  void endTick();
  // Gives a request up: it is completed as cancelled. True: it will not be sent. False: it was sent already,
  // or has its result.
  bool cancel(std::uint32_t slot);
  // Reads what has arrived, for at most `budgetMs`. True: there is more.
  bool receive(double budgetMs);

  memcached_return_t setBehaviors(const std::vector<BehaviorValue>& behaviors, const Behavior** refused);
  memcached_return_t setNamespace(const std::string& keyNamespace);
  // What was called before goes where it was meant to go. A server that stays keeps its connection and its health; one
  // that leaves closes its connection when all is answered.
  // `reusesIds`: of servers that left, if nothing that is still to be delivered names them.
  memcached_return_t setServers(const std::vector<ServerSpec>& servers, bool reusesIds);
  // The list could not be discovered: what waits for it fails.
  void failHeld(const std::string& reason);
  // Of the servers in the list, in its order: what completions and changes name them by.
  const std::vector<std::uint16_t>& ids() const { return active_; }
  const std::string& keyNamespace() const { return config_.keyNamespace; }

  // Closes all connections; what is not completed stays so.
  void shutDown();

  Results& results() { return results_; }
  Router& router() { return router_; }
  // Every id is below.
  std::size_t idCount() const { return servers_.size(); }
  // By their places in the list.
  std::size_t size() const { return active_.size(); }
  ServerState stateOf(std::size_t server) const { return servers_[active_[server]].health->state(); }
  const Connection& connectionOf(std::size_t server) const { return *servers_[active_[server]].connection; }

  // What happened to a server or its connection. Numbers are shared with lib/addon/record-layout.ts.
  struct Event {
    enum class Kind : std::uint8_t { State = 0, Connecting = 1, Connected = 2, NotConnected = 3 };
    Kind kind;
    std::uint16_t server;
    ServerState previous;
    ServerState state;
    std::string reason;
  };
  std::vector<Event> takeEvents() { return std::exchange(events_, {}); }
  bool hasNews() const { return !results_.empty() || !events_.empty(); }

  // What callers asked of a server, by Op, whether it was sent or not.
  using OperationCounts = std::array<std::uint64_t, static_cast<std::size_t>(Op::LastPublic) + 1>;
  const OperationCounts& operationsOf(std::size_t server) const { return servers_[active_[server]].operations; }

 private:
  struct Server {
    ServerSpec spec;
    std::unique_ptr<Health> health;
    ConnectionConfig settings;
    std::unique_ptr<Connection> connection;
    bool admitsThisTick = false;
    bool hasNew = false;  // was handed something since the last flush
    OperationCounts operations{};
  };

  std::uint16_t idFor(const ServerSpec& spec, const std::vector<std::uint16_t>& taken, bool reusesIds) const;
  memcached_return_t open(std::uint16_t id, const ServerSpec& spec);
  ConnectionConfig connectionConfig(const ServerSpec& server) const;
  FailurePolicy failurePolicy() const;
  RequestSettings requestSettings() const;
  void applyBehaviors();
  void beginGathering();
  void updateEjections();
  bool admit(Server& server, Request& request);
  void record(Request& request);
  void route(std::unique_ptr<Request> request);
  void replicate(const Request& request, std::size_t position);
  std::uint64_t valueOf(std::string_view behavior) const { return router_.get(*findBehavior(behavior)); }

  Loop& loop_;
  ClusterConfig config_;
  Router router_;
  SlotTable slots_;
  Results results_{slots_};
  Planner planner_;
  ValueJobs jobs_;
  std::unique_ptr<Encoder> encoder_;
  std::shared_ptr<const RequestSettings> requestSettings_;
  // By their ids; those that left the list stay until they are idle, and then their ids are free.
  std::vector<Server> servers_;
  std::vector<std::uint16_t> active_;  // the list: the router's index → id
  std::vector<bool> ejected_;
  std::vector<Event> events_;
  bool isHeld_ = false;  // until the list of servers is known
  RequestList held_;
  std::uint32_t replicas_ = 0;  // num_replicas
  bool isGathering_ = false;    // since the last flush
  double gatheredMs_ = 0;
};

}  // namespace lmc
