#include "memcached/answer_feed.h"

#include <algorithm>
#include <cstring>

#include "memcached/wire.h"

namespace lmc {

namespace {

constexpr std::string_view kLineEnd = "\r\n";

// Said of a counter, these make libmemcached fail an assertion; AUTH_CONTINUE makes it wait for more.
bool isSafeToFeed(const Frame& frame, Op op) {
  constexpr std::uint16_t kAuthError = 0x20;
  constexpr std::uint16_t kAuthContinue = 0x21;
  constexpr std::uint16_t kOutOfMemory = 0x82;
  if (frame.status == 0) return true;
  if (op == Op::Authenticate) return frame.status != kAuthContinue || isSasl(frame.opcode);
  if (frame.status == kAuthContinue || isFetch(op)) return false;
  return !(isCounter(op) && (frame.status == kAuthError || frame.status == kOutOfMemory));
}

}  // namespace

void AnswerFeed::expect(Op op, std::uint32_t opaque) {
  op_ = op;
  opaque_ = opaque;
  heard_ = Heard{};
  left_ = value_ = 0;
  madeUp_ = {};
}

void AnswerFeed::finish() {
  madeUp_ = {};
  while (left_ > 0 && !heard_.isViolation) {
    if (stream_.in().empty() && !need(1)) return;
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, stream_.in().size()));
    stream_.consume(count);
    left_ -= count;
  }
}

void AnswerFeed::send(const char* bytes, std::size_t size) {
  if (op_ == Op::Authenticate) stream_.out.append({bytes, size});
}

std::size_t AnswerFeed::receive(char* into, std::size_t room) {
  if (!madeUp_.empty()) {
    const std::size_t count = std::min(room, madeUp_.size());
    std::memcpy(into, madeUp_.data(), count);
    madeUp_.remove_prefix(count);
    return count;
  }
  if (heard_.isViolation || heard_.isClosed || !heard_.isFed) return 0;
  if (left_ == 0 && !beginUnit()) return 0;
  if (stream_.in().empty() && !need(1)) return 0;
  const std::string_view in = stream_.in();
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(std::min<std::uint64_t>(room, left_), in.size()));
  if (isValue_) {
    for (std::size_t at = count - std::min<std::size_t>(count, 2); at < count; ++at) {
      const std::uint64_t behind = left_ - at;
      if (behind <= kLineEnd.size() && in[at] != kLineEnd[kLineEnd.size() - behind]) {
        violate("a value of another length than was announced");
        return 0;
      }
    }
  }
  std::memcpy(into, in.data(), count);
  stream_.consume(count);
  left_ -= count;
  return count;
}

bool AnswerFeed::beginUnit() {
  isValue_ = value_ > 0;
  if (isValue_) {
    left_ = std::exchange(value_, 0);
    return true;
  }
  return isBinary_ ? beginFrame() : beginLine();
}

bool AnswerFeed::beginLine() {
  const std::size_t most = maxLineBytes(op_);
  std::size_t end;
  std::size_t looked = 0;
  while ((end = stream_.in().find('\n', looked)) == std::string_view::npos) {
    looked = stream_.in().size();
    if (looked >= most) return mistake(stream_.in());
    if (!need(looked + 1)) return false;
  }
  std::string_view line = stream_.in().substr(0, end + 1);
  if (line.size() > most || !line.ends_with(kLineEnd)) return mistake(line);
  left_ = line.size();
  line.remove_suffix(kLineEnd.size());
  const Word word = wordOf(line);
  if (!answers(op_, word)) return mistake(line);
  heard_.word = word;
  if (isErrorWord(word)) heard_.text = line;
  if (word == Word::Value) {
    if (!readValueLine(line, &value_)) return violate("a malformed VALUE");
    value_ += kLineEnd.size();
  }
  if (word == Word::Version && !isVersion(line.substr(std::min(line.size(), std::size_t{8}))))
    return violate("a malformed VERSION");
  if (word == Word::Stat && line.size() < 7) return violate("a malformed STAT");
  // libmemcached knows neither as the end of statistics.
  heard_.isFed = !(op_ == Op::Stats && (word == Word::Reset || word == Word::Ok));
  return heard_.isFed;
}

bool AnswerFeed::beginFrame() {
  if (!need(kHeaderBytes)) return false;
  const Frame frame = Frame::read(stream_.in().data());
  if (const char* const fault = findFault(frame, op_, opaque_)) return violate(fault);
  left_ = kHeaderBytes + std::uint64_t{frame.bodyBytes};
  heard_.status = frame.status;
  heard_.opcode = frame.opcode;
  if (frame.status != 0 || frame.opcode == kVersion) {
    if (!need(static_cast<std::size_t>(left_))) return false;
    const std::string_view body = stream_.in().substr(kHeaderBytes, frame.bodyBytes);
    if (frame.status == 0 && !isVersion(body)) return violate("no version");
    if (frame.status != 0) heard_.text = body.substr(frame.keyBytes + std::size_t{frame.extraBytes});
  }
  heard_.isFed = isSafeToFeed(frame, op_);
  return heard_.isFed;
}

// Waits until the stream holds so many bytes.
bool AnswerFeed::need(std::size_t bytes) {
  while (stream_.in().size() < bytes) {
    if (!source_.awaitBytes()) return close();
  }
  return true;
}

bool AnswerFeed::violate(std::string_view what) {
  heard_.isViolation = true;
  heard_.text = "unexpected response: ";
  heard_.text += what;
  return false;
}

bool AnswerFeed::mistake(std::string_view line) {
  constexpr std::size_t kMaxQuoted = 60;
  std::string what = "expected ";
  what += awaitedAnswer(op_).expected;
  what += ", not \"";
  what += line.substr(0, kMaxQuoted);
  what += line.size() > kMaxQuoted ? "…\"" : "\"";
  return violate(what);
}

bool AnswerFeed::close() {
  heard_.isClosed = true;
  return false;
}

}  // namespace lmc
