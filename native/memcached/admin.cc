#include "memcached/admin.h"

#include <string>

#include "core/clock.h"
#include "memcached/assertion_guard.h"
#include "memcached/return_codes.h"

namespace lmc {

namespace {

struct Collected {
  std::string text;
  double deadline;
};

// Names and values behind each other, each ended by a zero byte, which neither can contain.
memcached_return_t collectStat(const memcached_instance_st*, const char* name, std::size_t nameLength,
                               const char* value, std::size_t valueLength, void* context) {
  // libmemcached goes on as long as the server does, whatever is returned here.
  auto& [text, deadline] = *static_cast<Collected*>(context);
  if (nowMs() > deadline) leaveGuardedCall();
  text.append(name, nameLength).push_back('\0');
  text.append(value, valueLength).push_back('\0');
  return MEMCACHED_SUCCESS;
}

// Groups that a server may answer with nothing at all. libmemcached drops "no such group", so an empty answer
// to any other name is taken for that.
bool mayBeEmpty(std::string_view group) {
  for (const std::string_view known :
       {"items", "slabs", "sizes", "conns", "settings", "extstore", "proxy", "reset"}) {
    if (group == known) return true;
  }
  return group.empty() || group.starts_with("detail") || group.starts_with("cachedump");
}

memcached_return_t flush(Link& link, const Request& request) {
  memcached_return_t rc = MEMCACHED_PROTOCOL_ERROR;
  guarded([&] { rc = memcached_flush(link.handle(), static_cast<time_t>(request.expiry)); });
  // It ignores what a binary server answers, but not that it did not.
  const memcached_return_t last = memcached_last_error(link.handle());
  if (last != MEMCACHED_SUCCESS) return last;
  return link.wasClosed() ? MEMCACHED_CONNECTION_FAILURE : rc;
}

memcached_return_t stats(Link& link, const Request& request, std::string* text) {
  const std::string group(request.valueView());
  Collected collected{{}, request.deadline};
  memcached_return_t rc = MEMCACHED_TIMEOUT;
  const char* const name = group.empty() ? nullptr : group.c_str();
  if (!guarded([&] { rc = memcached_stat_execute(link.handle(), name, collectStat, &collected); })) return rc;
  *text = std::move(collected.text);
  const memcached_return_t last = memcached_last_error(link.handle());
  if (last != MEMCACHED_SUCCESS) rc = last;
  if (rc == MEMCACHED_SUCCESS && link.wasClosed()) rc = MEMCACHED_CONNECTION_FAILURE;
  // The general statistics are never empty: an error that libmemcached dropped.
  if (rc == MEMCACHED_SUCCESS && text->empty() && group.empty()) rc = MEMCACHED_PROTOCOL_ERROR;
  if (rc == MEMCACHED_INVALID_ARGUMENTS) rc = MEMCACHED_UNKNOWN_STAT_KEY;
  if (rc == MEMCACHED_SUCCESS && text->empty() && !mayBeEmpty(group)) rc = MEMCACHED_UNKNOWN_STAT_KEY;
  return rc;
}

// libmemcached asks a connection for its version once and remembers; who asks us wants to know whether the
// server is there now.
memcached_return_t version(StepRun& run, std::string* text) {
  run.link.quit();
  const Link::Opened opened = run.link.open(run.patienceMs);
  *text = opened.ok() ? run.link.version() : opened.message;
  return opened.rc;
}

}  // namespace

Contact runAdmin(StepRun& run) {
  Link& link = run.link;
  Request& request = run.at(run.order()[0]);
  if (!run.claim(request)) return Contact::Nothing;
  if (link.isUdp() && request.op != Op::Flush) {
    run.fail(request, MEMCACHED_NOT_SUPPORTED, Outcome::NotSent);
    return Contact::Nothing;
  }
  std::string text;
  memcached_return_t rc = MEMCACHED_SUCCESS;
  const double startedMs = nowMs();
  if (request.op == Op::Flush) rc = flush(link, request);
  if (request.op == Op::Stats) rc = stats(link, request, &text);
  if (request.op == Op::Version) rc = version(run, &text);
  if (rc == MEMCACHED_SUCCESS) {
    run.results.attach(run.answer(request, rc), text);
    return Contact::Answered;
  }
  // libmemcached closes a connection that went silent, too.
  if (rc == MEMCACHED_CONNECTION_FAILURE && nowMs() - startedMs >= link.patienceMs()) rc = MEMCACHED_TIMEOUT;
  const bool answered = rc == MEMCACHED_UNKNOWN_STAT_KEY;
  const Outcome outcome = answered || request.op != Op::Flush ? Outcome::Definite : Outcome::Unknown;
  run.fail(request, rc, outcome, link.lastMessage());
  if (memcached_fatal(rc) && !answered) link.drop();
  return answered ? Contact::Answered : contactOf(rc);
}

}  // namespace lmc
