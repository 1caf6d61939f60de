#include "core/health.h"

#include <doctest/doctest.h>

#include <random>
#include <utility>
#include <vector>

using lmc::FailurePolicy;
using lmc::Health;
using lmc::ServerState;
using Admission = lmc::Health::Admission;

namespace {

FailurePolicy policyOf(double retry, double dead, std::uint32_t limit, bool ejects) {
  FailurePolicy policy;
  policy.retryTimeoutMs = retry;
  policy.deadTimeoutMs = dead;
  policy.failureLimit = limit;
  policy.ejects = ejects;
  return policy;
}

// Fails the probe that is due at `now`.
void failProbe(Health& health, double now) {
  REQUIRE(health.admit(now) == Admission::Probe);
  health.failed(now);
}

}  // namespace

TEST_CASE("health: a server is up until it fails") {
  Health health;
  CHECK(health.state() == ServerState::Up);
  CHECK_FALSE(health.isDead());
  CHECK(health.admit(0) == Admission::Allow);
  health.succeeded();
  CHECK(health.admit(0) == Admission::Allow);
}

TEST_CASE("health: down for the retry time and then one probe") {
  Health health;
  health.setPolicy(policyOf(100, 0, 5, false));
  health.failed(1000);
  CHECK(health.state() == ServerState::Down);
  CHECK(health.retryAt() == 1100);
  CHECK(health.admit(1000) == Admission::RefuseDown);
  CHECK(health.admit(1099.9) == Admission::RefuseDown);
  CHECK(health.admit(1100) == Admission::Probe);
  CHECK(health.state() == ServerState::Probing);
  CHECK(health.admit(1100) == Admission::RefuseDown);
  CHECK(health.admit(61099) == Admission::RefuseDown);
  CHECK(health.admit(61100) == Admission::Probe);  // nothing was heard of the first one: it is lost
  CHECK(health.admit(61101) == Admission::RefuseDown);
}

TEST_CASE("health: an answered probe brings it up") {
  Health health;
  health.setPolicy(policyOf(100, 0, 5, false));
  health.failed(0);
  REQUIRE(health.admit(100) == Admission::Probe);
  health.succeeded();
  CHECK(health.state() == ServerState::Up);
  CHECK(health.admit(100) == Admission::Allow);
}

TEST_CASE("health: a failed probe brings it down for another retry time") {
  Health health;
  health.setPolicy(policyOf(100, 0, 5, false));
  health.failed(0);
  REQUIRE(health.admit(150) == Admission::Probe);
  health.failed(170);
  CHECK(health.state() == ServerState::Down);
  CHECK(health.admit(269) == Admission::RefuseDown);
  CHECK(health.admit(270) == Admission::Probe);
}

TEST_CASE("health: an abandoned probe lets the next request probe") {
  Health health;
  health.setPolicy(policyOf(100, 0, 5, false));
  health.failed(0);
  REQUIRE(health.admit(100) == Admission::Probe);
  health.probeAbandoned(120);
  CHECK(health.state() == ServerState::Down);
  CHECK(health.admit(120) == Admission::Probe);
}

TEST_CASE("health: an abandoned probe of a dead server leaves it dead") {
  Health health;
  health.setPolicy(policyOf(100, 1000, 1, true));
  health.failed(0);
  REQUIRE(health.state() == ServerState::Dead);
  REQUIRE(health.admit(1000) == Admission::Probe);
  health.probeAbandoned(1001);
  CHECK(health.state() == ServerState::Dead);
  CHECK(health.isDead());
  CHECK(health.admit(1001) == Admission::Probe);
}

TEST_CASE("health: abandoning what is no probe changes nothing") {
  Health health;
  health.probeAbandoned(0);
  CHECK(health.state() == ServerState::Up);
  health.failed(0);
  const double retryAt = health.retryAt();
  health.probeAbandoned(5);
  CHECK(health.state() == ServerState::Down);
  CHECK(health.retryAt() == retryAt);
}

TEST_CASE("health: several connections that report the same outage count once") {
  Health health;
  health.setPolicy(policyOf(100, 1000, 2, true));
  health.failed(0);
  health.failed(1);
  health.failed(50);
  CHECK(health.state() == ServerState::Down);
  CHECK(health.retryAt() == 100);  // and do not prolong it
  failProbe(health, 100);
  CHECK(health.state() == ServerState::Dead);
}

TEST_CASE("health: a late answer of another connection counts as recovery") {
  Health health;
  health.setPolicy(policyOf(100, 0, 5, false));
  health.failed(0);
  health.succeeded();
  CHECK(health.state() == ServerState::Up);
}

