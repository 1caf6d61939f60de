#include "core/latency.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace lmc;

TEST_CASE("latency: the bounds rise, from a microsecond to a hundred seconds") {
  constexpr auto kBounds = LatencyBuckets::bounds();
  CHECK(kBounds.front() == 1'000);
  CHECK(kBounds.back() == 100'000'000'000);
  CHECK(std::is_sorted(kBounds.begin(), kBounds.end()));
  CHECK(std::adjacent_find(kBounds.begin(), kBounds.end()) == kBounds.end());
}

TEST_CASE("latency: a bound belongs to its bucket, and what is above all to the last") {
  constexpr auto kBounds = LatencyBuckets::bounds();
  CHECK(LatencyBuckets::indexOf(0) == 0);
  for (std::size_t index = 0; index < kBounds.size(); ++index) {
    CHECK(LatencyBuckets::indexOf(kBounds[index]) == index);
    CHECK(LatencyBuckets::indexOf(kBounds[index] + 1) == index + 1);
  }
  CHECK(LatencyBuckets::indexOf(UINT64_MAX) == LatencyBuckets::kBuckets - 1);
}

TEST_CASE("latency: records and sums up") {
  LatencyHistogram histogram;
  histogram.record(1.0, 3);
  histogram.record(-1.0, 1);  // clocks do not go back; if one does, it took no time
  histogram.record(2.5, 2);
  CHECK(histogram.bucket(LatencyBuckets::indexOf(1'000'000)) == 3);
  CHECK(histogram.bucket(LatencyBuckets::indexOf(2'500'000)) == 2);
  CHECK(histogram.bucket(0) == 1);
  CHECK(histogram.sumNs() == 8'000'000);
  CHECK(histogram.maxNs() == 2'500'000);
}
