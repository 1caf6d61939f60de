// SASL, which libmemcached does when it connects: here over the stream that is there already.

#include "memcached/decoder.h"
#include "memcached/guarded_call.h"
#include "memcached/wire.h"

namespace lmc {

Decoder::Verdict Decoder::authenticate(const ConnectionConfig& config, Answer* answer) {
  constexpr std::uint16_t kUnknownCommand = 0x81;
  memcached_return_t rc;
  const Handle handle = makeSaslHandle(config, &rc);
  feed_.expect(Op::Authenticate, 0);
  // Asking for the version connects, which authenticates.
  if (rc == MEMCACHED_SUCCESS) guarded(feed_, [&] { rc = memcached_version(handle.get()); });
  feed_.finish();
  const Heard heard = feed_.heard();
  feed_.expect(Op::Version, 0);  // freeing the handle says "quit": that must not be sent
  if (heard.isViolation) return mistrust(Op::Authenticate, answer, heard.text);
  if (heard.isClosed) return Verdict::Closed;
  const memcached_return_t last = memcached_last_error(handle.get());
  answer->status = last != MEMCACHED_SUCCESS ? last : rc;
  answer->text = heard.text;
  if (isSasl(heard.opcode) && heard.status == kUnknownCommand) {
    answer->status = MEMCACHED_AUTH_PROBLEM;
    answer->text = "server does not support SASL";
  } else if (answer->status == MEMCACHED_SUCCESS && heard.opcode != kVersion) {
    answer->status = MEMCACHED_AUTH_FAILURE;
  }
  return Verdict::Done;
}

}  // namespace lmc
