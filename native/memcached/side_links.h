#pragma once

#include <memory>
#include <span>

#include "core/planner.h"
#include "memcached/link.h"

namespace lmc {

// Further connections to the same server, opened when there is enough for them to do, because they carry some
// exchanges better than the session's own binary one. Every step has read all its answers before one that
// touches the same keys begins, so operations on one key keep their order across them. Connection thread
// only.
class SideLinks {
 public:
  explicit SideLinks(const Link& own) : own_(own) {}

  // The text protocol, for fetches of several keys: libmemcached sends a text multi-get in one piece and a
  // binary one in two, and both ends have less to write and to read. Only where the protocol is ours to
  // choose
  // ('auto'). Null: not for this step, or it cannot be had. `wasOpen` as Fetcher::run wants it.
  Link* forFetch(const Plan& plan, const Step& step, std::span<const Request> requests, double patienceMs,
                 bool& wasOpen);

  // Binary, and one on which Nagle's algorithm gathers what libmemcached sends one by one (see pipeline.h),
  // for the skewed kind of writes when there are several. Null: as above.
  Link* forWrites(const Step& step, double patienceMs);

  // The server hung up on the session's own connection: these went to the same one.
  void drop();
  void dropGathering() { gathering_.reset(); }
  // As drop, and the server may have become another kind.
  void forget();

 private:
  std::unique_ptr<Link> make(Protocol protocol, bool gathers) const;

  const Link& own_;
  std::unique_ptr<Link> text_;
  double textRefusedUntilMs_ = 0;
  double textRefusedForMs_ = 0;
  std::unique_ptr<Link> gathering_;
};

}  // namespace lmc
