#include "memcached/compression.h"

#include <zlib.h>

#include <algorithm>
#include <cstdlib>

namespace lmc {

bool compressInto(char* into, std::size_t* size, std::string_view value, int level) {
  uLongf room = *size;
  const int rc = compress2(reinterpret_cast<Bytef*>(into), &room, reinterpret_cast<const Bytef*>(value.data()),
                           value.size(), level);
  *size = room;
  return rc == Z_OK;  // Z_BUF_ERROR: it did not get smaller
}

Inflated inflateValue(std::string_view compressed, std::size_t max) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) return {};
  std::size_t capacity = std::min(std::max<std::size_t>(compressed.size() * 4, 256), max);
  char* bytes = static_cast<char*>(std::malloc(std::max<std::size_t>(capacity, 1)));
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  stream.avail_in = static_cast<uInt>(compressed.size());
  std::size_t size = 0;
  int rc = Z_OK;
  Inflated inflated;
  while (bytes != nullptr) {
    const std::size_t room = std::min<std::size_t>(capacity - size, 1u << 30);
    stream.next_out = reinterpret_cast<Bytef*>(bytes + size);
    stream.avail_out = static_cast<uInt>(room);
    rc = inflate(&stream, Z_NO_FLUSH);
    size += room - stream.avail_out;
    const bool wantsRoom = rc == Z_BUF_ERROR || (rc == Z_OK && size == capacity);
    if (!wantsRoom || size < capacity) break;  // done, broken, or cut off: nothing left to read
    if (capacity >= max) {
      inflated.isTooLarge = true;
      break;
    }
    capacity = std::min(capacity * 2, max);
    char* const larger = static_cast<char*>(std::realloc(bytes, capacity));
    if (larger == nullptr) {
      rc = Z_MEM_ERROR;
      break;
    }
    bytes = larger;
  }
  inflateEnd(&stream);
  std::unique_ptr<char, MallocDeleter> owned(bytes);
  if (bytes != nullptr && rc == Z_STREAM_END) {
    inflated.bytes = std::move(owned);
    inflated.size = size;
  }
  return inflated;
}

}  // namespace lmc
