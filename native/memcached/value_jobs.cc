#include "memcached/value_jobs.h"

#include <cstdlib>
#include <cstring>
#include <utility>

#include "core/clock.h"
#include "memcached/compression.h"

namespace lmc {

namespace {

// Values from this size on are handed to JavaScript as they are, not copied into the shared array.
constexpr std::size_t kBlockBytes = 16 * 1024;

// From this size on a value is compressed and decompressed in the pool.
constexpr std::size_t kPoolBytes = 32 * 1024;

// What one value may become before the pool decompresses it: some 0.2 ms.
constexpr std::size_t kMaxInlineBytes = 64 * 1024;

// Many small values take as long as a large one: so much is compressed at once, some 4 ms, in so long a time.
constexpr std::size_t kCompressBytes = 128 * 1024;
constexpr double kCompressEveryMs = 20;

bool isLarge(std::size_t bytes) { return bytes >= kPoolBytes; }

void useCompressed(Request& request, PayloadRef block, std::size_t size) {
  request.value = block.get()->bytes();
  request.valueLength = static_cast<std::uint32_t>(size);
  request.flags |= kZlibFlag;
  request.valueBytes = std::move(block);
}

}  // namespace

bool ValueJobs::wantsCompression(const Request& request) {
  // Room for one byte less than the value: what is not smaller is not wanted.
  return request.minCompress != 0 && request.valueLength >= request.minCompress && request.valueLength >= 2 &&
         request.compressLevel != 0;
}

bool ValueJobs::compressedNow(Request& request) {
  const double now = nowMs();
  if (now - renewedMs_ > kCompressEveryMs) {
    compressBudget_ = kCompressBytes;
    renewedMs_ = now;
  }
  if (isLarge(request.valueLength) || request.valueLength > compressBudget_) return false;
  compressBudget_ -= request.valueLength;
  std::size_t size = request.valueLength - 1;
  PayloadRef block = PayloadRef::adopt(Payload::allocate(size));
  if (compressInto(block.get()->bytes(), &size, request.valueView(), request.compressLevel))
    useCompressed(request, std::move(block), size);
  request.minCompress = 0;
  return true;
}

void ValueJobs::compress(std::unique_ptr<Request> request, std::function<void(std::unique_ptr<Request>)> onDone) {
  std::size_t size = request->valueLength - 1;
  PayloadRef block = PayloadRef::adopt(Payload::allocate(size));
  struct Job {
    std::unique_ptr<Request> request;  // keeps the value; the loop's thread alone touches it
    PayloadRef block;
    char* into;
    std::size_t size;
    std::string_view value;
    int level;
    bool isSmaller = false;
  };
  auto job = std::make_shared<Job>();
  job->into = block.get()->bytes();
  job->block = std::move(block);
  job->size = size;
  job->value = request->valueView();
  job->level = request->compressLevel;
  job->request = std::move(request);
  loop_.work([job] { job->isSmaller = compressInto(job->into, &job->size, job->value, job->level); },
             [job, onDone = std::move(onDone), alive = std::weak_ptr<bool>(alive_)] {
               if (alive.expired()) return;
               if (job->isSmaller) useCompressed(*job->request, std::move(job->block), job->size);
               onDone(std::move(job->request));
             });
}

void ValueJobs::inflate(std::unique_ptr<Request> request, ReceivedValue value, std::size_t maxInflated,
                        std::size_t* budget) {
  const auto use = [](ReceivedValue& into, Inflated inflated) {
    if (!inflated.bytes) return status::kBadCompression;
    into.owned = std::move(inflated.bytes);
    into.bytes = {into.owned.get(), inflated.size};
    into.flags &= ~kZlibFlag;  // it no longer is
    return status::kSuccess;
  };
  if (!isLarge(value.bytes.size()) && *budget >= kMaxInlineBytes) {
    Inflated inflated = inflateValue(value.bytes, std::min(maxInflated, kMaxInlineBytes));
    *budget -= std::min(*budget, std::max(inflated.size, value.bytes.size()));
    if (!inflated.isTooLarge || maxInflated <= kMaxInlineBytes) {
      const std::int32_t status = use(value, std::move(inflated));
      deliver(std::move(request), std::move(value), status);
      return;
    }
    *budget -= std::min(*budget, kMaxInlineBytes);
  }
  struct Job {
    std::unique_ptr<Request> request;
    ReceivedValue value;
    Inflated inflated;
  };
  auto job = std::make_shared<Job>();
  if (!value.owned) {
    char* const copy = static_cast<char*>(std::malloc(value.bytes.size() + 1));
    if (copy == nullptr) throw std::bad_alloc();
    std::memcpy(copy, value.bytes.data(), value.bytes.size());
    value.owned.reset(copy);
    value.bytes = {copy, value.bytes.size()};
  }
  job->request = std::move(request);
  job->value = std::move(value);
  loop_.work([job, maxInflated] { job->inflated = inflateValue(job->value.bytes, maxInflated); },
             [this, job, use, alive = std::weak_ptr<bool>(alive_)] {
               if (alive.expired()) {
                 for (auto same = std::move(job->request); same;) same = takeNextSame(*same);
                 return;
               }
               const std::int32_t status = use(job->value, std::move(job->inflated));
               deliver(std::move(job->request), std::move(job->value), status);
             });
}

void ValueJobs::deliver(std::unique_ptr<Request> request, ReceivedValue value, std::int32_t status) {
  while (request) {
    std::unique_ptr<Request> next = takeNextSame(*request);
    const bool isLarge = value.bytes.size() >= kBlockBytes;
    char* block = nullptr;
    if (request->slot != kNoSlot && isLarge) {
      if (!next && value.owned) {
        block = value.owned.release();
      } else if ((block = static_cast<char*>(std::malloc(value.bytes.size()))) != nullptr) {
        std::memcpy(block, value.bytes.data(), value.bytes.size());  // a Buffer is the caller's to change
      } else {
        results_.fail(*request, MEMCACHED_MEMORY_ALLOCATION_FAILURE, Outcome::Definite);
      }
    }
    if (Completion* const completion = results_.answer(*request, status)) {
      completion->flags = value.flags;
      completion->number = value.cas;
      if (isLarge)
        results_.attachBlock(*completion, block, value.bytes.size());
      else
        results_.attach(*completion, value.bytes);
    }
    request = std::move(next);
  }
}

}  // namespace lmc
