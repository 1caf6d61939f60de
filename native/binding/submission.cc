#include "binding/submission.h"

#include <cstring>
#include <utility>

#include "memcached/config.h"

namespace lmc {

SubmissionReader::SubmissionReader(PayloadRef payload, std::size_t size, std::vector<StagedValue>& staged,
                                   std::size_t servers)
    : payload_(std::move(payload)), size_(size), staged_(staged), servers_(servers) {}

std::unique_ptr<Request> SubmissionReader::next() {
  if (at_ > size_ || size_ - at_ < kShortRecordBytes) return nullptr;
  const char* const bytes = payload_.get()->bytes();
  RequestRecord record{};
  std::memcpy(&record, bytes + at_, kShortRecordBytes);
  const bool isLong = (record.keyFlags & kHasDetails) != 0;
  const std::size_t header = isLong ? kRecordBytes : kShortRecordBytes;
  if (size_ - at_ < header) return nullptr;
  if (isLong) std::memcpy(&record, bytes + at_, kRecordBytes);

  forServer_ = (record.keyFlags & kForServer) != 0;
  if (record.op > static_cast<std::uint8_t>(Op::LastPublic)) return nullptr;
  if (record.keyLength >= (forServer_ ? servers_ : MEMCACHED_MAX_KEY)) return nullptr;
  const std::size_t key = forServer_ ? 0 : record.keyLength;
  const std::size_t value = record.staged == 0 ? record.valueLength : 0;
  const std::size_t body = at_ + header;
  if (size_ - body < key + value) return nullptr;
  auto request = std::make_unique<Request>();
  if (!readBody(record, body, *request)) return nullptr;
  at_ = (body + key + value + 7) & ~std::size_t{7};
  return request;
}

bool SubmissionReader::readBody(const RequestRecord& record, std::size_t body, Request& request) {
  request.op = static_cast<Op>(record.op);
  request.compressLevel = static_cast<std::int8_t>(record.compressLevel - 1);
  request.replica = record.replica;
  request.keyLength = forServer_ ? 0 : static_cast<std::uint16_t>(record.keyLength);
  if (forServer_) request.server = static_cast<std::uint16_t>(record.keyLength);
  request.slot = record.slot;
  request.valueLength = record.valueLength;
  request.flags = record.flags;
  request.expiry = record.expiry;
  request.minCompress = record.minCompress;
  request.number = record.number;
  request.deadline = record.deadline;
  request.key = payload_.get()->bytes() + body;
  request.value = request.key + request.keyLength;
  request.keyBytes = PayloadRef::share(payload_.get());
  if (record.staged == 0) return true;
  if (record.staged > staged_.size()) return false;
  StagedValue& staged = staged_[record.staged - 1];
  if (staged.bytes.get() == nullptr || record.valueLength > staged.size) return false;
  request.valueBytes = std::move(staged.bytes);
  request.value = request.valueBytes.get()->bytes();
  return true;
}

}  // namespace lmc
