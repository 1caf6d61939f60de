#include "core/key_table.h"

#include <doctest/doctest.h>

#include <deque>
#include <random>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

using lmc::KeyTable;

TEST_CASE("key table: a new key has no history and a known one keeps its own") {
  KeyTable table;
  table.reset(2);
  KeyTable::Entry& entry = table.at("a");
  CHECK(entry.fetchedIn == KeyTable::kNone);
  entry.fetchedIn = 7;

  CHECK(table.at("a").fetchedIn == 7);
  CHECK(table.at("b").fetchedIn == KeyTable::kNone);
}

TEST_CASE("key table: reset forgets everything") {
  KeyTable table;
  for (int round = 0; round < 1000; ++round) {
    table.reset(8);
    for (const char* key : {"", "a", "b", "c", "abcdefgh", "abcdefghi"}) {
      KeyTable::Entry& entry = table.at(key);
      REQUIRE(entry.fetchedIn == KeyTable::kNone);
      REQUIRE(entry.writtenIn == KeyTable::kNone);
      entry.fetchedIn = 1;
    }
  }
}

TEST_CASE("key table: keys that share a beginning or an end or a length are different") {
  std::set<std::string> keys;
  for (std::size_t length = 0; length <= 40; ++length) {
    for (const char byte : {'\0', 'a', '\xff'}) {
      std::string key(length, byte);
      keys.insert(key);
      if (length == 0) break;
      key.back() = 'Z';
      keys.insert(key);
      key.front() = 'Y';
      keys.insert(key);
    }
  }
  KeyTable table;
  table.reset(keys.size());
  std::uint32_t number = 0;
  for (const std::string& key : keys) {
    KeyTable::Entry& entry = table.at(key);
    REQUIRE(entry.fetchedIn == KeyTable::kNone);
    entry.fetchedIn = number++;
  }
  number = 0;
  for (const std::string& key : keys) CHECK(table.at(key).fetchedIn == number++);
}

TEST_CASE("key table: the hash depends on the bytes and not on where they are") {
  const std::string padded = "xxab cdefgh ijklmnopqrst";
  for (std::size_t length = 0; length <= 20; ++length) {
    const std::string copy = padded.substr(3, length);
    CHECK(KeyTable::hashOf(std::string_view(padded).substr(3, length)) == KeyTable::hashOf(copy));
  }
}

TEST_CASE("key table: usual keys spread over the table") {
  // Of 4096 keys over 8192 places about 3223 places should be taken.
  std::vector<bool> taken(8192, false);
  int places = 0;
  for (int index = 0; index < 4096; ++index) {
    const std::size_t place = KeyTable::hashOf("user:" + std::to_string(index)) & 8191;
    if (!taken[place]) ++places;
    taken[place] = true;
  }
  CHECK(places > 2900);
}

TEST_CASE("key table: agrees with std unordered_map through random batches of random sizes") {
  std::mt19937 random(7);
  KeyTable table;
  bool agrees = true;
  for (int round = 0; round < 600; ++round) {
    const std::size_t count = round % 50 == 0 ? 4096 : random() % 200;
    std::deque<std::string> keys;
    std::unordered_map<std::string, std::uint32_t> model;
    table.reset(count);
    for (std::size_t index = 0; index < count; ++index) {
      const std::string& key = keys.emplace_back(std::to_string(random() % (count + 1)) + "k");
      KeyTable::Entry& entry = table.at(key);
      const auto [at, inserted] = model.try_emplace(key, static_cast<std::uint32_t>(index));
      agrees = agrees && (entry.fetchedIn == KeyTable::kNone) == inserted && entry.key == key;
      if (inserted) {
        entry.fetchedIn = static_cast<std::uint32_t>(index);
      }
      agrees = agrees && entry.fetchedIn == at->second;
    }
  }
  CHECK(agrees);
}
