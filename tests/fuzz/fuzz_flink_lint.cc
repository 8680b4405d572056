// Every rule over hostile configurations in both formats, and the renderers over what they say.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "analyzer/flink/lint/lint.h"
#include "analyzer/render/lint.h"

namespace {

using namespace wrackline;

void LintAs(const std::string& text, const char* file, flink::Version version) {
  flink::lint::LintInput input;
  input.text = text;
  input.file = file;
  input.version = version;
  const flink::lint::LintReport report = flink::lint::Lint(input, {});
  for (const flink::lint::Finding& finding : report.findings) {
    if (finding.rule.empty() || finding.message.empty() || finding.reason.empty() ||
        finding.fix.empty() || finding.at.line < 0 || finding.at.column < 0 ||
        finding.at.length < 0)
      std::abort();
  }
  (void)render::RenderLintText(report, text, {});
  (void)render::RenderLintJson(report);
  (void)render::RenderLintSarif(report, "0");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  constexpr flink::Version kVersions[] = {{1, 10, 0}, {1, 16, 3}, {1, 20, 5}, {2, 3, 0}};
  // The first byte chooses, so that one input costs one run.
  const flink::Version version = kVersions[data[0] & 3];
  LintAs(text, (data[0] & 4) != 0 ? "config.yaml" : "flink-conf.yaml", version);
  return 0;
}
