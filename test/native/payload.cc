#include "core/payload.h"

#include <doctest/doctest.h>

#include <cstring>
#include <utility>
#include <vector>

#include "core/request.h"

using lmc::Payload;
using lmc::PayloadRef;

// A reference too many is a leak, one too few a use after free: AddressSanitizer tells.

TEST_CASE("payload: lives as long as the last reference") {
  Payload* payload = Payload::allocate(16);
  std::memcpy(payload->bytes(), "0123456789abcdef", 16);
  PayloadRef first = PayloadRef::adopt(payload);
  PayloadRef second = PayloadRef::share(payload);
  first.reset();
  CHECK(first.get() == nullptr);
  CHECK(std::memcmp(second.get()->bytes(), "0123456789abcdef", 16) == 0);
}

TEST_CASE("payload: no bytes at all and sharing nothing") {
  const PayloadRef empty = PayloadRef::adopt(Payload::allocate(0));
  CHECK(empty.get() != nullptr);
  PayloadRef nothing = PayloadRef::share(nullptr);
  CHECK(nothing.get() == nullptr);
  nothing.reset();
  nothing.reset();
}

TEST_CASE("payload: moving hands the reference over") {
  PayloadRef from = PayloadRef::adopt(Payload::allocate(4));
  Payload* payload = from.get();
  PayloadRef to = std::move(from);
  CHECK(from.get() == nullptr);  // NOLINT: that is what is tested
  CHECK(to.get() == payload);
  PayloadRef other = PayloadRef::adopt(Payload::allocate(4));
  other = std::move(to);  // frees what it had
  CHECK(other.get() == payload);
  PayloadRef& same = other;
  other = std::move(same);
  CHECK(other.get() == payload);
}

TEST_CASE("payload: requests that are moved and thrown away keep the count") {
  Payload* payload = Payload::allocate(64);
  std::vector<lmc::Request> requests;
  for (int count = 0; count < 100; ++count) {
    lmc::Request& request = requests.emplace_back();  // the vector grows, and moves them
    request.keyBytes = PayloadRef::share(payload);
    request.valueBytes = PayloadRef::share(payload);
  }
  PayloadRef::adopt(payload).reset();
  requests[3] = std::move(requests[70]);
  requests.erase(requests.begin(), requests.begin() + 50);
  std::memset(requests.back().keyBytes.get()->bytes(), 1, 64);
  requests.clear();
}
