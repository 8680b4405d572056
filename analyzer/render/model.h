// Flink's memory model as text and as JSON.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analyzer/flink/model_facts.h"
#include "analyzer/flink/upgrade.h"
#include "analyzer/render/page.h"

namespace wrackline::render {

struct ModelView {
  flink::ModelFacts facts;
  std::string source;              // where the configuration comes from
  std::optional<Bytes> limit;      // of the pod
  std::string limit_from;          // "--limit", "the manifest"
  bool limit_by_flink = false;     // made of the process size, in whole MiB
  std::vector<std::string> notes;  // one line each
};

// False when Flink refuses the configuration, or its process is larger than the limit.
bool ModelFits(const ModelView& view);

std::string RenderModelText(const ModelView& view, const TextOptions& options);
std::string RenderModelJson(const ModelView& view);

std::string RenderUpgradeText(const flink::Upgrade& upgrade, const std::string& source,
                              const std::vector<std::string>& notes, const TextOptions& options);
std::string RenderUpgradeJson(const flink::Upgrade& upgrade, const std::string& source,
                              const std::vector<std::string>& notes);

}  // namespace wrackline::render