TEST_CASE("health: remove_failed is the number of failures in a row until it is dead") {
  for (const std::uint32_t limit : {1u, 2u, 3u, 10u}) {
    Health health;
    health.setPolicy(policyOf(100, 5000, limit, true));
    double now = 0;
    health.failed(now);
    for (std::uint32_t failures = 1; failures < limit; ++failures) {
      CHECK(health.state() == ServerState::Down);
      CHECK_FALSE(health.isDead());
      now += 100;
      failProbe(health, now);
    }
    CHECK(health.state() == ServerState::Dead);
    CHECK(health.isDead());
    CHECK(health.retryAt() == now + 5000);
    CHECK(health.admit(now + 4999) == Admission::RefuseDead);
    CHECK(health.admit(now + 5000) == Admission::Probe);
    CHECK(health.isDead());  // until the probe is answered
    CHECK(health.admit(now + 5000) == Admission::RefuseDead);
  }
}

TEST_CASE("health: a dead server whose probe fails is dead again at once") {
  Health health;
  health.setPolicy(policyOf(100, 1000, 3, true));
  health.failed(0);
  failProbe(health, 100);
  failProbe(health, 200);
  REQUIRE(health.state() == ServerState::Dead);
  failProbe(health, 1200);
  CHECK(health.state() == ServerState::Dead);
  CHECK(health.retryAt() == 2200);
}

TEST_CASE("health: a dead server whose probe is answered starts over") {
  Health health;
  health.setPolicy(policyOf(100, 1000, 2, true));
  health.failed(0);
  failProbe(health, 100);
  REQUIRE(health.admit(1100) == Admission::Probe);
  health.succeeded();
  CHECK(health.state() == ServerState::Up);
  CHECK_FALSE(health.isDead());
  health.failed(1200);
  CHECK(health.state() == ServerState::Down);  // the first of two again
}

TEST_CASE("health: only failures in a row count") {
  Health health;
  health.setPolicy(policyOf(100, 1000, 2, true));
  double now = 0;
  for (int round = 0; round < 10; ++round) {
    health.failed(now);
    CHECK(health.state() == ServerState::Down);
    now += 100;
    REQUIRE(health.admit(now) == Admission::Probe);
    health.succeeded();
  }
  CHECK(health.state() == ServerState::Up);
}

TEST_CASE("health: without a dead time it is as long as the retry time") {
  Health health;
  health.setPolicy(policyOf(300, 0, 1, true));
  health.failed(0);
  CHECK(health.state() == ServerState::Dead);
  CHECK(health.retryAt() == 300);
}

TEST_CASE("health: without ejecting nobody dies") {
  Health health;
  health.setPolicy(policyOf(100, 1000, 1, false));
  double now = 0;
  health.failed(now);
  for (int round = 0; round < 20; ++round) {
    CHECK(health.state() == ServerState::Down);
    CHECK_FALSE(health.isDead());
    now += 100;
    failProbe(health, now);
  }
}

TEST_CASE("health: a limit of zero is a limit of one") {
  Health health;
  health.setPolicy(policyOf(100, 1000, 0, true));
  health.failed(0);
  CHECK(health.state() == ServerState::Dead);
  failProbe(health, 1000);
  CHECK(health.state() == ServerState::Dead);
  REQUIRE(health.admit(2000) == Admission::Probe);
  health.succeeded();
  CHECK(health.state() == ServerState::Up);
}

TEST_CASE("health: a retry time of zero probes at once but one at a time") {
  Health health;
  health.setPolicy(policyOf(0, 0, 5, false));
  health.failed(10);
  CHECK(health.admit(10) == Admission::Probe);
  CHECK(health.admit(10) == Admission::RefuseDown);
}

TEST_CASE("health: a policy that stops ejecting brings dead servers back as down") {
  Health health;
  health.setPolicy(policyOf(100, 100000, 1, true));
  health.failed(0);
  REQUIRE(health.isDead());
  health.setPolicy(policyOf(100, 0, 5, false));
  CHECK_FALSE(health.isDead());
  CHECK(health.state() == ServerState::Down);
  CHECK(health.admit(1) == Admission::RefuseDown);
  CHECK(health.admit(100000) == Admission::Probe);
}

TEST_CASE("health: the same policy again changes nothing") {
  Health health;
  const FailurePolicy policy = policyOf(100, 1000, 1, true);
  health.setPolicy(policy);
  health.failed(0);
  health.setPolicy(policy);
  CHECK(health.state() == ServerState::Dead);
  CHECK(health.retryAt() == 1000);
}

