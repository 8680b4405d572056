// Names and values from outside in every form of a proposal: what is applied reads back as it was meant, and tables stay tables.
#include <yaml-cpp/yaml.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "analyzer/flink/config_file.h"
#include "analyzer/render/proposal.h"

namespace {

using namespace wrackline;

void Require(bool holds) {
  if (!holds) std::abort();
}

// Fields are divided by zero bytes; behind the last one all are the last.
class Texts {
 public:
  explicit Texts(std::string_view data) : data_(data) {}
  std::string Next() {
    const std::size_t end = data_.find('\0');
    const std::string text(data_.substr(0, end));
    if (end != std::string_view::npos) data_.remove_prefix(end + 1);
    return text;
  }

 private:
  std::string_view data_;
};

void CheckTables(const std::string& markdown) {
  std::size_t columns = 0;
  for (std::size_t at = 0; at < markdown.size();) {
    const std::size_t end = std::min(markdown.find('\n', at), markdown.size());
    std::size_t bars = 0;
    for (std::size_t i = at; i < end; ++i) {
      if (markdown[i] == '\\') {
        ++i;
      } else if (markdown[i] == '|') {
        ++bars;
      }
    }
    if (markdown[at] != '|') {
      columns = 0;
    } else {
      Require(columns == 0 || bars == columns);
      columns = bars;
    }
    at = end + 1;
  }
}

// Anything but a line end or visible ASCII.
bool HasControl(std::string_view text) {
  for (const char c : text) {
    if ((c >= 0 && c < ' ' && c != '\n') || c == 127) return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  Texts texts({reinterpret_cast<const char*>(data), size});
  sizing::Proposal proposal;
  proposal.fits = true;
  proposal.changes = {{"taskmanager.memory.process.size", "1g", "2g", texts.Next()},
                      {"k" + texts.Next(), texts.Next(), "v" + texts.Next(), texts.Next()},
                      {"r" + texts.Next(), texts.Next(), "", texts.Next()}};
  proposal.summary = texts.Next();
  proposal.components = {{"JVM heap", {}, kMiB, kMiB, kMiB, texts.Next()}};
  proposal.kept = {{texts.Next(), texts.Next(), texts.Next()}};
  proposal.advice = proposal.arithmetic = {texts.Next()};
  sizing::BackTest& test = proposal.backtest.emplace();
  test.limit = kGiB;
  test.replays.emplace_back().run = texts.Next();
  render::PatchTarget target{texts.Next(), texts.Next(), texts.Next()};

  CheckTables(render::ProposalMarkdown(proposal));
  Require(!HasControl(render::ProposalMarkdown(proposal)));
  Require(!HasControl(render::ProposalText(proposal, {})));
  Require(!HasControl(render::ProposalDiff(proposal, target.name)));
  Require(nlohmann::json::parse(render::ProposalJson(proposal)).at("changes").size() == 3);
  const std::string config = render::ProposalConfig(proposal);
  const auto yaml = flink::ParseYamlConfig(config, "config.yaml");
  Require(yaml.ok() && yaml.value().Get("taskmanager.memory.process.size") == "2g");
  const flink::Configuration flat = flink::ParseFlatConfig(config, "flink-conf.yaml");
  Require(std::distance(flat.begin(), flat.end()) <= 2);
  Require(std::distance(flat.begin(), flat.end()) ==
          std::distance(yaml.value().begin(), yaml.value().end()));
  try {
    const YAML::Node patch = YAML::Load(render::FlinkDeploymentPatch(proposal, target));
    Require(patch.size() == 1 && patch["spec"].size() == 2);
    Require(patch["spec"]["taskManager"]["resource"]["memory"].as<std::string>() == "2g");
    const YAML::Node pod = YAML::Load(render::DeploymentPatch(proposal, target));
    Require(pod.size() == 1);
    const YAML::Node container = pod["spec"]["template"]["spec"]["containers"][0];
    Require(container.size() == 3 && container["env"].size() == 1);
  } catch (const YAML::Exception&) {
    std::abort();
  }
  return 0;
}
