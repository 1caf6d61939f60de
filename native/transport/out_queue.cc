#include "transport/out_queue.h"

#include <utility>

namespace lmc {

void OutQueue::append(std::string_view bytes) {
  const bool fits = !pieces_.empty() && pieces_.back().payload.get() == nullptr &&
                    pieces_.back().own.size() + bytes.size() <= kPieceBytes;
  if (!fits) pieces_.emplace_back().own = std::exchange(spare_, {});
  pieces_.back().own.append(bytes);
  size_ += bytes.size();
  lastRequest_ += bytes.size();
}

void OutQueue::appendShared(Payload* payload, std::string_view bytes) {
  Piece& piece = pieces_.emplace_back();
  piece.payload = PayloadRef::share(payload);
  piece.shared = bytes;
  size_ += bytes.size();
  lastRequest_ += bytes.size();
}

std::size_t OutQueue::peek(iovec* pieces, std::size_t room) const {
  std::size_t count = 0;
  for (const Piece& piece : pieces_) {
    if (count == room) break;
    std::string_view bytes = piece.view();
    if (count == 0) bytes.remove_prefix(sent_);
    pieces[count++] = {const_cast<char*>(bytes.data()), bytes.size()};
  }
  return count;
}

void OutQueue::consume(std::size_t bytes) {
  size_ -= bytes;
  sent_ += bytes;
  while (!pieces_.empty() && sent_ >= pieces_.front().view().size()) {
    sent_ -= pieces_.front().view().size();
    if (pieces_.front().payload.get() == nullptr) {
      spare_ = std::move(pieces_.front().own);
      spare_.clear();
    }
    pieces_.pop_front();
  }
}

void OutQueue::clear() {
  pieces_.clear();
  sent_ = size_ = lastRequest_ = 0;
}

}  // namespace lmc
