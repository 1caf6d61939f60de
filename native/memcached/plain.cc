#include "memcached/plain.h"

#include "memcached/calls.h"
#include "memcached/compression.h"
#include "memcached/return_codes.h"

namespace lmc {

namespace {

// Without an answer only what needs none: a quiet delete or counter of a missing key answers all the same,
// and that answer would be read as somebody else's.
bool canBeQuiet(Op op) {
  return op == Op::Set || op == Op::Add || op == Op::Replace || op == Op::Append || op == Op::Prepend;
}

// UDP writes succeed blindly; what has to read an answer cannot work.
bool worksByUdp(Op op) { return isStorage(op) || op == Op::Delete; }

// What one datagram has room for: 65,507 bytes, less the frame and the line around key and value.
bool fitsIntoDatagram(const Request& request) {
  constexpr std::size_t kRoom = 65507 - 8 - 100;
  return request.keyLength + std::size_t{request.valueLength} <= kRoom;
}

// libmemcached's text protocol has no initial values, and room for 19 digits of a CAS token.
bool needsBinary(const Request& request) {
  constexpr std::uint64_t kTwentyDigits = 10'000'000'000'000'000'000u;
  if (request.op == Op::Cas) return request.number >= kTwentyDigits;
  return request.op == Op::IncrInitial || request.op == Op::DecrInitial;
}

// Sends a buffered set or delete and reads its answer.
memcached_return_t flushAndRead(Link& link, Op op) {
  memcached_return_t rc = memcached_flush_buffers(link.handle());
  if (rc != MEMCACHED_SUCCESS) return worstOf(link, rc);
  const memcached_result_st* result = memcached_fetch_result(link.handle(), link.result(), &rc);
  if (link.isBinary()) {
    if (result != nullptr) return MEMCACHED_SUCCESS;
    return rc == MEMCACHED_END ? MEMCACHED_NOTFOUND : rc;
  }
  // Only these two words say yes; OK, a number or a value is no answer to what was asked.
  if (rc == (op == Op::Set ? MEMCACHED_STORED : MEMCACHED_DELETED)) return MEMCACHED_SUCCESS;
  const bool missing = op == Op::Delete && (rc == MEMCACHED_END || rc == MEMCACHED_NOTFOUND);
  if (missing) return MEMCACHED_NOTFOUND;
  return memcached_failed(rc) && rc != MEMCACHED_END && rc != MEMCACHED_NOTFOUND ? rc
                                                                                 : MEMCACHED_PROTOCOL_ERROR;
}

// A text server that refuses the command line takes the value behind it for another command, and answers
// that as well: what comes after this belongs to nobody. These it says when it has read the value.
bool mayHaveLeftMore(const Link& link, Op op, memcached_return_t rc) {
  if (!link.isText() || !isStorage(op)) return false;
  switch (rc) {
    case MEMCACHED_SUCCESS:
    case MEMCACHED_NOTSTORED:
    case MEMCACHED_DATA_EXISTS:
    case MEMCACHED_NOTFOUND:
    case MEMCACHED_E2BIG:
    case MEMCACHED_SERVER_MEMORY_ALLOCATION_FAILURE:
      return false;
    default:
      return true;
  }
}

// What a write means, said the way the binary protocol says it.
memcached_return_t normalized(Op op, memcached_return_t rc) {
  if (rc == MEMCACHED_STORED || rc == MEMCACHED_DELETED) return MEMCACHED_SUCCESS;
  if (op == Op::Cas && rc == MEMCACHED_NOTSTORED) return MEMCACHED_DATA_EXISTS;
  return rc;
}

}  // namespace

Contact runPlain(StepRun& run) {
  Link& link = run.link;
  Contact contact = Contact::Nothing;
  for (const std::uint32_t index : run.order()) {
    Request& request = run.at(index);
    if (!run.claim(request)) continue;
    if (contact == Contact::Failed) {  // it went silent a moment ago: do not wait for it once more
      run.fail(request, MEMCACHED_TIMEOUT, Outcome::NotSent);
      continue;
    }
    if (link.isUdp() && !worksByUdp(request.op)) {
      run.fail(request, MEMCACHED_NOT_SUPPORTED, Outcome::NotSent);
      continue;
    }
    if (!link.isBinary() && needsBinary(request)) {
      run.fail(request, status::kNotInThisProtocol, Outcome::NotSent);
      continue;
    }
    const Link::Opened opened = link.open(run.patienceMs);
    if (!opened.ok()) {
      run.fail(request, opened.rc, Outcome::NotSent, opened.message);
      contact = opened.reached ? Contact::Answered : Contact::Failed;
      continue;
    }
    compressValue(request);
    if (link.isUdp() && !fitsIntoDatagram(request)) {
      run.fail(request, MEMCACHED_E2BIG, Outcome::NotSent,
               "over UDP that is a datagram, with room for 65,000 bytes");
      continue;
    }
    const bool quiet = link.config().noReply && canBeQuiet(request.op) && !link.isUdp();
    if (quiet) memcached_behavior_set(link.handle(), MEMCACHED_BEHAVIOR_NOREPLY, 1);
    std::uint64_t number = UINT64_MAX;
    bool isTrapped = false;
    memcached_return_t rc = callFor(link.handle(), request, &number, &isTrapped);
    if (quiet) {
      if (rc == MEMCACHED_BUFFERED) rc = memcached_flush_buffers(link.handle());
      memcached_behavior_set(link.handle(), MEMCACHED_BEHAVIOR_NOREPLY, 0);
      if (!memcached_fatal(rc) && !link.readQuietErrors()) link.drop();
    } else if (rc == MEMCACHED_BUFFERED) {
      rc = flushAndRead(link, request.op);
    }
    rc = normalized(request.op, rc);
    // Text keeps the connection for anything that is not fatal; whatever is left unread means that we and the
    // server no longer agree.
    const bool isOpen = link.handle() != nullptr;
    const bool outOfStep = isOpen && link.outstanding() != 0 && !link.isUdp();
    if (!memcached_fatal(rc) && !isTrapped && !outOfStep) {
      Completion& completion = run.answer(request, rc);
      completion.number = number;
      if (memcached_failed(rc)) {
        const std::string message = link.lastMessage();
        if (!message.empty()) run.results.attach(completion, message);
      }
      if (!link.isUdp() && mayHaveLeftMore(link, request.op, rc)) link.drop();
      contact = Contact::Answered;
      run.deliverIfMany();
      continue;
    }
    if (outOfStep) rc = worstOf(link, rc);
    const Contact ended = contactOf(rc);
    const Outcome outcome = ended == Contact::Answered && rc != MEMCACHED_UNKNOWN_READ_FAILURE && !isTrapped
                                ? Outcome::Definite
                                : Outcome::Unknown;
    run.fail(request, rc, outcome, link.lastMessage());
    contact = ended;
    link.drop();
  }
  return contact;
}

}  // namespace lmc
