#include "cases.h"

#include <cstdint>
#include <string>
#include <utility>

namespace lmc::test {

namespace {

using Verdict = Decoder::Verdict;

constexpr Op kStores[] = {Op::Set, Op::Add, Op::Replace, Op::Append, Op::Prepend, Op::Cas};
constexpr Op kCounters[] = {Op::Incr, Op::Decr};

std::string nameOf(Op op) {
  constexpr const char* kNames[] = {"get",     "gets", "delete", "touch", "set",   "add",   "replace", "append",
                                    "prepend", "cas",  "incr",   "decr",  "flush", "stats", "version"};
  return kNames[static_cast<std::size_t>(op)];
}

Operation operationOf(Op op) {
  Operation operation;
  operation.op = op;
  operation.keys = {"key:" + nameOf(op)};
  if (isStorage(op)) operation.value = "value of " + nameOf(op);
  if (op == Op::Cas || isCounter(op)) operation.number = 7;
  return operation;
}

Decoded failure(std::int32_t status, std::string text, Outcome outcome = Outcome::Definite,
                Verdict verdict = Verdict::Done) {
  Decoded decoded;
  decoded.verdict = verdict;
  decoded.status = status;
  decoded.outcome = outcome;
  decoded.text = std::move(text);
  return decoded;
}

Decoded plain(std::int32_t status) { return failure(status, {}); }

std::string statsText(const std::vector<std::pair<std::string, std::string>>& stats) {
  std::string text;
  for (const auto& [name, value] : stats) text += name + '\0' + value + '\0';
  return text;
}

// Gathers cases of one protocol.
class Collector {
 public:
  void add(Operation operation, const std::string& answer, Decoded expected) {
    std::string shown = answer.substr(0, std::min(answer.find('\r'), std::size_t{50}));
    for (char& byte : shown) byte = byte >= ' ' ? byte : '.';
    cases.push_back({nameOf(operation.op) + ": " + shown, std::move(operation), answer, std::move(expected)});
  }
  std::vector<Case> cases;
};

// --- Text --------------------------------------------------------------------------------------------------

// libmemcached says no more than SOME_ERRORS where it asks every server, and nothing at all of statistics.
std::int32_t refusalOf(Op op, std::int32_t status) {
  if (op == Op::Flush || op == Op::Version) return MEMCACHED_SOME_ERRORS;
  if (op != Op::Stats) return status;
  return status == MEMCACHED_ERROR || status == MEMCACHED_CLIENT_ERROR ? MEMCACHED_UNKNOWN_STAT_KEY
                                                                       : MEMCACHED_PROTOCOL_ERROR;
}

void addTextErrors(Collector& all, Op op) {
  // A server that refuses the line of a write takes the value behind it for a command.
  const Verdict refused = isStorage(op) || isFetch(op) ? Verdict::Drop : Verdict::Done;
  const auto add = [&](const std::string& line, std::int32_t status, Outcome outcome, Verdict verdict) {
    all.add(operationOf(op), line + "\r\n", failure(refusalOf(op, status), line, outcome, verdict));
  };
  add("ERROR", MEMCACHED_ERROR, Outcome::Definite, refused);
  for (const char* line : {"CLIENT_ERROR bad data chunk", "CLIENT_ERROR bad command line format", "CLIENT_ERROR"})
    add(line, MEMCACHED_CLIENT_ERROR, Outcome::Definite, refused);
  add("SERVER_ERROR out of memory storing object", MEMCACHED_SERVER_MEMORY_ALLOCATION_FAILURE, Outcome::Definite,
      Verdict::Done);
  add("SERVER_ERROR object too large for cache", MEMCACHED_E2BIG, Outcome::Definite, Verdict::Done);
  add("SERVER_ERROR backend is gone", MEMCACHED_SERVER_ERROR, isWrite(op) ? Outcome::Unknown : Outcome::Definite,
      Verdict::Done);
}

void addTextStores(Collector& all) {
  for (const Op op : kStores) {
    for (const std::size_t size : {0u, 1u, 100u, 16'383u, 16'384u, 1'000'000u}) {
      Operation operation = operationOf(op);
      operation.value = std::string(size, 'v');
      all.add(operation, "STORED\r\n", plain(MEMCACHED_SUCCESS));
    }
    const Operation operation = operationOf(op);
    all.add(operation, "NOT_STORED\r\n", plain(op == Op::Cas ? MEMCACHED_DATA_EXISTS : MEMCACHED_NOTSTORED));
    all.add(operation, "EXISTS\r\n", plain(MEMCACHED_DATA_EXISTS));
    all.add(operation, "NOT_FOUND\r\n", plain(MEMCACHED_NOTFOUND));
  }
}

void addTextCounters(Collector& all) {
  for (const Op op : kCounters) {
    for (const std::uint64_t number :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{4'294'967'296}, UINT64_MAX - 1, UINT64_MAX}) {
      Decoded expected;
      expected.number = number;
      all.add(operationOf(op), std::to_string(number) + "\r\n", expected);
    }
    all.add(operationOf(op), "NOT_FOUND\r\n", plain(MEMCACHED_NOTFOUND));
  }
}

void addTextAdmin(Collector& all) {
  all.add(operationOf(Op::Flush), "OK\r\n", plain(MEMCACHED_SUCCESS));
  for (const char* version : {"1.6.18", "1.4.5", "1.6.45-next", "254.0.1 beta"}) {
    Decoded expected;
    expected.text = std::string(version).substr(0, std::string(version).find_first_of("- "));
    all.add(operationOf(Op::Version), std::string("VERSION ") + version + "\r\n", expected);
  }
  const auto group = [](std::string name) {
    Operation operation = operationOf(Op::Stats);
    operation.value = std::move(name);
    return operation;
  };
  all.add(group(""), "STAT pid 1\r\nSTAT version 1.6.18\r\nSTAT empty \r\nEND\r\n",
          failure(MEMCACHED_SUCCESS, statsText({{"pid", "1"}, {"version", "1.6.18"}, {"empty", ""}})));
  all.add(group("items"), "STAT items:1:number " + std::string(300, '9') + "\r\nEND\r\n",
          failure(MEMCACHED_SUCCESS, statsText({{"items:1:number", std::string(300, '9')}})));
  all.add(group(""), "END\r\n", plain(MEMCACHED_SUCCESS));
  all.add(group("slabs"), "END\r\n", plain(MEMCACHED_SUCCESS));
  all.add(group("nonsense"), "END\r\n", plain(MEMCACHED_UNKNOWN_STAT_KEY));
  all.add(group("reset"), "RESET\r\n", plain(MEMCACHED_SUCCESS));
  all.add(group("detail on"), "OK\r\n", plain(MEMCACHED_SUCCESS));
}

// --- Both --------------------------------------------------------------------------------------------------

void addKeyed(Collector& all, Op op, const std::string& yes, const std::string& no) {
  all.add(operationOf(op), yes, plain(MEMCACHED_SUCCESS));
  all.add(operationOf(op), no, plain(MEMCACHED_NOTFOUND));
}

void addFetch(Collector& all, bool isBinary, std::uint32_t opaque, Operation operation, std::vector<Hit> hits) {
  std::string answer;
  for (const Hit& hit : hits) {
    Hit told = hit;
    told.key = operation.keyNamespace + hit.key;
    answer += hitOf(isBinary, told);
  }
  Decoded expected;
  expected.hits = std::move(hits);
  all.add(std::move(operation), answer + endOfHits(isBinary, opaque), std::move(expected));
}

void addFetches(Collector& all, bool isBinary, std::uint32_t opaque) {
  const auto add = [&](Operation operation, std::vector<Hit> hits) {
    addFetch(all, isBinary, opaque, std::move(operation), std::move(hits));
  };
  const std::string longest(250, 'k');
  for (const Op op : {Op::Get, Op::Gets}) {
    Operation one;
    one.op = op;
    one.keys = {"one"};
    const bool hasCas = op == Op::Gets || isBinary;
    const auto cas = [&](std::uint64_t token) { return hasCas ? token : 0; };
    add(one, {});
    for (const std::size_t size : {0u, 1u, 16'383u, 16'384u, 1'000'000u})
      add(one, {{"one", std::string(size, 'v'), 5, cas(9)}});
    add(one, {{"one", "VALUE one 0 3\r\nEND\r\n\r\n", UINT32_MAX, cas(UINT64_MAX)}});
    Operation several = one;
    several.keys = {"a", "b", longest, "c", "dd"};
    add(several, {});
    add(several, {{"b", "2", 0, cas(1)}, {"dd", "", 3, cas(2)}});
    add(several, {{"a", "1", 1, cas(1)},
                  {"b", "2\r\n", 2, cas(2)},
                  {longest, "3", 3, cas(3)},
                  {"c", std::string(400, '\n'), 4, cas(4)},
                  {"dd", "5", 5, cas(5)}});
    // Proxies that ask several servers answer in any order.
    add(several, {{"dd", "5", 1, cas(1)}, {"a", "1", 1, cas(1)}, {longest, "3", 1, cas(1)}});
    Operation spaced = several;
    spaced.keys = {"a", "b", "dd"};
    spaced.keyNamespace = "space:";
    add(spaced, {{"a", "1", 0, cas(1)}, {"dd", "5", 0, cas(2)}});
    add(spaced, {});
    Operation same = spaced;  // keys that begin with each other, and with the namespace
    same.keys = {"space:", "space:space:", "space:a", "a"};
    add(same, {{"space:", "1", 0, cas(1)}, {"space:space:", "2", 0, cas(1)}, {"a", "4", 0, cas(1)}});
  }
}

// --- Binary ------------------------------------------------------------------------------------------------

std::int32_t statusFor(Op op, std::uint16_t status) {
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
      return MEMCACHED_CLIENT_ERROR;
    case 0x20:
    case 0x21:
      return MEMCACHED_AUTH_FAILURE;
    case 0x82:
      return MEMCACHED_MEMORY_ALLOCATION_FAILURE;
    default:
      return MEMCACHED_UNKNOWN_READ_FAILURE;
  }
}

// What memcached and its relatives have: not found … not a number, not stored, auth, unknown, no memory, busy
// …
void addStatuses(Collector& all, Op op, std::uint32_t opaque) {
  for (const int status :
       {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x20, 0x21, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0xff, 0xffff}) {
    const auto code = static_cast<std::uint16_t>(status);
    const Verdict verdict = isFetch(op) ? Verdict::Drop : Verdict::Done;
    all.add(operationOf(op), frameOf({.opcode = opcodeFor(op), .status = code, .opaque = opaque, .value = "why not"}),
            failure(statusFor(op, code), "why not", Outcome::Definite, verdict));
    all.cases.back().name += std::to_string(status);
  }
  all.add(operationOf(op), frameOf({.opcode = opcodeFor(op), .status = 0x84, .opaque = opaque}),
          failure(MEMCACHED_UNKNOWN_READ_FAILURE, "the server answered with status 0x84", Outcome::Definite,
                  isFetch(op) ? Verdict::Drop : Verdict::Done));
}

void addBinaryAdmin(Collector& all, std::uint32_t opaque) {
  const auto success = [&](Op op, std::string value = {}, std::string key = {}) {
    return frameOf({.opcode = opcodeFor(op), .opaque = opaque, .key = std::move(key), .value = std::move(value)});
  };
  all.add(operationOf(Op::Flush), success(Op::Flush), plain(MEMCACHED_SUCCESS));
  for (const char* version : {"1.6.18", "1.4.5", "1.6.45-next"}) {
    Decoded expected;
    expected.text = std::string(version).substr(0, std::string(version).find('-'));
    all.add(operationOf(Op::Version), success(Op::Version, version), expected);
  }
  Operation stats = operationOf(Op::Stats);
  all.add(stats, success(Op::Stats, "1", "pid") + success(Op::Stats, "1.6.18", "version") + success(Op::Stats),
          failure(MEMCACHED_SUCCESS, statsText({{"pid", "1"}, {"version", "1.6.18"}})));
  all.add(stats, success(Op::Stats, std::string(300, '9'), "n") + success(Op::Stats),
          failure(MEMCACHED_SUCCESS, statsText({{"n", std::string(300, '9')}})));
  all.add(stats, success(Op::Stats), plain(MEMCACHED_SUCCESS));
  stats.value = "nonsense";
  all.add(stats, success(Op::Stats), plain(MEMCACHED_UNKNOWN_STAT_KEY));
}

std::string shown(const Decoded& decoded) {
  std::string text = "verdict " + std::to_string(static_cast<int>(decoded.verdict)) + ", status " +
                     std::to_string(decoded.status) + ", outcome " + std::to_string(static_cast<int>(decoded.outcome)) +
                     ", number " + std::to_string(decoded.number) + ", text '" + decoded.text + "'";
  for (const Hit& hit : decoded.hits)
    text += "\n  " + hit.key + " = " + hit.value.substr(0, 40) + " (" + std::to_string(hit.value.size()) + ", flags " +
            std::to_string(hit.flags) + ", cas " + std::to_string(hit.cas) + ")";
  return text;
}

}  // namespace

std::string findDifference(const Case& one, const Decoded& decoded) {
  if (decoded == one.expected) return {};
  return one.name + "\nis  " + shown(decoded) + "\nnot " + shown(one.expected);
}

std::vector<Case> textCases() {
  Collector all;
  for (int op = 0; op <= static_cast<int>(Op::Version); ++op) addTextErrors(all, static_cast<Op>(op));
  addTextStores(all);
  addTextCounters(all);
  addTextAdmin(all);
  addKeyed(all, Op::Delete, "DELETED\r\n", "NOT_FOUND\r\n");
  addKeyed(all, Op::Touch, "TOUCHED\r\n", "NOT_FOUND\r\n");
  addFetches(all, false, 0);
  return std::move(all.cases);
}

std::vector<Case> binaryCases(std::uint32_t opaque) {
  Collector all;
  for (int op = 0; op <= static_cast<int>(Op::Version); ++op) addStatuses(all, static_cast<Op>(op), opaque);
  for (const Op op : kStores) {
    for (const std::size_t size : {0u, 1u, 100u, 16'383u, 16'384u, 1'000'000u}) {
      Operation operation = operationOf(op);
      operation.value = std::string(size, 'v');
      all.add(operation, frameOf({.opcode = opcodeFor(op), .opaque = opaque, .cas = 5}), plain(MEMCACHED_SUCCESS));
    }
  }
  for (const Op op : kCounters) {
    for (const std::uint64_t number :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{4'294'967'296}, UINT64_MAX - 1, UINT64_MAX}) {
      Decoded expected;
      expected.number = number;
      all.add(operationOf(op),
              frameOf({.opcode = opcodeFor(op), .opaque = opaque, .value = bigEndian(number, 8), .cas = 1}), expected);
    }
  }
  for (const char* body : {"", "\1\2\3\4"})
    all.add(operationOf(Op::Touch), frameOf({.opcode = opcodeFor(Op::Touch), .opaque = opaque, .value = body}),
            plain(MEMCACHED_SUCCESS));
  all.add(operationOf(Op::Delete), frameOf({.opcode = opcodeFor(Op::Delete), .opaque = opaque}),
          plain(MEMCACHED_SUCCESS));
  addBinaryAdmin(all, opaque);
  addFetches(all, true, opaque);
  return std::move(all.cases);
}

}  // namespace lmc::test
