#include "memcached/behaviors.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "memcached/library.h"
#include "memcached/router.h"

using namespace lmc;

TEST_CASE("behaviors: every name once and found by it") {
  std::set<std::string> names;
  std::set<int> flags;
  for (const Behavior& behavior : behaviors()) {
    CHECK(names.insert(behavior.name).second);
    CHECK(flags.insert(behavior.flag).second);
    CHECK(findBehavior(behavior.name) == &behavior);
  }
  CHECK(findBehavior("") == nullptr);
  CHECK(findBehavior("nope") == nullptr);
  CHECK(findBehavior("hash ") == nullptr);
}

TEST_CASE("behaviors: all of pylibmc's are there") {
  for (const char* name : {"no_block",
                           "tcp_nodelay",
                           "tcp_keepalive",
                           "hash",
                           "ketama_hash",
                           "ketama",
                           "ketama_weighted",
                           "distribution",
                           "cas",
                           "buffer_requests",
                           "verify_keys",
                           "connect_timeout",
                           "send_timeout",
                           "receive_timeout",
                           "num_replicas",
                           "auto_eject",
                           "retry_timeout",
                           "remove_failed",
                           "failure_limit",
                           "dead_timeout",
                           "_io_msg_watermark",
                           "_io_bytes_watermark",
                           "_io_key_prefetch",
                           "_hash_with_prefix_key",
                           "_noreply",
                           "_sort_hosts",
                           "_poll_timeout",
                           "_socket_send_size",
                           "_socket_recv_size"}) {
    CAPTURE(std::string(name));
    CHECK(findBehavior(name) != nullptr);
  }
}

TEST_CASE("behaviors: ketama comes after the hash that it overrides") {
  const auto all = behaviors();
  const auto placeOf = [&](const char* name) { return findBehavior(name) - all.data(); };
  CHECK(placeOf("hash") < placeOf("ketama"));
  CHECK(placeOf("ketama_hash") < placeOf("ketama"));
  CHECK(placeOf("ketama") < placeOf("ketama_weighted"));
  CHECK(placeOf("ketama_weighted") < placeOf("distribution"));
}

TEST_CASE("behaviors: what a router is told it says again") {
  ServerSpec spec;
  spec.host = "127.0.0.1";
  spec.port = 1;
  for (const Behavior& behavior : behaviors()) {
    CAPTURE(std::string(behavior.name));
    for (const std::uint64_t value : {1u, 0u}) {
      if (value == 0 && std::string(behavior.name) == "failure_limit") continue;  // libmemcached refuses it
      if (behavior.kind == BehaviorKind::Distribution && value == 1) continue;    // consistent: tested with the router
      memcached_return_t error = MEMCACHED_FAILURE;
      Router router({spec, spec}, std::vector<BehaviorValue>{}, std::string(), true, &error);
      REQUIRE(error == MEMCACHED_SUCCESS);
      const Behavior* refused = nullptr;
      REQUIRE(router.set({{&behavior, value}}, &refused) == MEMCACHED_SUCCESS);
      CHECK(router.get(behavior) == value);
    }
  }
}

TEST_CASE("behaviors: every hash and distribution that is offered can be had") {
  ServerSpec spec;
  spec.host = "127.0.0.1";
  spec.port = 1;
  const auto works = [&](const char* name, std::uint64_t value) {
    memcached_return_t error = MEMCACHED_FAILURE;
    Router router({spec, spec, spec}, std::vector<BehaviorValue>{{findBehavior(name), value}}, std::string(), true,
                  &error);
    if (error != MEMCACHED_SUCCESS) return false;
    for (int index = 0; index < 50; ++index) {
      if (router.serverOf(std::to_string(index)) > 2) return false;
    }
    return true;
  };
  CHECK(hashers().size() >= 9);
  CHECK(distributions().size() == 6);
  for (const NamedNumber& hasher : hashers()) {
    CAPTURE(std::string(hasher.name));
    CHECK(works("hash", hasher.value));
  }
  for (const NamedNumber& distribution : distributions()) {
    CAPTURE(std::string(distribution.name));
    CHECK(works("distribution", distribution.value));
  }
}

TEST_CASE("behaviors: return codes have one name each") {
  std::set<std::string> names;
  std::set<std::uint32_t> numbers;
  for (const NamedNumber& code : returnCodes()) {
    CHECK(names.insert(code.name).second);
    CHECK(numbers.insert(code.value).second);
    CHECK(code.value < MEMCACHED_MAXIMUM_RETURN);
  }
}

TEST_CASE("library: the one in use is at least the one needed") {
  const std::string version = libraryVersion();
  CHECK(version.starts_with("1."));
  CHECK(librarySupportsSasl());
}
