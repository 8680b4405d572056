#include "tests/support/memory_cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>
#include <vector>

namespace wrackline::test {
namespace {

// 0 or an errno value.
int WriteFile(const std::string& path, const std::string& text) {
  const int file = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (file < 0) return errno;
  const ssize_t written = write(file, text.data(), text.size());
  const int error = written == static_cast<ssize_t>(text.size()) ? 0 : errno;
  close(file);
  return error;
}

// The root cgroup of v2 has no memory.current, so FindMemoryCgroup does not take it. Children can
// be made in it all the same, and its processes do not forbid them to have controllers.
bool FindV2Root(container::Cgroup* root) {
  constexpr const char* kMount = "/sys/fs/cgroup";
  std::ifstream file(std::string(kMount) + "/cgroup.controllers");
  std::ostringstream controllers;
  controllers << file.rdbuf();
  if ((" " + controllers.str()).find(" memory") == std::string::npos) return false;
  *root = {};
  root->version = 2;
  std::strncpy(root->folder, kMount, sizeof(root->folder) - 1);
  return true;
}

// Folders to try as parent, best first.
std::vector<std::string> Parents(const container::Cgroup& own) {
  std::vector<std::string> parents{own.folder};
  if (own.version == 2) {
    std::filesystem::path at = own.folder;
    while (std::filesystem::exists(at.parent_path() / "cgroup.controllers")) {
      at = at.parent_path();
      parents.insert(parents.begin(), at.string());
    }
  }
  return parents;
}

}  // namespace

Result<MemoryCgroup> MemoryCgroup::Create(const std::string& name, Bytes limit) {
  container::Cgroup own;
  if (!container::FindMemoryCgroup("", "self", &own) && !FindV2Root(&own)) {
    return Error{"this machine has no memory cgroup", "a kernel with the memory controller"};
  }
  static std::atomic<int> count{0};
  const std::string unique =
      "/wrackline-" + name + "-" + std::to_string(getpid()) + "-" + std::to_string(++count);
  std::string last_error;
  for (const std::string& parent : Parents(own)) {
    const std::string folder = parent + unique;
    if (own.version == 2) WriteFile(parent + "/cgroup.subtree_control", "+memory");
    if (mkdir(folder.c_str(), 0755) != 0) {
      last_error = "cannot make " + folder + ": " + std::strerror(errno);
      continue;
    }
    const std::string limit_file =
        folder + (own.version == 2 ? "/memory.max" : "/memory.limit_in_bytes");
    const int error = WriteFile(limit_file, std::to_string(limit.count));
    if (error != 0) {
      last_error = "cannot write " + limit_file + ": " + std::strerror(error);
      rmdir(folder.c_str());
      continue;
    }
    // Both may be missing; then there is no swap accounting.
    WriteFile(folder + "/memory.swap.max", "0");
    WriteFile(folder + "/memory.memsw.limit_in_bytes", std::to_string(limit.count));
    MemoryCgroup made;
    made.folder_ = folder;
    made.cgroup_.version = own.version;
    std::strncpy(made.cgroup_.folder, folder.c_str(), sizeof(made.cgroup_.folder) - 1);
    return made;
  }
  return Error{last_error, "a memory cgroup can be made by root only"};
}

MemoryCgroup::MemoryCgroup(MemoryCgroup&& other) noexcept
    : cgroup_(other.cgroup_), folder_(std::exchange(other.folder_, {})) {}

MemoryCgroup::~MemoryCgroup() {
  if (folder_.empty()) return;
  for (int i = 0; i < 500 && rmdir(folder_.c_str()) != 0 && errno == EBUSY; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

Status MemoryCgroup::AddPid(pid_t pid) const {
  const std::string file = folder_ + "/cgroup.procs";
  const int error = WriteFile(file, std::to_string(pid));
  if (error == 0) return std::nullopt;
  return Error{"cannot write " + file + ": " + std::strerror(error), ""};
}

std::uint64_t MemoryCgroup::OomKills() const {
  return container::ReadCgroupMemory(cgroup_).oom_kill.value_or(0);
}

std::uint64_t MemoryCgroup::Charge() const { return container::ReadCharge(cgroup_).value_or(0); }

}  // namespace wrackline::test
