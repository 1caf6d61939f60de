#include "memcached/linkage.h"

#include <dlfcn.h>
#include <doctest/doctest.h>
#include <libmemcached/memcached.h>

#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "conversation.h"
#include "memcached_server.h"

using namespace lmc;
using namespace lmc::test;

namespace {

// A handle as anybody else in the process may have one.
struct Stranger {
  explicit Stranger(const ServerSpec& server, bool isBinary) {
    memcached_behavior_set(handle, MEMCACHED_BEHAVIOR_BINARY_PROTOCOL, isBinary ? 1 : 0);
    memcached_server_add(handle, server.host.c_str(), server.port);
  }
  ~Stranger() { memcached_free(handle); }

  std::string get(const std::string& key) const {
    std::size_t size = 0;
    std::uint32_t flags = 0;
    memcached_return_t rc;
    char* const value = memcached_get(handle, key.data(), key.size(), &size, &flags, &rc);
    if (value == nullptr) return memcached_strerror(handle, rc);
    std::string text(value, size);
    std::free(value);
    return text;
  }
  memcached_return_t set(const std::string& key, const std::string& value) const {
    return memcached_set(handle, key.data(), key.size(), value.data(), value.size(), 0, 0);
  }

  memcached_st* handle = memcached_create(nullptr);
};

// Lines of /proc/self/maps that belong to libmemcached.so.
std::vector<std::string> mappings() {
  std::ifstream maps("/proc/self/maps");
  std::vector<std::string> lines;
  for (std::string line; std::getline(maps, line);) {
    if (line.find("libmemcached.so") != std::string::npos) lines.push_back(line);
  }
  return lines;
}

}  // namespace

TEST_CASE("linkage: it is installed and a second time says the same") {
  CHECK(installLinkage() == "");
  CHECK(&installLinkage() == &installLinkage());
}

TEST_CASE("linkage: nothing of libmemcached is left writable that was not") {
  REQUIRE(installLinkage() == "");
  const std::vector<std::string> lines = mappings();
  REQUIRE_FALSE(lines.empty());
  int readOnly = 0;
  int writable = 0;
  for (const std::string& line : lines) {
    CHECK(line.find("wx") == std::string::npos);
    readOnly += line.find(" r--p ") != std::string::npos ? 1 : 0;
    writable += line.find(" rw-p ") != std::string::npos ? 1 : 0;
  }
  // The loader's read-only relocations are still there beside the data.
  CHECK(readOnly >= 1);
  CHECK(writable <= 1);
}

TEST_CASE("linkage: handles of anybody else work on real sockets") {
  REQUIRE(installLinkage() == "");
  MemcachedServer server({}, Listen::Tcp);
  for (const bool isBinary : {false, true}) {
    const Stranger stranger(server.spec(), isBinary);
    CHECK(stranger.set("k", "value") == MEMCACHED_SUCCESS);
    CHECK(stranger.get("k") == "value");
    const std::string large(300'000, 'l');
    CHECK(stranger.set("large", large) == MEMCACHED_SUCCESS);
    CHECK((stranger.get("large") == large));
  }
}

TEST_CASE("linkage: handles in memory and real ones take turns in one thread") {
  REQUIRE(installLinkage() == "");
  MemcachedServer server({}, Listen::Tcp);
  const Stranger stranger(server.spec(), false);
  Reader reader(false);
  Encoder encoder(Encoder::Protocol::Text);
  for (int round = 0; round < 20; ++round) {
    const std::string number = std::to_string(round);
    REQUIRE(stranger.set("n", number) == MEMCACHED_SUCCESS);
    Operation get;
    get.keys = {"n"};
    OwnedStep step(get);
    OutQueue out;
    REQUIRE(encoder.encode(*step, 0, out) == MEMCACHED_SUCCESS);
    REQUIRE(contentsOf(out) == "get n\r\n");
    reader.say("VALUE n 0 4\r\nfake\r\nEND\r\n");
    REQUIRE(reader.decode(get, 0).hits[0].value == "fake");
    REQUIRE(stranger.get("n") == number);
  }
}

TEST_CASE("linkage: a real handle that cannot connect says so") {
  REQUIRE(installLinkage() == "");
  ServerSpec nobody;
  nobody.host = "127.0.0.1";
  nobody.port = freePort();
  const Stranger stranger(nobody, false);
  CHECK(stranger.set("k", "v") != MEMCACHED_SUCCESS);
}
