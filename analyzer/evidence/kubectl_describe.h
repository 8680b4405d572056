// `kubectl describe pod`: a text for people, of one pod or several.
//
// What it says less than `-o yaml`: no uid, no container that is gone. What it says more: the events.
#pragma once

#include <string_view>

#include "analyzer/evidence/source.h"

namespace wrackline::evidence {

// Of several pods the one that InterestOf (kubernetes_status.h) takes. Errors: no pod's description.
Result<PodStatus> ParseDescribe(std::string_view text, std::string_view file,
                                std::string_view container_id);

bool IsKubectlDescribe(const SourceFile& file);
Result<std::string> AddKubectlDescribe(const SourceFile& file, Evidence* evidence);

}  // namespace wrackline::evidence
