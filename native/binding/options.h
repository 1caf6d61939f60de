#pragma once

#include <napi.h>

#include <string>
#include <vector>

#include "memcached/cluster.h"

namespace lmc {

// Reading what lib/addon/addon.ts passes. Meaning and messages are TypeScript's; here only what memory safety
// needs is checked again. False: malformed; a JavaScript exception may be pending.
bool readServers(const Napi::Value& value, std::vector<ServerSpec>* servers);
bool readClusterConfig(const Napi::Object& options, ClusterConfig* config);
bool readBehaviors(const Napi::Object& values, std::vector<BehaviorValue>* behaviors, std::string* keyNamespace);

Napi::Array idsOf(Napi::Env env, const Cluster& cluster);

// libmemcached refused a setting: throws { message, retcode, behavior? }.
void throwRefused(Napi::Env env, memcached_return_t rc, const Behavior* behavior);

}  // namespace lmc
