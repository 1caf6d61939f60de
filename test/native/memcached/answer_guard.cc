#include "memcached/answer_guard.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "answers.h"

using namespace lmc;
using namespace lmc::test;

namespace {

std::vector<Op> allOps() {
  std::vector<Op> ops;
  for (int op = 0; op <= static_cast<int>(Op::Version); ++op) ops.push_back(static_cast<Op>(op));
  return ops;
}

// Whether a VALUE line passes, and with what length.
std::string valueLine(const std::string& line) {
  std::uint64_t bytes = 0;
  return readValueLine(line, &bytes) ? std::to_string(bytes) : "refused";
}

std::string faultOf(const std::string& frame, Op op, std::uint32_t opaque = 7) {
  const char* const fault = findFault(Frame::read(frame.data()), op, opaque);
  return fault == nullptr ? "" : fault;
}

std::string header(Op op, FrameParts parts = {}) {
  parts.opcode = opcodeFor(op);
  parts.opaque = 7;
  return frameOf(parts);
}

}  // namespace

TEST_CASE("guard: the words of memcached and what only begins like them") {
  const std::pair<const char*, Word> kWords[] = {
      {"STORED", Word::Stored},
      {"NOT_STORED", Word::NotStored},
      {"EXISTS", Word::Exists},
      {"NOT_FOUND", Word::NotFound},
      {"DELETED", Word::Deleted},
      {"TOUCHED", Word::Touched},
      {"OK", Word::Ok},
      {"RESET", Word::Reset},
      {"END", Word::End},
      {"VALUE k 0 1", Word::Value},
      {"STAT a b", Word::Stat},
      {"VERSION 1.6.18", Word::Version},
      {"ERROR", Word::Error},
      {"ERROR Too many open connections", Word::Error},
      {"CLIENT_ERROR bad data chunk", Word::ClientError},
      {"SERVER_ERROR out of memory", Word::ServerError},
      {"0", Word::Number},
      {"18446744073709551615", Word::Number},
  };
  for (const auto& [line, word] : kWords) {
    CAPTURE(std::string(line));
    CHECK(wordOf(line) == word);
  }
  for (const char* line : {"",       " ",    "STORE", "STOREDx",    "STORED ", " STORED",       "stored",
                           "ENDxyz", "END ", "OKAY",  "VALUEk 0 1", "ERRORS",  "SERVER_ERRORx", "18446744073709551616",
                           "-1",     "+1",   "1 ",    "1x",         "0x1",     "1.0",           "HTTP/1.1 400 Bad",
                           "\x81",   "MN",   "HD",    "EN"}) {
    CAPTURE(std::string(line));
    CHECK(wordOf(line) == Word::None);
  }
}

TEST_CASE("guard: which words answer which operation") {
  const std::set<Word> errors = {Word::Error, Word::ClientError, Word::ServerError};
  const auto expected = [](Op op) -> std::set<Word> {
    if (isFetch(op)) return {Word::Value, Word::End};
    if (isStorage(op)) return {Word::Stored, Word::NotStored, Word::Exists, Word::NotFound};
    if (isCounter(op)) return {Word::Number, Word::NotFound};
    if (op == Op::Delete) return {Word::Deleted, Word::NotFound};
    if (op == Op::Touch) return {Word::Touched, Word::NotFound};
    if (op == Op::Flush) return {Word::Ok};
    if (op == Op::Stats) return {Word::Stat, Word::End, Word::Reset, Word::Ok};
    return {Word::Version};
  };
  for (const Op op : allOps()) {
    for (int word = 0; word <= static_cast<int>(Word::ServerError); ++word) {
      const auto one = static_cast<Word>(word);
      CAPTURE(static_cast<int>(op));
      CAPTURE(word);
      CHECK(answers(op, one) == (expected(op).contains(one) || errors.contains(one)));
    }
  }
}

