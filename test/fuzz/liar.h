#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "../native/memcached/memcached_server.h"

namespace lmc::fuzz {

// A server that takes its answers from the fuzzer's bytes: honest ones of every kind, breaks, and lies. It
// remembers what it said to whom, so that honest runs can be checked to the request. Keys are "k<slot>"; the
// value of each is its key, counters are kCounter + slot.
class Liar {
 public:
  static constexpr std::uint64_t kCounter = 1000;

  Liar(const std::string& path, std::string_view script, bool binary)
      : listener_(listenAt(path)), script_(script), binary_(binary) {
    if (pipe(stop_) != 0) throw std::runtime_error("no pipe");
    thread_ = std::thread([this] { run(); });
  }
  ~Liar() {
    end();
    close(stop_[0]);
    close(stop_[1]);
  }
  Liar(const Liar&) = delete;
  Liar& operator=(const Liar&) = delete;

  // Afterwards the rest may be read.
  void end() {
    if (!thread_.joinable()) return;
    (void)!write(stop_[1], "", 1);
    thread_.join();
  }

  // Said something that no honest server would: nothing about values and statuses can be expected then.
  bool lied = false;
  // The statuses (of the binary protocol) of honest answers that were sent whole, by slot.
  std::map<std::uint32_t, int> told;

 private:
  struct Asked {
    std::uint8_t opcode = 0;
    std::string opaque;
    std::string key;
    std::vector<std::string> words;  // of a text request
  };
  enum Opcode : std::uint8_t { Get = 0, IncrBin = 5, DecrBin = 6, GetQ = 9, Noop = 10, Version = 11 };

