#pragma once

#include <libmemcached/memcached.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lmc {

// What a behavior takes. lib/options/behaviors.ts checks values by this and says what was wrong.
enum class BehaviorKind : std::uint8_t { Boolean, Unsigned, Hash, Distribution };

struct Behavior {
  const char* name;  // pylibmc's
  memcached_behavior_t flag;
  BehaviorKind kind;
};

// Ours: libmemcached has TCP_KEEPIDLE, but nothing for TCP_KEEPINTVL.
constexpr auto kTcpKeepInterval = static_cast<memcached_behavior_t>(MEMCACHED_BEHAVIOR_MAX + 1);

struct NamedNumber {
  const char* name;
  std::uint32_t value;
};

// In pylibmc's order, in which it applies them (it matters: ketama after hash, and so on).
std::span<const Behavior> behaviors();
const Behavior* findBehavior(std::string_view name);

// All that this library was built with; `hsieh`, for one, is missing from Debian's.
std::vector<NamedNumber> hashers();
std::vector<NamedNumber> distributions();
// MEMCACHED_SUCCESS and the others, for the error classes.
std::span<const NamedNumber> returnCodes();

struct BehaviorValue {
  const Behavior* behavior;
  std::uint64_t value;
};

}  // namespace lmc
