#include <fmt/core.h>
#include <google/protobuf/util/json_util.h>

#include <array>
#include <functional>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>

#include "analyzer/cli/command.h"
#include "analyzer/cli/output.h"
#include "analyzer/cli/terminal.h"
#include "analyzer/evidence/improve_names.h"
#include "analyzer/evidence/java_frames.h"
#include "analyzer/evidence/symbol_folders.h"
#include "analyzer/render/inert.h"
#include "lib/recorder/reader.h"

namespace wrackline::cli {
namespace {

using Json = nlohmann::ordered_json;
using google::protobuf::Message;
using recorder::Recording;

Json ToJson(const Message& message) {
  std::string text;
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  // A string field that is no UTF-8 was refused when the file was parsed; a failure here gives an
  // empty object.
  if (!google::protobuf::util::MessageToJsonString(message, &text, options).ok())
    return Json::object();
  return Json::parse(text, nullptr, false);
}

template <typename Map>
Json MapJson(const Map& map) {
  Json array = Json::array();
  for (const auto& [key, message] : map) array.push_back(ToJson(message));
  return array;
}

Json RecordsJson(const std::vector<proto::Record>& records) {
  Json array = Json::array();
  for (const proto::Record& record : records) array.push_back(ToJson(record));
  return array;
}

Json Process(const Recording& recording) {
  Json json = {{"source", recording.source},
               {"format_version", recording.format_version},
               {"packed", recording.packed},
               {"records", recording.records},
               {"record_bytes", recording.record_bytes},
               {"generation", recording.generation},
               {"last_time_ns", recording.last_time_ns}};
  if (!recording.damage.empty()) json["damage"] = recording.damage;
  if (recording.process) json["process"] = ToJson(*recording.process);
  if (recording.last_heartbeat) json["last_heartbeat"] = ToJson(*recording.last_heartbeat);
  if (recording.exit) json["exit"] = ToJson(*recording.exit);
  if (recording.aftermath) json["aftermath"] = ToJson(*recording.aftermath);
  return json;
}

// A return address, or a Java method: as its name where it is known, for nothing else tells what its
// number means.
std::string Frame(const Recording& recording, std::uint64_t pc) {
  const auto name = recording.frame_names.find(pc);
  if (evidence::IsJavaFrame(pc) && name != recording.frame_names.end() &&
      !name->second.symbol().empty())
    return name->second.symbol();
  return fmt::format("{:#x}", pc);
}

Json Stacks(const Recording& recording) {
  Json array = Json::array();
  for (const auto& [id, stack] : recording.stacks) {
    Json frames = Json::array();
    for (const std::uint64_t pc : stack.frames) frames.push_back(Frame(recording, pc));
    array.push_back({{"id", id},
                     {"truncated", stack.truncated},
                     {"counters", ToJson(stack.counters)},
                     {"frames", std::move(frames)}});
  }
  return array;
}

Json Jvm(const Recording& recording) {
  Json json = {{"samples", RecordsJson(recording.jvm_samples)}};
  if (recording.jvm_facts) json["facts"] = ToJson(*recording.jvm_facts);
  return json;
}

Json RocksDb(const Recording& recording) {
  return {{"databases", MapJson(recording.rocksdb_databases)},
          {"samples", RecordsJson(recording.rocksdb_samples)},
          {"objects", RecordsJson(recording.rocksdb_objects)}};
}

struct Section {
  std::string_view name;
  Json (*make)(const Recording&);
};

constexpr std::array<Section, 12> kSections = {{
    {"process", Process},
    {"modules", [](const Recording& r) { return MapJson(r.modules); }},
    {"stacks", Stacks},
    {"live", [](const Recording& r) { return MapJson(r.live_objects); }},
    {"untouched",
     [](const Recording& r) { return r.untouched ? ToJson(*r.untouched) : Json::object(); }},
    {"mappings", [](const Recording& r) { return MapJson(r.mappings); }},
    {"threads", [](const Recording& r) { return MapJson(r.threads); }},
    {"timeline", [](const Recording& r) { return RecordsJson(r.timeline); }},
    {"names", [](const Recording& r) { return MapJson(r.frame_names); }},
    {"losses", [](const Recording& r) { return ToJson(r.losses); }},
    {"rocksdb", RocksDb},
    {"jvm", Jvm},
}};

std::string Dump(const Json& json, int indent) {
  return json.dump(indent, ' ', true, Json::error_handler_t::replace);
}

// One line an element: easy on the eye and on grep.
std::string SectionText(std::string_view name, const Json& json) {
  std::string text =
      fmt::format("== {}{}\n", name, json.is_array() ? fmt::format(" ({})", json.size()) : "");
  if (json.is_array()) {
    for (const Json& element : json) text += Dump(element, -1) + "\n";
    return text;
  }
  for (const auto& [key, value] : json.items()) {
    if (value.is_array()) {
      text += SectionText(std::string(name) + "." + key, value);
    } else {
      text += fmt::format("{}: {}\n", key, Dump(value, -1));
    }
  }
  return text;
}

Result<std::string> Records(const std::string& path, bool json) {
  const Result<std::vector<recorder::RawRecord>> records = recorder::ReadRawRecords(path);
  if (!records.ok()) return records.error();
  std::string text;
  for (const recorder::RawRecord& raw : records.value()) {
    if (json) {
      Json line = {
          {"offset", raw.offset}, {"sequence", raw.sequence}, {"record", ToJson(raw.record)}};
      text += Dump(line, -1) + "\n";
    } else {
      text += fmt::format("{:#010x} {:8} {}\n", raw.offset, raw.sequence,
                          render::Inert(raw.record.ShortDebugString(), Utf8Locale()));
    }
  }
  return text;
}

Result<std::string> Sections(const std::string& path, const std::vector<std::string>& wanted,
                             const std::vector<std::string>& symbols, bool json) {
  Result<Recording> recording = recorder::ReadRecording(path);
  if (!recording.ok()) return recording.error();
  if (!symbols.empty()) {
    Result<evidence::SymbolFolders> folders = evidence::SymbolFolders::Open(symbols);
    if (!folders.ok()) return folders.error();
    const evidence::Improvement improvement =
        evidence::ImproveNames(&folders.value(), &recording.value());
    for (const std::string& remark : improvement.remarks) Say(remark);
  }
  Json all = Json::object();
  std::string text;
  for (const Section& section : kSections) {
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), section.name) == wanted.end())
      continue;
    Json made = section.make(recording.value());
    if (!json) text += SectionText(section.name, made);
    if (json) all[std::string(section.name)] = std::move(made);
  }
  return json ? Dump(all, 2) + "\n" : text;
}

}  // namespace

