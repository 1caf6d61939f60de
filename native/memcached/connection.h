#pragma once

#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <string>

#include "core/clock.h"
#include "core/counters.h"
#include "core/health.h"
#include "core/planner.h"
#include "core/results.h"
#include "memcached/completer.h"
#include "memcached/connector.h"
#include "memcached/decoder.h"
#include "memcached/encoder.h"
#include "memcached/greeting.h"
#include "memcached/value_jobs.h"
#include "memcached/waiting_queue.h"
#include "transport/fiber.h"
#include "transport/loop.h"
#include "transport/stream.h"

namespace lmc {

// What the connections of one client share.
struct ConnectionContext {
  Loop& loop;
  Encoder& encoder;
  Planner& planner;
  Results& results;
  ValueJobs& jobs;
};

// The connection to one server:
//
//   submit → waiting ──encode──▶ awaited ──────────────▶ decode → results
//                       │                       ▲
//                       ▼                       │
//                  stream.out ──▶ socket ──▶ stream.in
//
// What waits is encoded and sent whatever is still awaited; answers come in the order of the requests. A
// fiber opens the connection and then decodes: it is the only thing here that ever waits.
class Connection final : public ByteSource {
 public:
  Connection(const ConnectionContext& context, const ConnectionConfig& config, Health& health);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // They leave with flush().
  void submit(std::unique_ptr<Request> request) { waiting_.push(std::move(request)); }
  void flush();
  // Opens the connection if it is closed, though nothing waits: to find out whether the server is there.
  void probe();

  // For requests that are submitted from now on; sockets are reopened where they must be.
  void configure(const ConnectionConfig& config);

  // Numbers are those of Cluster::Event::Kind.
  enum class Opening : std::uint8_t { Begun = 1, Done = 2, Failed = 3 };
  void onOpening(std::function<void(Opening, const std::string& reason)> listener) { onOpening_ = std::move(listener); }

  // Closes once nothing waits and nothing is awaited: its server left the list.
  void retire();
  bool isIdle() const { return waiting_.isIdle() && awaited_.empty(); }

  // Reads and decodes what has arrived. True: there is more.
  bool receive();

  // Nothing is sent or answered any longer; what waits stays uncompleted.
  void shutDown();

  std::size_t waiting() const { return waiting_.size(); }
  std::size_t awaited() const;
  std::size_t copyBytes() const { return waiting_.copyBytes(); }
  ServerCounters counters() const;
  // A request that was sent, and whose caller waits no longer.
  void countGivenUp(const Request& request) { completer_.countGivenUp(request, nowMs()); }

 private:
  enum class State : std::uint8_t { Closed, Opening, Open };

  // A step that was sent, and whose answer is to come.
  struct Awaited {
    Step step;
    Op op;
    std::uint32_t opaque;
    double sentMs;
    double deadline;
  };

  // On the fiber.
  void run();
  Greeting connectAndGreet();
  Greeting connect();
  bool decodeNext(Awaited& awaited);
  bool awaitBytes() override;

  void tell(Opening opening, const std::string& reason = {}) const;
  void open();
  void wake();
  void afterWake();
  void becomeOpen();
  void failOpening();
  void onReady(Loop::Readiness ready);
  std::string describeEnd() const;
  void stopFiber();
  void close();
  // What was awaited when the connection ended: reads that may be asked once more wait again.
  void abandonAwaited(std::int32_t rc, const std::string& message, bool retries);
  void lost(std::int32_t rc, const std::string& message);
  void fellSilent();

  void pump();
  bool mayEncode();
  void completeDisconnects();
  void encodeBatch();
  bool refuseUnsendable(Request& request, double now);
  void encodeStep(Step& step, double now);
  void sendAsDatagram(Step& step);
  void send();
  void failWaiting(std::int32_t rc, const std::string& message);

  void watchSilence();
  void onSilenceTimer();
  double silentAtMs(const Awaited& awaited) const;

  static constexpr double kNever = std::numeric_limits<double>::infinity();

  const ConnectionContext context_;
  ConnectionConfig config_;
  Health& health_;
  ServerCounters counters_;
  Completer completer_;
  std::function<void(Opening, const std::string&)> onOpening_;

  WaitingQueue waiting_;
  std::deque<Awaited> awaited_;

  State state_ = State::Closed;
  bool isReplaced_ = false;  // other settings: to be reopened once nothing is awaited
  bool isEnding_ = false;    // the fiber is to come to its end
  bool isGreeted_ = false;   // the fiber has opened a connection that is not in use yet
  bool isTooLate_ = false;   // it was not opened in time
  bool isDropped_ = false;   // what the server said made the decoding end
  bool isShutDown_ = false;
  bool isRetired_ = false;
  std::uint32_t opaque_ = 0;
  double heardMs_ = 0;     // when something was received
  double answeredMs_ = 0;  // when the last whole answer was

  // In the order in which they depend on each other.
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<Decoder> decoder_;
  std::unique_ptr<Connector> connector_;
  Greeting greeting_;
  double openUntilMs_ = 0;
  double watchingUntilMs_ = kNever;  // when `silence_` fires
  std::unique_ptr<Loop::Timer> silence_;
  Fiber fiber_;
};

}  // namespace lmc