TEST_CASE("guard: lines are as long as libmemcached's buffer for them") {
  for (const Op op : allOps()) CHECK(maxLineBytes(op) == (isCounter(op) || op == Op::Version ? 1023u : 349u));
}

TEST_CASE("guard: value lines") {
  CHECK(valueLine("VALUE k 0 5") == "5");
  CHECK(valueLine("VALUE k 0 0") == "0");
  CHECK(valueLine("VALUE k 4294967295 5 18446744073709551615") == "5");
  CHECK(valueLine("VALUE k 0 1073741824") == "1073741824");
  CHECK(valueLine("VALUE " + std::string(250, 'k') + " 0 5") == "5");
  CHECK(valueLine("VALUE \xc3\xa4\xff 0 5") == "5");
  for (const std::string& line : {std::string("VALUE"),
                                  std::string("VALUE "),
                                  std::string("VALUE k"),
                                  std::string("VALUE k 0"),
                                  std::string("VALUE k 0 "),
                                  std::string("VALUE  0 5"),
                                  std::string("VALUE k  5"),
                                  std::string("VALUE k 0  5"),
                                  std::string("VALUE k 0 5 "),
                                  std::string("VALUE k 0 5 x"),
                                  std::string("VALUE k 0 5 1 1"),
                                  std::string("VALUE k 0 5x"),
                                  std::string("VALUE k x 5"),
                                  std::string("VALUE k -1 5"),
                                  std::string("VALUE k 0 -1"),
                                  std::string("VALUE k 0 -2"),
                                  std::string("VALUE k 0 +5"),
                                  std::string("VALUE k 0 0x5"),
                                  std::string("VALUE k 4294967296 5"),
                                  std::string("VALUE k 0 1073741825"),
                                  std::string("VALUE k 0 18446744073709551615"),
                                  std::string("VALUE k 0 99999999999999999999999"),
                                  std::string("VALUE k 0 5 18446744073709551616"),
                                  "VALUE " + std::string(251, 'k') + " 0 5",
                                  "VALUE " + std::string(300, 'k') + " 0 5"}) {
    CAPTURE(line);
    CHECK(valueLine(line) == "refused");
  }
}

TEST_CASE("guard: a control byte in a key would end it for libmemcached") {
  for (int byte = 0; byte < 256; ++byte) {
    if (byte == ' ') continue;
    const std::string line = "VALUE a" + std::string(1, static_cast<char>(byte)) + "b 0 5";
    CAPTURE(byte);
    CHECK(valueLine(line) == (byte > 0x20 && byte != 0x7f ? "5" : "refused"));
  }
}

TEST_CASE("guard: versions") {
  for (const char* text : {"1.6.18", "1.4.5", "1.0.0", "254.254.254", "1.6.45-next", "1.6.18 beta", "1.2.3.4"})
    CHECK(isVersion(text));
  for (const char* text : {"", "1", "1.", "1.6", "1.6.", "1..6", "x", "v1.6.18", " 1.6.18", "0.6.18", "256.0.0",
                           "1.256.0", "1.6.256", "1.6.99999999999999999999", "-1.6.18", "1.-6.18"})
    CHECK_FALSE(isVersion(text));
}

