#pragma once

#include "memcached/step_run.h"

namespace lmc {

// Requests that concern a whole server: flush_all, stats, version. The link is open. Connection thread only.
Contact runAdmin(StepRun& run);

}  // namespace lmc
