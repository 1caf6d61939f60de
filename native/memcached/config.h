#pragma once

#include <libmemcached/memcached.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace lmc {

enum class Transport : std::uint8_t { Tcp = 1, Udp = 2, Unix = 4 };  // pylibmc's numbers

enum class Protocol : std::uint8_t { Auto, Text, Binary };

struct ServerSpec {
  Transport transport = Transport::Tcp;
  std::string host;  // without brackets: the string itself feeds ketama
  std::uint16_t port = 0;
  std::uint32_t weight = 1;

  bool operator==(const ServerSpec&) const = default;
};

// All that a connection's handle is made from. Copied by value into each connection thread; a change of
// behaviors arrives as a new copy (Op::Configure).
struct ConnectionConfig {
  ServerSpec server;
  Protocol protocol = Protocol::Auto;
  std::string username;
  std::string password;
  bool hasCredentials = false;
  std::string keyNamespace;
  std::vector<std::pair<memcached_behavior_t, std::uint64_t>>
      behaviors;  // that a handle takes as they are, in order
  bool noReply = false;
  bool casForAll = false;  // the `cas` behavior: every read asks for the token
  bool verifyKeys = false;
  bool inflate = true;  // undo zlib where the flags say so
  std::uint32_t pollTimeoutMs = 5000;
  std::uint32_t connectTimeoutMs = 4000;
  std::uint64_t receiveTimeoutUs = 0;  // 0: none

  bool operator==(const ConnectionConfig&) const = default;
};

}  // namespace lmc
