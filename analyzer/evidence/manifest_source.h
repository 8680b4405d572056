// A Kubernetes manifest as a source of evidence: what the pod was meant to have.
#pragma once

#include "analyzer/evidence/source.h"

namespace wrackline::evidence {

bool IsPodManifest(const SourceFile& file);
// The container's limit, where nothing nearer to the kernel gave one. Its configuration is the proposal's business.
Result<std::string> AddPodManifest(const SourceFile& file, Evidence* evidence);

}  // namespace wrackline::evidence
