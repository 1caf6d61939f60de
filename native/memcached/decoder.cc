#include "memcached/decoder.h"

#include <cstring>
#include <utility>

#include "memcached/calls.h"
#include "memcached/guarded_call.h"
#include "memcached/wire.h"

namespace lmc {

namespace {

static_assert(status::kSuccess == MEMCACHED_SUCCESS && status::kNotFound == MEMCACHED_NOTFOUND);

// Values from this size on are handed over as they were received; below it, copying costs less than the life
// of a buffer of their own.
constexpr std::size_t kOwnedBytes = 16 * 1024;

// Names and values behind each other, each ended by a zero byte, which neither can contain.
memcached_return_t collectStat(const memcached_instance_st*, const char* name, std::size_t nameLength,
                               const char* value, std::size_t valueLength, void* context) {
  auto& text = *static_cast<std::string*>(context);
  text.append(name, nameLength).push_back('\0');
  text.append(value, valueLength).push_back('\0');
  return MEMCACHED_SUCCESS;
}

// Groups that a server may answer with nothing at all. libmemcached drops "no such group", so an empty answer
// to any other name is taken for that.
bool mayBeEmpty(std::string_view group) {
  for (const std::string_view known : {"items", "slabs", "sizes", "conns", "settings", "extstore", "proxy", "reset"}) {
    if (group == known) return true;
  }
  return group.empty() || group.starts_with("detail") || group.starts_with("cachedump") || group.starts_with("sizes_");
}

// What memcached itself says before it stores anything; whatever else a proxy says of a write may come after
// the write.
bool isBeforeStoring(std::string_view serverError) {
  return serverError.starts_with("SERVER_ERROR out of memory") ||
         serverError.starts_with("SERVER_ERROR object too large for cache");
}

bool isYes(memcached_return_t rc) {
  return rc == MEMCACHED_SUCCESS || rc == MEMCACHED_STORED || rc == MEMCACHED_DELETED || rc == MEMCACHED_END;
}

// The return code that a word stands for, where it is no error.
memcached_return_t statusOfWord(Op op, Word word) {
  switch (word) {
    case Word::NotStored:
      return op == Op::Cas ? MEMCACHED_DATA_EXISTS : MEMCACHED_NOTSTORED;
    case Word::Exists:
      return MEMCACHED_DATA_EXISTS;
    case Word::NotFound:
      return MEMCACHED_NOTFOUND;
    default:
      return MEMCACHED_SUCCESS;
  }
}

// libmemcached's own translation; it says UNKNOWN_READ_FAILURE to what is not listed, and closes.
memcached_return_t statusOfFrame(Op op, std::uint16_t status) {
  switch (status) {
    case 0x01:
      return op == Op::Stats ? MEMCACHED_UNKNOWN_STAT_KEY : MEMCACHED_NOTFOUND;
    case 0x02:
      return MEMCACHED_DATA_EXISTS;
    case 0x03:
      return MEMCACHED_E2BIG;
    case 0x05:
      return MEMCACHED_NOTSTORED;
    case 0x06:
      return MEMCACHED_CLIENT_ERROR;  // the stored value is no number, as the text protocol says it
    case 0x20:
    case 0x21:
      return MEMCACHED_AUTH_FAILURE;
    case 0x82:
      return MEMCACHED_MEMORY_ALLOCATION_FAILURE;
    default:
      return MEMCACHED_UNKNOWN_READ_FAILURE;
  }
}

std::string describe(std::uint16_t status, const std::string& text) {
  if (!text.empty()) return text;
  char number[8];
  std::snprintf(number, sizeof number, "0x%02x", status);
  return std::string("the server answered with status ") + number;
}

}  // namespace

Decoder::Decoder(bool isBinary, Stream& stream, ByteSource& source)
    : isBinary_(isBinary), feed_(isBinary, stream, source) {
  makeHandle();
}

void Decoder::makeHandle() {
  result_.reset();
  handle_ = makeMemoryHandle(isBinary_, false);
  result_ = std::make_unique<FetchResult>(handle_.get());
}

Decoder::Verdict Decoder::decode(const Request& request, std::uint32_t opaque, Answer* answer) {
  feed_.expect(request.op, opaque);
  const memcached_return_t rc = call(request, answer);
  feed_.finish();
  return judge(request.op, rc, answer);
}

memcached_return_t Decoder::call(const Request& request, Answer* answer) {
  if (request.op == Op::Stats) return callStats(request, answer);
  if (request.op == Op::Version) return callVersion(answer);
  memcached_return_t rc = MEMCACHED_PROTOCOL_ERROR;
  const bool returned = guarded(feed_, [&] { rc = callFor(handle_.get(), request, {}, &answer->number); });
  if (!returned) makeHandle();
  return rc;
}

memcached_return_t Decoder::callStats(const Request& request, Answer* answer) {
  const std::string group(request.valueView());
  memcached_return_t rc = MEMCACHED_PROTOCOL_ERROR;
  const bool returned = guarded(feed_, [&] {
    // It asks for the version first, while that is unknown: see Encoder::callStats.
    feed_.setMadeUp(madeUpVersion());
    memcached_version(handle_.get());
    feed_.setMadeUp({});
    rc = memcached_stat_execute(handle_.get(), group.empty() ? nullptr : group.c_str(), collectStat, &answer->text);
  });
  if (!returned) makeHandle();
  if (rc == MEMCACHED_SUCCESS && answer->text.empty() && !mayBeEmpty(group)) rc = MEMCACHED_UNKNOWN_STAT_KEY;
  return rc;
}

memcached_return_t Decoder::callVersion(Answer* answer) {
  memcached_return_t rc = MEMCACHED_PROTOCOL_ERROR;
  const bool returned = guarded(feed_, [&] {
    memcached_quit(handle_.get());  // or it would know the version already
    rc = memcached_version(handle_.get());
  });
  if (!returned) makeHandle();
  const memcached_instance_st* at = memcached_server_instance_by_position(handle_.get(), 0);
  if (rc == MEMCACHED_SUCCESS)
    answer->text = std::to_string(memcached_server_major_version(at)) + "." +
                   std::to_string(memcached_server_minor_version(at)) + "." +
                   std::to_string(memcached_server_micro_version(at));
  return rc;
}

std::string_view Decoder::madeUpVersion() {
  static constexpr char kFrame[] =
      "\x81\x0b\0\0\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\0\0\0\0\0"
      "1.6.0";
  if (isBinary_) return {kFrame, sizeof kFrame - 1};
  return "VERSION 1.6.0\r\n";
}

Decoder::Verdict Decoder::decodeFetch(Step& step, std::uint32_t opaque, const OnValue& onValue, Answer* answer) {
  feed_.expect(Op::Get, opaque);
  asksOneKey_ = step.keys == 1;
  const RequestSettings& settings = *step.first->settings;
  const std::string keyNamespace = settings.keyNamespace;  // the requests go one by one
  Request* position = step.first;
  // libmemcached does not compare keys: one that stands for all is as good.
  const char* const anyKey = "k";
  const std::size_t anyLength = 1;
  memcached_return_t rc = MEMCACHED_PROTOCOL_ERROR;
  bool returned = guarded(feed_, [&] { rc = memcached_mget(handle_.get(), &anyKey, &anyLength, 1); });
  bool isAsked = true;
  while (returned && isAsked && (rc == MEMCACHED_SUCCESS)) {
    memcached_result_st* found = nullptr;
    returned = guarded(feed_, [&] { found = memcached_fetch_result(handle_.get(), result_->use(), &rc); });
    if (found == nullptr) break;
    // The key that was asked, and is not answered yet. Servers answer in the order of the keys; proxies that
    // collect from several servers do not.
    const std::string_view key(memcached_result_key_value(found), memcached_result_key_length(found));
    Request* const from = position;
    const auto isIt = [&](const Request& request) {
      return key.size() == keyNamespace.size() + request.keyLength && key.starts_with(keyNamespace) &&
             std::memcmp(key.data() + keyNamespace.size(), request.key, request.keyLength) == 0;
    };
    while (position != nullptr && !isIt(*position)) position = position->next;
    for (Request* other = step.first; position == nullptr && other != from && other != nullptr; other = other->next) {
      if (isIt(*other)) position = other;
    }
    isAsked = position != nullptr;
    if (!isAsked) break;
    Request* const hit = position;
    position = hit->next != nullptr ? hit->next : step.first;
    if (hit->previous != nullptr) hit->previous->next = hit->next;
    if (hit->next != nullptr) hit->next->previous = hit->previous;
    if (step.first == hit) step.first = hit->next;
    if (position == hit) position = step.first;
    hit->previous = hit->next = nullptr;
    --step.keys;
    ReceivedValue value;
    value.flags = memcached_result_flags(found);
    value.cas = memcached_result_cas(found);
    value.bytes = {memcached_result_value(found), memcached_result_length(found)};
    if (value.bytes.size() >= kOwnedBytes) {
      value.owned.reset(memcached_result_take_value(found));
      value.bytes = {value.owned.get(), value.bytes.size()};
    }
    onValue(std::unique_ptr<Request>(hit), std::move(value));
    rc = MEMCACHED_SUCCESS;
  }
  const bool isWhole = rc == MEMCACHED_END || rc == MEMCACHED_NOTFOUND;
  const std::uint32_t outstanding =
      memcached_server_response_count(memcached_server_instance_by_position(handle_.get(), 0));
  if (!returned) makeHandle();
  feed_.finish();
  if (!isAsked) return mistrust(Op::Get, answer, "unexpected response: a value for a key that was not asked");
  // All must say that the end is there, or a fake miss passes for a real one.
  if (returned && isWhole && outstanding != 0 && !feed_.heard().isClosed)
    return mistrust(Op::Get, answer, "unexpected response: the end of the multi-get came too early");
  return judge(Op::Get, isWhole ? MEMCACHED_SUCCESS : rc, answer);
}

Decoder::Verdict Decoder::judge(Op op, memcached_return_t rc, Answer* answer) const {
  const Heard& heard = feed_.heard();
  if (heard.isViolation) return mistrust(op, answer, heard.text);
  if (heard.isClosed) return Verdict::Closed;
  return isBinary_ ? judgeBinary(op, rc, answer) : judgeText(op, rc, answer);
}

Decoder::Verdict Decoder::judgeText(Op op, memcached_return_t rc, Answer* answer) const {
  const Heard& heard = feed_.heard();
  if (isErrorWord(heard.word)) {
    const bool isFailure = memcached_failed(rc) && !isYes(rc) && rc != MEMCACHED_NOTFOUND;
    answer->status = isFailure ? rc : MEMCACHED_PROTOCOL_ERROR;
    answer->text = heard.text;
    if (op == Op::Stats && heard.word != Word::ServerError) answer->status = MEMCACHED_UNKNOWN_STAT_KEY;
    if (heard.word == Word::ServerError && isWrite(op) && !isBeforeStoring(heard.text))
      answer->outcome = Outcome::Unknown;
    // A server that refuses the command line of a write takes the value behind it for another command, and
    // answers that as well. (SERVER_ERROR it says when it has read the value.) Of a multi-get nobody knows
    // how many errors there are.
    const bool isKnownToEnd = isFetch(op) ? asksOneKey_ && heard.word == Word::ServerError
                                          : !isStorage(op) || heard.word == Word::ServerError;
    return isKnownToEnd ? Verdict::Done : Verdict::Drop;
  }
  if (!heard.isFed) return Verdict::Done;  // RESET or OK, to a statistic that is a command
  if (isFetch(op) && heard.word != Word::End) return mistrust(op, answer, "unexpected response: no END");
  const memcached_return_t meant = statusOfWord(op, heard.word);
  const bool agrees = meant == MEMCACHED_SUCCESS ? isYes(rc) || rc == MEMCACHED_UNKNOWN_STAT_KEY
                                                 : rc == meant || rc == MEMCACHED_NOTSTORED || rc == MEMCACHED_NOTFOUND;
  if (!agrees) return mistrust(op, answer, "unexpected response");
  answer->status = rc == MEMCACHED_UNKNOWN_STAT_KEY ? rc : meant;
  return Verdict::Done;
}

Decoder::Verdict Decoder::judgeBinary(Op op, memcached_return_t rc, Answer* answer) const {
  const Heard& heard = feed_.heard();
  if (heard.status != 0) {
    // libmemcached says SUCCESS to some (a refused flush_all), and the same to many: the frame says which.
    answer->status = statusOfFrame(op, heard.status);
    answer->text = describe(heard.status, heard.text);
    return isFetch(op) ? Verdict::Drop : Verdict::Done;
  }
  if (!isYes(rc) && rc != MEMCACHED_UNKNOWN_STAT_KEY) return mistrust(op, answer, "unexpected response");
  answer->status = rc == MEMCACHED_UNKNOWN_STAT_KEY ? rc : MEMCACHED_SUCCESS;
  return Verdict::Done;
}

Decoder::Verdict Decoder::mistrust(Op op, Answer* answer, std::string_view text) const {
  answer->status = MEMCACHED_UNKNOWN_READ_FAILURE;
  answer->outcome = isWrite(op) ? Outcome::Unknown : Outcome::Definite;
  answer->text = text;
  return Verdict::Drop;
}

}  // namespace lmc
