#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <unordered_set>

#include "transport/loop.h"
#include "transport/stream.h"

namespace lmc {

// The event loop of a Node environment, for one client. It never keeps the process alive, unless told to.
//
// libuv frees nothing: a handle lives on until its close callback. So handles are their own owners, and what
// connections hold only points to them.
class UvLoop final : public Loop {
 public:
  // `afterEvent`: after every call back into a connection; true: it was a job's, of which many may follow
  // each other in one turn.
  // `connectSecurely`: libuv knows nothing of TLS.
  using ConnectSecurely =
      std::function<std::unique_ptr<Stream>(const std::string&, std::uint16_t, std::function<void(Readiness)>)>;
  UvLoop(uv_loop_t* loop, std::function<void(bool)> afterEvent, ConnectSecurely connectSecurely);
  ~UvLoop() override;

  std::unique_ptr<Watch> watch(int descriptor, std::function<void(Readiness)> onReady) override;
  std::unique_ptr<Stream> connectSecurely(const std::string& host, std::uint16_t port,
                                          std::function<void(Readiness)> onReady) override {
    return connectSecurely_(host, port, std::move(onReady));
  }
  std::unique_ptr<Timer> timer(std::function<void()> onTime) override;
  void work(std::function<void()> job, std::function<void()> done) override;

  // While something is pending, the process must not end.
  void keepAlive(bool alive);
  // Nothing calls back any longer. `onClosed`: once libuv holds nothing of ours; perhaps at once.
  void close(std::function<void()> onClosed);

 private:
  class UvWatch;
  class UvTimer;
  struct Shared;  // outlives the loop while handles or jobs do

  std::shared_ptr<Shared> shared_;
  const ConnectSecurely connectSecurely_;
  uv_async_t* alive_;  // never sent: the handle whose reference keeps the process alive
};

}  // namespace lmc
