// The life of a connection: how it is opened, what it does in silence, and how it ends.

#include <algorithm>
#include <utility>

#include "core/clock.h"
#include "memcached/connection.h"
#include "transport/socket_stream.h"

namespace lmc {

namespace {

// Silence on a connection that was unused for so long may be that connection's alone: a firewall forgot it.
constexpr double kIdleMs = 1000;

// Behind the deadline of its caller, an answer that is not whole has failed.
constexpr double kSlackMs = 10;

bool isRepeatable(Op op) { return isFetch(op) || op == Op::Stats || op == Op::Version; }

}  // namespace

// --- Opening and closing -----------------------------------------------------------------------------------

void Connection::tell(Opening opening, const std::string& reason) const {
  if (onOpening_) onOpening_(opening, reason);
}

void Connection::open() {
  tell(Opening::Begun);
  state_ = State::Opening;
  isReplaced_ = isEnding_ = isGreeted_ = isDropped_ = isTooLate_ = false;
  // As long as anybody who waits has time.
  const double timeoutMs = std::max(config_.timeoutMs, waiting_.latestDeadline() - nowMs());
  openUntilMs_ = nowMs() + timeoutMs;
  connector_ = std::make_unique<Connector>(context_.loop, fiber_, [this] { wake(); }, config_, timeoutMs);
  if (config_.isTls) {
    stream_ = context_.loop.connectSecurely(config_.server.host, config_.server.port,
                                            [this](Loop::Readiness ready) { onReady(ready); });
    decoder_ = std::make_unique<Decoder>(config_.binary, *stream_, *this);
    watchSilence();
  }
  fiber_.start([this] { run(); });
  afterWake();
}

// On the fiber. libmemcached connects, or Node does where there is TLS.
Greeting Connection::connect() {
  if (config_.isTls) {
    while (!stream_->isConnected()) {
      if (!awaitBytes()) return {MEMCACHED_CONNECTION_FAILURE, false, describeEnd()};
    }
    return {};
  }
  const int descriptor = connector_->connect();
  if (descriptor < 0) return {connector_->rc, false, std::move(connector_->message)};
  auto stream = std::make_unique<SocketStream>(descriptor);
  if (!config_.isUdp()) stream->watch(context_.loop, [this](Loop::Readiness ready) { onReady(ready); });
  stream_ = std::move(stream);
  if (!config_.isUdp()) decoder_ = std::make_unique<Decoder>(config_.binary, *stream_, *this);
  return {};
}

Greeting Connection::connectAndGreet() {
  Greeting greeting = connect();
  if (isTooLate_) return {MEMCACHED_TIMEOUT, false, "no response from the server in time: not connected"};
  if (greeting.rc != status::kSuccess || config_.isUdp()) return greeting;
  openUntilMs_ = std::min(openUntilMs_, nowMs() + config_.maxSilenceMs());
  watchSilence();
  greeting = greet(config_, context_.encoder, *decoder_, stream_->out);
  if (isTooLate_) return {MEMCACHED_TIMEOUT, false, "no response from the server in time: none to the greeting"};
  if (greeting.rc == MEMCACHED_CONNECTION_FAILURE) {
    greeting.message = describeEnd();
    // That is all that a server with TLS says.
    if (config_.server.transport == Transport::Tcp && !config_.isTls && stream_->received() == 0)
      greeting.message += " before it had answered (does it require TLS?)";
  }
  // What nobody asked for would be taken for the first answer.
  if (greeting.rc == status::kSuccess && !stream_->in().empty())
    return {MEMCACHED_UNKNOWN_READ_FAILURE, true, "unexpected response to the greeting"};
  return greeting;
}

void Connection::run() {
  greeting_ = connectAndGreet();
  if (greeting_.rc != status::kSuccess) return;
  isGreeted_ = true;
  if (config_.isUdp()) return;
  fiber_.suspend();
  for (;;) {
    if (awaited_.empty()) {
      if (isEnding_) return;
      fiber_.suspend();
    } else if (!decodeNext(awaited_.front())) {
      return;
    }
  }
}

void Connection::wake() {
  fiber_.resume();
  afterWake();
}

void Connection::afterWake() {
  if (isGreeted_) {
    becomeOpen();
  } else if (fiber_.isRunning()) {
    // The greeting is sent from here: nothing leaves from a fiber.
    if (state_ == State::Opening && stream_ && !stream_->out.empty() && stream_->send() == Stream::Sent::Broken) {
      isEnding_ = true;
      wake();
    }
  } else if (state_ == State::Opening) {
    failOpening();
  } else if (state_ == State::Open) {
    lost(MEMCACHED_CONNECTION_FAILURE,
         isDropped_ ? "the connection was dropped after what the server said before" : describeEnd());
  }
}

std::string Connection::describeEnd() const {
  return stream_->failure().empty() ? "the server closed the connection" : stream_->failure();
}

void Connection::onReady(Loop::Readiness ready) {
  if (ready.readable) receive();
  if (!ready.writable || !stream_) return;
  if (state_ == State::Opening) {
    wake();
    return;
  }
  send();
  if (state_ == State::Open) pump();
}

void Connection::becomeOpen() {
  isGreeted_ = false;
  connector_.reset();
  state_ = State::Open;
  ++counters_.connects;
  tell(Opening::Done);
  heardMs_ = answeredMs_ = nowMs();
  health_.succeeded();
  pump();
}

void Connection::failOpening() {
  close();
  if (greeting_.isReached) {
    health_.succeeded();
  } else {
    health_.failed(nowMs(), greeting_.message);
  }
  const std::string message = std::move(greeting_.message);
  failWaiting(greeting_.rc, message);
}

void Connection::stopFiber() {
  if (!fiber_.isRunning()) return;
  isEnding_ = true;
  if (connector_) connector_->cancel();
  fiber_.resume();
}

void Connection::close() {
  const bool isOpening = std::exchange(state_, State::Closed) ==
                         State::Opening;  // before the fiber ends: nobody is to be told that the connection is lost
  stopFiber();
  connector_.reset();
  decoder_.reset();
  if (stream_) {
    counters_.bytesReceived += stream_->received();
    counters_.bytesSent += stream_->sent();
  }
  stream_.reset();
  if (isOpening) tell(Opening::Failed, greeting_.message);
}

void Connection::abandonAwaited(std::int32_t rc, const std::string& message, bool retries) {
  const double now = nowMs();
  const auto abandon = [&](std::unique_ptr<Request> request) {
    const bool mayRetry = retries && isRepeatable(request->op) && !request->isRetried && request->deadline > now;
    if (mayRetry && request->slot != kNoSlot) {
      request->isRetried = true;
      request->isSent = false;
      waiting_.pushFront(std::move(request));
      return;
    }
    const Outcome outcome = isWrite(request->op) ? Outcome::Unknown : Outcome::Definite;
    context_.results.fail(*request, rc, outcome, message);
  };
  // From the last to the first: each goes to the front of what waits.
  while (!awaited_.empty()) {
    const Step step = awaited_.back().step;
    awaited_.pop_back();
    std::vector<Request*> requests;
    for (Request* head = step.first; head != nullptr; head = std::exchange(head->next, nullptr)) {
      head->previous = nullptr;
      for (Request* same = head; same != nullptr; same = std::exchange(same->nextSame, nullptr))
        requests.push_back(same);
    }
    for (auto request = requests.rbegin(); request != requests.rend(); ++request)
      abandon(std::unique_ptr<Request>(*request));
  }
}

// An established connection broke: something is there, so a new one may be tried at once.
void Connection::lost(std::int32_t rc, const std::string& message) {
  close();
  abandonAwaited(rc, message, true);
  flush();
}

void Connection::fellSilent() {
  const bool wasIdle = awaited_.front().sentMs - heardMs_ > kIdleMs;
  close();
  abandonAwaited(MEMCACHED_TIMEOUT, "no response from the server in time", wasIdle);
  if (wasIdle) {
    // Perhaps only this connection is dead. If the server does not answer on a new one either, it has failed.
    open();
    return;
  }
  health_.failed(nowMs(), "no response from the server in time");
  failWaiting(status::kServerDown, {});
}

void Connection::shutDown() {
  isShutDown_ = true;
  close();
  while (!awaited_.empty()) {
    completer_.fail(awaited_.back().step, status::kClosed, Outcome::Definite, {});
    awaited_.pop_back();
  }
  waiting_.clear();
  silence_.reset();
}

// --- Silence -----------------------------------------------------------------------------------------------

// When the answer that is next has failed: it is not whole, or nothing at all is heard.
double Connection::silentAtMs(const Awaited& awaited) const {
  const double since = std::max(awaited.sentMs, answeredMs_);
  const double whole = std::max(since + config_.timeoutMs, awaited.deadline) + kSlackMs;
  const double anything = std::max(awaited.sentMs, heardMs_) + config_.maxSilenceMs();
  return std::min(whole, anything);
}

void Connection::watchSilence() {
  if (state_ == State::Open && awaited_.empty()) return;
  const double at = state_ == State::Open ? silentAtMs(awaited_.front()) : openUntilMs_;
  if (watchingUntilMs_ <= at) return;  // it looks again then
  watchingUntilMs_ = at;
  silence_->start(std::max(1.0, at - nowMs()));
}

void Connection::onSilenceTimer() {
  watchingUntilMs_ = kNever;
  if (state_ == State::Opening && decoder_) {
    if (nowMs() < openUntilMs_) return watchSilence();
    receive();
    if (state_ != State::Opening || !decoder_) return;
    isEnding_ = isTooLate_ = true;
    wake();
    return;
  }
  if (state_ != State::Open || awaited_.empty()) return;
  if (nowMs() >= silentAtMs(awaited_.front())) {
    // The loop may have been blocked: what has arrived is read before anything is judged.
    receive();
    if (state_ != State::Open || awaited_.empty()) return;
    if (nowMs() >= silentAtMs(awaited_.front())) {
      fellSilent();
      return;
    }
  }
  watchSilence();
}

}  // namespace lmc