TEST_CASE("health: a stricter policy counts the failures so far") {
  Health health;
  health.setPolicy(policyOf(100, 1000, 10, true));
  health.failed(0);
  failProbe(health, 100);
  health.setPolicy(policyOf(100, 1000, 2, true));
  CHECK(health.state() == ServerState::Down);
  failProbe(health, 200);
  CHECK(health.state() == ServerState::Dead);
}

TEST_CASE("health: reset forgets every failure") {
  for (const int stage : {0, 1, 2, 3}) {
    Health health;
    health.setPolicy(policyOf(100, 1000, 2, true));
    health.failed(0);
    if (stage >= 1) REQUIRE(health.admit(100) == Admission::Probe);
    if (stage >= 2) health.failed(100);
    if (stage >= 3) REQUIRE(health.admit(1100) == Admission::Probe);
    health.reset();
    CHECK(health.state() == ServerState::Up);
    CHECK_FALSE(health.isDead());
    CHECK(health.admit(0) == Admission::Allow);
    health.failed(2000);
    CHECK(health.state() == ServerState::Down);
  }
}

TEST_CASE("health: every sequence of events keeps the promises of its state") {
  // What must hold whatever happens: at most one probe is out, nobody is refused when the time has come and
  // no probe is out, and dead means ejecting and at least the limit of failures.
  std::mt19937 random(99);
  bool good = true;
  for (int run = 0; run < 300 && good; ++run) {
    const bool ejects = random() % 2 == 0;
    const std::uint32_t limit = 1 + random() % 4;
    Health health;
    health.setPolicy(policyOf(100, random() % 2 == 0 ? 0 : 400, limit, ejects));
    double now = 0;
    bool probeOut = false;
    for (int step = 0; step < 200 && good; ++step) {
      now += random() % 60;
      const ServerState before = health.state();
      switch (random() % 4) {
        case 0: {
          const Admission verdict = health.admit(now);
          if (before == ServerState::Up) good = verdict == Admission::Allow;
          if (before == ServerState::Probing) good = verdict != Admission::Allow && verdict != Admission::Probe;
          if (before == ServerState::Down || before == ServerState::Dead)
            good = (verdict == Admission::Probe) == (now >= health.retryAt());
          if (verdict == Admission::Probe) good = good && !std::exchange(probeOut, true);
          if (verdict == Admission::RefuseDead) good = good && health.isDead();
          if (verdict == Admission::RefuseDown) good = good && !health.isDead();
          break;
        }
        case 1:
          health.succeeded();
          good = health.state() == ServerState::Up && !health.isDead();
          probeOut = false;
          break;
        case 2:
          health.failed(now);
          good = health.state() == ServerState::Down || health.state() == ServerState::Dead;
          if (before == ServerState::Down || before == ServerState::Dead) good = good && health.state() == before;
          probeOut = false;
          break;
        case 3:
          health.probeAbandoned(now);
          good = health.state() != ServerState::Probing;
          if (before != ServerState::Probing) good = good && health.state() == before;
          probeOut = false;
          break;
      }
      if (!ejects) good = good && !health.isDead() && health.state() != ServerState::Dead;
      if (health.state() == ServerState::Dead) good = good && health.isDead();
    }
  }
  CHECK(good);
}

TEST_CASE("health: a dead server that is hastened is due at its retry time") {
  Health health;
  health.setPolicy(policyOf(10, 1000, 1, true));
  health.failed(100);
  REQUIRE(health.isDead());
  CHECK(health.retryAt() == 1100);
  health.hasten();
  CHECK(health.retryAt() == 110);
  CHECK(health.admit(109) == Admission::RefuseDead);
  CHECK(health.admit(110) == Admission::Probe);
}

TEST_CASE("health: hastening makes nothing later and concerns only the dead") {
  Health health;
  health.setPolicy(policyOf(1000, 10, 1, true));
  health.failed(100);
  REQUIRE(health.isDead());
  health.hasten();
  CHECK(health.retryAt() == 110);

  Health down;
  down.setPolicy(policyOf(10, 1000, 2, true));
  down.failed(100);
  down.hasten();
  CHECK(down.state() == ServerState::Down);
  CHECK(down.retryAt() == 110);

  Health up;
  up.hasten();
  CHECK(up.state() == ServerState::Up);
  CHECK(up.admit(0) == Admission::Allow);
}
