#include "memcached/router.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

using namespace lmc;

namespace {

constexpr int kKeys = 3000;

std::vector<ServerSpec> serversNamed(const std::vector<int>& numbers, const std::vector<std::uint32_t>& weights = {}) {
  std::vector<ServerSpec> servers;
  for (const int number : numbers) {
    ServerSpec spec;
    spec.host = "10.0.0." + std::to_string(number);
    spec.port = static_cast<std::uint16_t>(11211 + number % 3);
    if (!weights.empty()) spec.weight = weights[static_cast<std::size_t>(number) % weights.size()];
    servers.push_back(spec);
  }
  return servers;
}

std::vector<BehaviorValue> with(std::vector<std::pair<const char*, std::uint64_t>> values) {
  std::vector<BehaviorValue> made;
  for (const auto& [name, value] : values) {
    REQUIRE(findBehavior(name) != nullptr);
    made.push_back({findBehavior(name), value});
  }
  return made;
}

// Each with its name: the placements that take servers out.
std::vector<std::pair<std::string, std::vector<BehaviorValue>>> ketamas() {
  return {{"ketama", with({{"ketama", 1}})},
          {"ketama, sorted", with({{"ketama", 1}, {"_sort_hosts", 1}})},
          {"ketama_weighted", with({{"ketama_weighted", 1}})},
          {"ketama_weighted, md5", with({{"hash", MEMCACHED_HASH_MD5}, {"ketama_weighted", 1}})},
          {"consistent", with({{"distribution", MEMCACHED_DISTRIBUTION_CONSISTENT}})},
          {"spy", with({{"distribution", MEMCACHED_DISTRIBUTION_CONSISTENT_KETAMA_SPY}})}};
}

Router routerOf(std::vector<ServerSpec> servers, const std::vector<BehaviorValue>& values = {},
                const std::string& keyNamespace = {}) {
  memcached_return_t error = MEMCACHED_FAILURE;
  Router router(std::move(servers), values, keyNamespace, true, &error);
  REQUIRE(error == MEMCACHED_SUCCESS);
  return router;
}

// The server of each key, by name: independent of the order of the list.
std::vector<std::string> placement(const Router& router) {
  std::vector<std::string> servers;
  for (int index = 0; index < kKeys; ++index) {
    const ServerSpec& server = router.server(router.serverOf("key:" + std::to_string(index)));
    servers.push_back(server.host + ":" + std::to_string(server.port));
  }
  return servers;
}

int differing(const std::vector<std::string>& one, const std::vector<std::string>& other) {
  int count = 0;
  for (std::size_t index = 0; index < one.size(); ++index) count += one[index] == other[index] ? 0 : 1;
  return count;
}

}  // namespace

TEST_CASE("router: one server has every key") {
  const Router router = routerOf(serversNamed({1}));
  const auto places = placement(router);
  CHECK(std::set<std::string>(places.begin(), places.end()).size() == 1);
  CHECK(router.serverOf("") == 0);
}

TEST_CASE("router: placement is the same for the same servers and uses them all") {
  for (const auto& [name, values] : ketamas()) {
    CAPTURE(name);
    const Router router = routerOf(serversNamed({1, 2, 3, 4}), values);
    const auto places = placement(router);
    CHECK(differing(places, placement(router)) == 0);
    CHECK(differing(places, placement(routerOf(serversNamed({1, 2, 3, 4}), values))) == 0);
    CHECK(std::set<std::string>(places.begin(), places.end()).size() == 4);
  }
}

TEST_CASE("router: modula is the digest modulo the number of servers") {
  const Router router = routerOf(serversNamed({1, 2, 3, 4, 5}));
  for (int index = 0; index < 100; ++index) {
    const std::string key = std::to_string(index);
    CHECK(router.serverOf(key) == router.digestOf(key) % 5);
    CHECK(router.serverOf(key) == router.hashOf(key));
  }
}

TEST_CASE("router: placement does not depend on failover behaviors") {
  for (const auto& [name, values] : ketamas()) {
    CAPTURE(name);
    auto more = values;
    for (const BehaviorValue& value : with(
             {{"remove_failed", 2}, {"auto_eject", 1}, {"retry_timeout", 3}, {"dead_timeout", 7}, {"num_replicas", 1}}))
      more.push_back(value);
    CHECK(differing(placement(routerOf(serversNamed({1, 2, 3}), values)),
                    placement(routerOf(serversNamed({1, 2, 3}), more))) == 0);
  }
}

