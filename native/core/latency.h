#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace lmc {

// The buckets of latency: 16 a decade from 1 µs to 100 s, at round decimal numbers, so that the bounds people
// plot (1 ms, 2.5 ms, 5 ms …) are among them and a percentile is off by a few percent at most.
class LatencyBuckets {
 public:
  static constexpr std::size_t kPerDecade = 16;
  static constexpr std::size_t kBounds = 8 * kPerDecade + 1;
  static constexpr std::size_t kBuckets = kBounds + 1;  // the last one: above all bounds

  // Upper bounds, inclusive, in nanoseconds.
  static constexpr std::array<std::uint64_t, kBounds> bounds() {
    constexpr std::array<std::uint64_t, kPerDecade> kTenths = {10, 12, 14, 16, 18, 20, 25, 30,
                                                               35, 40, 45, 50, 60, 70, 80, 90};
    std::array<std::uint64_t, kBounds> made{};
    std::uint64_t unit = 100;  // a tenth of a microsecond
    for (std::size_t index = 0; index < kBounds; ++index) {
      if (index > 0 && index % kPerDecade == 0) unit *= 10;
      made[index] = kTenths[index % kPerDecade] * unit;
    }
    return made;
  }

  static std::size_t indexOf(std::uint64_t nanoseconds) {
    return static_cast<std::size_t>(std::lower_bound(kSorted.begin(), kSorted.end(), nanoseconds) - kSorted.begin());
  }

 private:
  static const std::array<std::uint64_t, kBounds> kSorted;
};

inline constexpr std::array<std::uint64_t, LatencyBuckets::kBounds> LatencyBuckets::kSorted = bounds();

// How long operations took.
class LatencyHistogram {
 public:
  // `count` operations that took as long.
  void record(double milliseconds, std::uint64_t count) {
    const auto nanoseconds = milliseconds > 0 ? static_cast<std::uint64_t>(milliseconds * 1e6) : 0;
    buckets_[LatencyBuckets::indexOf(nanoseconds)] += count;
    sumNs_ += nanoseconds * count;
    maxNs_ = std::max(maxNs_, nanoseconds);
  }

  std::uint64_t bucket(std::size_t index) const { return buckets_[index]; }
  std::uint64_t sumNs() const { return sumNs_; }
  std::uint64_t maxNs() const { return maxNs_; }

 private:
  std::array<std::uint64_t, LatencyBuckets::kBuckets> buckets_{};
  std::uint64_t sumNs_ = 0;
  std::uint64_t maxNs_ = 0;
};

}  // namespace lmc
