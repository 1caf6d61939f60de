#include "binding/client.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "binding/metrics.h"
#include "binding/options.h"
#include "core/clock.h"

namespace lmc {

namespace {

// How long an environment that ends waits for threads that are still at an exchange. They own what they
// touch, so a thread that waits for a silent server may be left behind.
constexpr double kGraceMs = 100;

// Completions that are settled before their callers' reactions run.
constexpr std::size_t kMostPerRound = 256;

// How long deliveries may follow each other before the event loop goes on to its timers and other sockets.
// Node calls a threadsafe function up to 1000 times without that, as long as it is woken anew meanwhile: by a
// server that answers as fast as callers ask, or by refusals, which are posted by the caller's own tick.
constexpr double kTurnMs = 5;

Block copyOf(const CompletionBatch& batch, const Completion& item) {
  char* copy = static_cast<char*>(std::malloc(item.length));
  if (copy == nullptr) throw std::bad_alloc();
  std::memcpy(copy, batch.bytes.data() + item.offset, item.length);
  return Block{std::unique_ptr<char, MallocDeleter>(copy), item.length};
}

}  // namespace

Napi::Function NativeClient::define(Napi::Env env) {
  return DefineClass(env, "NativeClient",
                     {
                         InstanceMethod<&NativeClient::submit>("submit"),
                         InstanceMethod<&NativeClient::stage>("stage"),
                         InstanceMethod<&NativeClient::cancel>("cancel"),
                         InstanceMethod<&NativeClient::setBehaviors>("setBehaviors"),
                         InstanceMethod<&NativeClient::getBehaviors>("getBehaviors"),
                         InstanceMethod<&NativeClient::route>("route"),
                         InstanceMethod<&NativeClient::resume>("resume"),
                         InstanceMethod<&NativeClient::metrics>("metrics"),
                         InstanceMethod<&NativeClient::stop>("stop"),
                     });
}

NativeClient::NativeClient(const Napi::CallbackInfo& info) : Napi::ObjectWrap<NativeClient>(info) {
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
  wakeup_ = Wakeup::create(env, [this](Napi::Env at) { deliver(at); });
  if (!wakeup_) {
    Napi::Error::New(env, "NativeClient: no threadsafe function to be had").ThrowAsJavaScriptException();
    return;
  }
  outbox_ = std::make_shared<Outbox>([wakeup = wakeup_] { wakeup->wake(); });
  memcached_return_t error;
  cluster_ = std::make_unique<Cluster>(std::move(config), outbox_, &error);
  // After the threadsafe function: hooks run last in, first out, and ours must run before Node takes that
  // away.
  napi_add_env_cleanup_hook(env, environmentEnds, this);
  if (error != MEMCACHED_SUCCESS) {
    shutDown(false);
    throwRefused(env, error, nullptr);
  }
}

NativeClient::~NativeClient() { shutDown(false); }

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

// submit(byteLength): hands over the requests in the submission buffer.
Napi::Value NativeClient::submit(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::size_t size = info[0].As<Napi::Number>().Uint32Value();
  if (stopped_ || size > submission_.size) return env.Undefined();
  // One copy for all: afterwards the buffer, and with it the callers' data, is JavaScript's again.
  PayloadRef payload = PayloadRef::adopt(Payload::allocate(size));
  std::memcpy(payload.get()->bytes(), submission_.data, size);

  const std::size_t before = pending_;
  SubmissionReader reader(std::move(payload), size, staged_, cluster_->router().size());
  for (Request request; reader.next(request); request = Request()) {
    ++pending_;
    request.claim = cluster_->slots().open(request.slot);
    if (reader.isForServer()) {
      cluster_->addForServer(std::move(request));
    } else {
      cluster_->add(std::move(request));
    }
  }
  staged_.clear();
  cluster_->flush();
  if (before == 0 && pending_ > 0) {
    Ref();
    wakeup_->ref(env);
  }
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
    if (bytes == nullptr) throw Napi::TypeError::New(env, "the bytes cannot be read");
    block = PayloadRef::adopt(Payload::allocate(size));
    std::memcpy(block.get()->bytes(), bytes, size);
  }
  staged_.push_back({std::move(block), size});
  return Napi::Number::New(env, static_cast<double>(size));
}

// cancel(slot) → true if it will not be sent, false if it was sent already. It is completed either way.
Napi::Value NativeClient::cancel(const Napi::CallbackInfo& info) {
  const std::uint32_t slot = info[0].As<Napi::Number>().Uint32Value();
  const bool unsent = cluster_->slots().cancel(slot);
  if (abandoned_.insert(slot).second) settled(info.Env(), 1);
  return Napi::Boolean::New(info.Env(), unsent);
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
  if (rc == MEMCACHED_SUCCESS && keyNamespace != cluster_->keyNamespace())
    rc = cluster_->setNamespace(keyNamespace);
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

// route(key: Uint8Array, replica: number) → [hash, digest, server index, server state]
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
  answer.Set(2u, static_cast<double>(server));
  answer.Set(3u, static_cast<double>(cluster_->stateOf(server)));
  return answer;
}

