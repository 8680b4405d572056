#include "analyzer/flink/lint/manifest_document.h"

namespace wrackline::flink::lint {
namespace {

Location InManifest(const evidence::PodManifest& pod, const evidence::ManifestConfigText& text,
                    const Location& at) {
  if (text.first_line == 0 || at.line == 0)
    return {pod.file, text.at.line, text.at.column, text.at.length};
  return {pod.file, at.line + text.first_line - 1, at.column > 0 ? at.column + text.indent : 0,
          at.length};
}

}  // namespace

Document DocumentOfManifest(const evidence::PodManifest& pod) {
  Document document;
  if (!pod.texts.empty()) {
    const evidence::ManifestConfigText& text = pod.texts.front();
    document = ReadDocument(text.text, text.file,
                            text.file == "config.yaml" ? ConfigFormat::kYaml : ConfigFormat::kFlat);
    for (Entry& entry : document.entries) {
      entry.key_at = InManifest(pod, text, entry.key_at);
      entry.value_at = InManifest(pod, text, entry.value_at);
    }
    for (SkippedLine& line : document.skipped) line.at = InManifest(pod, text, line.at);
    if (document.problem) document.problem_at = InManifest(pod, text, document.problem_at);
  }
  document.file = pod.file;
  for (const evidence::ManifestSetting& setting : pod.settings) {
    if (setting.source != evidence::ManifestSetting::Source::kFlinkConfiguration) continue;
    const auto place = [&](evidence::Spot spot) {
      return Location{pod.file, spot.line, spot.column, spot.length};
    };
    const auto [slot, is_new] =
        document.effective.try_emplace(setting.key, document.entries.size());
    if (!is_new) {
      document.entries[slot->second].effective = false;
      slot->second = document.entries.size();
    }
    document.entries.push_back(
        {setting.key, setting.value, place(setting.key_at), place(setting.value_at), true});
  }
  return document;
}

}  // namespace wrackline::flink::lint
