#include "core/planner.h"

#include <utility>

namespace lmc {

void Planner::begin(std::size_t requests) {
  steps_.clear();
  open_ = kNone;
  coalesced_ = 0;
  expected_ = requests;
  hasKeys_ = false;
}

void Planner::add(std::unique_ptr<Request> request) {
  if (isFetch(request->op)) {
    addFetch(request.release());
    return;
  }
  if (isAdmin(request->op)) {
    open_ = kNone;  // it may concern every key
  } else if (open_ != kNone && hasKeys_) {
    keys_.at(request->keyView()).writtenIn = open_;
  }
  steps_.push_back(Step{request.release()});
}

void Planner::addFetch(Request* request) {
  const bool wantsCas = request->op == Op::Gets || request->settings->casForAll;
  const auto bytes = static_cast<std::uint32_t>(request->settings->keyNamespace.size() + request->keyLength + 1);
  if (expected_ == 1) {  // the common case of a quiet client
    steps_.push_back(Step{request, 1, wantsCas});
    return;
  }
  if (!hasKeys_) keys_.reset(expected_);
  hasKeys_ = true;
  KeyTable::Entry& entry = keys_.at(request->keyView());
  const bool mayJoin = open_ != kNone && entry.writtenIn != open_;
  if (mayJoin && entry.fetchedIn == open_) {
    entry.fetchTail = entry.fetchTail->nextSame = request;
    steps_[open_].wantsCas |= wantsCas;
    ++coalesced_;
    return;
  }
  if (mayJoin && steps_[open_].keys < kMaxFetchKeys && openBytes_ + bytes <= kMaxKeyBytes) {
    request->previous = last_;
    last_->next = request;
    ++steps_[open_].keys;
    steps_[open_].wantsCas |= wantsCas;
    openBytes_ += bytes;
  } else {
    open_ = static_cast<std::uint32_t>(steps_.size());
    steps_.push_back(Step{request, 1, wantsCas});
    openBytes_ = bytes;
  }
  last_ = request;
  entry.fetchedIn = open_;
  entry.fetchTail = request;
}

}  // namespace lmc
