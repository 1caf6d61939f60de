// A whole session, from the planner to libmemcached, against a server whose answers are the fuzzer's: every
// request is completed exactly once whatever the server says. As long as the server tells no lies, though it
// refuses, and breaks connections where it likes, nobody is told what was said to another request: the
// accounting of pipelined answers is exact.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "../native/memcached/exchange.h"
#include "liar.h"

namespace {

using namespace lmc;

constexpr std::size_t kMostRequests = 80;
// A server that is silent, or claims more than it sends, is waited for so long.
constexpr double kPatienceMs = 15;

[[noreturn]] void fail(const char* what, std::uint32_t slot, const Request& request,
                       const test::Answer& answer) {
  std::fprintf(stderr, "%s: slot %u, op %d, status %d, outcome %d, value '%s', number %llu\n", what, slot,
               static_cast<int>(request.op), answer.status, static_cast<int>(answer.outcome),
               answer.value.c_str(), static_cast<unsigned long long>(answer.number));
  std::abort();
}

void check(std::uint32_t slot, const Request& request, const test::Answer& answer, const fuzz::Liar& liar) {
  if (answer.outcome != Outcome::Definite) return;
  const auto told = liar.told.find(slot);
  const bool missing = answer.status == MEMCACHED_NOTFOUND;
  if (answer.status != MEMCACHED_SUCCESS && !missing) return;
  if (told == liar.told.end()) fail("an answer that was never given", slot, request, answer);
  if (answer.status == MEMCACHED_SUCCESS) {
    if (told->second != 0) fail("a success that was a failure", slot, request, answer);
    if (isFetch(request.op) && answer.value != request.keyView())
      fail("another's value", slot, request, answer);
    if (isCounter(request.op) && answer.number != fuzz::Liar::kCounter + slot)
      fail("another's number", slot, request, answer);
  } else if (told->second != 1) {
    fail("a miss that was none", slot, request, answer);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const test::TemporaryFolder folder;
  static const std::string path = folder.in("liar.sock");
  // The first byte: the protocol; the second: how many requests; a byte each says of which kind. The rest is
  // the server's.
  if (size < 3) return 0;
  const bool binary = data[0] % 4 != 0;
  const std::size_t count = std::min<std::size_t>(data[1] % kMostRequests + 1, size - 2);
  constexpr Op kOps[] = {Op::Get,  Op::Gets,    Op::Delete,      Op::Touch,      Op::Set,
                         Op::Add,  Op::Replace, Op::Append,      Op::Prepend,    Op::Cas,
                         Op::Incr, Op::Decr,    Op::IncrInitial, Op::DecrInitial};
  test::Batch batch;
  for (std::size_t slot = 0; slot < count; ++slot) {
    const Op op = kOps[data[2 + slot] % std::size(kOps)];
    // A get's value is inflated in the connection's thread if its flags say so; these do not.
    batch.add(op, "k" + std::to_string(slot), "some value", 1).initial = fuzz::Liar::kCounter + slot;
  }
  const std::string_view script(reinterpret_cast<const char*>(data) + 2 + count, size - 2 - count);

  fuzz::Liar liar(path, script, binary);
  ServerSpec server;
  server.transport = Transport::Unix;
  server.host = path;
  auto config = test::configFor(server, binary ? Protocol::Binary : Protocol::Text);
  config->pollTimeoutMs = static_cast<std::uint32_t>(kPatienceMs);
  config->connectTimeoutMs = config->pollTimeoutMs;
  test::Exchange exchange(config);
  exchange.run(batch, kPatienceMs);
  liar.end();
  if (!exchange.answers.complete(count)) {
    std::fprintf(stderr, "not every request was completed exactly once\n");
    std::abort();
  }
  if (liar.lied) return 0;
  for (std::uint32_t slot = 0; slot < count; ++slot) check(slot, batch[slot], exchange.answers[slot], liar);
  return 0;
}
