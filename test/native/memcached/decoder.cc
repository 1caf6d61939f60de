// Decoding: what must come of every honest answer.
#include "memcached/decoder.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "cases.h"
#include "memcached/linkage.h"

using namespace lmc;
using namespace lmc::test;
using Verdict = Decoder::Verdict;

namespace {

constexpr std::uint32_t kOpaque = 0x01020304;

std::vector<Case> casesOf(bool isBinary) { return isBinary ? binaryCases(kOpaque) : textCases(); }

// Those that may be followed by another answer, in random order, some hundred.
std::vector<Case> pipelineOf(bool isBinary, std::uint32_t seed, std::size_t maxBytes, int rounds) {
  std::vector<Case> pipeline;
  for (int round = 0; round < rounds; ++round) {
    for (Case& one : casesOf(isBinary)) {
      if (one.expected.verdict == Verdict::Done && one.answer.size() <= maxBytes) pipeline.push_back(std::move(one));
    }
  }
  std::shuffle(pipeline.begin(), pipeline.end(), std::mt19937(seed));
  return pipeline;
}

}  // namespace

TEST_CASE("decoder: every operation with every answer of a memcached") {
  REQUIRE(installLinkage() == "");
  for (const bool isBinary : {false, true}) {
    CAPTURE(isBinary);
    Reader reader(isBinary);
    for (const Case& one : casesOf(isBinary)) {
      reader.say(one.answer);
      const std::string difference = findDifference(one, reader.decode(one.operation, kOpaque));
      CHECK(difference == "");
      CHECK(reader.left() == "");
      CHECK_FALSE(reader.hasUnreceived());
      reader.forget();
    }
  }
}

TEST_CASE("decoder: hundreds of operations in one pipeline") {
  REQUIRE(installLinkage() == "");
  for (const bool isBinary : {false, true}) {
    for (const std::uint32_t seed : {1u, 2u, 3u}) {
      const std::vector<Case> pipeline = pipelineOf(isBinary, seed, SIZE_MAX, 3);
      REQUIRE(pipeline.size() > 300);
      std::string all;
      for (const Case& one : pipeline) all += one.answer;
      Reader reader(isBinary);
      // What a turn of the loop receives has nothing to do with the answers in it.
      for (std::size_t at = 0; at < all.size(); at += 100'000) reader.say(all.substr(at, 100'000));
      for (const Case& one : pipeline) {
        const std::string difference = findDifference(one, reader.decode(one.operation, kOpaque));
        REQUIRE(difference == "");
      }
      CHECK(reader.left() == "");
    }
  }
}

TEST_CASE("decoder: a pipeline that arrives byte by byte") {
  REQUIRE(installLinkage() == "");
  for (const bool isBinary : {false, true}) {
    const std::vector<Case> pipeline = pipelineOf(isBinary, 4, 2000, 1);
    Reader reader(isBinary);
    for (const Case& one : pipeline) {
      for (const char byte : one.answer) reader.say(std::string(1, byte));
      const std::string difference = findDifference(one, reader.decode(one.operation, kOpaque));
      REQUIRE(difference == "");
    }
    CHECK_FALSE(reader.hasUnreceived());
  }
}

TEST_CASE("decoder: a pipeline that is cut at every byte") {
  REQUIRE(installLinkage() == "");
  for (const bool isBinary : {false, true}) {
    const std::vector<Case> pipeline = pipelineOf(isBinary, 5, 2000, 1);
    Reader reader(isBinary);
    std::size_t cuts = 0;
    // Each position once: in the answer of one operation, with that of the next one behind it.
    for (std::size_t index = 0; index + 1 < pipeline.size(); ++index) {
      const Case& one = pipeline[index];
      const Case& next = pipeline[index + 1];
      for (std::size_t cut = 0; cut <= one.answer.size(); ++cut, ++cuts) {
        reader.say(one.answer.substr(0, cut));
        reader.say(one.answer.substr(cut) + next.answer);
        std::string difference = findDifference(one, reader.decode(one.operation, kOpaque));
        if (difference.empty()) difference = findDifference(next, reader.decode(next.operation, kOpaque));
        CAPTURE(cut);
        REQUIRE(difference == "");
        REQUIRE(reader.left() == "");
      }
    }
    CHECK(cuts > 3000);
  }
}

TEST_CASE("decoder: an answer that ends before its end is the connection's end") {
  REQUIRE(installLinkage() == "");
  for (const bool isBinary : {false, true}) {
    for (const Case& one : casesOf(isBinary)) {
      if (one.answer.size() > 1000) continue;
      for (std::size_t cut = 0; cut < one.answer.size(); ++cut) {
        Reader reader(isBinary);
        reader.say(one.answer.substr(0, cut));
        const Decoded decoded = reader.decode(one.operation, kOpaque);
        CAPTURE(one.name);
        CAPTURE(cut);
        REQUIRE(decoded.verdict == Verdict::Closed);
        // Of a multi-get those that were whole count.
        REQUIRE(decoded.hits.size() <= one.expected.hits.size());
        REQUIRE(std::equal(decoded.hits.begin(), decoded.hits.end(), one.expected.hits.begin()));
      }
    }
  }
}
