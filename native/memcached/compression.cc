#include "memcached/compression.h"

#include <zlib.h>

#include <algorithm>
#include <cstdlib>

namespace lmc {

void compressValue(Request& request) {
  if (request.minCompress == 0 || request.valueLength < request.minCompress || request.compressLevel == 0)
    return;
  // Room for one byte less than the value: what is not smaller is not wanted.
  if (request.valueLength < 2) return;
  uLongf size = request.valueLength - 1;
  PayloadRef block = PayloadRef::adopt(Payload::allocate(size));
  const int rc =
      compress2(reinterpret_cast<Bytef*>(block.get()->bytes()), &size,
                reinterpret_cast<const Bytef*>(request.value), request.valueLength, request.compressLevel);
  if (rc != Z_OK) return;  // Z_BUF_ERROR: it did not get smaller
  request.value = block.get()->bytes();
  request.valueLength = static_cast<std::uint32_t>(size);
  request.flags |= kZlibFlag;
  request.valueBytes = std::move(block);
}

Inflated inflateValue(std::string_view compressed) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) return {};
  std::size_t capacity = std::max<std::size_t>(compressed.size() * 4, 256);
  char* bytes = static_cast<char*>(std::malloc(capacity));
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  stream.avail_in = static_cast<uInt>(compressed.size());
  std::size_t size = 0;
  int rc = Z_OK;
  while (bytes != nullptr) {
    const std::size_t room = std::min<std::size_t>(capacity - size, 1u << 30);
    stream.next_out = reinterpret_cast<Bytef*>(bytes + size);
    stream.avail_out = static_cast<uInt>(room);
    rc = inflate(&stream, Z_NO_FLUSH);
    size += room - stream.avail_out;
    if (rc != Z_OK || size < capacity) break;  // done, broken, or cut off: nothing left to read
    if (capacity >= kMaxInflated) {
      rc = Z_MEM_ERROR;
      break;
    }
    capacity = std::min(capacity * 2, kMaxInflated);
    char* larger = static_cast<char*>(std::realloc(bytes, capacity));
    if (larger == nullptr) {
      rc = Z_MEM_ERROR;
      break;
    }
    bytes = larger;
  }
  inflateEnd(&stream);
  if (bytes != nullptr && rc == Z_STREAM_END) return {bytes, size};
  std::free(bytes);
  return {};
}

}  // namespace lmc