  static test::Socket listenAt(const std::string& path) {
    unlink(path.c_str());
    const sockaddr_un address = test::unixAddress(path);
    return test::listenOn(reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }

  std::uint8_t next() {
    if (script_.empty()) return 0;
    const auto byte = static_cast<std::uint8_t>(script_.front());
    script_.remove_prefix(1);
    return byte;
  }

  bool waitFor(int descriptor) {
    pollfd waiting[] = {{descriptor, POLLIN, 0}, {stop_[0], POLLIN, 0}};
    poll(waiting, 2, -1);
    return waiting[1].revents == 0;
  }

  void run() {
    while (waitFor(listener_.get())) {
      const test::Socket client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      std::string bytes;
      char buffer[16384];
      bool open = client.ok();
      while (open) {
        if (!waitFor(client.get())) return;
        const ssize_t got = recv(client.get(), buffer, sizeof buffer, 0);
        if (got <= 0) break;
        bytes.append(buffer, static_cast<std::size_t>(got));
        Asked asked;
        while (open && (binary_ ? takeBinary(bytes, asked) : takeText(bytes, asked)))
          open = answer(client, asked);
      }
    }
  }

  static std::uint32_t number(std::string_view bytes) {
    std::uint32_t value = 0;
    for (const char byte : bytes) value = value << 8 | static_cast<std::uint8_t>(byte);
    return value;
  }

  static bool takeBinary(std::string& bytes, Asked& asked) {
    if (bytes.size() < 24) return false;
    const std::string_view all = bytes;
    const std::size_t body = number(all.substr(8, 4));
    if (bytes.size() < 24 + body) return false;
    asked.opcode = static_cast<std::uint8_t>(bytes[1]);
    asked.opaque = all.substr(12, 4);
    asked.key = all.substr(24 + number(all.substr(4, 1)), number(all.substr(2, 2)));
    bytes.erase(0, 24 + body);
    return true;
  }

  static bool takeText(std::string& bytes, Asked& asked) {
    const std::size_t end = bytes.find("\r\n");
    if (end == std::string::npos) return false;
    asked.words.clear();
    for (std::size_t at = 0; at < end;) {
      const std::size_t stop = std::min(bytes.find(' ', at), end);
      if (stop > at) asked.words.push_back(bytes.substr(at, stop - at));
      at = stop + 1;
    }
    if (asked.words.empty()) asked.words.emplace_back();
    static const std::map<std::string, std::size_t> kWithValue = {
        {"set", 4}, {"add", 4}, {"replace", 4}, {"append", 4}, {"prepend", 4}, {"cas", 4}};
    std::size_t value = 0;
    const auto found = kWithValue.find(asked.words[0]);
    if (found != kWithValue.end() && asked.words.size() > found->second) {
      const std::string& word = asked.words[found->second];
      std::from_chars(word.data(), word.data() + word.size(), value);
      if (bytes.size() < end + 2 + value + 2) return false;
      value += 2;
    }
    asked.key = asked.words.size() > 1 ? asked.words[1] : std::string();
    bytes.erase(0, end + 2 + value);
    return true;
  }

  static std::string big(std::uint64_t value, int bytes) {
    std::string text;
    for (int at = bytes - 1; at >= 0; --at) text.push_back(static_cast<char>(value >> (8 * at)));
    return text;
  }

  static std::string pack(const Asked& asked, int status, std::string_view extras, std::string_view key,
                          std::string_view value) {
    std::string answer = {'\x81', static_cast<char>(asked.opcode)};
    answer += big(key.size(), 2) + big(extras.size(), 1) + '\0' + big(static_cast<std::uint64_t>(status), 2);
    answer += big(extras.size() + key.size() + value.size(), 4) + asked.opaque + big(7, 8);
    answer.append(extras).append(key).append(value);
    return answer;
  }

  // -1: not one of ours (a greeting, a primer).
  static std::int64_t slotOf(std::string_view key) {
    std::uint32_t slot = 0;
    if (key.size() < 2 || key[0] != 'k') return -1;
    const auto [end, error] = std::from_chars(key.data() + 1, key.data() + key.size(), slot);
    return error == std::errc() && end == key.data() + key.size() ? std::int64_t{slot} : -1;
  }

  std::string honestBinary(const Asked& asked, int& status) {
    const std::int64_t slot = slotOf(asked.key);
    const bool fetches = asked.opcode == 0 || asked.opcode == 9 || asked.opcode == 12 || asked.opcode == 13;
    if (asked.opcode == Noop) return pack(asked, 0, {}, {}, {});
    if (asked.opcode == Version) return pack(asked, 0, {}, {}, "1.6.18");
    if (slot < 0) {  // a primer, or a question whether we are there
      status = fetches || asked.opcode == 4 ? 1 : 0;
      return fetches && (asked.opcode == 9 || asked.opcode == 13) ? "" : pack(asked, status, {}, {}, {});
    }
    static constexpr int kStatuses[] = {0, 0, 1, 2, 3, 4, 5, 6, 0x81, 0x82, 0x84, 0x85, 0x86};
    status = fetches ? next() % 2 : kStatuses[next() % std::size(kStatuses)];
    if (status != 0) {
      if (fetches && (asked.opcode == 9 || asked.opcode == 13)) return "";
      return pack(asked, status, {}, {}, "why");
    }
    if (fetches) return pack(asked, 0, big(0, 4), asked.opcode >= 12 ? asked.key : "", asked.key);
    if (asked.opcode == IncrBin || asked.opcode == DecrBin)
      return pack(asked, 0, {}, {}, big(kCounter + static_cast<std::uint64_t>(slot), 8));
    return pack(asked, 0, {}, {}, {});
  }

  std::string honestText(const Asked& asked, int& status) {
    const std::string& word = asked.words[0];
    if (word == "version") return "VERSION 1.6.18\r\n";
    if (word == "get" || word == "gets") {
      std::string answer;
      for (std::size_t index = 1; index < asked.words.size(); ++index) {
        const std::string& key = asked.words[index];
        const std::int64_t slot = slotOf(key);
        if (slot < 0) continue;
        const bool hit = next() % 2 == 0;
        fetched_.emplace_back(static_cast<std::uint32_t>(slot), hit ? 0 : 1);
        if (hit) answer += "VALUE " + key + " 0 " + std::to_string(key.size()) + " 7\r\n" + key + "\r\n";
      }
      return answer + "END\r\n";
    }
    const std::int64_t slot = slotOf(asked.key);
    const std::uint8_t choice = next() % 4;
    if (choice == 3) {
      status = 0x84;
      return "SERVER_ERROR not now\r\n";
    }
    status = choice == 2 ? 1 : 0;
    if (word == "incr" || word == "decr")
      return status != 0
                 ? "NOT_FOUND\r\n"
                 : std::to_string(kCounter + static_cast<std::uint64_t>(std::max<std::int64_t>(slot, 0))) +
                       "\r\n";
    if (word == "delete") return status != 0 ? "NOT_FOUND\r\n" : "DELETED\r\n";
    if (word == "touch") return status != 0 ? "NOT_FOUND\r\n" : "TOUCHED\r\n";
    if (word == "cas") return status != 0 ? "NOT_FOUND\r\n" : "STORED\r\n";
    status = status == 0 ? 0 : 5;
    return status != 0 ? "NOT_STORED\r\n" : "STORED\r\n";
  }

  // False: the connection is to be closed.
  bool answer(const test::Socket& client, const Asked& asked) {
    int status = 0;
    fetched_.clear();
    std::string text = binary_ ? honestBinary(asked, status) : honestText(asked, status);
    bool whole = true;
    bool stays = true;
    switch (next() % 24) {
      case 1:
        return false;
      case 2:
        whole = stays = false;
        text.resize(text.size() / 2);
        break;
      case 3:  // and then it hangs up
        stays = false;
        break;
      case 4:
        lied = true;
        text += text;
        break;
      case 5:
        lied = true;
        text.clear();
        break;
      case 6:
        lied = true;
        mutate(text);
        break;
      case 7: {
        lied = true;
        text.clear();
        for (std::size_t left = next() % 64; left > 0; --left) text.push_back(static_cast<char>(next()));
        if (!text.empty() && text[0] == '\x81') text[0] = '\x80';
        break;
      }
      case 8:
        lied = true;
        text += binary_ ? pack(asked, next() % 8, {}, {}, {}) : "STORED\r\n";
        break;
      default:
        break;
    }
    for (std::size_t sent = 0; sent < text.size();) {
      const ssize_t more = send(client.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (more <= 0) return false;
      sent += static_cast<std::size_t>(more);
    }
    for (const auto& [slot, fetchedStatus] : fetched_) {
      if (whole || fetchedStatus == 0) told[slot] = fetchedStatus;  // of half an answer some values are whole
    }
    if (!whole) return false;
    const std::int64_t slot = slotOf(asked.key);
    if (slot >= 0 && fetched_.empty()) told[static_cast<std::uint32_t>(slot)] = status;
    return stays;
  }

  // One byte is another. (libmemcached copies keys of more than 250 bytes over the end of a buffer: none of
  // those, see docs/when-servers-fail.md.)
  void mutate(std::string& text) {
    if (text.empty()) return;
    const std::size_t at = next() % text.size();
    text[at] = static_cast<char>(next());
    if (!binary_ || text.size() < 24) return;
    text[2] = 0;
    if (static_cast<std::uint8_t>(text[3]) > 250) text[3] = 0;
  }

  test::Socket listener_;
  std::string_view script_;
  bool binary_;
  int stop_[2] = {-1, -1};
  std::vector<std::pair<std::uint32_t, int>> fetched_;
  std::thread thread_;
};

}  // namespace lmc::fuzz
