#pragma once

#include <libmemcached/memcached.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "memcached/config.h"
#include "memcached/handle.h"

namespace lmc {

// The handle of one connection, and what is known about the connection. Connection thread only.
class Link {
 public:
  // Unused for so long, it is asked before something is written to it.
  static constexpr double kIdleMs = 5000;

  explicit Link(std::shared_ptr<const ConnectionConfig> config);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  struct Opened {
    memcached_return_t rc = MEMCACHED_SUCCESS;
    bool reached = true;  // something answered at that address, though perhaps not in a language we know
    std::string message;
    bool ok() const { return rc == MEMCACHED_SUCCESS; }
  };

  // Connects if there is no connection, and settles the protocol if it is not known. Nothing of a request has
  // been sent before this returns, so a failure here never leaves an outcome unknown.
  Opened open(double patienceMs);

  // Before something that must not be sent into a connection that the server closed meanwhile (it restarted,
  // or closes idle ones): asks, if the connection has been idle for long. Reopens it if it is gone.
  Opened openForWriting(double patienceMs);
  bool isOpen() const { return open_; }
  // How often it was opened.
  std::uint64_t connects() const { return connects_; }
  // Another connection to this server turned out to be closed: this one may be, too. The next write asks.
  void doubt() { usedMs_ = -kIdleMs; }

  // Drops the connection without waiting for the server, and with it libmemcached's own back-off, which would
  // refuse the next attempt for seconds.
  void drop();
  // As drop, and forgets which protocol the server spoke.
  void forget();
  // Says goodbye properly. Only where nothing is outstanding.
  void quit();

  void configure(std::shared_ptr<const ConnectionConfig> config);
  const ConnectionConfig& config() const { return *config_; }

  // libmemcached waits this long for each readiness of the socket.
  void setPatience(double milliseconds);
  double patienceMs() const { return patienceMs_; }

  // After a write that asked for no answer. A binary server answers all the same if it refuses the write;
  // where nobody reads, such answers fill the connection until it stands still. So now and then something is
  // asked, and libmemcached reads what is in front of the answer. False: the connection is not good any
  // longer.
  bool readQuietErrors();

  // To be called with what a libmemcached call returned: a fatal return code closed the connection.
  void observe(memcached_return_t rc) {
    if (memcached_fatal(rc)) open_ = false;
  }
  void lost() { open_ = false; }

  memcached_st* handle() { return handle_.get(); }
  const memcached_instance_st* instance() { return memcached_server_instance_by_position(handle_.get(), 0); }
  std::uint32_t outstanding() { return memcached_server_response_count(instance()); }
  // Both false: not known yet.
  bool isBinary() const { return protocol_ == Protocol::Binary; }
  bool isText() const { return protocol_ == Protocol::Text; }
  bool isUdp() const { return config_->server.transport == Transport::Udp; }

  // The one result that every fetch reads into. `count` is 1 before each read: with 0 libmemcached reports
  // any error as NOTFOUND, a fake miss.
  memcached_result_st* result();

  // Whether libmemcached closed the connection during a call that did not say so: it forgets the version that
  // greet() has learned.
  bool wasClosed() { return knowsVersion_ && memcached_server_major_version(instance()) == UINT8_MAX; }

  // What libmemcached said about the last failure; empty if nothing.
  std::string lastMessage();
  std::string version();

 private:
  memcached_return_t makeHandle(Protocol protocol);
  Opened openAs(Protocol protocol);
  Opened openUndecided();
  Opened greet();
  bool answersWithoutCredentials();
  memcached_return_t askWhetherThere();
  Opened seekAdmission();
  Opened failure(memcached_return_t rc);

  std::shared_ptr<const ConnectionConfig> config_;
  // Before the result, which is freed first: it points into the handle.
  Handle handle_;
  memcached_result_st result_{};
  bool hasResult_ = false;
  Protocol protocol_;
  bool open_ = false;
  bool isGuess_ = false;           // protocol_ is: ask again when it is opened the next time
  std::uint32_t quietWrites_ = 0;  // since something was asked
  bool isAdmitted_ = false;        // the server is known to want no credentials, or gets them
  std::uint64_t connects_ = 0;
  bool knowsVersion_ = false;
  double patienceMs_ = 0;
  double usedMs_ = 0;  // when it was opened for use the last time
};

}  // namespace lmc
