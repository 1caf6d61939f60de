// What no memcached says: whatever it is, the connection ends with it, and no value comes where it does not
// belong.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "cases.h"
#include "memcached/linkage.h"

using namespace lmc;
using namespace lmc::test;
using Verdict = Decoder::Verdict;

namespace {

constexpr std::uint32_t kOpaque = 0x01020304;

Operation operationOf(Op op) {
  Operation operation;
  operation.op = op;
  operation.keys = {"k"};
  if (isStorage(op)) operation.value = "value";
  operation.number = 3;
  return operation;
}

std::vector<Op> allOps() {
  std::vector<Op> ops;
  for (int op = 0; op <= static_cast<int>(Op::Version); ++op) ops.push_back(static_cast<Op>(op));
  return ops;
}

// One decode with a decoder of its own. Behind the answer there is more, as in a pipeline.
Decoded decode(bool isBinary, Op op, const std::string& answer, bool hasMore = true) {
  Reader reader(isBinary);
  reader.say(answer);
  if (hasMore) reader.say(isBinary ? std::string(200, '\x81') : "STORED\r\nVALUE k 0 1\r\nx\r\nEND\r\n");
  return reader.decode(operationOf(op), kOpaque);
}

void checkRefused(bool isBinary, Op op, const std::string& answer) {
  CAPTURE(static_cast<int>(op));
  CAPTURE(answer.substr(0, 60));
  const Decoded decoded = decode(isBinary, op, answer);
  CHECK(decoded.verdict == Verdict::Drop);
  CHECK(decoded.hits.empty());
  CHECK(decoded.status != MEMCACHED_SUCCESS);
  CHECK(decoded.status != MEMCACHED_NOTFOUND);
  // It may have been done all the same.
  CHECK(decoded.outcome == (isWrite(op) ? Outcome::Unknown : Outcome::Definite));
}

std::string lying(std::string frame, std::uint16_t key, std::uint8_t extras, std::uint32_t body) {
  frame.replace(2, 2, bigEndian(key, 2)).replace(4, 1, bigEndian(extras, 1)).replace(8, 4, bigEndian(body, 4));
  return frame;
}

}  // namespace

