#include "tests/support/java_home.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <vector>

namespace wrackline::test {
namespace {

bool IsHomeOf(const std::string& home, const std::string& version) {
  std::ifstream release(home + "/release");
  const std::string wanted = "JAVA_VERSION=\"" + version;
  for (std::string line; std::getline(release, line);) {
    if (line.starts_with(wanted + ".") || line.starts_with(wanted + "\"")) {
      return std::filesystem::exists(home + "/bin/java");
    }
  }
  return false;
}

// What scripts/setup.sh fetched.
std::string Cache() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache != 0) {
    return std::string(cache) + "/wrackline";
  }
  const char* user = std::getenv("HOME");
  return std::string(user == nullptr ? "/tmp" : user) + "/.cache/wrackline";
}

}  // namespace

std::string JavaHome(const std::string& version) {
  std::vector<std::string> homes;
  std::vector<std::string> folders = {"/usr/lib/jvm", "/opt/java"};
  folders.push_back(Cache() + "/java");
  for (const std::string& folder : folders) {
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(folder, none))
      homes.push_back(entry.path());
  }
  std::sort(homes.begin(), homes.end());
  if (const char* home = std::getenv("JAVA_HOME"); home != nullptr)
    homes.insert(homes.begin(), home);
  const auto found = std::find_if(homes.begin(), homes.end(),
                                  [&](const std::string& home) { return IsHomeOf(home, version); });
  return found == homes.end() ? "" : *found;
}

std::string NoJava(const std::string& version) {
  return "no Java " + version +
         " in JAVA_HOME, /usr/lib/jvm, /opt/java or ~/.cache/wrackline/java: scripts/setup.sh "
         "check installs it";
}

std::string FlinkJars(const std::string& version) {
  const std::string path = Cache() + "/flink/" + version;
  return std::filesystem::exists(path) ? path : "";
}

std::string NoFlink(const std::string& version) {
  return "no Flink " + version + " in ~/.cache/wrackline/flink: scripts/setup.sh check fetches it";
}

std::string JavaLibrary(const std::string& file) {
  const std::string path = Cache() + "/java-libraries/" + file;
  return std::filesystem::exists(path) ? path : "";
}

std::string NoJavaLibrary(const std::string& file) {
  return "no " + file + " in ~/.cache/wrackline/java-libraries: scripts/setup.sh check fetches it";
}

}  // namespace wrackline::test
