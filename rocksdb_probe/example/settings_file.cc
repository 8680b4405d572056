#include "rocksdb_probe/example/settings_file.h"

#include <charconv>
#include <fstream>
#include <nlohmann/json.hpp>

namespace wrackline::example {
namespace {

using nlohmann::json;

// A size in bytes, written as a number or as a string of digits.
bool ReadSize(const json& settings, const char* key, std::uint64_t* out) {
  const auto found = settings.find(key);
  if (found == settings.end()) return false;
  if (found->is_number_unsigned()) {
    *out = found->get<std::uint64_t>();
    return true;
  }
  if (!found->is_string()) return false;
  const auto& text = found->get_ref<const std::string&>();
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), *out);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

bool ReadFlag(const json& settings, const char* key, bool when_absent) {
  const auto found = settings.find(key);
  return found == settings.end() ? when_absent : *found == true || *found == "true";
}

}  // namespace

bool ReadSettingsFile(const std::string& path, MemorySettings* out, std::string* error) {
  std::ifstream file(path);
  if (!file) {
    *error = "cannot read " + path;
    return false;
  }
  const json report = json::parse(file, nullptr, /*allow_exceptions=*/false);
  const json::json_pointer where("/proposal/settings");
  if (!report.is_object() || !report.contains(where) || !report[where].is_object()) {
    *error =
        path + " has no /proposal/settings: is it the output of `wrackline report --format json`?";
    return false;
  }
  const json& settings = report[where];
  if (!ReadSize(settings, "rocksdb.shared_block_cache_bytes", &out->shared_block_cache_bytes) ||
      !ReadSize(settings, "rocksdb.write_buffer_manager_bytes", &out->write_buffer_manager_bytes)) {
    *error = path +
             " proposes no rocksdb.shared_block_cache_bytes and rocksdb.write_buffer_manager_bytes";
    return false;
  }
  out->charge_write_buffers_to_cache =
      ReadFlag(settings, "rocksdb.charge_write_buffers_to_cache", false);
  out->allow_stall = ReadFlag(settings, "rocksdb.write_buffer_manager_allow_stall", true);
  return true;
}

}  // namespace wrackline::example