TEST_CASE("router: an ejected server loses its keys and only those move") {
  for (const auto& [name, values] : ketamas()) {
    CAPTURE(name);
    Router router = routerOf(serversNamed({1, 2, 3, 4}), values);
    REQUIRE(router.ejects());
    const auto before = placement(router);
    router.eject({false, true, false, false});
    const auto after = placement(router);
    const ServerSpec& dead = router.server(1);
    const std::string deadName = dead.host + ":" + std::to_string(dead.port);
    int wrong = 0;
    for (int index = 0; index < kKeys; ++index) {
      const auto at = static_cast<std::size_t>(index);
      if (after[at] == deadName) ++wrong;
      // With weights every server's share is counted anew, so others may move, too.
      const bool counted = name.find("weighted") != std::string::npos;
      if (!counted && before[at] != deadName && after[at] != before[at]) ++wrong;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("router: ejecting equals a list without the server") {
  for (const auto& [name, values] : ketamas()) {
    CAPTURE(name);
    Router router = routerOf(serversNamed({1, 2, 3, 4}), values);
    router.eject({false, false, true, false});
    CHECK(differing(placement(router), placement(routerOf(serversNamed({1, 2, 4}), values))) == 0);
    router.eject({true, false, true, false});
    CHECK(differing(placement(router), placement(routerOf(serversNamed({2, 4}), values))) == 0);
  }
}

TEST_CASE("router: ejecting equals a list without the server with weights as well") {
  for (const char* kind : {"ketama_weighted", "ketama"}) {
    CAPTURE(std::string(kind));
    const auto values = with({{kind, 1}});
    const std::vector<std::uint32_t> weights = {1, 5, 2};
    Router router = routerOf(serversNamed({1, 2, 3, 4}, weights), values);
    router.eject({true, false, false, false});
    CHECK(differing(placement(router), placement(routerOf(serversNamed({2, 3, 4}, weights), values))) == 0);
  }
}

TEST_CASE("router: reviving brings the old placement back") {
  for (const auto& [name, values] : ketamas()) {
    CAPTURE(name);
    Router router = routerOf(serversNamed({1, 2, 3, 4}, {3, 1}), values);
    const auto before = placement(router);
    for (int round = 0; round < 20; ++round) {
      std::vector<bool> dead(4, false);
      dead[static_cast<std::size_t>(round) % 4] = true;
      dead[static_cast<std::size_t>(round / 2) % 4] = true;
      router.eject(dead);
      CHECK(differing(placement(router), before) > 0);
      router.eject(std::vector<bool>(4, false));
      CHECK(differing(placement(router), before) == 0);
    }
  }
}

TEST_CASE("router: with every server dead it still names one") {
  for (const auto& [name, values] : ketamas()) {
    CAPTURE(name);
    Router router = routerOf(serversNamed({1, 2, 3}), values);
    const auto before = placement(router);
    router.eject({true, true, true});
    for (int index = 0; index < 100; ++index) CHECK(router.serverOf(std::to_string(index)) < 3);
    router.eject({false, false, false});
    CHECK(differing(placement(router), before) == 0);
  }
}

TEST_CASE("router: modula never takes a server out") {
  Router router = routerOf(serversNamed({1, 2, 3}));
  CHECK_FALSE(router.ejects());
  const auto before = placement(router);
  router.eject({true, false, false});
  CHECK(differing(placement(router), before) == 0);
}

TEST_CASE("router: sorted hosts make the order of the list irrelevant and indices stay ours") {
  for (const char* other : {"ketama", "ketama_weighted", "cas"}) {
    CAPTURE(std::string(other));
    const auto values = with({{other, 1}, {"_sort_hosts", 1}});
    const auto first = placement(routerOf(serversNamed({1, 2, 3, 4}), values));
    CHECK(differing(first, placement(routerOf(serversNamed({4, 2, 1, 3}), values))) == 0);
    CHECK(differing(first, placement(routerOf(serversNamed({3, 4, 2, 1}), values))) == 0);
    CHECK(std::set<std::string>(first.begin(), first.end()).size() == 4);
  }
}

TEST_CASE("router: sorting ketama moves no key") {
  const auto plain = with({{"ketama", 1}});
  const auto sorted = with({{"ketama", 1}, {"_sort_hosts", 1}});
  CHECK(differing(placement(routerOf(serversNamed({3, 1, 2}), plain)),
                  placement(routerOf(serversNamed({3, 1, 2}), sorted))) == 0);
}

TEST_CASE("router: behaviors set later are those set before") {
  for (const auto& [name, values] : ketamas()) {
    CAPTURE(name);
    Router later = routerOf(serversNamed({3, 1, 2}));
    const Behavior* refused = nullptr;
    CHECK(later.set(values, &refused) == MEMCACHED_SUCCESS);
    CHECK(refused == nullptr);
    if (name.find("weighted") == std::string::npos)
      CHECK(differing(placement(later), placement(routerOf(serversNamed({3, 1, 2}), values))) == 0);
    for (const BehaviorValue& value : values) CHECK(later.get(*value.behavior) == value.value);
  }
}

TEST_CASE("router: a namespace moves keys only where it is asked to") {
  const auto values = with({{"ketama", 1}});
  const auto without = placement(routerOf(serversNamed({1, 2, 3}), values));
  CHECK(differing(without, placement(routerOf(serversNamed({1, 2, 3}), values, "ns:"))) == 0);
  const auto hashed = with({{"ketama", 1}, {"_hash_with_prefix_key", 1}});
  CHECK(differing(without, placement(routerOf(serversNamed({1, 2, 3}), hashed, "ns:"))) > 0);
}

TEST_CASE("router: the same server twice is two servers") {
  auto servers = serversNamed({1, 2});
  servers.push_back(servers[0]);
  const Router router = routerOf(servers);
  std::set<std::uint32_t> used;
  for (int index = 0; index < 100; ++index) used.insert(router.serverOf(std::to_string(index)));
  CHECK(used.size() == 3);
}

TEST_CASE("router: Unix sockets and TCP servers sorted together keep their places") {
  auto servers = serversNamed({2, 1});
  ServerSpec unixSpec;
  unixSpec.transport = Transport::Unix;
  unixSpec.host = "/run/a.sock";
  servers.push_back(unixSpec);
  const auto values = with({{"_sort_hosts", 1}});
  auto other = servers;
  std::swap(other[0], other[2]);
  CHECK(differing(placement(routerOf(servers, values)), placement(routerOf(other, values))) == 0);
}

TEST_CASE("router: a behavior that is refused is named") {
  Router router = routerOf(serversNamed({1, 2}));
  const Behavior* refused = nullptr;
  const auto rc = router.set(with({{"ketama", 1}, {"failure_limit", 0}}), &refused);
  CHECK(rc != MEMCACHED_SUCCESS);
  REQUIRE(refused != nullptr);
  CHECK(std::string(refused->name) == "failure_limit");
}
