#include <fmt/core.h>

#include <filesystem>
#include <memory>
#include <system_error>

#include "analyzer/cli/command.h"
#include "lib/recorder/reader.h"
#include "lib/units/bytes.h"

namespace wrackline::cli {

Action AddPack(CLI::App* app) {
  struct Arguments {
    std::string path, output;
  };
  auto arguments = std::make_shared<Arguments>();
  app->add_option("file", arguments->path, "Recorder file (.wrack)")->required();
  app->add_option("-o,--output", arguments->output,
                  "The dump to write; default: FILE with .wrackpack as its extension");
  return [arguments] {
    namespace fs = std::filesystem;
    std::string output = arguments->output;
    if (output.empty()) output = fs::path(arguments->path).replace_extension(".wrackpack").string();
    std::error_code error;
    if (fs::equivalent(arguments->path, output, error))
      return Fail("the dump would overwrite its source " + output +
                  " (choose another file with -o)");
    if (const Status failed = recorder::Pack(arguments->path, output)) return Fail(failed->Text());
    const auto size = fs::file_size(output, error);
    fmt::print("{} ({})\n", output,
               error ? "?" : FormatBytes(Bytes{static_cast<std::int64_t>(size)}));
    return kOk;
  };
}

}  // namespace wrackline::cli
