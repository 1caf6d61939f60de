#include "memcached/connection.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/clock.h"
#include "memcached/compression.h"
#include "memcached/guarded_call.h"

namespace lmc {

namespace {

// Requests of one batch. More would delay the first of them without making exchanges larger.
constexpr std::size_t kMaxBatch = 1024;

// Beyond this, requests wait as requests: what is overdue is never sent, and a hung server costs no memory.
constexpr std::size_t kMaxUnsentBytes = std::size_t{1} << 20;

// What has not been heard from for so long is asked whether it is still there before anything is sent. (The
// loop reports a closed connection by itself, but only between turns.)
constexpr double kFreshMs = 5;

// What one datagram has room for: 65,507 bytes, less the frame and the line around key and value.
constexpr std::size_t kDatagramBytes = 65507 - 8 - 100;

// The text protocol of libmemcached has room for 19 digits of a CAS token.
constexpr std::uint64_t kTwentyDigits = 10'000'000'000'000'000'000u;

bool isQuiet(const Request& request) {
  return request.settings->noReply && isStorage(request.op) && request.op != Op::Cas;
}

// verify_keys as libmemcached means it: visible ASCII only, so no UTF-8.
bool isVisibleAscii(std::string_view key) {
  return std::all_of(key.begin(), key.end(), [](char byte) { return byte >= 0x21 && byte <= 0x7e; });
}

}  // namespace

Connection::Connection(const ConnectionContext& context, const ConnectionConfig& config, Health& health)
    : context_(context),
      config_(config),
      health_(health),
      completer_(context.results, context.jobs, counters_),
      waiting_(context.jobs, context.results, [this] { flush(); }),
      silence_(context.loop.timer([this] { onSilenceTimer(); })) {}

Connection::~Connection() { shutDown(); }

// --- What is asked -----------------------------------------------------------------------------------------

void Connection::flush() {
  if (isShutDown_) return;
  if (state_ == State::Closed) {
    completeDisconnects();
    if (!waiting_.empty()) {
      open();
    } else if (health_.state() == ServerState::Probing) {
      health_.probeAbandoned(nowMs());
    }
    return;
  }
  if (state_ == State::Open) pump();
}

void Connection::probe() {
  if (state_ == State::Closed && !isShutDown_) open();
}

void Connection::configure(const ConnectionConfig& config) {
  const bool isOther =
      config.behaviors != config_.behaviors || config.keepIntervalSeconds != config_.keepIntervalSeconds;
  config_ = config;
  isReplaced_ = isReplaced_ || (isOther && state_ != State::Closed);
}

void Connection::retire() {
  isRetired_ = true;
  if (state_ == State::Open) pump();
}

void Connection::completeDisconnects() {
  while (waiting_.disconnects()) {
    const std::unique_ptr<Request> request = waiting_.pop();
    health_.reset();
    context_.results.answer(*request, status::kSuccess);
  }
}

// Encodes and sends as much of what waits as the socket takes.
void Connection::pump() {
  while (state_ == State::Open && !waiting_.empty() && mayEncode()) encodeBatch();
  if (state_ == State::Open && !stream_->out.empty()) send();
  if (isRetired_ && state_ == State::Open && isIdle() && stream_->out.empty()) close();
}

bool Connection::mayEncode() {
  const bool isQuietNow = awaited_.empty() && stream_->out.empty();
  if (isReplaced_ || waiting_.disconnects()) {
    if (!isQuietNow) return false;
  } else if (!isQuietNow || config_.isUdp() || nowMs() - heardMs_ < kFreshMs || !stream_->isStale()) {
    return stream_->out.size() < kMaxUnsentBytes;
  }
  // A new connection before anything is written: the server closed this one while it was idle, or it is to be
  // another one.
  close();
  completeDisconnects();
  if (!waiting_.empty()) open();
  return false;
}

void Connection::encodeBatch() {
  const double now = nowMs();
  const RequestSettings* const settings = waiting_.front()->settings.get();
  std::size_t room = kMaxUnsentBytes - stream_->out.size();
  std::size_t left = std::min(waiting_.size(), kMaxBatch);
  context_.planner.begin(left);
  for (; left > 0; --left) {
    const Request& next = *waiting_.front();
    const std::size_t bytes = next.keyLength + std::size_t{next.valueLength};
    if (next.op == Op::Disconnect || next.settings.get() != settings || room == 0) break;
    std::unique_ptr<Request> request = waiting_.pop();
    if (refuseUnsendable(*request, now)) continue;
    room -= std::min(room, bytes);
    request->isSent = true;
    context_.planner.add(std::move(request));
  }
  std::vector<Step>& steps = context_.planner.steps();
  std::size_t onKeys = 0;
  for (Step& step : steps) {
    if (!isAdmin(step.first->op)) onKeys += step.keys;
  }
  if (onKeys > 0) ++counters_.batches;
  counters_.batched += onKeys;
  counters_.coalesced += context_.planner.coalesced();
  const std::size_t before = awaited_.size();
  for (Step& step : steps) encodeStep(step, now);
  // One impatient caller must not take the connection away from everybody else in its batch.
  double latest = 0;
  for (std::size_t index = before; index < awaited_.size(); ++index)
    latest = std::max(latest, awaited_[index].deadline);
  for (std::size_t index = before; index < awaited_.size(); ++index) awaited_[index].deadline = latest;
}

// True: it must not be sent, and is completed.
bool Connection::refuseUnsendable(Request& request, double now) {
  std::int32_t reason = status::kSuccess;
  if (request.deadline <= now) reason = status::kExpired;
  if (!config_.binary && request.settings->verifyKeys && !isVisibleAscii(request.keyView()))
    reason = status::kBadTextKey;
  if (!config_.binary && request.op == Op::Cas && request.number >= kTwentyDigits) reason = status::kNotInThisProtocol;
  if (reason == status::kSuccess) return false;
  context_.results.fail(request, reason, Outcome::NotSent);
  return true;
}

void Connection::encodeStep(Step& step, double now) {
  if (config_.isUdp()) {
    sendAsDatagram(step);
    return;
  }
  const std::uint32_t opaque = ++opaque_;
  const memcached_return_t rc = context_.encoder.encode(step, opaque, stream_->out);
  if (rc != MEMCACHED_SUCCESS) {
    completer_.fail(step, rc, Outcome::NotSent, {});
    return;
  }
  Request& first = *step.first;
  first.valueBytes.reset();
  if (isQuiet(first)) context_.results.answer(first, status::kSuccess);
  Awaited& awaited = awaited_.emplace_back(Awaited{step, first.op, opaque, now, 0});
  for (const Request* request = step.first; request != nullptr; request = request->next) {
    for (const Request* same = request; same != nullptr; same = same->nextSame)
      awaited.deadline = std::max(awaited.deadline, same->deadline);
  }
}

// Writes succeed blindly; what has to read an answer cannot work.
void Connection::sendAsDatagram(Step& step) {
  const Request& request = *step.first;
  if (!isStorage(request.op) && request.op != Op::Delete && request.op != Op::Flush) {
    completer_.fail(step, MEMCACHED_NOT_SUPPORTED, Outcome::NotSent, {});
    return;
  }
  if (request.keyLength + std::size_t{request.valueLength} > kDatagramBytes) {
    completer_.fail(step, MEMCACHED_E2BIG, Outcome::NotSent, "over UDP that is a datagram, with room for 65,000 bytes");
    return;
  }
  std::string_view datagram;
  const memcached_return_t rc = context_.encoder.encodeDatagram(step, &datagram);
  if (rc != MEMCACHED_SUCCESS) {
    completer_.fail(step, rc, Outcome::NotSent, {});
  } else if (!stream_->sendDatagram(datagram)) {
    completer_.fail(step, errno == EMSGSIZE ? MEMCACHED_E2BIG : MEMCACHED_WRITE_FAILURE, Outcome::NotSent,
                    std::strerror(errno));
  } else {
    completer_.beginTurn(nowMs());
    completer_.complete(std::unique_ptr<Request>(step.first), Answer{});
  }
}

void Connection::send() {
  if (stream_->send() == Stream::Sent::Broken) {
    // What arrived before it broke is read first: it may answer what was sent.
    isEnding_ = true;
    receive();
    if (state_ == State::Open) lost(MEMCACHED_WRITE_FAILURE, stream_->failure());
    return;
  }
  watchSilence();
}

// A caller who wants failures forgotten has what was asked for, also when the server fails at that moment.
void Connection::failWaiting(std::int32_t rc, const std::string& message) {
  RequestList disconnects;
  for (Request* request = waiting_.front(); request != nullptr;) {
    Request* const next = request->next;
    if (request->op == Op::Disconnect) disconnects.pushBack(request->list->remove(request));
    request = next;
  }
  waiting_.fail(rc, message);
  while (!disconnects.empty()) waiting_.push(disconnects.popFront());
  completeDisconnects();
}

// --- What is answered --------------------------------------------------------------------------------------

bool Connection::receive() {
  if (!decoder_) return false;  // not connected, or UDP
  const Stream::Received received = stream_->receive();
  if (received == Stream::Received::Nothing && !isEnding_) {
    stream_->endTurn();
    return false;
  }
  const bool hasBytes = received == Stream::Received::Bytes;
  completer_.beginTurn(nowMs());
  if (hasBytes) heardMs_ = completer_.turnMs();
  if (received == Stream::Received::Closed) isEnding_ = true;
  // What nobody asked for spoils everything that comes after it.
  if (hasBytes && awaited_.empty() && state_ == State::Open) isEnding_ = true;
  wake();
  if (state_ == State::Opening && stream_) stream_->endTurn();
  if (state_ != State::Open) return false;
  const bool isLeftOver = awaited_.empty() && !stream_->in().empty();
  stream_->endTurn();
  if (isLeftOver) {
    lost(MEMCACHED_CONNECTION_FAILURE, {});
    return false;
  }
  if (!waiting_.empty() || isRetired_) pump();
  return hasBytes;
}

bool Connection::awaitBytes() {
  if (isEnding_) return false;
  const CallContext call = std::exchange(callContext, {});
  fiber_.suspend();
  callContext = call;
  return !isEnding_;
}

bool Connection::decodeNext(Awaited& awaited) {
  Answer answer;
  Decoder::Verdict verdict;
  const Op op = awaited.op;
  if (isFetch(op)) {
    const auto onValue = [this](std::unique_ptr<Request> request, ReceivedValue value) {
      completer_.found(std::move(request), std::move(value), config_);
    };
    verdict = decoder_->decodeFetch(awaited.step, awaited.opaque, onValue, &answer);
  } else {
    verdict = decoder_->decode(*awaited.step.first, awaited.opaque, &answer);
  }
  if (verdict == Decoder::Verdict::Closed) return false;
  answeredMs_ = completer_.turnMs();
  health_.succeeded();
  Step step = awaited.step;
  awaited_.pop_front();
  if (isFetch(op)) {
    completer_.finishFetch(step, answer);
  } else {
    completer_.complete(std::unique_ptr<Request>(step.first), answer);
  }
  isDropped_ = verdict == Decoder::Verdict::Drop;
  return !isDropped_;
}

// --- Numbers -----------------------------------------------------------------------------------------------

std::size_t Connection::awaited() const {
  std::size_t count = 0;
  for (const Awaited& awaited : awaited_) {
    for (const Request* request = awaited.step.first; request != nullptr; request = request->next) {
      for (const Request* same = request; same != nullptr; same = same->nextSame)
        count += same->slot != kNoSlot ? 1 : 0;
    }
  }
  return count;
}

ServerCounters Connection::counters() const {
  ServerCounters counters = counters_;
  if (stream_) {
    counters.bytesReceived += stream_->received();
    counters.bytesSent += stream_->sent();
  }
  return counters;
}

}  // namespace lmc
