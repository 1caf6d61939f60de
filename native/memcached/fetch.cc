#include "memcached/fetch.h"

#include <cstdlib>
#include <cstring>

#include "memcached/assertion_guard.h"
#include "memcached/compression.h"
#include "memcached/return_codes.h"

namespace lmc {

namespace {

// Values from this size on are handed over as they were received; below it, copying costs less than the life
// of a buffer of their own.
constexpr std::size_t kBlockSize = 16 * 1024;

// No memcached can be configured for larger items. (A text server's "-1" arrives as the largest number there
// is.)
constexpr std::size_t kLargestValue = std::size_t{1} << 30;

}  // namespace

void Fetcher::begin(StepRun& run, bool wasOpen) {
  wasOpen_ = wasOpen;
  gather(run);
  if (!heads_.empty() && !run.link.isUdp()) asked_ = ask(run);
}

Contact Fetcher::finish(StepRun& run) {
  if (heads_.empty()) return Contact::Nothing;
  if (run.link.isUdp()) {
    finishRest(run, MEMCACHED_NOT_SUPPORTED, Outcome::NotSent, {});
    return Contact::Nothing;
  }
  memcached_return_t rc = asked_ == MEMCACHED_SUCCESS ? readAnswers(run) : asked_;
  // A server that restarted, or that closes idle connections, is noticed only by the next exchange. Asking
  // again does no harm, so callers need not see that.
  if (isConnectionLoss(rc) && wasOpen_ && answered_ == 0) {
    run.link.drop();
    const Link::Opened opened = run.link.open(run.patienceMs);
    if (!opened.ok()) {
      finishRest(run, opened.rc, Outcome::NotSent, opened.message);
      return opened.reached ? Contact::Answered : Contact::Failed;
    }
    rc = ask(run);
    if (rc == MEMCACHED_SUCCESS) rc = readAnswers(run);
  }
  if (rc == MEMCACHED_SUCCESS) {
    finishRest(run, MEMCACHED_NOTFOUND, Outcome::Definite, {});
    return Contact::Answered;
  }
  const std::string message = run.link.lastMessage();
  run.link.drop();  // answers may be left in it: nobody may read them later
  finishRest(run, rc, Outcome::Definite, message);
  return contactOf(rc);
}

void Fetcher::abandon(StepRun& run) {
  run.link.drop();
  finishRest(run, status::kServerDown, Outcome::Definite, {});
}

void Fetcher::gather(StepRun& run) {
  heads_.clear();
  keys_.clear();
  lengths_.clear();
  next_ = 0;
  answered_ = 0;
  wantsCas_ = run.link.config().casForAll;
  for (const std::uint32_t head : run.order()) {
    // A key is asked if anybody still wants it.
    bool wanted = false;
    for (std::uint32_t index = head; index != kNone; index = run.nextSame(index)) {
      Request& request = run.at(index);
      if (!run.claim(request)) {
        request.slot = kNoSlot;  // completed by claim(): not to be answered again
        continue;
      }
      wanted = true;
      wantsCas_ |= request.op == Op::Gets;
    }
    if (!wanted) continue;
    const Request& request = run.at(head);
    heads_.push_back(head);
    keys_.push_back(request.key);
    lengths_.push_back(request.keyLength);
  }
}

memcached_return_t Fetcher::ask(StepRun& run) {
  Link& link = run.link;
  if (!link.isBinary()) {
    // Text answers carry a CAS token only if asked by "gets".
    memcached_behavior_set(link.handle(), MEMCACHED_BEHAVIOR_SUPPORT_CAS, wantsCas_ ? 1 : 0);
  }
  if (isSingle(run)) return MEMCACHED_SUCCESS;  // asked and answered in one call
  memcached_return_t rc = MEMCACHED_PROTOCOL_ERROR;
  guarded([&] { rc = memcached_mget(link.handle(), keys_.data(), lengths_.data(), keys_.size()); });
  if (rc == MEMCACHED_SUCCESS) return rc;
  link.lost();
  return worstOf(link, rc);
}

// SUCCESS: every key was answered or is a miss. Anything else: what is not answered yet is not known.
memcached_return_t Fetcher::readAnswers(StepRun& run) {
  const memcached_return_t rc = isSingle(run) ? fetchOne(run) : fetchMany(run);
  if (rc != MEMCACHED_SUCCESS) run.link.lost();
  return rc;
}

// One key in binary: one send and one receive, where a multi-get needs two sends (the keys, then a no-op).
memcached_return_t Fetcher::fetchOne(StepRun& run) {
  Link& link = run.link;
  memcached_result_st& result = link.handle()->result;
  result.count = 1;  // with 0 libmemcached reports every error as NOTFOUND: a fake miss
  memcached_return_t rc = MEMCACHED_PROTOCOL_ERROR;
  std::size_t size = 0;
  std::uint32_t flags = 0;
  char* value = nullptr;
  if (!guarded([&] { value = memcached_get(link.handle(), keys_[0], lengths_[0], &size, &flags, &rc); }))
    return MEMCACHED_PROTOCOL_ERROR;
  const bool clean = link.outstanding() == 0 && memcached_last_error(link.handle()) == MEMCACHED_SUCCESS;
  if (rc == MEMCACHED_NOTFOUND && clean) return MEMCACHED_SUCCESS;
  if (rc != MEMCACHED_SUCCESS || !clean) {
    std::free(value);
    return rc == MEMCACHED_SUCCESS || rc == MEMCACHED_NOTFOUND ? worstOf(link, rc) : rc;
  }
  // libmemcached gives the value away and leaves key and token in the handle's own result.
  if (!findAsked(result) || size > kLargestValue) {
    std::free(value);
    return MEMCACHED_PROTOCOL_ERROR;
  }
  found(run, heads_[0], Received{value, size, flags, result.item_cas, value});
  heads_[0] = kNone;
  return MEMCACHED_SUCCESS;
}

memcached_return_t Fetcher::fetchMany(StepRun& run) {
  Link& link = run.link;
  memcached_return_t rc = MEMCACHED_SUCCESS;
  memcached_result_st* result;
  while ((result = memcached_fetch_result(link.handle(), link.result(), &rc)) != nullptr) {
    if (!findAsked(*result) || memcached_result_length(result) > kLargestValue)
      return MEMCACHED_PROTOCOL_ERROR;
    const std::uint32_t head = std::exchange(heads_[next_], kNone);
    ++next_;
    Received received{memcached_result_value(result), memcached_result_length(result),
                      memcached_result_flags(result), memcached_result_cas(result), nullptr};
    if (received.size >= kBlockSize) {
      received.owned = memcached_result_take_value(result);
      received.bytes = received.owned;
    }
    found(run, head, received);
    run.deliverIfMany();
  }
  // All four must be right, or a fake miss passes for a real one: mget's own code (above), the code of the
  // last fetch, the last error, and that nothing is outstanding.
  const bool ended = rc == MEMCACHED_END || rc == MEMCACHED_NOTFOUND;
  const bool clean = link.outstanding() == 0 && memcached_last_error(link.handle()) == MEMCACHED_SUCCESS;
  if (ended && clean) return MEMCACHED_SUCCESS;
  return ended ? worstOf(link, rc) : rc;
}

// Finds which of the keys that were asked, and are not answered yet, the result is for: next_ points at it.
// False: none. A server that answers for other keys is not to be believed at all.
bool Fetcher::findAsked(const memcached_result_st& result) {
  if (result.key_length >= MEMCACHED_MAX_KEY) return false;  // more than there is room for: it is garbage
  const std::string_view key(result.item_key, result.key_length);
  const auto isIt = [&](std::size_t position) {
    return heads_[position] != kNone && lengths_[position] == key.size() &&
           std::memcmp(keys_[position], key.data(), key.size()) == 0;
  };
  for (std::size_t position = next_; position < heads_.size(); ++position) {
    if (isIt(position)) {
      next_ = position;
      return true;
    }
  }
  // Proxies that collect from several servers answer out of order.
  for (std::size_t position = 0; position < next_; ++position) {
    if (isIt(position)) {
      next_ = position;
      return true;
    }
  }
  return false;
}

void Fetcher::found(StepRun& run, std::uint32_t head, Received received) {
  ++answered_;
  std::int32_t status = MEMCACHED_SUCCESS;
  if ((received.flags & kZlibFlag) != 0 && run.link.config().inflate) {
    const Inflated inflated = inflateValue({received.bytes, received.size});
    if (inflated.bytes == nullptr) {
      status = status::kBadCompression;  // with the bytes as they are stored
    } else {
      std::free(received.owned);
      received.owned = inflated.bytes;
      received.bytes = inflated.bytes;
      received.size = inflated.size;
      received.flags &= ~kZlibFlag;  // it no longer is
    }
  }
  for (std::uint32_t index = head; index != kNone; index = run.nextSame(index)) {
    if (run.at(index).slot == kNoSlot) continue;
    const bool isLarge = received.size >= kBlockSize;
    char* block = nullptr;
    if (isLarge && received.owned != nullptr && run.nextSame(index) == kNone) {
      block = std::exchange(received.owned, nullptr);
    } else if (isLarge) {  // several wait for it: each gets a copy, for a Buffer is the caller's to change
      block = static_cast<char*>(std::malloc(received.size));
      if (block == nullptr) {
        run.fail(run.at(index), MEMCACHED_MEMORY_ALLOCATION_FAILURE, Outcome::Definite);
        continue;
      }
      std::memcpy(block, received.bytes, received.size);
    }
    Completion& completion = run.answer(run.at(index), status);
    completion.flags = received.flags;
    completion.number = received.cas;
    if (isLarge) {
      run.results.attachBlock(completion, block, received.size);
      run.deliverIfMany();
    } else {
      run.results.attach(completion, {received.bytes, received.size});
    }
  }
  std::free(received.owned);
}

void Fetcher::finishRest(StepRun& run, std::int32_t status, Outcome outcome, std::string_view message) {
  for (const std::uint32_t head : heads_) {
    for (std::uint32_t index = head; index != kNone; index = run.nextSame(index)) {
      if (run.at(index).slot == kNoSlot) continue;
      run.fail(run.at(index), status, outcome, message);
    }
  }
}

}  // namespace lmc
