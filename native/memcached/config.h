#pragma once

#include <libmemcached/memcached.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace lmc {

enum class Transport : std::uint8_t { Tcp = 1, Udp = 2, Unix = 4 };  // pylibmc's numbers

struct ServerSpec {
  Transport transport = Transport::Tcp;
  std::string host;  // without brackets: the string itself feeds ketama
  std::uint16_t port = 0;
  std::uint32_t weight = 1;

  bool operator==(const ServerSpec&) const = default;
};

// All that a connection to one server is made from. What belongs to a request is in RequestSettings.
struct ConnectionConfig {
  ServerSpec server;
  bool binary = false;
  bool isTls = false;
  std::string username;
  std::string password;
  bool hasCredentials = false;
  std::vector<std::pair<memcached_behavior_t, std::uint64_t>> behaviors;  // that a handle takes as they are
  double timeoutMs = 2000;  // the client's: how long an answer may take, and opening
  std::uint32_t pollTimeoutMs = 5000;
  std::uint32_t connectTimeoutMs = 4000;
  int keepIntervalSeconds = 0;         // tcp_keepintvl; 0: the system's
  std::uint64_t receiveTimeoutUs = 0;  // 0: none
  bool inflate = true;                 // undo zlib where the flags say so
  std::size_t maxInflated = std::size_t{64} << 20;

  bool isUdp() const { return server.transport == Transport::Udp; }
  // How long a server may be silent while something is awaited.
  double maxSilenceMs() const {
    const auto poll = static_cast<double>(pollTimeoutMs);
    const double receive = static_cast<double>(receiveTimeoutUs) / 1000;
    return receiveTimeoutUs > 0 && receive < poll ? receive : poll;
  }

  bool operator==(const ConnectionConfig&) const = default;
};

}  // namespace lmc
