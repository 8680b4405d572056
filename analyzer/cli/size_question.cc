#include "analyzer/cli/size_question.h"

#include <filesystem>
#include <utility>

#include "analyzer/cli/scrape_file.h"
#include "analyzer/cli/share_option.h"
#include "analyzer/cli/size_option.h"
#include "analyzer/flink/version.h"

namespace wrackline::cli {
namespace {

// The version that the runs had, where they agree.
std::string VersionOf(const std::vector<sizing::Run>& runs) {
  std::string version;
  for (const sizing::Run& run : runs) {
    if (run.flink_version.empty()) continue;
    if (!version.empty() && version != run.flink_version) return {};
    version = run.flink_version;
  }
  return version;
}

// What --config names under its version: as asked, else a manifest's own, else the recorded one, which may not read such a file.
Result<FlinkSource> UnderItsVersion(const SizeRequest& request,
                                    const std::vector<sizing::Run>& runs, FlinkSource source) {
  if (!request.version.empty() || (source.manifest && source.manifest->version)) return source;
  std::string recorded = VersionOf(runs);
  if (recorded.empty()) return source;
  std::error_code failed;
  if (std::filesystem::is_regular_file(request.config, failed))
    return ReadFlinkTarget(request.config, recorded);
  source.target.version = std::move(recorded);
  return source;
}

struct Found {
  std::string name;
  FlinkSource source;
};

Result<Found> FindConfig(const SizeRequest& request, const SizeInput& input,
                         std::optional<FlinkSource> config) {
  if (config) {
    Result<FlinkSource> source = UnderItsVersion(request, input.runs, std::move(*config));
    if (!source.ok()) return source.error();
    return Found{request.config == "-" ? "standard input" : request.config,
                 std::move(source.value())};
  }
  if (input.carried) return Found{"the configuration of " + input.carried_by, *input.carried};
  for (const sizing::Run& run : input.runs) {
    auto source = GrantedAsConfiguration(run);
    if (!source) continue;
    source->notes.emplace_back(
        "no configuration was given: this is what Flink granted, written as sizes. With --config "
        "the "
        "answer is in the keys of your file");
    return Found{"what was granted to " + run.name, std::move(*source)};
  }
  return Error{"no configuration: none was given, and none lies in the dumps",
               "name it: --config conf/config.yaml"};
}

}  // namespace

Result<std::optional<FlinkSource>> ReadSizeConfig(const SizeRequest& request) {
  if (request.config.empty()) return std::optional<FlinkSource>();
  Result<FlinkSource> source = ReadFlinkTarget(request.config, request.version);
  if (!source.ok()) return source.error();
  return std::optional<FlinkSource>(std::move(source.value()));
}

Result<SizeQuestion> AskSize(const SizeRequest& request, const SizeInput& input,
                             std::optional<FlinkSource> config) {
  Result<Found> found = FindConfig(request, input, std::move(config));
  if (!found.ok()) return found.error();
  FlinkSource& source = found.value().source;
  const Result<flink::Version> version =
      flink::ParseVersion(request.version.empty() ? source.target.version : request.version);
  if (!version.ok()) return version.error();
  const Result<Amount> headroom = AmountOf(request.headroom);
  if (!headroom.ok()) return headroom.error();

  SizeQuestion question;
  question.source = std::move(found.value().name);
  question.target = {std::move(source.target.configuration), version.value(),
                     SizeOf(request.limit)};
  question.limit_from = "--limit";
  if (!question.target.limit && source.limit) {
    question.target.limit = source.limit;
    question.limit_from = "the manifest's";
  }
  question.objective.limit = question.target.limit;
  question.objective.minimize = request.minimize;
  question.objective.headroom = headroom.value().size;
  question.objective.headroom_share = headroom.value().share;
  question.objective.confidence = ShareOf(request.confidence).value_or(1);
  if (source.manifest && source.manifest->FlinkMakesThePod()) {
    question.objective.made_by_flink = true;
    question.objective.limit_factor = source.manifest->LimitFactor();
  }
  question.notes = std::move(source.notes);
  question.manifest = std::move(source.manifest);
  return question;
}

}  // namespace wrackline::cli
