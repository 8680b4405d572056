// FindMemoryCgroup and FindCpuCgroup: from /proc/PID/cgroup and the mount table to a folder.
#include "lib/container/cgroup.h"
#include "lib/container/cpu.h"
#include "lib/container/scan.h"

namespace wrackline::container {
namespace {

using scan::Span;

// What tells that a controller is there: its name in v1's lists, and a file that each cgroup with
// it has.
struct Controller {
  const char* name;
  const char* file_v1;
  const char* file_v2;
};
constexpr Controller kMemory = {"memory", "memory.usage_in_bytes", "memory.current"};
constexpr Controller kCpu = {"cpu", "cpu.cfs_quota_us", "cpu.max"};

// mountinfo writes blank, tab, newline and backslash as \040 and so on.
template <std::size_t kSize>
bool AddUnescaped(Span text, scan::FixedText<kSize>* out) {
  const auto octal = [&](std::size_t at) {
    return at < text.size && text.data[at] >= '0' && text.data[at] <= '7';
  };
  for (std::size_t i = 0; i < text.size; ++i) {
    char c = text.data[i];
    if (c == '\\' && octal(i + 1) && octal(i + 2) && octal(i + 3) && text.data[i + 1] <= '3') {
      c = static_cast<char>((text.data[i + 1] - '0') * 64 + (text.data[i + 2] - '0') * 8 +
                            (text.data[i + 3] - '0'));
      i += 3;
    }
    if (c == '\0') return false;
    out->Add(Span{&c, 1});
  }
  return out->ok;
}

bool HasItem(Span list, const char* item) {
  while (list.size > 0) {
    if (scan::TakeUntil(&list, ',').Is(item)) return true;
  }
  return false;
}

// True when one of the path's parts is "..": the process left the cgroup namespace it is seen from.
bool LeavesNamespace(Span path) {
  while (path.size > 0) {
    if (scan::TakeUntil(&path, '/').Is("..")) return true;
  }
  return false;
}

using CgroupPath = scan::FixedText<sizeof(Cgroup::path)>;

// The process's path in the v1 hierarchy that has the controller, else the one in v2. 0 when
// there is neither.
[[gnu::noinline]] int FindPath(const Controller& controller, const char* proc_cgroup,
                               CgroupPath* path) {
  int version = 0;
  scan::LineReader lines(proc_cgroup);
  Span line;
  while (lines.Next(&line)) {  // "4:memory:/path" or "0::/path"
    const Span hierarchy = scan::TakeUntil(&line, ':');
    const Span controllers = scan::TakeUntil(&line, ':');
    const bool v1 = HasItem(controllers, controller.name);
    if (!v1 && (version != 0 || !hierarchy.Is("0") || controllers.size != 0)) continue;
    path->Clear();
    path->Add(line);
    version = v1 ? 1 : 2;
    if (v1) break;
  }
  // A live process has an absolute path; one that does not fit would name another cgroup when cut.
  return path->ok && path->AsSpan().StartsWith("/") ? version : 0;
}

// What a line of mountinfo says when it mounts the hierarchy looked for.
struct CgroupMount {
  Span root;   // which of its cgroups is mounted, escaped
  Span point;  // where, escaped
};

// "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:1 - cgroup cgroup rw,memory"
bool ParseCgroupMount(const Controller& controller, Span line, int version, CgroupMount* out) {
  for (int i = 0; i < 3; ++i) scan::TakeWord(&line);
  out->root = scan::TakeWord(&line);
  out->point = scan::TakeWord(&line);
  Span word = scan::TakeWord(&line);
  while (word.size > 0 && !word.Is("-")) word = scan::TakeWord(&line);
  const Span type = scan::TakeWord(&line);
  scan::TakeWord(&line);  // the source
  if (version == 2) return type.Is("cgroup2");
  return type.Is("cgroup") && HasItem(scan::TakeWord(&line), controller.name);
}

using FolderPath = scan::FixedText<sizeof(Cgroup::folder)>;

bool HasFile(const FolderPath& folder, const char* name) {
  const int descriptor = scan::OpenFolder(folder.text);
  if (descriptor < 0) return false;
  const bool has = faccessat(descriptor, name, F_OK, 0) == 0;
  close(descriptor);
  return has;
}

// Whether the controller counts `folder` by itself. On v2 it may not reach down to a process's
// cgroup: the kernel then charges the nearest ancestor that has it, so that one becomes the folder;
// the first `highest` characters are kept.
bool SettleFolder(const Controller& controller, int version, std::size_t highest,
                  FolderPath* folder) {
  if (version == 1) {
    // Only the root of a whole hierarchy has cgroup.sane_behavior. Its figures are the machine's:
    // no container, no limit.
    return HasFile(*folder, controller.file_v1) && !HasFile(*folder, "cgroup.sane_behavior");
  }
  for (;;) {
    if (HasFile(*folder, controller.file_v2)) return true;
    if (folder->length <= highest) return false;
    while (folder->length > highest && folder->text[folder->length - 1] != '/') {
      --folder->length;
    }
    if (folder->length > highest) --folder->length;  // the slash itself
    folder->text[folder->length] = '\0';
  }
}

enum class Place {
  kExact,      // the mount shows the process's own path
  kPathBelow,  // the whole path below the mount point
  kMount,      // the mount point: a container's own cgroup. For "self" only, it is nobody else's
};

// Puts the folder for `path` together and tells whether it is there.
bool TryPlace(const Controller& controller, const char* root, const CgroupMount& mount, Span path,
              int version, Place place, FolderPath* folder) {
  CgroupPath mount_root;
  folder->Clear();
  folder->Add(root);
  if (!AddUnescaped(mount.root, &mount_root) || !AddUnescaped(mount.point, folder)) return false;
  const std::size_t mount_length = folder->length;
  if (place == Place::kExact) {
    const bool whole = mount_root.AsSpan().Is("/");
    if (!whole) {
      if (!path.StartsWith(mount_root.text)) return false;
      path.Skip(mount_root.length);
      if (path.size > 0 && *path.data != '/')
        return false;  // "/docker/ab" is not below "/docker/a"
    }
  }
  if (place == Place::kMount) path = {};
  if (LeavesNamespace(path)) return false;
  if (!path.Is("/")) folder->Add(path);
  // A path that the mount does not show is there as a whole or not at all: its ancestors would be a
  // guess.
  const std::size_t highest = place == Place::kPathBelow ? folder->length : mount_length;
  return folder->ok && SettleFolder(controller, version, highest, folder);
}

[[gnu::noinline]] bool FindFolder(const Controller& controller, const char* root,
                                  const char* proc_mountinfo, Span path, int version, bool is_self,
                                  FolderPath* folder) {
  for (const Place place : {Place::kExact, Place::kPathBelow, Place::kMount}) {
    if (place == Place::kMount && !is_self) break;
    scan::LineReader lines(proc_mountinfo);
    Span line;
    CgroupMount mount;
    while (lines.Next(&line)) {
      if (ParseCgroupMount(controller, line, version, &mount) &&
          TryPlace(controller, root, mount, path, version, place, folder)) {
        return true;
      }
    }
  }
  return false;
}

bool IsContainerId(Span text) {
  if (text.size != 64) return false;
  for (std::size_t i = 0; i < text.size; ++i) {
    const char c = text.data[i];
    if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f')) return false;
  }
  return true;
}

// The innermost part of the path that is 64 hex digits, bare (/docker/ID,
// /kubepods/burstable/podUID/ID) or as systemd names it (docker-ID.scope, cri-containerd-ID.scope,
// crio-ID.scope, libpod-ID.scope).
Span ContainerId(Span path) {
  Span found;
  while (path.size > 0) {
    Span part = scan::TakeUntil(&path, '/');
    if (part.EndsWith(".scope")) part.size -= std::strlen(".scope");
    if (part.size > 64 && part.data[part.size - 65] == '-') part.Skip(part.size - 64);
    if (IsContainerId(part)) found = part;
  }
  return found;
}

// No path tricks: the callers pass "self" or digits.
bool IsPid(const char* pid) {
  Span text{pid, std::strlen(pid)};
  if (text.Is("self")) return true;
  return text.size < 20 && scan::TakeDecimal(&text) && text.size == 0;
}

using ProcPath = scan::FixedText<1024>;
ProcPath PathInProc(const char* root, const char* pid, const char* name) {
  ProcPath path;
  path.Add(root);
  path.Add("/proc/");
  path.Add(pid);
  path.Add(name);
  return path;
}

bool FindCgroup(const Controller& controller, const char* root, const char* pid, Cgroup* out) {
  *out = {};
  if (!IsPid(pid)) return false;
  CgroupPath path;
  const ProcPath proc_cgroup = PathInProc(root, pid, "/cgroup");
  const int version = proc_cgroup.ok ? FindPath(controller, proc_cgroup.text, &path) : 0;
  // A zombie's cgroup may be gone; the fallbacks would find somebody else's.
  if (version == 0 || path.AsSpan().EndsWith(" (deleted)")) return false;

  // Not PID's: its mounts may be those of another mount namespace, and the paths opened here are
  // ours.
  const ProcPath proc_mountinfo = PathInProc(root, "self", "/mountinfo");
  FolderPath folder;
  if (!proc_mountinfo.ok || !FindFolder(controller, root, proc_mountinfo.text, path.AsSpan(),
                                        version, std::strcmp(pid, "self") == 0, &folder)) {
    return false;
  }
  out->version = version;
  std::memcpy(out->path, path.text, path.length + 1);
  std::memcpy(out->folder, folder.text, folder.length + 1);
  const Span id = ContainerId(path.AsSpan());
  if (id.size > 0) std::memcpy(out->container_id, id.data, id.size);  // the rest is zero already
  return true;
}

}  // namespace

bool FindMemoryCgroup(const char* root, const char* pid, Cgroup* out) {
  return FindCgroup(kMemory, root, pid, out);
}

bool FindCpuCgroup(const char* root, const char* pid, Cgroup* out) {
  return FindCgroup(kCpu, root, pid, out);
}

}  // namespace wrackline::container
