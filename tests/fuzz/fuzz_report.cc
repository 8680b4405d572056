// Whatever a recording holds: the whole way to both reports; the text never holds a control
// character but newlines, and the ledger always closes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "analyzer/evidence/from_recording.h"
#include "analyzer/render/json.h"
#include "analyzer/render/text.h"
#include "lib/recorder/reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wrackline;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Result<recorder::Recording> recording = recorder::ParseRecording(bytes, "fuzz");
  if (!recording.ok()) return 0;
  const report::Report report = report::BuildReport(
      evidence::EvidenceFromRecording(recording.value(), std::nullopt), std::nullopt);
  if (report.ledger && report.ledger->Sum() + report.ledger->unexplained != report.ledger->total)
    std::abort();
  const std::string text =
      render::RenderText(report, {.width = 80, .colour = false, .utf8 = false});
  for (const char c : text) {
    if (c != '\n' &&
        (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f))
      std::abort();
  }
  if (render::RenderJson(report).empty()) std::abort();
  return 0;
}
