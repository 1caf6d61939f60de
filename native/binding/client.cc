#include "binding/client.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <new>
#include <utility>

#include "binding/metrics.h"
#include "binding/options.h"
#include "core/clock.h"

namespace lmc {

namespace {

// Completions that are settled before their callers' reactions run.
constexpr std::size_t kMaxPerRound = 256;

// What is settled before the clock is looked at again: reading a value takes JavaScript time.
constexpr std::size_t kMaxRoundBytes = 64 * 1024;

// How long deliveries may follow each other before the event loop goes on to its timers and other sockets: by
// a server that answers as fast as callers ask, it would never.
constexpr double kMaxTurnMs = 5;

// Values from the pool that are delivered no further apart belong to one turn.
constexpr double kMaxPauseMs = 1;

Block copyOf(const CompletionBatch& batch, const Completion& item) {
  char* copy = static_cast<char*>(std::malloc(item.length));
  if (copy == nullptr) throw std::bad_alloc();
  std::memcpy(copy, batch.bytes.data() + item.offset, item.length);
  return Block{std::unique_ptr<char, MallocDeleter>(copy), item.length};
}

// Runs what JavaScript has called. A C++ exception must not cross Node's frames: it would end the process.
template <typename Run>
void guard(Napi::Env env, Run run) {
  try {
    run();
  } catch (const std::bad_alloc&) {
    Napi::Error error = Napi::Error::New(env, "out of memory");
    error.Set("code", "ERR_MEMORY_ALLOCATION_FAILED");  // by which JavaScript knows it
    error.ThrowAsJavaScriptException();
  } catch (const std::exception& exception) {
    Napi::Error::New(env, exception.what()).ThrowAsJavaScriptException();
  }
}

}  // namespace

Napi::Function NativeClient::define(Napi::Env env) {
  return DefineClass(env, "NativeClient",
                     {
                         InstanceMethod<&NativeClient::guarded<&NativeClient::submit>>("submit"),
                         InstanceMethod<&NativeClient::guarded<&NativeClient::stage>>("stage"),
                         InstanceMethod<&NativeClient::guarded<&NativeClient::cancel>>("cancel"),
                         InstanceMethod<&NativeClient::guarded<&NativeClient::setBehaviors>>("setBehaviors"),
                         InstanceMethod<&NativeClient::guarded<&NativeClient::getBehaviors>>("getBehaviors"),
                         InstanceMethod<&NativeClient::guarded<&NativeClient::route>>("route"),
                         InstanceMethod<&NativeClient::guarded<&NativeClient::receive>>("receive"),
                         InstanceMethod<&NativeClient::guarded<&NativeClient::resume>>("resume"),
                         InstanceMethod<&NativeClient::guarded<&NativeClient::metrics>>("metrics"),
                         InstanceMethod<&NativeClient::guarded<&NativeClient::setServers>>("setServers"),
                         InstanceMethod<&NativeClient::guarded<&NativeClient::failHeld>>("failHeld"),
                         InstanceMethod<&NativeClient::guarded<&NativeClient::reportSocket>>("reportSocket"),
                         InstanceMethod<&NativeClient::guarded<&NativeClient::stop>>("stop"),
                     });
}

// What every method goes through.
template <NativeClient::Method method>
Napi::Value NativeClient::guarded(const Napi::CallbackInfo& info) {
  Napi::Value result = info.Env().Undefined();
  guard(info.Env(), [&] { result = (this->*method)(info); });
  return result;
}

NativeClient::NativeClient(const Napi::CallbackInfo& info) : Napi::ObjectWrap<NativeClient>(info) {
  guard(info.Env(), [&] { construct(info); });
}

void NativeClient::construct(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (info.Length() < 1 || !info[0].IsObject()) {
    Napi::TypeError::New(env, "NativeClient: an options object is expected").ThrowAsJavaScriptException();
    return;
  }
  const auto options = info[0].As<Napi::Object>();
  ClusterConfig config;
  if (!readClusterConfig(options, &config) || !adoptArrays(options)) {
    if (!env.IsExceptionPending())
      Napi::TypeError::New(env, "NativeClient: malformed options").ThrowAsJavaScriptException();
    return;
  }
  uv_loop_t* uvLoop = nullptr;
  napi_get_uv_event_loop(env, &uvLoop);
  asyncContext_ = std::make_unique<Napi::AsyncContext>(env, "libmemcached");
  sockets_ = std::make_unique<NodeSockets>(env, *asyncContext_, *this);
  loop_ = std::make_unique<UvLoop>(
      uvLoop, [this](bool isJob) { deliverFromLoop(isJob); },
      [this](const std::string& host, std::uint16_t port, std::function<void(Loop::Readiness)> onReady) {
        return sockets_->open(host, port, std::move(onReady));
      });
  memcached_return_t error;
  cluster_ = std::make_unique<Cluster>(std::move(config), *loop_, &error);
  cleanupHook_ = new CleanupHook{this};
  const auto environmentEnds = [](napi_async_cleanup_hook_handle, void* hook) {
    if (NativeClient* const client = static_cast<CleanupHook*>(hook)->client) client->shutDown();
  };
  napi_add_async_cleanup_hook(env, environmentEnds, cleanupHook_, &cleanupHook_->handle);
  if (error != MEMCACHED_SUCCESS) {
    shutDown();
    throwRefused(env, error, nullptr);
  }
}

NativeClient::~NativeClient() { shutDown(); }

bool NativeClient::adoptArrays(const Napi::Object& options) {
  const auto adopt = [&](const char* name, Bytes* bytes) {
    const Napi::Value value = options.Get(name);
    if (!value.IsTypedArray()) return false;
    const auto array = value.As<Napi::TypedArray>();
    bytes->data = static_cast<char*>(array.ArrayBuffer().Data()) + array.ByteOffset();
    bytes->size = array.ByteLength();
    bytes->array = Napi::Persistent(array);
    return true;
  };
  return adopt("submission", &submission_) && adopt("records", &records_) && adopt("bytes", &bytes_);
}

// submit(byteLength, handover): takes over the requests in the submission buffer.
Napi::Value NativeClient::submit(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::size_t size = info[0].As<Napi::Number>().Uint32Value();
  if (isStopped_ || size > submission_.size) return env.Undefined();
  // One copy for all: afterwards the buffer, and with it the callers' data, is JavaScript's again.
  PayloadRef payload = PayloadRef::adopt(Payload::allocate(size));
  std::memcpy(payload.get()->bytes(), submission_.data, size);

  const std::size_t before = pending_;
  SubmissionReader reader(std::move(payload), size, staged_, cluster_->idCount());
  while (std::unique_ptr<Request> request = reader.next()) {
    ++pending_;
    if (reader.isForServer()) {
      cluster_->addForServer(std::move(request));
    } else {
      cluster_->add(std::move(request));
    }
  }
  staged_.clear();
  const std::uint32_t handover = info[1].As<Napi::Number>().Uint32Value();
  if (handover >= kSend) cluster_->flush();
  if (handover >= kEndTick) cluster_->endTick();
  if (before == 0 && pending_ > 0) {
    Ref();
    loop_->keepAlive(true);
  }
  deliverLater();
  return env.Undefined();
}

// stage(value) → its index: copies a large value once, straight into the memory it is sent from.
// A string becomes UTF-8. The value belongs to the next submission. → [index, byteLength]
Napi::Value NativeClient::stage(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  PayloadRef block;
  std::size_t size = 0;
  if (info[0].IsString()) {
    napi_get_value_string_utf8(env, info[0], nullptr, 0, &size);
    block = PayloadRef::adopt(Payload::allocate(size + 1));
    napi_get_value_string_utf8(env, info[0], block.get()->bytes(), size + 1, &size);
  } else {
    void* bytes = nullptr;  // null for memory that was transferred
    napi_get_typedarray_info(env, info[0], nullptr, &size, &bytes, nullptr, nullptr);
    if (bytes == nullptr) {
      Napi::TypeError::New(env, "the bytes cannot be read").ThrowAsJavaScriptException();
      return env.Undefined();
    }
    block = PayloadRef::adopt(Payload::allocate(size));
    std::memcpy(block.get()->bytes(), bytes, size);
  }
  staged_.push_back({std::move(block), size});
  return Napi::Number::New(env, static_cast<double>(size));
}

// cancel(slot) → true if it will not be sent, false if it was sent already. It is completed either way.
Napi::Value NativeClient::cancel(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const bool isUnsent = cluster_->cancel(info[0].As<Napi::Number>().Uint32Value());
  deliverLater();
  return Napi::Boolean::New(env, isUnsent);
}

// setBehaviors({ name: number, namespace?: string }): all or, if libmemcached refuses one, an error that
// names it.
Napi::Value NativeClient::setBehaviors(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::vector<BehaviorValue> values;
  std::string keyNamespace = cluster_->keyNamespace();
  if (!readBehaviors(info[0].As<Napi::Object>(), &values, &keyNamespace)) return env.Undefined();
  const Behavior* refused = nullptr;
  memcached_return_t rc = cluster_->setBehaviors(values, &refused);
  if (rc == MEMCACHED_SUCCESS && keyNamespace != cluster_->keyNamespace()) rc = cluster_->setNamespace(keyNamespace);
  deliverLater();
  if (rc != MEMCACHED_SUCCESS) throwRefused(env, rc, refused);
  return env.Undefined();
}

Napi::Value NativeClient::getBehaviors(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Object values = Napi::Object::New(env);
  for (const Behavior& behavior : behaviors())
    values.Set(behavior.name, static_cast<double>(cluster_->router().get(behavior)));
  values.Set("namespace", cluster_->keyNamespace());
  return values;
}

// route(key: Uint8Array, replica: number) → [hash, digest, server id, server state]
Napi::Value NativeClient::route(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto key = info[0].As<Napi::Uint8Array>();
  const std::string_view view(reinterpret_cast<const char*>(key.Data()), key.ByteLength());
  const Router& router = cluster_->router();
  const std::uint32_t server =
      router.serverAt(std::size_t{router.positionOf(view)} + info[1].As<Napi::Number>().Uint32Value());
  Napi::Array answer = Napi::Array::New(env, 4);
  answer.Set(0u, static_cast<double>(router.hashOf(view)));
  answer.Set(1u, static_cast<double>(router.digestOf(view)));
  answer.Set(2u, static_cast<double>(cluster_->ids()[server]));
  answer.Set(3u, static_cast<double>(cluster_->stateOf(server)));
  return answer;
}

// metrics() → one array of numbers for each server, see binding/metrics.h
Napi::Value NativeClient::metrics(const Napi::CallbackInfo& info) { return metricsOf(info.Env(), *cluster_); }

// setServers(servers) → their ids, in the same order
Napi::Value NativeClient::setServers(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::vector<ServerSpec> servers;
  if (!readServers(info[0], &servers)) return env.Undefined();
  const bool reusesIds = backlog_.empty() && cluster_->results().empty();
  if (const memcached_return_t rc = cluster_->setServers(servers, reusesIds); rc != MEMCACHED_SUCCESS)
    throwRefused(env, rc, nullptr);
  deliverLater();
  return idsOf(env, *cluster_);
}

// failHeld(reason): the list of servers could not be discovered, and what waits for it fails.
Napi::Value NativeClient::failHeld(const Napi::CallbackInfo& info) {
  cluster_->failHeld(info[0].ToString().Utf8Value());
  deliverLater();
  return info.Env().Undefined();
}

// reportSocket(id, event, data): something happened to a socket of Node's, see binding/node_stream.h
Napi::Value NativeClient::reportSocket(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (isStopped_) return env.Undefined();
  const std::uint32_t event = info[1].As<Napi::Number>().Uint32Value();
  sockets_->report(info[0].As<Napi::Number>().Uint32Value(), static_cast<NodeSockets::Event>(event), info[2]);
  if (!isStopped_ && !isDelivering_ && !isYielding_) deliverNow(env);
  return env.Undefined();
}

Napi::Value NativeClient::stop(const Napi::CallbackInfo& info) {
  // While JavaScript can still be called: it closes the sockets that it owns.
  if (!isStopped_) cluster_->shutDown();
  shutDown();
  return info.Env().Undefined();
}

// receive(): reads and delivers what has arrived, before anything is judged by its deadline. → whether there
// is more
Napi::Value NativeClient::receive(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (isStopped_ || isDelivering_) return Napi::Boolean::New(env, false);
  const bool isMore = cluster_->receive(kMaxTurnMs);
  deliverNow(env);
  return Napi::Boolean::New(env, isMore || !backlog_.empty());
}

// resume(): the event loop has gone on to its next phase, as `yield` asked for.
Napi::Value NativeClient::resume(const Napi::CallbackInfo& info) {
  isYielding_ = false;
  if (isStopped_) return info.Env().Undefined();
  turnStartedMs_ = nowMs();
  deliverNow(info.Env());
  deliveredMs_ = nowMs();
  return info.Env().Undefined();
}

void NativeClient::deliverNow(Napi::Env env) {
  collectResults();
  deliverSome(env, kMaxPerRound);
  deliverLater();
}

void NativeClient::collectResults() {
  if (!cluster_->results().empty()) backlog_.push_back(cluster_->results().take());
}

// From a callback of libuv: settles what has arrived, round by round; after each the callers' reactions run,
// and what they ask leaves in the same turn.
void NativeClient::deliverFromLoop(bool isJob) {
  if (isStopped_ || isYielding_ || !cluster_->hasNews()) return;
  const Napi::Env env = Env();
  // Values come from the pool one by one, many in one turn of the loop: they count together.
  const double startedMs = nowMs();
  if (!isJob || startedMs - deliveredMs_ > kMaxPauseMs) turnStartedMs_ = startedMs;
  do {
    collectResults();
    const Napi::HandleScope scope(env);
    // Collected already, though not finalized: nobody waits for what comes now. (While anybody does, it is
    // not weak.)
    if (Value().IsEmpty()) {
      backlog_.clear();
      backlogAt_ = 0;
      return;
    }
    const Napi::CallbackScope callback(env, *asyncContext_);
    if (nowMs() - turnStartedMs_ <= kMaxTurnMs) deliverSome(env, kMaxPerRound);
    deliveredMs_ = nowMs();
    if (!isStopped_ && deliveredMs_ - turnStartedMs_ > kMaxTurnMs) {
      deliverLater();  // a worker that is being terminated cannot even do that: it ends here all the same
      return;
    }
  } while (!isStopped_ && !(backlog_.empty() && !cluster_->hasNews()));
}

// Results that are there without having been waited for are delivered too: asynchronously, always. JavaScript
// (`yield`) sees to it that resume() is called when other phases of the loop have had their turn.
void NativeClient::deliverLater() {
  if (isStopped_ || isYielding_ || isDelivering_) return;
  if (backlog_.empty() && !cluster_->hasNews()) return;
  const Napi::Object self = Value();
  const Napi::Value yield = self.Get("yield");
  if (!yield.IsFunction()) return;
  isYielding_ = true;
  yield.As<Napi::Function>().Call(self, {});
}

void NativeClient::deliverSome(Napi::Env env, std::size_t budget) {
  const std::size_t capacity = records_.size / sizeof(CompletionRecord);
  auto* const records = reinterpret_cast<CompletionRecord*>(records_.data);
  std::size_t count = 0;
  std::size_t used = 0;
  std::vector<Block*> blocks;
  const double until = nowMs() + kMaxTurnMs;
  bool isOver = false;
  std::size_t roundBytes = 0;
  std::size_t values = 0;
  const auto round = [&] {
    if (count > 0) {
      const double startedMs = nowMs();
      const std::size_t delivered = std::exchange(count, 0);
      deliverRound(env, delivered, blocks);
      const double endedMs = nowMs();
      if (values > 0) {
        const double eachMs = std::max(endedMs - startedMs, 1e-6) / static_cast<double>(values);
        maxRoundValues_ =
            static_cast<std::size_t>(std::clamp(kMaxTurnMs / eachMs, 1.0, static_cast<double>(kMaxPerRound)));
      }
      isOver = endedMs > until;
    }
    used = roundBytes = values = 0;
    blocks.clear();
  };

  reportEvents(env);
  isDelivering_ = true;
  while (!backlog_.empty() && budget > 0 && !isOver) {
    CompletionBatch& batch = backlog_.front();
    std::deque<Block> spilled;  // small values that the shared array has no room for (huge stats)
    for (; backlogAt_ < batch.items.size() && budget > 0; ++backlogAt_) {
      const Completion& item = batch.items[backlogAt_];
      if (item.slot == kNoSlot) continue;
      if (count == capacity || values >= maxRoundValues_ || roundBytes >= kMaxRoundBytes ||
          (!item.isBlock && used + item.length > bytes_.size)) {
        round();
        if (isOver) break;
      }
      --budget;
      roundBytes += item.length;
      values += item.status == status::kSuccess && item.length > 0 ? 1 : 0;
      CompletionRecord& record = records[count++];
      record.slot = item.slot;
      record.status = item.status;
      record.kind = static_cast<std::uint32_t>(item.outcome) | std::uint32_t{item.server} << kServerShift;
      record.flags = item.flags;
      record.length = item.length;
      record.number = item.number;
      if (!item.isBlock && item.length <= bytes_.size) {
        std::memcpy(bytes_.data + used, batch.bytes.data() + item.offset, item.length);
        record.offset = static_cast<std::uint32_t>(used);
        used += item.length;
        continue;
      }
      record.kind |= kInBlock;
      record.offset = static_cast<std::uint32_t>(blocks.size());
      blocks.push_back(item.isBlock ? &batch.blocks[item.offset] : &spilled.emplace_back(copyOf(batch, item)));
    }
    round();  // before the batch, and the blocks in it, go
    if (backlogAt_ < batch.items.size()) break;
    backlog_.pop_front();
    backlogAt_ = 0;
  }
  isDelivering_ = false;
}

// report(kind, server, previous, state, reason), a member of the JavaScript object: something happened to a server.
void NativeClient::reportEvents(Napi::Env env) {
  for (const Cluster::Event& event : cluster_->takeEvents()) {
    const Napi::Object self = Value();
    const Napi::Value callback = self.Get("report");
    if (!callback.IsFunction()) return;
    const auto number = [env](auto value) { return Napi::Number::New(env, static_cast<double>(value)); };
    callback.As<Napi::Function>().Call(self, {number(event.kind), number(event.server), number(event.previous),
                                              number(event.state), Napi::String::New(env, event.reason)});
  }
}

// deliver(count, blocks), a member of the JavaScript object: settles what the records say.
void NativeClient::deliverRound(Napi::Env env, std::size_t count, const std::vector<Block*>& blocks) {
  const Napi::Object self = Value();
  Napi::Value buffers = env.Undefined();
  if (!blocks.empty()) {
    Napi::Array array = Napi::Array::New(env, blocks.size());
    for (std::uint32_t index = 0; index < blocks.size(); ++index) {
      Block& block = *blocks[index];
      char* const memory = block.bytes.release();
      array.Set(index,
                Napi::Buffer<char>::New(env, memory, block.size, [](Napi::Env, char* taken) { std::free(taken); }));
    }
    buffers = array;
  }
  const Napi::Value callback = self.Get("deliver");
  if (callback.IsFunction())
    callback.As<Napi::Function>().Call(self, {Napi::Number::New(env, static_cast<double>(count)), buffers});
  settled(env, count);
}

void NativeClient::settled(Napi::Env, std::size_t count) {
  const std::size_t before = pending_;
  pending_ -= std::min(pending_, count);
  if (before > 0 && pending_ == 0 && !isStopped_) {
    loop_->keepAlive(false);
    Unref();
  }
}

// Nothing of what is pending is waited for.
void NativeClient::shutDown() {
  if (isStopped_ || !loop_) return;
  isStopped_ = true;
  sockets_->shutDown();
  if (cluster_) cluster_->shutDown();
  cleanupHook_->client = nullptr;
  loop_->close([hook = cleanupHook_] {
    napi_remove_async_cleanup_hook(hook->handle);
    delete hook;
  });
  if (std::exchange(pending_, 0) > 0) Unref();
}

}  // namespace lmc
