// A batch of requests made from the fuzzer's bytes, planned, and executed on a model: every request must get
// the answer that it would get in the order of the calls.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "../native/model.h"
#include "../native/requests.h"
#include "bytes.h"
#include "core/planner.h"

namespace {

constexpr std::size_t kMaxRequests = 1024;

// One byte: mostly a few short keys, so that they meet; some long ones, for the caps.
std::string keyFrom(std::uint8_t byte) {
  if (byte == 0) return {};
  if (byte < 32) return std::string(byte % 4, '\0');
  if (byte >= 250) return std::string(250, static_cast<char>(byte));
  return std::string(1, static_cast<char>('a' + byte % 24));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lmc;
  static Planner planner;  // the same for all: what one batch leaves behind must not matter for the next
  fuzz::Bytes bytes(data, size);
  RequestSettings settings;
  settings.casForAll = bytes.next() % 4 == 0;
  settings.keyNamespace = std::string(bytes.next() % 64, 'n');
  const auto shared = std::make_shared<const RequestSettings>(settings);  // of one batch they are the same
  std::vector<std::unique_ptr<Request>> requests;
  while (bytes.left() > 0 && requests.size() < kMaxRequests) {
    const auto op = static_cast<Op>(bytes.next() % (static_cast<unsigned>(Op::Version) + 1));
    const std::string key = keyFrom(bytes.next());
    const std::uint8_t argument = bytes.next();
    // Repeats under many keys, which make batches reach the caps.
    const std::size_t times = argument >= 240 ? 400 : 1;
    for (std::size_t count = 0; count < times && requests.size() < kMaxRequests; ++count) {
      const std::string value = argument % 2 == 0 ? std::to_string(argument) : "v" + std::to_string(argument);
      const std::string distinct = times == 1 ? key : key.substr(0, 200) + std::to_string(count);
      requests.push_back(test::makeRequest(op, distinct, value, static_cast<std::uint32_t>(requests.size())));
      requests.back()->number = argument % 8;
      requests.back()->settings = shared;
    }
  }
  const std::string fault = test::findFaultOfPlan(planner, std::move(requests));
  fuzz::expect(fault.empty(), fault.c_str());
  return 0;
}
