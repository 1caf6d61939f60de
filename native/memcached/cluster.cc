#include "memcached/cluster.h"

#include <algorithm>
#include <utility>

#include "core/clock.h"

namespace lmc {

namespace {

// Copies for a replica that wait for one connection, at most.
constexpr std::size_t kMaxCopyBytes = std::size_t{32} << 20;

Encoder::Protocol protocolOf(const ClusterConfig& config) {
  if (config.servers[0].transport == Transport::Udp) return Encoder::Protocol::Udp;
  return config.binary ? Encoder::Protocol::Binary : Encoder::Protocol::Text;
}

}  // namespace

Cluster::Cluster(ClusterConfig config, Loop& loop, memcached_return_t* error)
    : loop_(loop),
      config_(std::move(config)),
      router_(config_.servers, config_.behaviors, config_.keyNamespace, config_.binary, error),
      jobs_(loop, results_) {
  if (*error != MEMCACHED_SUCCESS) return;
  if (config_.hasCredentials && config_.binary) makeSaslHandle(connectionConfig(config_.servers[0]), error);
  if (*error != MEMCACHED_SUCCESS) return;
  encoder_ = std::make_unique<Encoder>(protocolOf(config_));
  requestSettings_ = std::make_shared<const RequestSettings>(requestSettings());
  replicas_ = static_cast<std::uint32_t>(valueOf("num_replicas"));
  *error = setServers(std::exchange(config_.servers, {}), false);
  isHeld_ = config_.awaitsServers;
}

memcached_return_t Cluster::setServers(const std::vector<ServerSpec>& servers, bool reusesIds) {
  flush();
  if (const memcached_return_t rc = router_.setServers(servers); rc != MEMCACHED_SUCCESS) return rc;
  std::vector<std::uint16_t> ids;
  for (const ServerSpec& spec : servers) {
    const std::uint16_t id = idFor(spec, ids, reusesIds);
    // One that left and returns is opened again, too: its connection is to close as soon as it is idle.
    const bool isActive = std::find(active_.begin(), active_.end(), id) != active_.end();
    if (!isActive || servers_[id].spec != spec) {
      if (const memcached_return_t rc = open(id, spec); rc != MEMCACHED_SUCCESS) return rc;
    }
    ids.push_back(id);
  }
  for (const std::uint16_t id : active_) {
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) servers_[id].connection->retire();
  }
  active_ = std::move(ids);
  ejected_.assign(active_.size(), false);
  if (std::exchange(isHeld_, false)) {
    beginGathering();
    while (!held_.empty()) route(held_.popFront());
    flush();
    endTick();
  }
  return MEMCACHED_SUCCESS;
}

void Cluster::failHeld(const std::string& reason) {
  while (!held_.empty()) results_.fail(*held_.popFront(), MEMCACHED_CONNECTION_FAILURE, Outcome::NotSent, reason);
}

// The server that is there already, or an id that nothing refers to any longer.
std::uint16_t Cluster::idFor(const ServerSpec& spec, const std::vector<std::uint16_t>& taken, bool reusesIds) const {
  const auto isTaken = [&](std::uint16_t id) { return std::find(taken.begin(), taken.end(), id) != taken.end(); };
  for (const std::uint16_t id : active_) {
    if (!isTaken(id) && servers_[id].spec == spec) return id;
  }
  for (std::uint16_t id = 0; reusesIds && id < servers_.size(); ++id) {
    const bool isActive = std::find(active_.begin(), active_.end(), id) != active_.end();
    if (!isActive && !isTaken(id) && servers_[id].connection->isIdle()) return id;
  }
  return static_cast<std::uint16_t>(servers_.size());
}

memcached_return_t Cluster::open(std::uint16_t id, const ServerSpec& spec) {
  Server server;
  server.spec = spec;
  server.health = std::make_unique<Health>();
  server.health->setPolicy(failurePolicy());
  server.health->onChange([this, id](ServerState previous) {
    const Health& health = *servers_[id].health;
    const bool isFailure = health.state() == ServerState::Down || health.state() == ServerState::Dead;
    events_.push_back({Event::Kind::State, id, previous, health.state(), isFailure ? health.reason() : std::string()});
  });
  server.settings = connectionConfig(spec);
  // A handle is made now and thrown away, so that a setting that libmemcached refuses is refused here and not at the
  // first operation.
  memcached_return_t rc;
  if (!makeConnectingHandle(server.settings, &rc)) return rc;
  const ConnectionContext context{loop_, *encoder_, planner_, results_, jobs_};
  server.connection = std::make_unique<Connection>(context, server.settings, *server.health);
  server.connection->onOpening([this, id](Connection::Opening opening, const std::string& reason) {
    const ServerState state = servers_[id].health->state();
    events_.push_back({static_cast<Event::Kind>(opening), id, state, state, reason});
  });
  if (id >= servers_.size()) servers_.emplace_back();
  servers_[id] = std::move(server);
  return MEMCACHED_SUCCESS;
}

