#include "memcached/encoder.h"

#include <algorithm>
#include <cstring>

#include "memcached/calls.h"
#include "memcached/guarded_call.h"
#include "memcached/wire.h"

namespace lmc {

namespace {

memcached_return_t ignoreStat(const memcached_instance_st*, const char*, std::size_t, const char*, std::size_t, void*) {
  return MEMCACHED_SUCCESS;
}

}  // namespace

void Encoder::Tape::send(const char* bytes, std::size_t size) {
  if (!isKept) return;
  if (skipped > 0 && split == 0) {
    // libmemcached's buffer is larger than any head: this is the whole of it.
    const std::size_t head =
        isBinary ? kHeaderBytes + readBig(bytes + 4, 1) + readBig(bytes + 2, 2)
                 : static_cast<std::size_t>(static_cast<const char*>(std::memchr(bytes, '\n', size)) - bytes) + 1;
    sent.append(bytes, head);
    split = sent.size();
    bytes += head;
    size -= head;
  }
  const std::size_t skip = std::min(skipped, size);
  skipped -= skip;
  sent.append(bytes + skip, size - skip);
}

std::size_t Encoder::Tape::receive(char* into, std::size_t room) {
  const std::size_t count = std::min(room, answer.size());
  std::memcpy(into, answer.data(), count);
  answer.remove_prefix(count);
  return count;
}

Encoder::Encoder(Protocol protocol)
    : protocol_(protocol),
      handle_(makeMemoryHandle(protocol == Protocol::Binary, protocol == Protocol::Udp)),
      result_(handle_.get()) {
  tape_.isBinary = protocol == Protocol::Binary;
}

memcached_return_t Encoder::encode(const Step& step, std::uint32_t opaque, OutQueue& out) {
  const Request& request = *step.first;
  tape_.sent.clear();
  tape_.split = 0;
  const bool isShared = isStorage(request.op) && request.valueLength >= kSharedBytes;
  tape_.skipped = isShared ? request.valueLength : 0;
  const memcached_return_t rc = call(step);
  if (rc != MEMCACHED_SUCCESS) return rc;
  out.beginRequest();
  std::string& bytes = tape_.sent;
  if (protocol_ == Protocol::Binary) {
    // A multi-get ends with a NOOP of its own. (The frames before it are checked by their keys.)
    const std::size_t frame = isFetch(request.op) ? bytes.size() - kHeaderBytes : 0;
    writeBig32(bytes.data() + frame + 12, opaque);
  }
  if (tape_.split == 0) {
    out.append(bytes);
    return rc;
  }
  const std::string_view whole = bytes;
  out.append(whole.substr(0, tape_.split));
  PayloadRef const& holder = request.valueBytes.get() != nullptr ? request.valueBytes : request.keyBytes;
  out.appendShared(holder.get(), request.valueView());
  if (tape_.split < whole.size()) out.append(whole.substr(tape_.split));
  return rc;
}

memcached_return_t Encoder::encodeDatagram(const Step& step, std::string_view* datagram) {
  tape_.sent.clear();
  tape_.split = tape_.skipped = 0;
  const memcached_return_t rc = call(step);
  *datagram = tape_.sent;
  // A datagram is not answered: that is no failure.
  return rc == MEMCACHED_BUFFERED || !tape_.sent.empty() ? MEMCACHED_SUCCESS : rc;
}

memcached_return_t Encoder::call(const Step& step) {
  const Request& request = *step.first;
  useSettings(*request.settings);
  if (isFetch(request.op)) return callFetch(step);
  if (request.op == Op::Stats) return callStats(request);
  tape_.answer = madeUpAnswer(request.op, isCounter(request.op) ? 8 : 0);
  memcached_return_t rc = MEMCACHED_PROTOCOL_ERROR;
  std::uint64_t number = 0;
  const bool isVersion = request.op == Op::Version;
  guarded(tape_, [&] {
    if (isVersion) {
      // It asks only while it does not know; a virtual close makes it forget.
      tape_.isKept = false;
      memcached_quit(handle_.get());
      tape_.isKept = true;
      rc = memcached_version(handle_.get());
    } else {
      rc = callFor(handle_.get(), request, request.valueView(), &number);
    }
  });
  return memcached_success(rc) ? MEMCACHED_SUCCESS : rc;
}

memcached_return_t Encoder::callFetch(const Step& step) {
  if (protocol_ != Protocol::Binary && step.wantsCas != asksCas_) {
    // Text answers carry a CAS token only if asked by "gets".
    memcached_behavior_set(handle_.get(), MEMCACHED_BEHAVIOR_SUPPORT_CAS, step.wantsCas ? 1 : 0);
    asksCas_ = step.wantsCas;
  }
  keys_.clear();
  lengths_.clear();
  for (const Request* request = step.first; request != nullptr; request = request->next) {
    keys_.push_back(request->key);
    lengths_.push_back(request->keyLength);
  }
  tape_.answer = madeUpAnswer(Op::Get);
  memcached_return_t rc = MEMCACHED_PROTOCOL_ERROR;
  guarded(tape_, [&] {
    rc = memcached_mget(handle_.get(), keys_.data(), lengths_.data(), keys_.size());
    if (rc != MEMCACHED_SUCCESS) return;
    memcached_return_t ended;
    while (memcached_fetch_result(handle_.get(), result_.use(), &ended) != nullptr) {
    }
  });
  return rc;
}

memcached_return_t Encoder::callStats(const Request& request) {
  const std::string group(request.valueView());
  memcached_return_t rc = MEMCACHED_PROTOCOL_ERROR;
  guarded(tape_, [&] {
    // It asks for the version first, while that is unknown: a question that nobody shall send.
    tape_.isKept = false;
    tape_.answer = madeUpAnswer(Op::Version, 5);
    memcached_version(handle_.get());
    tape_.isKept = true;
    tape_.answer = madeUpAnswer(Op::Stats);
    rc = memcached_stat_execute(handle_.get(), group.empty() ? nullptr : group.c_str(), ignoreStat, nullptr);
  });
  return rc;
}

std::string_view Encoder::madeUpAnswer(Op op, std::size_t body) {
  if (protocol_ != Protocol::Binary) return awaitedAnswer(op).yes;
  std::memset(frame_, 0, sizeof frame_);
  frame_[0] = static_cast<char>(kAnswerMagic);
  frame_[1] = static_cast<char>(opcodeOf(op));
  if (op == Op::Version) body = 5;
  frame_[11] = static_cast<char>(body);
  if (op == Op::Version) std::memcpy(frame_ + kHeaderBytes, "1.6.0", body);
  return {frame_, kHeaderBytes + body};
}

void Encoder::useSettings(const RequestSettings& settings) {
  if (settings.keyNamespace == keyNamespace_) return;
  keyNamespace_ = settings.keyNamespace;
  memcached_callback_set(handle_.get(), MEMCACHED_CALLBACK_NAMESPACE,
                         keyNamespace_.empty() ? nullptr : keyNamespace_.c_str());
}

}  // namespace lmc