Action AddInspect(CLI::App* app) {
  struct Arguments {
    std::string path, format = "text", output;
    std::vector<std::string> sections, symbols;
    bool records = false;
  };
  auto arguments = std::make_shared<Arguments>();
  std::vector<std::string> names;
  names.reserve(std::size(kSections));
  for (const Section& section : kSections) names.emplace_back(section.name);
  app->add_option("file", arguments->path, "Recorder file (.wrack) or packed dump (.wrackpack)")
      ->required();
  app->add_flag("--records", arguments->records,
                "Every record in file order, one a line, with offset and sequence");
  app->add_option("--section", arguments->sections, "Only this section; may be repeated")
      ->allow_extra_args(false)
      ->check(CLI::IsMember(names))
      ->excludes("--records");
  app->add_option(
         "--symbols", arguments->symbols,
         "Folder with the binaries or their debug files: names and lines that the recording "
         "lacks; may be repeated")
      ->type_name("FOLDER")
      ->allow_extra_args(false)
      ->excludes("--records");
  app->add_option("--format", arguments->format, "text or json")
      ->check(CLI::IsMember({"text", "json"}));
  app->add_option("-o,--output", arguments->output,
                  "Write to this file instead of standard output");
  return [arguments] {
    const bool json = arguments->format == "json";
    const Result<std::string> text =
        arguments->records
            ? Records(arguments->path, json)
            : Sections(arguments->path, arguments->sections, arguments->symbols, json);
    if (!text.ok()) return Fail(text.error().Text());
    if (const Status failed = WriteOutput(text.value(), arguments->output))
      return Fail(failed->Text());
    return kOk;
  };
}

}  // namespace wrackline::cli
