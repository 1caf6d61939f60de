#include "transport/fiber.h"

#include <doctest/doctest.h>

#include <array>
#include <csetjmp>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

using lmc::Fiber;

TEST_CASE("fiber: runs to its end when it does not wait") {
  Fiber fiber;
  std::string log;
  CHECK_FALSE(fiber.isRunning());
  fiber.start([&] { log += "inside"; });
  CHECK(log == "inside");
  CHECK_FALSE(fiber.isRunning());
}

TEST_CASE("fiber: suspends and goes on where it was") {
  Fiber fiber;
  std::string log;
  fiber.start([&] {
    for (int turn = 0; turn < 3; ++turn) {
      log += std::to_string(turn);
      fiber.suspend();
    }
    log += "end";
  });
  CHECK(log == "0");
  CHECK(fiber.isRunning());
  fiber.resume();
  fiber.resume();
  CHECK(log == "012");
  fiber.resume();
  CHECK(log == "012end");
  CHECK_FALSE(fiber.isRunning());
}

TEST_CASE("fiber: is used again after its end") {
  Fiber fiber;
  int count = 0;
  for (int round = 0; round < 200; ++round) {
    fiber.start([&] {
      ++count;
      fiber.suspend();
      ++count;
    });
    fiber.resume();
  }
  CHECK(count == 400);
}

TEST_CASE("fiber: its objects live until it ends") {
  Fiber fiber;
  const auto held = std::make_shared<int>(1);
  fiber.start([&fiber, copy = held] {
    const std::shared_ptr<int> mine = copy;
    fiber.suspend();
  });
  CHECK(held.use_count() == 3);
  fiber.resume();
  CHECK(held.use_count() == 2);  // the body itself stays with the fiber
}

TEST_CASE("fiber: two take turns and keep their own stacks") {
  Fiber one;
  Fiber other;
  std::string log;
  const auto body = [&](Fiber& fiber, char name) {
    std::array<char, 8192> buffer;  // as libmemcached's own
    std::memset(buffer.data(), name, buffer.size());
    for (int turn = 0; turn < 4; ++turn) {
      log += buffer[static_cast<std::size_t>(turn) * 2000];
      fiber.suspend();
    }
  };
  one.start([&] { body(one, 'a'); });
  other.start([&] { body(other, 'b'); });
  while (one.isRunning() || other.isRunning()) {
    if (one.isRunning()) one.resume();
    if (other.isRunning()) other.resume();
  }
  CHECK(log == "abababab");
}

TEST_CASE("fiber: one starts and resumes another") {
  Fiber outer;
  Fiber inner;
  std::string log;
  outer.start([&] {
    log += "o1 ";
    inner.start([&] {
      log += "i1 ";
      inner.suspend();
      log += "i2 ";
    });
    log += "o2 ";
    outer.suspend();
    inner.resume();
    log += "o3";
  });
  CHECK(log == "o1 i1 o2 ");
  CHECK(inner.isRunning());
  outer.resume();
  CHECK(log == "o1 i1 o2 i2 o3");
  CHECK_FALSE(inner.isRunning());
  CHECK_FALSE(outer.isRunning());
}

TEST_CASE("fiber: one is suspended in another and resumed from outside") {
  Fiber outer;
  Fiber inner;
  std::string log;
  outer.start([&] {
    inner.start([&] {
      inner.suspend();
      log += "inner ";
    });
    outer.suspend();
    log += "outer";
  });
  inner.resume();
  outer.resume();
  CHECK(log == "inner outer");
}

namespace {

// As a failed assertion of libmemcached leaves its frames.
[[gnu::noinline]] void jumpOut(std::jmp_buf& trap) { _longjmp(trap, 1); }

[[gnu::noinline]] int jumpFrom(std::size_t bytes, std::jmp_buf& trap) {
  std::array<char, 8192> frame;
  std::memset(frame.data(), 1, bytes);
  if (frame[bytes / 2] == 1) jumpOut(trap);
  return frame[0];
}

bool jumps(std::jmp_buf& trap, int turn) {
  if (_setjmp(trap) != 0) return true;
  return jumpFrom(static_cast<std::size_t>(turn) * 100 + 100, trap) == 2;
}

}  // namespace

TEST_CASE("fiber: longjmp inside of it works before and after it was suspended") {
  Fiber fiber;
  int count = 0;
  fiber.start([&] {
    for (int turn = 0; turn < 20; ++turn) {
      std::jmp_buf trap;
      count += jumps(trap, turn) ? 1 : 0;
      fiber.suspend();
      std::jmp_buf again;
      count += jumps(again, 20 - turn) ? 1 : 0;
    }
  });
  while (fiber.isRunning()) fiber.resume();
  CHECK(count == 40);
}

TEST_CASE("fiber: many at once end in any order") {
  std::vector<std::unique_ptr<Fiber>> fibers;
  int ended = 0;
  for (int index = 0; index < 60; ++index) {
    Fiber& fiber = *fibers.emplace_back(std::make_unique<Fiber>());
    fiber.start([&fiber, &ended] {
      fiber.suspend();
      ++ended;
    });
  }
  for (std::size_t index = 0; index < fibers.size(); index += 2) fibers[index]->resume();
  for (std::size_t index = fibers.size(); index-- > 0;) {
    if (fibers[index]->isRunning()) fibers[index]->resume();
    fibers.pop_back();
  }
  CHECK(ended == 60);
}
