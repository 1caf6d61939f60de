#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "core/request.h"

namespace lmc {

// What is known here of memcached's protocols: enough to make an answer up, and to check one before
// libmemcached reads it.

// A binary frame's header (memcached's protocol_binary.txt).
constexpr std::size_t kHeaderBytes = 24;
constexpr std::uint8_t kAnswerMagic = 0x81;
constexpr std::uint8_t kNoop = 0x0a;
constexpr std::uint8_t kGetKQuietly = 0x0d;
constexpr std::uint8_t kVersion = 0x0b;
constexpr std::uint8_t kSaslListMechanisms = 0x20;
constexpr std::uint8_t kSaslStep = 0x22;

constexpr bool isSasl(std::uint8_t opcode) { return opcode >= kSaslListMechanisms && opcode <= kSaslStep; }

enum class Word : std::uint8_t {
  None,  // nothing that a memcached says
  Stored,
  NotStored,
  Exists,
  NotFound,
  Deleted,
  Touched,
  Number,
  Ok,
  Reset,
  Value,
  Stat,
  End,
  Version,
  Error,
  ClientError,
  ServerError,
};

// What answers an operation, in both protocols.
struct AwaitedAnswer {
  std::uint8_t opcode;  // libmemcached sends a cas as REPLACE
  std::string_view yes;
  std::uint32_t words;  // a bit for each Word, errors left out
  std::string_view expected;
};

constexpr std::uint32_t wordBits(std::initializer_list<Word> words) {
  std::uint32_t bits = 0;
  for (const Word word : words) bits |= 1u << static_cast<unsigned>(word);
  return bits;
}

constexpr AwaitedAnswer awaitedAnswer(Op op) {
  constexpr std::uint32_t kStore = wordBits({Word::Stored, Word::NotStored, Word::Exists, Word::NotFound});
  constexpr std::uint32_t kCount = wordBits({Word::Number, Word::NotFound});
  constexpr std::uint32_t kFetch = wordBits({Word::Value, Word::End});
  constexpr std::string_view kStoreWords = "STORED, NOT_STORED, EXISTS or NOT_FOUND";
  constexpr std::string_view kCountWords = "a number or NOT_FOUND";
  constexpr AwaitedAnswer kAnswers[] = {
      {kNoop, "END\r\n", kFetch, "VALUE or END"},  // get
      {kNoop, "END\r\n", kFetch, "VALUE or END"},  // gets
      {0x04, "DELETED\r\n", wordBits({Word::Deleted, Word::NotFound}), "DELETED or NOT_FOUND"},
      {0x1c, "TOUCHED\r\n", wordBits({Word::Touched, Word::NotFound}), "TOUCHED or NOT_FOUND"},
      {0x01, "STORED\r\n", kStore, kStoreWords},  // set
      {0x02, "STORED\r\n", kStore, kStoreWords},  // add
      {0x03, "STORED\r\n", kStore, kStoreWords},  // replace
      {0x0e, "STORED\r\n", kStore, kStoreWords},  // append
      {0x0f, "STORED\r\n", kStore, kStoreWords},  // prepend
      {0x03, "STORED\r\n", kStore, kStoreWords},  // cas
      {0x05, "1\r\n", kCount, kCountWords},       // incr
      {0x06, "1\r\n", kCount, kCountWords},       // decr
      {0x08, "OK\r\n", wordBits({Word::Ok}), "OK"},
      {0x10, "END\r\n", wordBits({Word::Stat, Word::End, Word::Reset, Word::Ok}), "STAT or END"},
      {0x0b, "VERSION 1.6.0\r\n", wordBits({Word::Version}), "VERSION"},
  };
  return kAnswers[static_cast<std::size_t>(op)];
}

constexpr std::uint8_t opcodeOf(Op op) { return awaitedAnswer(op).opcode; }

inline std::uint32_t readBig(const char* bytes, int count) {
  std::uint32_t number = 0;
  for (int index = 0; index < count; ++index) number = number << 8 | static_cast<unsigned char>(bytes[index]);
  return number;
}

inline void writeBig32(char* bytes, std::uint32_t number) {
  for (int index = 3; index >= 0; --index, number >>= 8) bytes[index] = static_cast<char>(number & 0xff);
}

}  // namespace lmc
