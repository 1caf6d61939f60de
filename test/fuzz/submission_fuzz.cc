// The reader of submissions, given any bytes: no request may point outside of the bytes that came with it,
// and reading must end. The payload is of exactly the size that is told, so that AddressSanitizer sees a byte
// too many.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "binding/submission.h"
#include "bytes.h"

namespace {

using lmc::fuzz::expect;

bool contains(std::string_view outer, std::string_view inner) {
  return inner.data() >= outer.data() && inner.data() + inner.size() <= outer.data() + outer.size();
}

lmc::PayloadRef copyOf(const std::uint8_t* data, std::size_t size) {
  lmc::PayloadRef payload = lmc::PayloadRef::adopt(lmc::Payload::allocate(size));
  if (size > 0) std::memcpy(payload.get()->bytes(), data, size);
  return payload;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lmc;
  // The first two bytes say how many servers there are, and how many staged values of which sizes.
  if (size < 2) return 0;
  const std::size_t servers = data[0] % 100 + 1;
  std::vector<StagedValue> staged;
  std::vector<std::string_view> stagedViews;
  for (std::size_t index = 0; index < data[1] % 8; ++index) {
    const std::size_t length = index * (data[1] >> 3);
    staged.push_back({copyOf(data, std::min(length, size)), std::min(length, size)});
    stagedViews.emplace_back(staged.back().bytes.get()->bytes(), staged.back().size);
  }
  data += 2;
  size -= 2;
  PayloadRef payload = copyOf(data, size);
  const std::string_view bytes(payload.get()->bytes(), size);
  std::vector<std::unique_ptr<Request>> requests;
  SubmissionReader reader(std::move(payload), size, staged, servers);
  std::uint64_t sum = 0;
  while (auto request = reader.next()) {
    expect(request->op <= Op::LastPublic, "an operation that there is not");
    expect(request->keyLength <= 250, "a key that is too long");
    expect(contains(bytes, request->keyView()), "a key outside of the payload");
    expect(!reader.isForServer() || request->server < servers, "a server that there is not");
    expect(!reader.isForServer() || request->keyLength == 0, "a key for a server");
    expect(request->next == nullptr && request->nextSame == nullptr, "a request that is linked");
    bool isInside = contains(bytes, request->valueView());
    for (const std::string_view view : stagedViews) isInside = isInside || contains(view, request->valueView());
    expect(isInside, "a value outside of what came with it");
    for (const char byte : request->keyView()) sum += static_cast<std::uint8_t>(byte);
    for (const char byte : request->valueView()) sum += static_cast<std::uint8_t>(byte);
    requests.push_back(std::move(request));
    expect(requests.size() <= size / kShortRecordBytes, "more requests than fit");
  }
  expect(sum < UINT64_MAX, "");
  return 0;
}
