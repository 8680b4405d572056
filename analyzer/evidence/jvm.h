// JvmFacts and JvmSamples of a recording -> Jvm. Pure.
#pragma once

#include <optional>

#include "analyzer/evidence/evidence.h"
#include "lib/recorder/reader.h"

namespace wrackline::evidence {

// Nothing when no VM was recorded.
std::optional<Jvm> JvmFromRecording(const recorder::Recording& recording);

}  // namespace wrackline::evidence
