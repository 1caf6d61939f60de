#pragma once

#include <deque>
#include <limits>
#include <memory>
#include <string>
#include <unordered_map>

#include "core/counters.h"
#include "core/health.h"
#include "core/planner.h"
#include "core/results.h"
#include "memcached/decoder.h"
#include "memcached/encoder.h"
#include "memcached/opener.h"
#include "memcached/value_jobs.h"
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
  void submit(std::unique_ptr<Request> request);
  void flush();
  // Opens the connection if it is closed, though nothing waits: to find out whether the server is there.
  void probe();

  // For requests that are submitted from now on; sockets are opened anew where they must be.
  void configure(const ConnectionConfig& config);

  // Reads and decodes what has arrived. True: there is more.
  bool receive();

  // Nothing is sent or answered any longer; what waits stays uncompleted.
  void shutDown();

  std::size_t waiting() const { return waiting_.size(); }
  std::size_t awaited() const;
  // Of replicas' copies, which nobody waits for: what they may hold is bounded by who submits them.
  std::size_t copyBytes() const { return copyBytes_; }
  ServerCounters counters() const;
  // A request that was sent, and whose caller waits no longer.
  void recordGivenUp(const Request& request);

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
  bool decodeNext(Awaited& awaited);
  bool awaitBytes() override;

  void open();
  void wake();
  void afterWake();
  void becomeOpen();
  void countOpening();
  void failOpening();
  void stopFiber();
  void close();
  // What was awaited when the connection ended: reads that may be asked once more wait again.
  void abandonAwaited(std::int32_t rc, const std::string& message, bool retries);
  void lost(std::int32_t rc, const std::string& message);
  void fellSilent();

  void submitNow(std::unique_ptr<Request> request);
  void compressed(std::unique_ptr<Request> request);
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

  void complete(Request& request, const Answer& answer);
  void found(std::unique_ptr<Request> request, ReceivedValue value);
  void finishFetch(Step& step, const Answer& answer);
  void failStep(Step& step, std::int32_t rc, Outcome outcome, const std::string& message);

  static constexpr double kNever = std::numeric_limits<double>::infinity();

  const ConnectionContext context_;
  ConnectionConfig config_;
  Health& health_;
  ServerCounters counters_;

  RequestList waiting_;
  std::deque<Awaited> awaited_;
  // Values that the pool compresses, by their keys, with what was called on the same keys meanwhile.
  std::unordered_map<std::string, RequestList> compressing_;
  std::size_t copyBytes_ = 0;

  State state_ = State::Closed;
  bool isReplaced_ = false;   // other settings: to be opened anew once nothing is awaited
  bool isEnding_ = false;     // the fiber is to come to its end
  bool isGreeted_ = false;    // the fiber has opened a socket that is not in use yet
  bool isDropped_ = false;   // what the server said made the decoding end
  bool isShutDown_ = false;
  std::size_t inflateBudget_ = 0;  // of this turn
  std::uint32_t opaque_ = 0;
  double heardMs_ = 0;     // when something was received
  double answeredMs_ = 0;  // when the last whole answer was
  double decodedMs_ = 0;   // the time of the turn that decodes

  // In the order in which they depend on each other.
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<Loop::Watch> watch_;
  std::unique_ptr<Decoder> decoder_;
  std::unique_ptr<Opener> opener_;
  Opened opened_;
  double watchingUntilMs_ = kNever;  // when `silence_` fires
  std::unique_ptr<Loop::Timer> silence_;
  Fiber fiber_;
};

}  // namespace lmc