// metrics() → one array of numbers for each server, see binding/metrics.h
Napi::Value NativeClient::metrics(const Napi::CallbackInfo& info) { return metricsOf(info.Env(), *cluster_); }

Napi::Value NativeClient::stop(const Napi::CallbackInfo& info) {
  shutDown(false);
  return info.Env().Undefined();
}

// resume(): the event loop has gone on to its next phase, as `yield` asked for.
Napi::Value NativeClient::resume(const Napi::CallbackInfo& info) {
  yielding_ = false;
  turnMs_ = nowMs();
  if (!stopped_) deliver(info.Env());
  return info.Env().Undefined();
}

// Settles what has arrived, or some of it. Before it takes more than its share of this thread's time it calls
// `yield`, and resume() goes on with it.
void NativeClient::deliver(Napi::Env env) {
  if (yielding_) return;
  for (CompletionBatch& batch : outbox_->take()) backlog_.push_back(std::move(batch));
  Napi::HandleScope scope(env);
  const Napi::Object self = Value();
  // Collected already, though not finalized: nobody waits for what comes now. (While anybody does, it is not
  // weak.)
  if (self.IsEmpty()) {
    backlog_.clear();
    backlogAt_ = 0;
    return;
  }
  deliverSome(env, kMostPerRound);
  if (stopped_) return;
  if (nowMs() - turnMs_ < kTurnMs) {
    if (!backlog_.empty()) wakeup_->wake();
    return;
  }
  const Napi::Value yield = self.Get("yield");
  if (!yield.IsFunction()) return;
  yielding_ = true;
  yield.As<Napi::Function>().Call(self, {});
}

void NativeClient::deliverSome(Napi::Env env, std::size_t budget) {
  const std::size_t capacity = records_.size / sizeof(CompletionRecord);
  auto* const records = reinterpret_cast<CompletionRecord*>(records_.data);
  std::size_t count = 0;
  std::size_t used = 0;
  std::vector<Block*> blocks;
  const auto round = [&] {
    if (count > 0) deliverRound(env, std::exchange(count, 0), blocks);
    used = 0;
    blocks.clear();
  };

  while (!backlog_.empty() && budget > 0) {
    CompletionBatch& batch = backlog_.front();
    std::deque<Block> spilled;  // small values that the shared array has no room for (huge stats)
    for (; backlogAt_ < batch.items.size() && budget > 0; ++backlogAt_) {
      const Completion& item = batch.items[backlogAt_];
      if (item.slot == kNoSlot) continue;
      --budget;
      if (count == capacity || (!item.isBlock && used + item.length > bytes_.size)) round();
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
      blocks.push_back(item.isBlock ? &batch.blocks[item.offset]
                                    : &spilled.emplace_back(copyOf(batch, item)));
    }
    round();  // before the batch, and the blocks in it, go
    if (backlogAt_ < batch.items.size()) return;
    backlog_.pop_front();
    backlogAt_ = 0;
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
      array.Set(index, Napi::Buffer<char>::New(env, memory, block.size,
                                               [](Napi::Env, char* taken) { std::free(taken); }));
    }
    buffers = array;
  }
  const Napi::Value callback = self.Get("deliver");
  if (callback.IsFunction())
    callback.As<Napi::Function>().Call(self, {Napi::Number::New(env, static_cast<double>(count)), buffers});
  // Those that were given up, before or during the call, were counted then.
  std::size_t counted = count;
  const auto* const records = reinterpret_cast<const CompletionRecord*>(records_.data);
  for (std::size_t index = 0; index < count && !abandoned_.empty(); ++index)
    counted -= abandoned_.erase(records[index].slot);
  settled(env, counted);
}

void NativeClient::settled(Napi::Env env, std::size_t count) {
  const std::size_t before = pending_;
  pending_ -= std::min(pending_, count);
  if (before > 0 && pending_ == 0 && !stopped_) {
    wakeup_->unref(env);
    Unref();
  }
}

void NativeClient::shutDown(bool environmentEnds) {
  if (stopped_ || !wakeup_) return;
  stopped_ = true;
  wakeup_->close(environmentEnds);
  if (cluster_) cluster_->stop();
  if (environmentEnds) {
    if (cluster_) cluster_->waitForThreads(kGraceMs);
    return;
  }
  napi_remove_env_cleanup_hook(Env(), NativeClient::environmentEnds, this);
  if (std::exchange(pending_, 0) > 0) Unref();
}

void NativeClient::environmentEnds(void* self) { static_cast<NativeClient*>(self)->shutDown(true); }

}  // namespace lmc
