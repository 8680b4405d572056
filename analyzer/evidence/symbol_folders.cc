#include "analyzer/evidence/symbol_folders.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "lib/symbols/elf.h"

namespace wrackline::evidence {
namespace {

namespace fs = std::filesystem;

// Entries looked at: /usr has some 300,000. One is opened and its first bytes are read.
constexpr std::size_t kMaxEntries = 1'000'000;

std::string BuildIdOf(const symbols::ElfFile& file) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::uint8_t bytes[64];
  const std::size_t length = file.BuildId(bytes, sizeof(bytes));
  std::string hex;
  for (std::size_t i = 0; i < length; ++i) {
    hex += kDigits[bytes[i] >> 4];
    hex += kDigits[bytes[i] & 15];
  }
  return hex;
}

void AddOnce(std::vector<std::string>* paths, const std::string& path) {
  if (std::find(paths->begin(), paths->end(), path) == paths->end()) paths->push_back(path);
}

}  // namespace

Result<SymbolFolders> SymbolFolders::Open(std::vector<std::string> folders) {
  for (const std::string& folder : folders) {
    std::error_code error;
    const bool is_folder = fs::is_directory(folder, error);
    if (!error && !is_folder && fs::exists(folder, error)) {
      return Error{"--symbols " + folder + " is not a folder",
                   "give the folder that holds the binaries or their debug files"};
    }
    if (!error && is_folder) static_cast<void>(fs::directory_iterator(folder, error));
    if (error || !is_folder) {
      const std::string why = error ? error.message() : std::strerror(ENOENT);
      return Error{fmt::format("cannot read the folder --symbols {}: {}", folder, why),
                   "give a folder with the binaries or their debug files, such as /usr/lib/debug"};
    }
  }
  return SymbolFolders(std::move(folders));
}

std::vector<std::string> SymbolFolders::Find(const std::string& build_id) {
  std::vector<std::string> found;
  if (build_id.size() < 4) return found;
  const auto add = [&](const std::string& path) {
    symbols::ElfFile file;
    if (file.Open(path.c_str()) == 0 && BuildIdOf(file) == build_id) AddOnce(&found, path);
  };
  for (const std::string& folder : folders_) {
    // DIR may hold the tree, or be it.
    for (const char* tree : {".build-id", "."}) {
      const fs::path stem = fs::path(folder) / tree / build_id.substr(0, 2) / build_id.substr(2);
      add(stem.string() + ".debug");
      add(stem.string());
    }
  }
  if (!found.empty()) return found;
  Scan();
  const auto [begin, end] = by_build_id_.equal_range(build_id);
  for (auto it = begin; it != end; ++it) AddOnce(&found, it->second);
  return found;
}

std::optional<SymbolFolders::Stranger> SymbolFolders::OtherBuild(const std::string& name,
                                                                 const std::string& build_id) {
  Scan();
  for (const std::string& wanted : {name, name + ".debug"}) {
    const auto [begin, end] = by_name_.equal_range(wanted);
    for (auto it = begin; it != end; ++it) {
      if (it->second.build_id != build_id) return it->second;
    }
  }
  return std::nullopt;
}

std::vector<std::string> SymbolFolders::FindByName(const std::string& path) {
  Scan();
  const std::string name = path.substr(path.rfind('/') + 1);
  std::vector<std::string> found;
  if (name.empty()) return found;
  for (const std::string& wanted : {name, name + ".debug"}) {
    const auto [begin, end] = by_name_.equal_range(wanted);
    for (auto it = begin; it != end; ++it) found.push_back(it->second.path);
  }
  std::stable_partition(found.begin(), found.end(), [&path](const std::string& candidate) {
    return candidate.size() >= path.size() &&
           candidate.compare(candidate.size() - path.size(), path.size(), path) == 0;
  });
  return found;
}

void SymbolFolders::Scan() {
  if (scanned_) return;
  scanned_ = true;
  std::size_t entries = 0;
  for (const std::string& folder : folders_) {
    std::error_code error;
    fs::recursive_directory_iterator it(folder, fs::directory_options::skip_permission_denied,
                                        error);
    for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
      if (++entries > kMaxEntries) {
        remark_ = "--symbols: more than " + std::to_string(kMaxEntries) +
                  " files; the rest was not looked at (give folders closer to the binaries)";
        return;
      }
      std::error_code ignored;
      if (!it->is_regular_file(ignored) || ignored) continue;
      const std::string path = it->path().string();
      symbols::ElfFile file;
      if (file.Open(path.c_str()) != 0) continue;
      const std::string build_id = BuildIdOf(file);
      if (!build_id.empty()) by_build_id_.emplace(build_id, path);
      by_name_.emplace(it->path().filename().string(), Stranger{path, build_id});
    }
  }
}

}  // namespace wrackline::evidence
