"""pylibmc as a reference point: pylibmc_bench.py KEYS HOST PORT SECONDS.

KEYS per get_multi, or 1 for get; binary protocol, 100-byte values, one call at a time. Prints one line of JSON.
"""

import json
import sys
import time

import pylibmc

COUNT = 10_000
SIZE = 100


def main(per_call, host, port, seconds):
    client = pylibmc.Client([f"{host}:{port}"], binary=True, behaviors={"tcp_nodelay": True})
    keys = [f"bench:item:{index}" for index in range(COUNT)]
    for key in keys:
        assert client.set(key, key.ljust(SIZE, "."))

    if per_call == 1:
        calls, call = keys, client.get
    else:
        calls = [keys[at : at + per_call] for at in range(0, COUNT - per_call + 1, per_call)]
        call = client.get_multi
    right = (lambda result: len(result) == SIZE) if per_call == 1 else (lambda result: len(result) == per_call)

    latencies = []
    started_cpu = time.process_time()
    started = before = time.perf_counter()
    while before - started < seconds:
        assert right(call(calls[len(latencies) % len(calls)]))
        now = time.perf_counter()
        latencies.append(now - before)
        before = now
    cpu = time.process_time() - started_cpu

    operations = len(latencies)
    latencies.sort()
    print(
        json.dumps(
            {
                "operations": operations,
                "seconds": before - started,
                "rate": operations / (before - started),
                "p50": latencies[operations // 2] * 1e6,
                "p99": latencies[operations * 99 // 100] * 1e6,
                "cpu": cpu / operations * 1e6,
            }
        )
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
