// A batch of requests made from the fuzzer's bytes, planned, and executed on a model: every request must get
// the answer that it would get in the order of the calls.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "../native/batch.h"
#include "../native/model.h"
#include "core/planner.h"

namespace {

constexpr std::size_t kMostRequests = 600;

// Reads on as zeros behind the end.
class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size) : at_(data), left_(size) {}
  std::uint8_t next() {
    if (left_ == 0) return 0;
    --left_;
    return *at_++;
  }
  std::size_t left() const { return left_; }

 private:
  const std::uint8_t* at_;
  std::size_t left_;
};

// One byte: mostly a few short keys, so that they meet; some long ones, for the caps.
std::string keyFrom(std::uint8_t byte) {
  if (byte == 0) return {};
  if (byte < 32) return std::string(byte % 4, '\0');
  if (byte >= 250) return std::string(byte == 255 ? 65535 : 250, static_cast<char>(byte));
  return std::string(1, static_cast<char>('a' + byte % 24));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lmc;
  static Planner planner;  // the same for all: what one batch leaves behind must not matter for the next
  Bytes bytes(data, size);
  test::Batch batch;
  while (bytes.left() > 0 && batch.size() < kMostRequests) {
    const auto op = static_cast<Op>(bytes.next() % (static_cast<unsigned>(Op::Configure) + 1));
    const std::string key = keyFrom(bytes.next());
    const std::uint8_t argument = bytes.next();
    // Repeats under many keys, which make batches reach the caps.
    const std::size_t times = argument >= 240 ? 200 : 1;
    for (std::size_t count = 0; count < times && batch.size() < kMostRequests; ++count) {
      const std::string value = argument % 2 == 0 ? std::to_string(argument) : "v" + std::to_string(argument);
      const std::string distinct = times == 1 ? key : key.substr(0, 200) + std::to_string(count);
      batch.add(op, distinct, value, argument % 8).initial = argument;
    }
  }
  const std::string fault = test::faultOfMeaning(planner.plan(batch.view()), batch.view());
  if (!fault.empty()) {
    std::fprintf(stderr, "%s\n", fault.c_str());
    std::abort();
  }
  return 0;
}
