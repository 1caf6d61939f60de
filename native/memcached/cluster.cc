#include "memcached/cluster.h"

#include <algorithm>
#include <utility>

#include "core/clock.h"
#include "memcached/session.h"

namespace lmc {

namespace {

// Copies for a replica that wait for one connection, at most. What it is at may be as much again.
constexpr std::size_t kMaxCopyBytes = std::size_t{32} << 20;

}  // namespace

Cluster::Cluster(ClusterConfig config, std::shared_ptr<Outbox> outbox, memcached_return_t* error)
    : config_(std::move(config)),
      router_(config_.servers, config_.behaviors, config_.keyNamespace, config_.protocol == Protocol::Binary,
              error),
      outbox_(std::move(outbox)) {
  if (*error != MEMCACHED_SUCCESS) return;
  ejected_.assign(config_.servers.size(), false);
  replicas_ = static_cast<std::uint32_t>(valueOf("num_replicas"));
  for (const ServerSpec& spec : config_.servers) {
    Server& server = servers_.emplace_back();
    server.health = std::make_shared<Health>();
    server.health->setPolicy(failurePolicy());
    server.settings = connectionConfig(spec);
    auto settings = std::make_shared<const ConnectionConfig>(server.settings);
    // A handle is made now and thrown away, so that a setting that libmemcached refuses is refused here and
    // not at the first operation.
    if (!makeConnectionHandle(*settings, settings->protocol, error)) return;
    for (std::uint32_t index = 0; index < config_.connections; ++index) {
      // The slot table rides along: the thread may outlive the cluster.
      auto session = [settings, slots = slots_] { return std::make_unique<MemcachedSession>(settings); };
      server.lanes.push_back(Lane{std::make_shared<Connection>(std::move(session), server.health, outbox_,
                                                               threads_, config_.patienceMs),
                                  {}});
    }
  }
}

ConnectionConfig Cluster::connectionConfig(const ServerSpec& server) const {
  ConnectionConfig made;
  made.server = server;
  made.protocol = server.transport == Transport::Udp ? Protocol::Text : config_.protocol;
  made.hasCredentials = config_.hasCredentials;
  made.username = config_.username;
  made.password = config_.password;
  made.keyNamespace = config_.keyNamespace;
  made.inflate = config_.inflate;
  made.noReply = valueOf("_noreply") != 0;
  made.casForAll = valueOf("cas") != 0;
  made.verifyKeys = valueOf("verify_keys") != 0;
  made.pollTimeoutMs = static_cast<std::uint32_t>(valueOf("_poll_timeout"));
  made.connectTimeoutMs = static_cast<std::uint32_t>(valueOf("connect_timeout"));
  made.receiveTimeoutUs = valueOf("receive_timeout");
  for (const char* name : {"no_block", "tcp_nodelay", "tcp_keepalive", "send_timeout", "receive_timeout",
                           "_socket_send_size", "_socket_recv_size", "_io_key_prefetch"}) {
    const Behavior& behavior = *findBehavior(name);
    const std::uint64_t value = router_.get(behavior);
    // 0 is libmemcached's "leave it to the system" for sizes, but it refuses none: do not set what is not
    // set.
    if (value != 0 || behavior.flag == MEMCACHED_BEHAVIOR_TCP_NODELAY)
      made.behaviors.emplace_back(behavior.flag, value);
  }
  return made;
}

FailurePolicy Cluster::failurePolicy() const {
  FailurePolicy policy;
  policy.retryTimeoutMs = static_cast<double>(valueOf("retry_timeout")) * 1000;
  policy.deadTimeoutMs = static_cast<double>(valueOf("dead_timeout")) * 1000;
  // pylibmc: remove_failed is both the switch and the number; auto_eject with failure_limit is its older
  // form.
  const auto removeFailed = static_cast<std::uint32_t>(valueOf("remove_failed"));
  policy.ejects = removeFailed > 0 || valueOf("auto_eject") != 0;
  policy.failureLimit =
      removeFailed > 0 ? removeFailed : static_cast<std::uint32_t>(valueOf("failure_limit"));
  return policy;
}

memcached_return_t Cluster::setBehaviors(const std::vector<BehaviorValue>& behaviors,
                                         const Behavior** refused) {
  const memcached_return_t rc = router_.set(behaviors, refused);
  applyConnectionConfig();
  return rc;
}

memcached_return_t Cluster::setNamespace(const std::string& keyNamespace) {
  const memcached_return_t rc = router_.setNamespace(keyNamespace);
  if (rc == MEMCACHED_SUCCESS) {
    config_.keyNamespace = keyNamespace;
    applyConnectionConfig();
  }
  return rc;
}

void Cluster::applyConnectionConfig() {
  flush();  // what was called before keeps the settings it was called with
  replicas_ = static_cast<std::uint32_t>(valueOf("num_replicas"));
  for (std::size_t index = 0; index < servers_.size(); ++index) {
    Server& server = servers_[index];
    server.health->setPolicy(failurePolicy());
    auto settings = std::make_shared<const ConnectionConfig>(connectionConfig(config_.servers[index]));
    if (*settings == server.settings) continue;
    server.settings = *settings;
    for (Lane& lane : server.lanes) lane.connection->configure(settings);
  }
}

void Cluster::beginTick() {
  if (ticking_) return;
  ticking_ = true;
  tickMs_ = nowMs();
  watchDeadServers();
}

// Takes dead servers out of the distribution and back in, and sends one request of our own to a dead server
// whose time is over: no caller's operation is the victim of finding out.
void Cluster::watchDeadServers() {
  bool changed = false;
  for (std::size_t index = 0; index < servers_.size(); ++index) {
    Health& health = *servers_[index].health;
    if (health.isDead() != ejected_[index]) {
      ejected_[index] = !ejected_[index];
      changed = true;
    }
    if (!health.isDead() || !router_.ejects()) continue;
    if (health.admit(tickMs_) != Health::Verdict::Probe) continue;
    Request probe;
    probe.op = Op::Version;
    probe.slot = kNoSlot;
    probe.deadline = tickMs_ + config_.patienceMs;
    servers_[index].lanes[0].staged.push_back(std::move(probe));
  }
  if (changed) router_.eject(ejected_);
}

bool Cluster::admit(Server& server, const Request& request) {
  if (server.admitsThisTick) return true;
  switch (server.health->admit(tickMs_)) {
    case Health::Verdict::Allow:
      return true;
    case Health::Verdict::Probe:
      // All of this tick rides along: the first thing sent on the new connection is our own greeting, and the
      // rest only follows if that is answered.
      server.admitsThisTick = true;
      return true;
    case Health::Verdict::RefuseDown:
      refuse(request, status::kServerDown);
      return false;
    case Health::Verdict::RefuseDead:
      refuse(request, status::kServerDead);
      return false;
  }
  return true;
}

void Cluster::refuse(const Request& request, std::int32_t status) {
  refused_.addFailure(request.slot, request.server, status, Outcome::NotSent);
}

void Cluster::add(Request&& request) {
  beginTick();
  const std::size_t position = router_.positionOf(request.keyView()) + std::size_t{request.replica};
  request.server = static_cast<std::uint16_t>(router_.serverAt(position));
  if (replicas_ > 0) replicate(request, position);
  Server& server = servers_[request.server];
  enter(server, request);
  if (admit(server, request)) stage(server, std::move(request));
}

// From here on it counts, and its time runs.
void Cluster::enter(Server& server, Request& request) {
  ++server.operations[static_cast<std::size_t>(request.op)];
  request.submittedMs = tickMs_;
}

void Cluster::stage(Server& server, Request&& request) {
  laneOf(server, request).staged.push_back(std::move(request));
}

// The same key always takes the same connection: its operations keep their order.
Cluster::Lane& Cluster::laneOf(Server& server, const Request& request) {
  const std::size_t lane =
      server.lanes.size() == 1 ? 0 : KeyTable::hashOf(request.keyView()) % server.lanes.size();
  return server.lanes[lane];
}

// num_replicas as libmemcached has it: set and delete go to the next servers too, and nobody waits for those.
// So nobody waits for a server that cannot keep up either: without a limit its copies would fill the memory.
void Cluster::replicate(const Request& request, std::size_t position) {
  if (request.op != Op::Set && request.op != Op::Delete) return;
  const std::size_t copies = std::min<std::size_t>(replicas_, servers_.size() - 1);
  for (std::size_t copy = 1; copy <= copies; ++copy) {
    const std::size_t index = router_.serverAt(position + copy);
    if (servers_[index].health->state() != ServerState::Up) continue;
    Lane& lane = laneOf(servers_[index], request);
    const std::size_t bytes = sizeof(Request) + request.keyLength + request.valueLength;
    const std::size_t waiting = lane.copyBytes + lane.connection->waitingCopyBytes();
    if (waiting > 0 && waiting + bytes > kMaxCopyBytes) continue;
    lane.copyBytes += bytes;
    Request replica;
    replica.op = request.op;
    replica.compressLevel = request.compressLevel;
    replica.textSafe = request.textSafe;
    replica.keyLength = request.keyLength;
    replica.server = static_cast<std::uint16_t>(index);
    replica.slot = kNoSlot;
    replica.valueLength = request.valueLength;
    replica.flags = request.flags;
    replica.expiry = request.expiry;
    replica.minCompress = request.minCompress;
    replica.deadline = request.deadline;
    replica.key = request.key;
    replica.value = request.value;
    replica.keyBytes = PayloadRef::share(request.keyBytes.get());
    replica.valueBytes = PayloadRef::share(request.valueBytes.get());
    lane.staged.push_back(std::move(replica));
  }
}

void Cluster::addForServer(Request&& request) {
  beginTick();
  Server& server = servers_[request.server];
  enter(server, request);
  if (request.op == Op::Disconnect) {
    // Every connection is dropped; only the first one's answer is waited for.
    for (std::size_t lane = server.lanes.size() - 1; lane > 0; --lane) {
      Request copy;
      copy.op = Op::Disconnect;
      copy.slot = kNoSlot;
      copy.deadline = request.deadline;
      server.lanes[lane].staged.push_back(std::move(copy));
    }
  } else if (!admit(server, request)) {
    return;
  }
  server.lanes[0].staged.push_back(std::move(request));
}

ServerCounts Cluster::countsOf(std::size_t server) const {
  ServerCounts counts;
  for (const Lane& lane : servers_[server].lanes) lane.connection->addTo(counts);
  return counts;
}

void Cluster::flush() {
  ticking_ = false;
  for (Server& server : servers_) {
    server.admitsThisTick = false;
    for (Lane& lane : server.lanes) {
      if (!lane.staged.empty()) lane.connection->submit(lane.staged, lane.copyBytes);
      lane.copyBytes = 0;
    }
  }
  if (!refused_.empty()) {
    outbox_->post(std::move(refused_));
    refused_ = CompletionBatch{};
  }
}

void Cluster::stop() {
  for (Server& server : servers_) {
    for (Lane& lane : server.lanes) lane.connection->stop();
  }
}

}  // namespace lmc
