#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "memcached/config.h"

namespace lmc::test {

enum class Listen { Unix, Tcp };

// A socket of the test's own, closed at the end.
class Socket {
 public:
  explicit Socket(int descriptor = -1) : descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~Socket() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  int get() const { return descriptor_; }
  bool ok() const { return descriptor_ >= 0; }

 private:
  int descriptor_;
};

inline Socket listenOn(const sockaddr* address, socklen_t length) {
  Socket socket(::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (bind(socket.get(), address, length) != 0 || listen(socket.get(), 64) != 0)
    throw std::runtime_error("cannot listen");
  return socket;
}

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

inline sockaddr_un unixAddress(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  return address;
}

inline std::uint16_t portOf(const Socket& socket) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &length);
  return ntohs(address.sin_port);
}

// A port at which nobody listens.
inline std::uint16_t freePort() {
  const sockaddr_in any = loopback(0);
  return portOf(listenOn(reinterpret_cast<const sockaddr*>(&any), sizeof any));
}

inline Socket connectTo(const ServerSpec& server) {
  if (server.transport == Transport::Unix) {
    const sockaddr_un address = unixAddress(server.host);
    Socket socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int rc = connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    return rc == 0 ? std::move(socket) : Socket();
  }
  const sockaddr_in address = loopback(server.port);
  Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int rc = connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  return rc == 0 ? std::move(socket) : Socket();
}

// A folder of its own, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "lmc-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string in(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// A real memcached, which ends with the test.
class MemcachedServer {
 public:
  explicit MemcachedServer(std::vector<std::string> arguments = {}, Listen listen = Listen::Unix)
      : arguments_(std::move(arguments)) {
    if (listen == Listen::Unix) {
      spec_.transport = Transport::Unix;
      spec_.host = folder_.in("memcached.sock");
    } else {
      spec_.transport = Transport::Tcp;
      spec_.host = "127.0.0.1";
    }
    start();
  }
  ~MemcachedServer() { kill(); }
  MemcachedServer(const MemcachedServer&) = delete;
  MemcachedServer& operator=(const MemcachedServer&) = delete;

  const ServerSpec& spec() const { return spec_; }

  // From now on it accepts connections (the kernel does) and says nothing. Waits until it really has stopped.
  void suspend() {
    ::kill(process_, SIGSTOP);
    waitpid(process_, nullptr, WUNTRACED);
  }
  void resume() { ::kill(process_, SIGCONT); }
  void kill() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
    process_ = 0;
  }
  // Empty, at the same address.
  void start() {
    kill();
    // Somebody may take the free port before memcached does.
    for (int attempt = 0; attempt < 5; ++attempt) {
      if (spec_.transport == Transport::Tcp && (spec_.port == 0 || attempt > 0)) spec_.port = freePort();
      spawn();
      if (isReady()) return;
      kill();
    }
    throw std::runtime_error("memcached does not start: is it installed?");
  }

 private:
  void spawn() {
    std::vector<std::string> all = {"memcached", "-U", "0", "-t", "1"};
    if (geteuid() == 0) all.insert(all.end(), {"-u", "root"});
    if (spec_.transport == Transport::Unix) {
      unlink(spec_.host.c_str());
      all.insert(all.end(), {"-s", spec_.host});
    } else {
      all.insert(all.end(), {"-l", spec_.host, "-p", std::to_string(spec_.port)});
    }
    all.insert(all.end(), arguments_.begin(), arguments_.end());
    std::vector<char*> argv;
    for (std::string& argument : all) argv.push_back(argument.data());
    argv.push_back(nullptr);
    process_ = fork();
    if (process_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int null = open("/dev/null", O_RDWR);
    dup2(null, STDERR_FILENO);  // it complains about being killed
    execvp(argv[0], argv.data());
    _exit(127);
  }

  bool isReady() {
    for (int attempt = 0; attempt < 2000; ++attempt) {
      if (connectTo(spec_).ok()) return true;
      if (waitpid(process_, nullptr, WNOHANG) == process_) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }

  TemporaryFolder folder_;
  std::vector<std::string> arguments_;
  ServerSpec spec_;
  pid_t process_ = 0;
};

inline ConnectionConfig configFor(const ServerSpec& server, bool binary = false) {
  ConnectionConfig config;
  config.server = server;
  config.binary = binary;
  return config;
}

}  // namespace lmc::test
