/*
 * What libmemcached itself reaches: mget KEYS HOST PORT SECONDS.
 *
 * Binary protocol, one connection, one memcached_mget of KEYS keys at a time, 100-byte values, each one read and its
 * length checked. Prints one line of JSON.
 */
#define _POSIX_C_SOURCE 200809L
#include <libmemcached/memcached.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { COUNT = 10000, SIZE = 100, MOST_CALLS = 20000000 };

static char names[COUNT][32];
static const char *keys[COUNT];
static size_t lengths[COUNT];

static void fail(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double cpu(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static int ascending(const void *a, const void *b) {
  float left = *(const float *)a, right = *(const float *)b;
  return (left > right) - (left < right);
}

static memcached_st *connected(const char *host, in_port_t port) {
  memcached_st *memc = memcached_create(NULL);
  memcached_behavior_set(memc, MEMCACHED_BEHAVIOR_BINARY_PROTOCOL, 1);
  /* Without it a binary mget waits for a delayed acknowledgement. */
  memcached_behavior_set(memc, MEMCACHED_BEHAVIOR_TCP_NODELAY, 1);
  if (memcached_success(memcached_server_add(memc, host, port))) return memc;
  fail("memcached_server_add");
  return NULL;
}

static void store_all(memcached_st *memc) {
  char value[SIZE];
  memset(value, 'v', SIZE);
  for (int i = 0; i < COUNT; i++) {
    lengths[i] = (size_t)snprintf(names[i], sizeof names[i], "bench:item:%d", i);
    keys[i] = names[i];
    if (memcached_failed(memcached_set(memc, keys[i], lengths[i], value, SIZE, 0, 0))) fail("memcached_set");
  }
}

static void get_many(memcached_st *memc, memcached_result_st *result, size_t from, size_t count) {
  if (memcached_failed(memcached_mget(memc, keys + from, lengths + from, count))) fail("memcached_mget");
  size_t found = 0;
  memcached_return_t rc;
  while (memcached_fetch_result(memc, result, &rc)) found += memcached_result_length(result) == SIZE;
  if (found != count) fail("values are missing");
}

int main(int argc, char **argv) {
  if (argc != 5) fail("usage: mget KEYS HOST PORT SECONDS");
  size_t per_call = strtoul(argv[1], NULL, 10);
  double seconds = strtod(argv[4], NULL);
  if (per_call < 1 || per_call > COUNT) fail("KEYS: 1 to 10000");

  memcached_st *memc = connected(argv[2], (in_port_t)atoi(argv[3]));
  /* On the stack: memcached_fetch_result frees one that memcached_result_create allocated when there is no more. */
  memcached_result_st storage, *result = memcached_result_create(memc, &storage);
  float *latencies = malloc(MOST_CALLS * sizeof *latencies);
  store_all(memc);

  size_t calls = 0, from = 0;
  double started_cpu = cpu(), started = now(), before = started;
  while (before - started < seconds && calls < MOST_CALLS) {
    get_many(memc, result, from, per_call);
    from += per_call;
    if (from + per_call > COUNT) from = 0;
    double after = now();
    latencies[calls++] = (float)(after - before);
    before = after;
  }
  double elapsed = before - started, used = cpu() - started_cpu;

  qsort(latencies, calls, sizeof *latencies, ascending);
  printf("{\"operations\":%zu,\"seconds\":%f,\"rate\":%f,\"p50\":%f,\"p99\":%f,\"cpu\":%f,\"library\":\"%s\"}\n", calls,
         elapsed, (double)calls / elapsed, latencies[calls / 2] * 1e6, latencies[calls * 99 / 100] * 1e6,
         used / (double)calls * 1e6, memcached_lib_version());

  free(latencies);
  memcached_result_free(result);
  memcached_free(memc);
  return 0;
}
