#pragma once

#include <libmemcached/memcached.h>

#include <string>
#include <vector>

#include "conversation.h"

namespace lmc::test {

// An operation, an answer that a memcached can give to it, and what must come of it.
struct Case {
  std::string name;
  Operation operation;
  std::string answer;  // in binary with the opaque that the test gives
  Decoded expected;
};

// Every operation with every honest answer of the text protocol, refusals included.
std::vector<Case> textCases();
std::vector<Case> binaryCases(std::uint32_t opaque);

// Says how what came of it differs from what was expected; empty: it does not.
std::string findDifference(const Case& one, const Decoded& decoded);

}  // namespace lmc::test