TEST_CASE("hostile: text that answers nothing") {
  REQUIRE(installLinkage() == "");
  for (const Op op : allOps()) {
    for (const std::string& answer : {std::string("HTTP/1.1 400 Bad Request\r\n\r\n"),
                                      std::string("\r\n"),
                                      std::string("\n"),
                                      std::string("STORE\r\n"),
                                      std::string("STORED\n"),
                                      std::string("ENDxyz\r\n"),
                                      std::string("END\n"),
                                      std::string("stored\r\n"),
                                      std::string("18446744073709551616\r\n"),
                                      std::string("-1\r\n"),
                                      std::string("ITEM k [1 b; 2 s]\r\nEND\r\n"),
                                      std::string("SSH-2.0-OpenSSH_9.2\r\n"),
                                      std::string("\0\0\0\0\r\n", 6),
                                      std::string("ERRORS\r\n"),
                                      std::string("HD\r\n"),
                                      std::string("\x81\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\r\n", 26),
                                      std::string(400, 'x') + "\r\n",
                                      std::string(2000, '1') + "\r\n",
                                      std::string(10'000, 'x') + "\r\n",
                                      std::string(100'000, 'E')})
      checkRefused(false, op, answer);
  }
}

TEST_CASE("hostile: text that answers another operation") {
  REQUIRE(installLinkage() == "");
  const std::pair<std::string, std::vector<Op>> answers[] = {
      {"STORED\r\n", {Op::Set, Op::Add, Op::Replace, Op::Append, Op::Prepend, Op::Cas}},
      {"NOT_STORED\r\n", {Op::Set, Op::Add, Op::Replace, Op::Append, Op::Prepend, Op::Cas}},
      {"EXISTS\r\n", {Op::Set, Op::Add, Op::Replace, Op::Append, Op::Prepend, Op::Cas}},
      {"DELETED\r\n", {Op::Delete}},
      {"TOUCHED\r\n", {Op::Touch}},
      {"5\r\n", {Op::Incr, Op::Decr}},
      {"END\r\n", {Op::Get, Op::Gets, Op::Stats}},
      {"OK\r\n", {Op::Flush, Op::Stats}},
      {"RESET\r\n", {Op::Stats}},
      {"VERSION 1.6.18\r\n", {Op::Version}},
      {"STAT pid 1\r\nEND\r\n", {Op::Stats}},
      {"VALUE k 0 1\r\nx\r\nEND\r\n", {Op::Get, Op::Gets}},
  };
  for (const auto& [answer, ops] : answers) {
    for (const Op op : allOps()) {
      if (std::find(ops.begin(), ops.end(), op) == ops.end()) checkRefused(false, op, answer);
    }
  }
  for (const Op op : {Op::Get, Op::Gets, Op::Flush, Op::Stats, Op::Version}) checkRefused(false, op, "NOT_FOUND\r\n");
}

TEST_CASE("hostile: value lines of text") {
  REQUIRE(installLinkage() == "");
  for (const std::string& line :
       {std::string("VALUE k 0 -1"), std::string("VALUE k 0 -2"), std::string("VALUE k 0 18446744073709551615"),
        std::string("VALUE k 0 1073741825"), std::string("VALUE k 4294967296 1"),
        std::string("VALUE k 0 1 18446744073709551616"), std::string("VALUE k 0"), std::string("VALUE k"),
        std::string("VALUE"), std::string("VALUE "), std::string("VALUE  0 1"), std::string("VALUE k 0 1 1 1"),
        std::string("VALUE k\t0 1"), std::string("VALUE k\t0 99999 0 1"), std::string("VALUE k\0 0 1", 12),
        "VALUE " + std::string(251, 'k') + " 0 1", "VALUE " + std::string(300, 'k') + " 0 1",
        "VALUE " + std::string(4000, 'k') + " 0 1"}) {
    for (const Op op : {Op::Get, Op::Gets}) checkRefused(false, op, line + "\r\nx\r\nEND\r\n");
    for (const Op op : {Op::Set, Op::Incr, Op::Delete, Op::Stats, Op::Version})
      checkRefused(false, op, line + "\r\nx\r\n");
  }
}

TEST_CASE("hostile: a value of another length than was announced") {
  REQUIRE(installLinkage() == "");
  for (const std::string& answer :
       {std::string("VALUE k 0 1\r\nxy\r\nEND\r\n"), std::string("VALUE k 0 2\r\nx\r\nEND\r\n"),
        std::string("VALUE k 0 0\r\nx\r\nEND\r\n"), std::string("VALUE k 0 1\r\nx\n\nEND\r\n"),
        std::string("VALUE k 0 1\r\nx\r\r\nEND\r\n")}) {
    CAPTURE(answer);
    const Decoded decoded = decode(false, Op::Get, answer);
    CHECK(decoded.verdict == Verdict::Drop);
    CHECK(decoded.hits.empty());
  }
  // More is announced than is there: the connection ends before the value does.
  const Decoded decoded = decode(false, Op::Get, "VALUE k 0 1000000\r\nx\r\nEND\r\n");
  CHECK(decoded.verdict == Verdict::Closed);
  CHECK(decoded.hits.empty());
}

TEST_CASE("hostile: values for keys that were not asked and values twice") {
  REQUIRE(installLinkage() == "");
  for (const bool isBinary : {false, true}) {
    CAPTURE(isBinary);
    const std::string end = endOfHits(isBinary, kOpaque);
    const std::string good = hitOf(isBinary, {"k", "v"});
    const std::string other = hitOf(isBinary, {"K", "other"});
    for (const std::string& bad :
         {other, hitOf(isBinary, {"kk", "other"}), hitOf(isBinary, {std::string(250, 'k'), "v"})}) {
      const Decoded decoded = decode(isBinary, Op::Get, bad + end);
      CHECK(decoded.verdict == Verdict::Drop);
      CHECK(decoded.hits.empty());
    }
    for (const std::string& bad : {good + good, good + other}) {
      const Decoded decoded = decode(isBinary, Op::Get, bad + end);
      CHECK(decoded.verdict == Verdict::Drop);
      CHECK(decoded.hits == std::vector<Hit>{{"k", "v"}});
    }
  }
}

TEST_CASE("hostile: keys without their namespace or with another one") {
  REQUIRE(installLinkage() == "");
  for (const bool isBinary : {false, true}) {
    for (const char* key : {"k", "s", "other:k", "space:", "space:kk", "SPACE:k"}) {
      Operation operation = operationOf(Op::Get);
      operation.keyNamespace = "space:";
      Reader reader(isBinary);
      reader.say(hitOf(isBinary, {key, "v"}) + endOfHits(isBinary, kOpaque));
      const Decoded decoded = reader.decode(operation, kOpaque);
      CAPTURE(std::string(key));
      CHECK(decoded.verdict == Verdict::Drop);
      CHECK(decoded.hits.empty());
    }
  }
}

TEST_CASE("hostile: versions and statistics of text") {
  REQUIRE(installLinkage() == "");
  for (const char* line : {"VERSION", "VERSION ", "VERSION 1", "VERSION 1.6", "VERSION x.y.z", "VERSION 0.0.0",
                           "VERSION 300.1.1", "VERSION 1.6.999999999999", "VERSIONS 1.6.18"})
    checkRefused(false, Op::Version, std::string(line) + "\r\n");
  for (const std::string& line : {std::string("STAT"), std::string("STAT "), std::string("STAT a"),
                                  "STAT pid " + std::string(2000, '1'), "STAT " + std::string(341, 'n') + " 1"}) {
    CAPTURE(line.substr(0, 30));
    const Decoded decoded = decode(false, Op::Stats, line + "\r\nEND\r\n");
    // "STAT a" is short, and no harm.
    CHECK((decoded.verdict == Verdict::Drop || line == "STAT a"));
  }
}

TEST_CASE("hostile: two-line refusals of a write end the connection") {
  REQUIRE(installLinkage() == "");
  for (const Op op : {Op::Set, Op::Add, Op::Replace, Op::Append, Op::Prepend, Op::Cas}) {
    const Decoded decoded = decode(false, op, "CLIENT_ERROR bad data chunk\r\nERROR\r\n");
    CHECK(decoded.verdict == Verdict::Drop);
    CHECK(decoded.status == MEMCACHED_CLIENT_ERROR);
    CHECK(decoded.outcome == Outcome::Definite);
  }
}

TEST_CASE("hostile: frames that lie about what they are") {
  REQUIRE(installLinkage() == "");
  for (const Op op : allOps()) {
    const FrameParts good{.opcode = opcodeFor(op), .opaque = kOpaque};
    std::vector<std::string> frames;
    FrameParts other = good;
    other.opaque = kOpaque + 1;
    frames.push_back(frameOf(other));
    other = good;
    other.opcode = op == Op::Delete ? 0x01 : 0x04;
    frames.push_back(frameOf(other));
    std::string magic = frameOf(good);
    magic[0] = '\x80';
    frames.push_back(magic);
    for (const auto& [key, extras, body] :
         {std::tuple{4000, 0, 4000}, std::tuple{1, 0, 0}, std::tuple{0, 1, 0}, std::tuple{65535, 255, 10},
          std::tuple{0, 0, -1}, std::tuple{250, 4, 253}, std::tuple{0, 0, 0x7fffffff}, std::tuple{300, 4, 400}})
      frames.push_back(lying(frameOf(good), static_cast<std::uint16_t>(key), static_cast<std::uint8_t>(extras),
                             static_cast<std::uint32_t>(body)) +
                       std::string(5000, 'k'));
    frames.push_back("HTTP/1.1 400 Bad Request\r\n\r\n");
    frames.push_back("ERROR\r\nERROR\r\nERROR\r\nERROR\r\n");
    for (const std::string& frame : frames) checkRefused(true, op, frame);
  }
}

TEST_CASE("hostile: values of the binary protocol") {
  REQUIRE(installLinkage() == "");
  for (const std::size_t key : {0u, 251u, 252u, 300u, 330u, 4000u}) {
    const std::string answer =
        frameOf({.opcode = kGetKQ, .extras = "flag", .key = std::string(key, 'k'), .value = "v"});
    for (const Op op : allOps()) checkRefused(true, op, answer + endOfHits(true, kOpaque));
  }
  checkRefused(true, Op::Get, frameOf({.opcode = kGetKQ, .key = "k", .value = "v"}));
  checkRefused(true, Op::Get, frameOf({.opcode = kGetKQ, .extras = "12345678", .key = "k", .value = "v"}));
  // A hit that is none: its multi-get ends there.
  const Decoded decoded = decode(true, Op::Get, frameOf({.opcode = kGetKQ, .status = 1, .value = "Not found"}));
  CHECK(decoded.verdict == Verdict::Drop);
  CHECK(decoded.hits.empty());
}

TEST_CASE("hostile: successes with bodies that do not belong") {
  REQUIRE(installLinkage() == "");
  for (const Op op : allOps()) {
    if (op == Op::Version || op == Op::Stats) continue;
    for (const std::size_t size : {1u, 7u, 9u, 24u, 1000u, 100'000u})
      checkRefused(true, op, frameOf({.opcode = opcodeFor(op), .opaque = kOpaque, .value = std::string(size, '\x81')}));
  }
  for (const std::size_t size : {0u, 32u, 33u, 1000u, 100'000u})
    checkRefused(true, Op::Version, frameOf({.opcode = 0x0b, .opaque = kOpaque, .value = std::string(size, '1')}));
  checkRefused(true, Op::Version, frameOf({.opcode = 0x0b, .opaque = kOpaque, .value = "no version"}));
  checkRefused(true, Op::Stats,
               frameOf({.opcode = 0x10, .opaque = kOpaque, .key = "pid", .value = std::string(2000, '1')}));
}

TEST_CASE("hostile: what was not refused spoils nothing behind it") {
  REQUIRE(installLinkage() == "");
  for (const bool isBinary : {false, true}) {
    std::mt19937 random(8);
    std::vector<Case> cases = isBinary ? binaryCases(kOpaque) : textCases();
    std::erase_if(cases, [](const Case& one) { return one.answer.size() > 1000; });
    auto reader = std::make_unique<Reader>(isBinary);
    std::size_t wrong = 0;
    int refused = 0;
    for (int turn = 0; turn < 10'000; ++turn) {
      const Case& asked = cases[random() % cases.size()];
      std::string answer = random() % 2 == 0 ? asked.answer : cases[random() % cases.size()].answer;
      for (std::uint32_t count = random() % 3; count > 0 && !answer.empty(); --count)
        answer[random() % answer.size()] = static_cast<char>(random());
      reader->say(answer);
      const Decoded decoded = reader->decode(asked.operation, kOpaque);
      for (const Hit& hit : decoded.hits) {
        const auto& keys = asked.operation.keys;
        wrong += std::find(keys.begin(), keys.end(), hit.key) == keys.end() ? 1 : 0;
      }
      if (decoded.verdict != Verdict::Done) {  // the end of the connection, and of its decoder
        reader = std::make_unique<Reader>(isBinary);
        ++refused;
        continue;
      }
      reader->forget();
      const Case& next = cases[random() % cases.size()];
      reader->say(next.answer);
      const Decoded behind = reader->decode(next.operation, kOpaque);
      const std::string difference = findDifference(next, behind);
      CAPTURE(asked.name);
      CAPTURE(answer);
      REQUIRE(difference == "");
      if (behind.verdict != Verdict::Done) reader = std::make_unique<Reader>(isBinary);
    }
    CHECK(wrong == 0);
    CHECK(refused > 1000);
    CHECK(refused < 9000);
  }
}
