#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "core/clock.h"
#include "core/request.h"

// No doctest in here: the fuzz targets use it too.
namespace lmc::test {

using Settings = std::shared_ptr<const RequestSettings>;

inline Settings settingsWith(std::string keyNamespace, bool noReply = false) {
  RequestSettings settings;
  settings.keyNamespace = std::move(keyNamespace);
  settings.noReply = noReply;
  return std::make_shared<const RequestSettings>(std::move(settings));
}

// A request with a payload of its own, of exactly the size that it needs: AddressSanitizer sees a byte too
// many.
inline std::unique_ptr<Request> makeRequest(Op op, std::string_view key = {}, std::string_view value = {},
                                            std::uint32_t slot = kNoSlot) {
  static const Settings kNone = settingsWith({});
  PayloadRef payload = PayloadRef::adopt(Payload::allocate(key.size() + value.size()));
  char* const bytes = payload.get()->bytes();
  if (!key.empty()) std::memcpy(bytes, key.data(), key.size());
  if (!value.empty()) std::memcpy(bytes + key.size(), value.data(), value.size());
  auto request = std::make_unique<Request>();
  request->op = op;
  request->slot = slot;
  request->key = bytes;
  request->keyLength = static_cast<std::uint16_t>(key.size());
  request->value = bytes + key.size();
  request->valueLength = static_cast<std::uint32_t>(value.size());
  request->keyBytes = std::move(payload);
  request->deadline = nowMs() + 10'000;
  request->settings = kNone;
  return request;
}

}  // namespace lmc::test
