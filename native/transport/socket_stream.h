#pragma once

#include <functional>
#include <memory>

#include "transport/loop.h"
#include "transport/stream.h"

namespace lmc {

// A stream over a connected socket of the system, which it owns. Bytes are read into a buffer that belongs to the
// thread, so that an idle connection holds nothing.
class SocketStream final : public Stream {
 public:
  explicit SocketStream(int descriptor) : descriptor_(descriptor) {}
  ~SocketStream() override;

  // `onReady`: there is something to read, or room to write again.
  void watch(Loop& loop, std::function<void(Loop::Readiness)> onReady);

  Sent send() override;
  bool sendDatagram(std::string_view bytes) override;
  Received receive() override;
  bool isStale() const override;

 private:
  const int descriptor_;
  std::unique_ptr<Loop::Watch> watch_;
};

}  // namespace lmc