ConnectionConfig Cluster::connectionConfig(const ServerSpec& server) const {
  ConnectionConfig made;
  made.server = server;
  made.binary = config_.binary && server.transport != Transport::Udp;
  made.isTls = config_.isTls;
  made.hasCredentials = config_.hasCredentials;
  made.username = config_.username;
  made.password = config_.password;
  made.timeoutMs = config_.timeoutMs;
  made.inflate = config_.inflate;
  made.maxInflated = config_.maxInflated;
  made.pollTimeoutMs = static_cast<std::uint32_t>(valueOf("_poll_timeout"));
  made.connectTimeoutMs = static_cast<std::uint32_t>(valueOf("connect_timeout"));
  made.receiveTimeoutUs = valueOf("receive_timeout");
  made.keepIntervalSeconds = static_cast<int>(valueOf("tcp_keepintvl"));
  for (const char* name : {"no_block", "tcp_nodelay", "tcp_keepalive", "tcp_keepidle", "send_timeout",
                           "receive_timeout", "_socket_send_size", "_socket_recv_size"}) {
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
  policy.failureLimit = removeFailed > 0 ? removeFailed : static_cast<std::uint32_t>(valueOf("failure_limit"));
  return policy;
}

RequestSettings Cluster::requestSettings() const {
  return {config_.keyNamespace, valueOf("_noreply") != 0, valueOf("cas") != 0, valueOf("verify_keys") != 0};
}

memcached_return_t Cluster::setBehaviors(const std::vector<BehaviorValue>& behaviors, const Behavior** refused) {
  const memcached_return_t rc = router_.set(behaviors, refused);
  applyBehaviors();
  return rc;
}

memcached_return_t Cluster::setNamespace(const std::string& keyNamespace) {
  const memcached_return_t rc = router_.setNamespace(keyNamespace);
  if (rc == MEMCACHED_SUCCESS) {
    config_.keyNamespace = keyNamespace;
    applyBehaviors();
  }
  return rc;
}

void Cluster::applyBehaviors() {
  flush();  // what was called before keeps the settings that it was called with
  replicas_ = static_cast<std::uint32_t>(valueOf("num_replicas"));
  const RequestSettings settings = requestSettings();
  if (settings != *requestSettings_) requestSettings_ = std::make_shared<const RequestSettings>(settings);
  for (Server& server : servers_) {
    server.health->setPolicy(failurePolicy());
    ConnectionConfig made = connectionConfig(server.spec);
    if (made == server.settings) continue;
    server.settings = made;
    server.connection->configure(made);
  }
}

void Cluster::beginGathering() {
  if (isGathering_) return;
  isGathering_ = true;
  gatheredMs_ = nowMs();
  updateEjections();
}

// Takes dead servers out of the distribution and back in, and asks a dead server whose time is over itself:
// no caller's operation is the victim of finding out.
void Cluster::updateEjections() {
  bool changed = false;
  std::size_t dead = 0;
  for (const std::uint16_t id : active_) dead += servers_[id].health->isDead() ? 1 : 0;
  // A ring is never emptied: if no server is left, all stay where they are, and are asked soon.
  const bool isNoneLeft = dead == active_.size();
  for (std::size_t index = 0; index < active_.size(); ++index) {
    const Server& server = servers_[active_[index]];
    Health& health = *server.health;
    const bool isOut = health.isDead() && !isNoneLeft;
    if (isOut != ejected_[index]) {
      ejected_[index] = isOut;
      changed = true;
    }
    if (isNoneLeft) health.hasten();
    if (health.isDead() && router_.ejects() && health.admit(gatheredMs_) == Health::Admission::Probe)
      server.connection->probe();
  }
  if (changed) router_.eject(ejected_);
}

bool Cluster::admit(Server& server, Request& request) {
  if (server.admitsThisTick) return true;
  switch (server.health->admit(gatheredMs_)) {
    case Health::Admission::Allow:
      return true;
    case Health::Admission::Probe:
      // All of this tick rides along: the first thing sent on the new connection is our own greeting, and the
      // rest only follows if that is answered.
      server.admitsThisTick = true;
      return true;
    case Health::Admission::RefuseDown:
      results_.fail(request, status::kServerDown, Outcome::NotSent);
      return false;
    case Health::Admission::RefuseDead:
      results_.fail(request, status::kServerDead, Outcome::NotSent);
      return false;
  }
  return true;
}

// From here on its time runs.
void Cluster::record(Request& request) {
  request.submittedMs = gatheredMs_;
  request.settings = requestSettings_;
  slots_.open(request);
}

void Cluster::add(std::unique_ptr<Request> request) {
  beginGathering();
  record(*request);
  if (isHeld_) {
    held_.pushBack(std::move(request));
  } else {
    route(std::move(request));
  }
}

void Cluster::route(std::unique_ptr<Request> request) {
  const std::size_t position = router_.positionOf(request->keyView()) + std::size_t{request->replica};
  request->server = active_[router_.serverAt(position)];
  Server& server = servers_[request->server];
  ++server.operations[static_cast<std::size_t>(request->op)];
  if (replicas_ > 0) replicate(*request, position);
  if (!admit(server, *request)) return;
  server.hasNew = true;
  server.connection->submit(std::move(request));
}

// num_replicas as libmemcached has it: set and delete go to the next servers too, and nobody waits for those.
// So nobody waits for a server that cannot keep up either: without a limit its copies would fill the memory.
void Cluster::replicate(const Request& request, std::size_t position) {
  if (request.op != Op::Set && request.op != Op::Delete) return;
  const std::size_t copies = std::min<std::size_t>(replicas_, active_.size() - 1);
  for (std::size_t copy = 1; copy <= copies; ++copy) {
    const std::uint16_t index = active_[router_.serverAt(position + copy)];
    Server& server = servers_[index];
    if (server.health->state() != ServerState::Up) continue;
    const std::size_t bytes = sizeof(Request) + request.keyLength + request.valueLength;
    const std::size_t waiting = server.connection->copyBytes();
    if (waiting > 0 && waiting + bytes > kMaxCopyBytes) continue;
    auto replica = std::make_unique<Request>();
    replica->isCopy = true;
    replica->op = request.op;
    replica->compressLevel = request.compressLevel;
    replica->keyLength = request.keyLength;
    replica->server = index;
    replica->valueLength = request.valueLength;
    replica->flags = request.flags;
    replica->expiry = request.expiry;
    replica->minCompress = request.minCompress;
    replica->deadline = request.deadline;
    replica->submittedMs = request.submittedMs;
    replica->key = request.key;
    replica->value = request.value;
    replica->keyBytes = PayloadRef::share(request.keyBytes.get());
    replica->valueBytes = PayloadRef::share(request.valueBytes.get());
    replica->settings = request.settings;
    server.hasNew = true;
    server.connection->submit(std::move(replica));
  }
}

void Cluster::addForServer(std::unique_ptr<Request> request) {
  beginGathering();
  Server& server = servers_[request->server];
  record(*request);
  ++server.operations[static_cast<std::size_t>(request->op)];
  if (request->op != Op::Disconnect && !admit(server, *request)) return;
  server.hasNew = true;
  server.connection->submit(std::move(request));
}

void Cluster::flush() {
  isGathering_ = false;
  for (Server& server : servers_) {
    if (std::exchange(server.hasNew, false)) server.connection->flush();
  }
}

void Cluster::endTick() {
  for (Server& server : servers_) server.admitsThisTick = false;
}

bool Cluster::cancel(std::uint32_t slot) {
  Request* const request = slots_.at(slot);
  if (request == nullptr) return false;
  if (request->list != nullptr) {
    const std::unique_ptr<Request> owned = request->list->remove(request);
    results_.fail(*owned, status::kCancelled, Outcome::NotSent);
    return true;
  }
  request->isGivenUp = !request->isSent;
  const bool isUnsent = request->isGivenUp;
  if (!isUnsent) servers_[request->server].connection->countGivenUp(*request);
  // (Whoever holds it finds that nobody waits.)
  results_.fail(*request, status::kCancelled, isUnsent ? Outcome::NotSent : Outcome::Unknown);
  return isUnsent;
}

bool Cluster::receive(double budgetMs) {
  const double until = nowMs() + budgetMs;
  bool isMore = true;
  while (isMore) {
    isMore = false;
    for (Server& server : servers_) {
      if (nowMs() > until) return true;
      isMore |= server.connection->receive();
    }
  }
  return false;
}

void Cluster::shutDown() {
  held_.clear();
  for (Server& server : servers_) {
    if (server.connection) server.connection->shutDown();
  }
}

}  // namespace lmc
