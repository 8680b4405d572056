#include "analyzer/cli/child_cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

namespace wrackline::cli {
namespace {

// 0 or an errno value. Kernel files take a value in one write.
int WriteFile(const std::string& path, std::string_view value) {
  const int descriptor = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (descriptor < 0) return errno;
  const ssize_t written = write(descriptor, value.data(), value.size());
  const int error = written == static_cast<ssize_t>(value.size()) ? 0 : (written < 0 ? errno : EIO);
  close(descriptor);
  return error;
}

bool Exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

std::string Why(int error) { return std::strerror(error); }

Error NotRoot(const std::string& folder, int error) {
  return Error{"cannot make a memory cgroup in " + folder + ": " + Why(error),
               "--limit needs root and a writable cgroup tree; without it use --assume-limit with "
               "--stopped-status, or run the "
               "command in a limited container"};
}

// On v2 the root cgroup has no memory.current, so FindMemoryCgroup does not take it; children can
// be made in it all the same.
bool AtV2Root(const std::string& root, std::string* folder) {
  for (const char* mount : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
    const std::string path = root + mount;
    char controllers[512] = {};
    const int descriptor = open((path + "/cgroup.controllers").c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) continue;
    const ssize_t length = read(descriptor, controllers, sizeof controllers - 1);
    close(descriptor);
    if (length > 0 && std::strstr(controllers, "memory") != nullptr) {
      *folder = path;
      return true;
    }
  }
  return false;
}

std::string Parent(const std::string& folder) { return folder.substr(0, folder.rfind('/')); }

// Makes `folder`/wrackline-PID. 0 or an errno value.
int MakeFolder(const std::string& folder, std::string* made) {
  *made = folder + "/wrackline-" + std::to_string(getpid());
  return mkdir(made->c_str(), 0755) == 0 ? 0 : errno;
}

int SetLimitV1(const std::string& made, const std::string& bytes) {
  if (const int error = WriteFile(made + "/memory.limit_in_bytes", bytes); error != 0) return error;
  // Swap would let the child grow past the limit, which a pod cannot; kernels without swap
  // accounting lack the file.
  WriteFile(made + "/memory.memsw.limit_in_bytes", bytes);
  return 0;
}

int SetLimitV2(const std::string& made, const std::string& bytes) {
  if (const int error = WriteFile(made + "/memory.max", bytes); error != 0) return error;
  WriteFile(made + "/memory.swap.max", "0");
  return 0;
}

// A v2 cgroup below `folder` with a memory controller. 0 or an errno value; then nothing is left
// behind.
int MakeV2(const std::string& folder, std::string* made) {
  if (const int error = MakeFolder(folder, made); error != 0) return error;
  if (Exists(*made + "/memory.max")) return 0;
  int error = WriteFile(folder + "/cgroup.subtree_control", "+memory");
  if (error == 0 && !Exists(*made + "/memory.max")) error = ENOENT;
  if (error != 0) rmdir(made->c_str());
  return error;
}

}  // namespace

ChildCgroup::ChildCgroup(container::Cgroup cgroup, std::string processes)
    : cgroup_(cgroup), processes_(std::move(processes)) {}

ChildCgroup::ChildCgroup(ChildCgroup&& other) noexcept
    : cgroup_(other.cgroup_), processes_(std::exchange(other.processes_, {})) {}

ChildCgroup::~ChildCgroup() {
  if (!processes_.empty()) Remove();
}

Result<ChildCgroup> ChildCgroup::Make(Bytes limit) { return MakeUnder("", limit); }

Result<ChildCgroup> ChildCgroup::MakeUnder(const std::string& root, Bytes limit) {
  container::Cgroup own;
  std::string folder, made;
  const bool found = container::FindMemoryCgroup(root.c_str(), "self", &own);
  if (found) {
    folder = own.folder;
  } else if (AtV2Root(root, &folder)) {
    own.version = 2;
  } else {
    return Error{"this system has no memory cgroup",
                 "--limit cannot work here; use --assume-limit with --stopped-status"};
  }
  while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
  int error = 0;
  if (own.version == 1) {
    error = MakeFolder(folder, &made);
  } else {
    error = MakeV2(folder, &made);
    // EBUSY: the cgroup holds processes, this one for a start. ENOENT: its parent does not hand the
    // controller on.
    if (error != 0 && found && error != EACCES && error != EPERM && error != EROFS) {
      const std::string parent = Parent(folder);
      if (!Exists(parent + "/cgroup.subtree_control"))
        return Error{"cannot give a child of " + folder + " a memory limit: " + Why(error),
                     "a cgroup that holds processes cannot limit its children (cgroup v2), and "
                     "its parent is not visible here: leave --limit out in a container, whose own "
                     "limit counts then, or start wrackline in a cgroup below this one"};
      folder = parent;
      error = MakeV2(folder, &made);
    }
  }
  if (error != 0) return NotRoot(folder, error);

  const std::string bytes = std::to_string(limit.count);
  error = own.version == 1 ? SetLimitV1(made, bytes) : SetLimitV2(made, bytes);
  if (error != 0) {
    rmdir(made.c_str());
    return Error{"the kernel refuses a limit of " + FormatBytes(limit) + ": " + Why(error),
                 "choose another --limit"};
  }
  container::Cgroup cgroup;
  cgroup.version = own.version;
  std::strncpy(cgroup.folder, made.c_str(), sizeof cgroup.folder - 1);
  const std::string name = made.substr(made.rfind('/'));
  std::string path = found ? own.path : "/";
  if (found && folder == Parent(own.folder)) path = Parent(path);
  if (path == "/") path.clear();
  std::strncpy(cgroup.path, (path + name).c_str(), sizeof cgroup.path - 1);
  return ChildCgroup(cgroup, made + "/cgroup.procs");
}

int ChildCgroup::Enter() const {
  const int descriptor = open(processes_.c_str(), O_WRONLY | O_CLOEXEC);
  if (descriptor < 0) return errno;
  // "0" is the writing process, on both versions.
  const int error = write(descriptor, "0", 1) == 1 ? 0 : errno;
  close(descriptor);
  return error;
}

bool ChildCgroup::Remove() {
  if (processes_.empty()) return true;
  constexpr int kTries = 100;
  for (int i = 0; i < kTries; ++i) {
    if (rmdir(cgroup_.folder) == 0 || errno == ENOENT) {
      processes_.clear();
      return true;
    }
    usleep(10'000);
  }
  processes_.clear();
  return false;
}

}  // namespace wrackline::cli
