// The VM's figures as JSON: /jvm of the report.
#pragma once

#include <nlohmann/json.hpp>

#include "analyzer/evidence/evidence.h"

namespace wrackline::render {

nlohmann::ordered_json JvmJson(const evidence::Jvm& jvm);

}  // namespace wrackline::render
