#pragma once

#include "memcached/step_run.h"

namespace lmc {

// Carries out a store or count step one call after the other: the text protocol (of several buffered text
// sets only the last status can be read), UDP (which has no answers), and `_noreply`. Connection thread only.
Contact runPlain(StepRun& run);

}  // namespace lmc
