#include "memcached/answer_guard.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <limits>
namespace lmc {

namespace {

constexpr std::size_t kMaxKeyBytes = 250;
// libmemcached's buffer for a line.
constexpr std::size_t kMaxShortLine = 349;
constexpr std::size_t kMaxLongLine = 1023;
// The longest text of an error that is worth reading.
constexpr std::uint32_t kMaxErrorBody = 1024;
constexpr std::uint32_t kMaxVersionBody = 31;
constexpr std::uint32_t kMaxStatBody = 348;

bool startsWithWord(std::string_view line, std::string_view word) {
  return line.starts_with(word) && (line.size() == word.size() || line[word.size()] == ' ');
}

// The next field of a line, with the blank before it; digits only. False: there is none, or it is too large.
bool takeNumber(std::string_view& line, std::uint64_t max, std::uint64_t* number) {
  if (line.empty() || line.front() != ' ') return false;
  line.remove_prefix(1);
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), *number);
  if (error != std::errc() || end == line.data() || *number > max) return false;
  line.remove_prefix(static_cast<std::size_t>(end - line.data()));
  return true;
}

bool isKeyByte(char byte) { return static_cast<unsigned char>(byte) > 0x20 && byte != 0x7f; }

bool isNumber(std::string_view line) {
  std::uint64_t number;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
  return !line.empty() && error == std::errc() && end == line.data() + line.size();
}

// What is asked when a connection is opened: libmemcached numbers these frames itself.
const char* findFaultInAuthentication(const Frame& frame) {
  if (!isSasl(frame.opcode) && frame.opcode != kVersion) return "the answer to another operation";
  if (frame.keyBytes != 0 || frame.extraBytes != 0) return "inconsistent lengths";
  const std::uint32_t most = frame.opcode == kVersion && frame.status == 0 ? kMaxVersionBody : kMaxErrorBody;
  return frame.bodyBytes <= most ? nullptr : "a challenge of more than 1 KB";
}

const char* findFaultInSuccess(const Frame& frame, Op op) {
  const std::uint32_t body = frame.bodyBytes;
  if (isFetch(op)) {
    if (frame.opcode == kNoop) return body == 0 ? nullptr : "a no-op with a body";
    if (frame.extraBytes != 4 || frame.keyBytes == 0 || frame.keyBytes > kMaxKeyBytes)
      return "a value with a malformed header";
    return body <= kMaxValueBytes ? nullptr : "a value of more than 1 GiB";
  }
  if (isCounter(op)) return body == 8 && frame.extraBytes == 0 && frame.keyBytes == 0 ? nullptr : "no number";
  if (op == Op::Version) return body > 0 && body <= kMaxVersionBody ? nullptr : "no version";
  if (op == Op::Stats) return body <= kMaxStatBody ? nullptr : "a statistic of more than 348 bytes";
  if (op == Op::Touch) return body == 0 || body == 4 ? nullptr : "an unexpected body";
  return body == 0 ? nullptr : "an unexpected body";
}

}  // namespace

Word wordOf(std::string_view line) {
  constexpr std::pair<std::string_view, Word> kWhole[] = {
      {"STORED", Word::Stored},   {"NOT_STORED", Word::NotStored},
      {"EXISTS", Word::Exists},   {"NOT_FOUND", Word::NotFound},
      {"DELETED", Word::Deleted}, {"TOUCHED", Word::Touched},
      {"OK", Word::Ok},           {"RESET", Word::Reset},
      {"END", Word::End},
  };
  constexpr std::pair<std::string_view, Word> kFirst[] = {
      {"VALUE", Word::Value},
      {"STAT", Word::Stat},
      {"VERSION", Word::Version},
      {"ERROR", Word::Error},
      {"CLIENT_ERROR", Word::ClientError},
      {"SERVER_ERROR", Word::ServerError},
  };
  for (const auto& [text, word] : kWhole) {
    if (line == text) return word;
  }
  for (const auto& [text, word] : kFirst) {
    if (startsWithWord(line, text)) return word;
  }
  return isNumber(line) ? Word::Number : Word::None;
}

bool answers(Op op, Word word) { return isErrorWord(word) || (awaitedAnswer(op).words & wordBits({word})) != 0; }

std::size_t maxLineBytes(Op op) { return isCounter(op) || op == Op::Version ? kMaxLongLine : kMaxShortLine; }

bool readValueLine(std::string_view line, std::uint64_t* bytes) {
  constexpr std::uint64_t kAny = std::numeric_limits<std::uint64_t>::max();
  line.remove_prefix(std::min(line.size(), std::string_view("VALUE ").size()));
  const std::size_t key = std::min(line.find(' '), line.size());
  if (key == 0 || key > kMaxKeyBytes) return false;
  // To libmemcached any control byte ends the key, and what follows are flags and a length.
  if (!std::all_of(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(key), isKeyByte)) return false;
  line.remove_prefix(key);
  std::uint64_t flags;
  std::uint64_t cas;
  if (!takeNumber(line, UINT32_MAX, &flags) || !takeNumber(line, kMaxValueBytes, bytes)) return false;
  return line.empty() || (takeNumber(line, kAny, &cas) && line.empty());
}

bool isVersion(std::string_view text) {
  for (int part = 0; part < 3; ++part) {
    if (part > 0) {
      if (text.empty() || text.front() != '.') return false;
      text.remove_prefix(1);
    }
    unsigned number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool isFirst = part == 0;
    if (error != std::errc() || number > 254 || (isFirst && number == 0)) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  }
  return true;
}

Frame Frame::read(const char* header) {
  Frame frame{};
  frame.magic = static_cast<std::uint8_t>(header[0]);
  frame.opcode = static_cast<std::uint8_t>(header[1]);
  frame.keyBytes = static_cast<std::uint16_t>(readBig(header + 2, 2));
  frame.extraBytes = static_cast<std::uint8_t>(header[4]);
  frame.status = static_cast<std::uint16_t>(readBig(header + 6, 2));
  frame.bodyBytes = readBig(header + 8, 4);
  frame.opaque = readBig(header + 12, 4);
  return frame;
}

const char* findFault(const Frame& frame, Op op, std::uint32_t opaque) {
  if (frame.magic != kAnswerMagic) return "not a binary protocol frame";
  if (op == Op::Authenticate) return findFaultInAuthentication(frame);
  const bool isHit = isFetch(op) && frame.opcode == kGetKQuietly;
  if (frame.opcode != opcodeOf(op) && !isHit) return "the answer to another operation";
  if (frame.opaque != opaque && !isHit) return "the answer to another request";
  if (std::uint32_t{frame.keyBytes} + frame.extraBytes > frame.bodyBytes) return "inconsistent lengths";
  if (frame.status != 0) return frame.bodyBytes <= kMaxErrorBody ? nullptr : "an error of more than 1 KB";
  return findFaultInSuccess(frame, op);
}

}  // namespace lmc