TEST_CASE("guard: a frame is read as it was written") {
  const Frame frame = Frame::read(frameOf({.opcode = 0x0d,
                                           .status = 0x0182,
                                           .opaque = 0x01020304,
                                           .extras = "extr",
                                           .key = std::string(250, 'k'),
                                           .value = std::string(70'000, 'v')})
                                      .data());
  CHECK(frame.magic == 0x81);
  CHECK(frame.opcode == 0x0d);
  CHECK(frame.status == 0x0182);
  CHECK(frame.opaque == 0x01020304);
  CHECK(frame.extraBytes == 4);
  CHECK(frame.keyBytes == 250);
  CHECK(frame.bodyBytes == 70'254);
}

TEST_CASE("guard: frames answer the operation and the request that they name") {
  for (const Op op : allOps()) {
    CAPTURE(static_cast<int>(op));
    FrameParts parts;
    if (isCounter(op)) parts.value = std::string(8, '\0');
    if (op == Op::Version) parts.value = "1.6.18";
    const std::string good = header(op, parts);
    CHECK(faultOf(good, op) == "");
    CHECK(faultOf(good, op, 8) != "");
    for (int magic = 0; magic < 256; ++magic) {
      std::string bad = good;
      bad[0] = static_cast<char>(magic);
      CHECK((faultOf(bad, op) == "") == (magic == 0x81));
    }
    for (int opcode = 0; opcode < 256; ++opcode) {
      std::string bad = good;
      bad[1] = static_cast<char>(opcode);
      // (A value without a head is no better.)
      CHECK((faultOf(bad, op) == "") == (opcode == opcodeFor(op)));
    }
  }
}

TEST_CASE("guard: lengths of frames") {
  const auto sized = [](Op op, std::size_t extras, std::size_t key, std::size_t value, std::uint16_t status = 0) {
    return faultOf(header(op, {.status = status,
                               .extras = std::string(extras, '\0'),
                               .key = std::string(key, 'k'),
                               .value = std::string(value, '1')}),
                   op);
  };
  for (const Op op : {Op::Set, Op::Add, Op::Replace, Op::Append, Op::Prepend, Op::Cas, Op::Delete, Op::Flush}) {
    CHECK(sized(op, 0, 0, 0) == "");
    CHECK(sized(op, 0, 0, 1) != "");
    CHECK(sized(op, 4, 0, 0) != "");
  }
  for (const std::size_t size : {0u, 1u, 4u, 5u, 8u}) {
    CHECK((sized(Op::Touch, 0, 0, size) == "") == (size == 0 || size == 4));
    CHECK((sized(Op::Incr, 0, 0, size) == "") == (size == 8));
    CHECK(sized(Op::Get, 0, 0, size).empty() == (size == 0));  // the end of a multi-get
  }
  CHECK(sized(Op::Incr, 4, 0, 4) != "");
  CHECK(sized(Op::Version, 0, 0, 31) == "");
  CHECK(sized(Op::Version, 0, 0, 32) != "");
  CHECK(sized(Op::Version, 0, 0, 0) != "");
  CHECK(sized(Op::Stats, 0, 100, 248) == "");
  CHECK(sized(Op::Stats, 0, 100, 249) != "");
  for (const Op op : allOps()) {
    CHECK(sized(op, 0, 0, 1024, 0x84) == "");
    CHECK(sized(op, 0, 0, 1025, 0x84) != "");
  }
}

TEST_CASE("guard: values of the binary protocol") {
  const auto hit = [](std::size_t extras, std::size_t key, std::uint32_t body) {
    std::string frame = frameOf({.opcode = kGetKQ, .extras = std::string(extras, '\0'), .key = std::string(key, 'k')});
    frame.replace(8, 4, bigEndian(body, 4));
    return faultOf(frame, Op::Get);
  };
  CHECK(hit(4, 1, 5) == "");
  CHECK(hit(4, 250, 254) == "");
  CHECK(hit(4, 250, 1u << 30) == "");
  CHECK(hit(4, 250, (1u << 30) + 1) != "");
  CHECK(hit(4, 250, UINT32_MAX) != "");
  CHECK(hit(4, 251, 300) != "");
  CHECK(hit(4, 4000, 5000) != "");
  CHECK(hit(4, 0, 10) != "");
  CHECK(hit(0, 1, 5) != "");
  CHECK(hit(8, 1, 20) != "");
  // A body that is smaller than what is in it.
  CHECK(hit(4, 250, 253) != "");
  CHECK(hit(4, 250, 0) != "");
  // No other operation is answered by a value.
  const std::string frame = frameOf({.opcode = kGetKQ, .opaque = 7, .extras = "1234", .key = "k"});
  for (const Op op : allOps()) CHECK((faultOf(frame, op) == "") == isFetch(op));
}
