// Whole decodes of pipelines, in both protocols: the fuzzer's bytes decide what is asked, what is answered,
// and where the answers are cut. Up to the first lie each operation has what an honest server said; behind it
// nothing crashes, and no value is given for a key that it was not said of.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../native/memcached/cases.h"
#include "bytes.h"
#include "memcached/linkage.h"

namespace {

using namespace lmc;
using namespace lmc::test;
using fuzz::Bytes;
using fuzz::expect;
using Verdict = Decoder::Verdict;

constexpr std::uint32_t kOpaque = 0x01020304;
constexpr std::size_t kMaxOperations = 40;

// Those of a size that leaves something to do in a second.
std::vector<Case> smallCases(std::vector<Case> cases) {
  std::erase_if(cases, [](const Case& one) { return one.answer.size() > 2000 || one.operation.value.size() > 2000; });
  return cases;
}

// The frames of an answer with another opaque.
std::string withOpaque(std::string answer, std::uint32_t opaque) {
  const std::string from = bigEndian(kOpaque, 4);
  for (std::size_t at = 0; at + 24 <= answer.size();) {
    std::size_t body = 0;
    for (std::size_t index = 8; index < 12; ++index) body = body << 8 | static_cast<std::uint8_t>(answer[at + index]);
    if (answer.compare(at + 12, 4, from) == 0) answer.replace(at + 12, 4, bigEndian(opaque, 4));
    at += 24 + body;
  }
  return answer;
}

// What a server may do to an answer; true: it is no longer what it was.
bool distort(Bytes& bytes, const std::vector<Case>& cases, std::string& answer) {
  const std::string before = answer;
  switch (bytes.next() % 24) {
    case 1:
      if (!answer.empty()) answer[bytes.nextSize() % answer.size()] = static_cast<char>(bytes.next());
      break;
    case 2:
      answer.resize(bytes.nextSize() % (answer.size() + 1));
      break;
    case 3:
      answer += answer;
      break;
    case 4:
      answer = cases[bytes.nextSize() % cases.size()].answer;
      break;
    case 5:
      answer += cases[bytes.nextSize() % cases.size()].answer;
      break;
    case 6:
      answer = bytes.take(bytes.next());
      break;
    case 7:
      answer.insert(bytes.nextSize() % (answer.size() + 1), bytes.take(bytes.next() % 32));
      break;
    case 8:
      answer.insert(bytes.nextSize() % (answer.size() + 1), bytes.nextSize(), static_cast<char>(bytes.next()));
      break;
    case 9: {
      const std::size_t at = bytes.nextSize() % (answer.size() + 1);
      answer.erase(at, bytes.next());
      break;
    }
    case 10:
      for (int times = 0; times < 4 && !answer.empty(); ++times)
        answer[bytes.nextSize() % answer.size()] = static_cast<char>(bytes.next());
      break;
    default:
      break;
  }
  return answer != before;
}

void checkHits(const std::string& said, bool isBinary, const Operation& operation, const Decoded& decoded) {
  std::map<std::string, int> asked;
  for (const std::string& key : operation.keys) ++asked[key];
  for (const Hit& hit : decoded.hits) {
    expect(--asked[hit.key] >= 0, "a value for a key that was not asked, or a second one");
    const std::string key = operation.keyNamespace + hit.key;
    const std::string head = isBinary ? key + hit.value : "VALUE " + key + ' ';
    expect(said.find(head) != std::string::npos, "a value that was not said of its key");
    expect(said.find(hit.value) != std::string::npos, "a value that was not said");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool isInstalled = installLinkage().empty();
  static const std::vector<Case> text = smallCases(textCases());
  static const std::vector<Case> binary = smallCases(binaryCases(kOpaque));
  expect(isInstalled, "no linkage");

  Bytes bytes(data, size);
  const bool isBinary = bytes.next() % 2 == 1;
  const std::vector<Case>& cases = isBinary ? binary : text;
  std::vector<std::pair<const Case*, bool>> asked;  // and whether all was true up to its end
  std::string said;
  bool isHonest = true;
  while (bytes.left() > 8 && asked.size() < kMaxOperations) {
    const Case& one = cases[bytes.nextSize() % cases.size()];
    std::string answer = one.answer;
    if (isBinary) answer = withOpaque(answer, static_cast<std::uint32_t>(asked.size() + 1));
    if (distort(bytes, cases, answer)) isHonest = false;
    said += answer;
    asked.emplace_back(&one, isHonest);
  }
  Reader reader(isBinary);
  for (std::size_t at = 0; at < said.size();) {
    const std::size_t piece = bytes.left() > 0 ? bytes.next() + std::size_t{1} : said.size();
    reader.say(said.substr(at, piece));
    at += piece;
  }
  std::uint32_t opaque = 0;
  for (const auto& [one, isTrue] : asked) {
    const Decoded decoded = reader.decode(one->operation, ++opaque);
    checkHits(said, isBinary, one->operation, decoded);
    const std::string difference = isTrue ? findDifference(*one, decoded) : std::string();
    expect(difference.empty(), difference.c_str());
    if (decoded.verdict != Verdict::Done) return 0;
  }
  expect(!isHonest || reader.left().empty(), "answers are left");
  return 0;
}
