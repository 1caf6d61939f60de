#include "memcached/side_links.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "memcached/pipeline.h"

namespace lmc {

namespace {

// A server that has just answered in binary answers a text greeting at once, or not at all: behind it may be
// something that waits for a binary header's 24 bytes.
constexpr double kGreetingMs = 250;
// A server that refuses further connections, or says nothing, may be better later: it is asked again after
// this time, and each time it is not after twice the time.
constexpr double kRefusedForMs = 30'000;
constexpr double kRefusedForAtMostMs = 600'000;

}  // namespace

Link* SideLinks::forFetch(const Plan& plan, const Step& step, std::span<const Request> requests,
                          double patienceMs, bool& wasOpen) {
  const ConnectionConfig& config = own_.config();
  // Without answers nobody knows when the writes before it, on the other connection, were carried out.
  const bool mayBeText = config.protocol == Protocol::Auto && own_.isBinary() && !config.hasCredentials &&
                         !config.verifyKeys && !config.noReply;
  if (!mayBeText || step.end - step.begin < 2) return nullptr;
  const auto keys = plan.of(step);
  const auto isTextSafe = [&](std::uint32_t index) { return requests[index].textSafe; };
  if (!std::all_of(keys.begin(), keys.end(), isTextSafe)) return nullptr;
  if (!text_) {
    if (nowMs() < textRefusedUntilMs_) return nullptr;
    text_ = make(Protocol::Text, false);
  }
  wasOpen = text_->isOpen();
  const Link::Opened opened = text_->open(wasOpen ? patienceMs : std::min(patienceMs, kGreetingMs));
  if (opened.ok()) {
    textRefusedForMs_ = 0;
    text_->setPatience(patienceMs);
    return text_.get();
  }
  // Whether the server is there at all the caller finds out on its own connection.
  text_.reset();
  textRefusedForMs_ = std::clamp(textRefusedForMs_ * 2, kRefusedForMs, kRefusedForAtMostMs);
  textRefusedUntilMs_ = nowMs() + textRefusedForMs_;
  return nullptr;
}

Link* SideLinks::forWrites(const Step& step, double patienceMs) {
  const bool worthIt = (step.kind == StepKind::Skew || step.kind == StepKind::Count) &&
                       step.end - step.begin >= Pipeline::kWorthPriming &&
                       own_.config().server.transport == Transport::Tcp;
  if (!worthIt) return nullptr;
  if (!gathering_) gathering_ = make(Protocol::Binary, true);
  if (gathering_->openForWriting(patienceMs).ok()) return gathering_.get();
  gathering_.reset();
  return nullptr;
}

std::unique_ptr<Link> SideLinks::make(Protocol protocol, bool gathers) const {
  ConnectionConfig config = own_.config();
  config.protocol = protocol;
  if (gathers) {
    std::erase_if(config.behaviors,
                  [](const auto& behavior) { return behavior.first == MEMCACHED_BEHAVIOR_TCP_NODELAY; });
    config.behaviors.emplace_back(MEMCACHED_BEHAVIOR_TCP_NODELAY, 0);
  }
  return std::make_unique<Link>(std::make_shared<const ConnectionConfig>(std::move(config)));
}

void SideLinks::drop() {
  text_.reset();
  gathering_.reset();
}

void SideLinks::forget() {
  drop();
  textRefusedUntilMs_ = 0;
  textRefusedForMs_ = 0;
}

}  // namespace lmc
