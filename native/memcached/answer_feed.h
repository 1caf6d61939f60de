#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/request.h"
#include "memcached/answer_guard.h"
#include "transport/stream.h"
#include "transport/virtual_socket.h"

namespace lmc {

// Where a decoding fiber waits for bytes.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Waits until the stream has more bytes than now. False: there will be none.
  virtual bool awaitBytes() = 0;
};

// What the server said in its last answer: the truth, against which libmemcached's return code is checked.
struct Heard {
  Word word = Word::None;    // text: of the last line
  std::uint16_t status = 0;  // binary: of the last frame
  std::uint8_t opcode = 0;
  bool isFed = true;         // false: libmemcached must not see it, though we understand it
  bool isClosed = false;     // the connection ended within it
  bool isViolation = false;  // it is no answer to what was asked; `text` says what was expected
  std::string text;          // of an error: the server's own words
};

// Gives libmemcached one line, one value or one frame at a time: its fetch goes on reading while its own
// buffer holds anything, past the end of the answer and into the next operation's. So every call eats exactly
// its own answer.
class AnswerFeed final : public VirtualSocket {
 public:
  AnswerFeed(bool isBinary, Stream& stream, ByteSource& source)
      : isBinary_(isBinary), stream_(stream), source_(source) {}

  // Before each answer.
  void expect(Op op, std::uint32_t opaque);
  // For what libmemcached asks on its own account: nothing of the stream is read while there is such.
  void setMadeUp(std::string_view answer) { madeUp_ = answer; }
  // After each answer: nothing of what is left of a line or frame belongs to the next one.
  void finish();
  const Heard& heard() const { return heard_; }

  // Everything else was encoded elsewhere.
  void send(const char* bytes, std::size_t size) override;
  std::size_t receive(char* into, std::size_t room) override;

 private:
  bool beginUnit();
  bool beginLine();
  bool beginFrame();
  bool need(std::size_t bytes);
  bool violate(std::string_view what);
  bool mistake(std::string_view line);  // it does not answer what was asked, and is quoted
  bool close();

  const bool isBinary_;
  Stream& stream_;
  ByteSource& source_;
  std::string_view madeUp_{};
  Op op_ = Op::Get;
  std::uint32_t opaque_ = 0;
  Heard heard_;
  std::uint64_t left_ = 0;   // of the line, value or frame that is being fed
  std::uint64_t value_ = 0;  // text: a value of so many bytes, with its line's end, comes next
  bool isValue_ = false;     // what is being fed is one
};

}  // namespace lmc
