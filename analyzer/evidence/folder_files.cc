#include "analyzer/evidence/folder_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <string_view>
#include <system_error>

#include "lib/units/bytes.h"

namespace wrackline::evidence {
namespace {

namespace fs = std::filesystem;

Time ModifiedAt(const struct stat& facts) {
  return Time{std::chrono::seconds(facts.st_mtim.tv_sec) +
              std::chrono::nanoseconds(facts.st_mtim.tv_nsec)};
}

FolderFile Describe(const std::string& path, std::string name, const struct stat& facts) {
  FolderFile file;
  file.path = path;
  file.name = std::move(name);
  file.size = static_cast<std::uint64_t>(facts.st_size);
  file.modified = ModifiedAt(facts);
  if (file.size > kMostFileBytes)
    file.refused = "larger than " + FormatBytes(Bytes{static_cast<std::int64_t>(kMostFileBytes)}) +
                   ": keep its end, with tail -c 200M";
  return file;
}

class Walker {
 public:
  void Walk(const std::string& folder, const std::string& name, int depth) {
    std::error_code error;
    std::vector<fs::path> entries;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
      if (++seen_ > kMostFiles) break;
      entries.push_back(it->path());
    }
    if (error) listing_.remarks.push_back("cannot read " + Shown(name) + ": " + error.message());
    std::sort(entries.begin(), entries.end());
    for (const fs::path& entry : entries) Take(entry, name, depth);
  }

  FolderListing Finish() {
    if (links_ > 0)
      listing_.remarks.push_back(std::to_string(links_) + (links_ == 1 ? " link" : " links") +
                                 " not followed");
    if (seen_ > kMostFiles)
      listing_.remarks.push_back("more than " + std::to_string(kMostFiles) +
                                 " files: the others were not looked at");
    return std::move(listing_);
  }

 private:
  static std::string Shown(const std::string& name) { return name.empty() ? "the folder" : name; }

  void Take(const fs::path& entry, const std::string& folder, int depth) {
    struct stat facts {};
    const std::string path = entry.string();
    const std::string base = entry.filename().string();
    const std::string name = folder.empty() ? base : folder + "/" + base;
    if (lstat(path.c_str(), &facts) != 0) {
      listing_.remarks.push_back("cannot read " + name + ": " + std::strerror(errno));
    } else if (S_ISLNK(facts.st_mode)) {
      ++links_;
    } else if (S_ISDIR(facts.st_mode)) {
      if (depth + 1 < kMostFolders)
        Walk(path, name, depth + 1);
      else
        listing_.remarks.push_back(name + " lies too deep and was not looked at");
    } else if (S_ISREG(facts.st_mode)) {
      listing_.files.push_back(Describe(path, name, facts));
    }
  }

  FolderListing listing_;
  std::size_t seen_ = 0, links_ = 0;
};

// Names of the kernel's cgroup files, as its folders and `wrackline collect` have them.
bool IsCgroupName(std::string_view base) {
  for (const std::string_view prefix :
       {"memory.", "cgroup.", "cpu.", "io.", "pids.", "proc.pressure.", "cpuset."}) {
    if (base.substr(0, prefix.size()) == prefix) return true;
  }
  return false;
}

std::string_view BaseOf(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  return slash == std::string_view::npos ? name : name.substr(slash + 1);
}

std::string FolderOf(const std::string& name) {
  const std::size_t slash = name.rfind('/');
  return slash == std::string::npos ? std::string() : name.substr(0, slash);
}

// A cgroup's files become one.
void JoinCgroups(std::vector<FolderFile>* files) {
  std::map<std::string, std::vector<std::size_t>> by_folder;
  for (std::size_t i = 0; i < files->size(); ++i) {
    if (IsCgroupName(BaseOf((*files)[i].name)) && (*files)[i].size <= std::uint64_t{1} << 20)
      by_folder[FolderOf((*files)[i].name)].push_back(i);
  }
  std::vector<FolderFile> joined;
  std::vector<bool> gone(files->size());
  for (const auto& [folder, members] : by_folder) {
    const bool memory = std::any_of(members.begin(), members.end(), [&](std::size_t i) {
      const std::string_view base = BaseOf((*files)[i].name);
      return base == "memory.stat" || base == "memory.current" || base == "memory.usage_in_bytes";
    });
    if (!memory) continue;
    FolderFile whole;
    whole.name = folder.empty() ? "memory.*" : folder;
    whole.path = fs::path((*files)[members.front()].path).parent_path().string();
    for (const std::size_t i : members) {
      gone[i] = true;
      whole.size += (*files)[i].size;
      whole.modified = std::max(whole.modified, (*files)[i].modified);
      whole.parts.push_back(std::move((*files)[i]));
    }
    joined.push_back(std::move(whole));
  }
  std::vector<FolderFile> kept;
  for (std::size_t i = 0; i < files->size(); ++i) {
    if (!gone[i]) kept.push_back(std::move((*files)[i]));
  }
  for (FolderFile& whole : joined) kept.push_back(std::move(whole));
  std::sort(kept.begin(), kept.end(),
            [](const FolderFile& a, const FolderFile& b) { return a.name < b.name; });
  *files = std::move(kept);
}

Result<std::string> LoadOne(const FolderFile& file) {
  if (!file.refused.empty()) return Error{file.name + ": " + file.refused, ""};
  const int descriptor = open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0)
    return Error{"cannot read " + file.name + ": " + std::strerror(errno), "check its permissions"};
  std::string text;
  struct stat facts {};
  // Another file may have taken its place since.
  const bool regular = fstat(descriptor, &facts) == 0 && S_ISREG(facts.st_mode);
  text.reserve(std::min<std::uint64_t>(
      static_cast<std::uint64_t>(std::max<off_t>(0, facts.st_size)), kMostFileBytes));
  char buffer[65536];
  ssize_t count = regular ? 1 : 0;
  while (count > 0 && text.size() <= kMostFileBytes) {
    do {
      count = read(descriptor, buffer, sizeof buffer);
    } while (count < 0 && errno == EINTR);
    if (count > 0) text.append(buffer, static_cast<std::size_t>(count));
  }
  const int failed = count < 0 ? errno : 0;
  close(descriptor);
  if (!regular) return Error{file.name + " is no regular file", ""};
  if (failed != 0) return Error{"cannot read " + file.name + ": " + std::strerror(failed), ""};
  if (text.size() > kMostFileBytes) return Error{file.name + " is larger than 256 MiB", ""};
  return text;
}

constexpr std::pair<std::string_view, int> kMoments[] = {
    {"before", 0}, {"start", 0}, {"begin", 0}, {"mid", 1},
    {"middle", 1}, {"last", 2},  {"end", 2},   {"after", 3},
};

bool IsWordCharacter(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// Calls `visit` with each word of lower case letters and digits: its place and length.
template <typename Visit>
void Words(std::string_view name, const Visit& visit) {
  for (std::size_t at = 0; at < name.size(); ++at) {
    std::size_t length = 0;
    while (at + length < name.size() && IsWordCharacter(name[at + length])) ++length;
    if (length > 0) visit(at, length);
    at += length;
  }
}

// 0 before, 1 in the middle, 2 at the end, 3 after it; nothing when the name does not say.
std::optional<int> RankOf(std::string_view name) {
  std::optional<int> rank;
  Words(name, [&](std::size_t at, std::size_t length) {
    for (const auto& [word, value] : kMoments) {
      if (name.substr(at, length) == word) rank = value;
    }
  });
  return rank;
}

// "t1", "t25".
bool IsTick(std::string_view word) {
  return word.size() > 1 && word.front() == 't' &&
         std::all_of(word.begin() + 1, word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Of a file that may be anybody's: never more than kMostFileBytes, however small it is packed.
Result<std::string> Gunzip(const std::string& name, std::string_view bytes) {
  z_stream stream{};
  constexpr int kGzipOnly = 15 + 16;  // the largest window, and gzip's header
  if (inflateInit2(&stream, kGzipOnly) != Z_OK) return Error{"no memory to unpack " + name, ""};
  // zlib reads it only.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string text;
  char buffer[65536];
  int result = Z_OK;
  while (result == Z_OK && text.size() <= kMostFileBytes) {
    stream.next_out = reinterpret_cast<Bytef*>(buffer);
    stream.avail_out = sizeof buffer;
    result = inflate(&stream, Z_NO_FLUSH);
    text.append(buffer, sizeof buffer - stream.avail_out);
    // Logs are rotated by appending: several gzip members are one file.
    if (result == Z_STREAM_END && stream.avail_in > 0) result = inflateReset(&stream);
  }
  inflateEnd(&stream);
  if (text.size() > kMostFileBytes) return Error{name + " is larger than 256 MiB unpacked", ""};
  if (result != Z_STREAM_END)
    return Error{name + " is cut off or no gzip file", "copy it again, or unpack what there is"};
  return text;
}

}  // namespace

Result<FolderListing> ListFolder(const std::string& path) {
  struct stat facts {};
  if (stat(path.c_str(), &facts) != 0)
    return Error{"cannot read " + path + ": " + std::strerror(errno),
                 "check the path and its permissions"};
  if (S_ISREG(facts.st_mode)) {
    FolderListing one;
    one.single = true;
    one.files.push_back(Describe(path, std::string(BaseOf(path)), facts));
    return one;
  }
  if (!S_ISDIR(facts.st_mode)) return Error{path + " is neither a file nor a folder", ""};
  std::error_code error;
  const fs::directory_iterator readable(path, error);
  if (error)
    return Error{"cannot read the folder " + path + ": " + error.message(),
                 "check the path and its permissions"};
  Walker walker;
  walker.Walk(path, "", 0);
  FolderListing listing = walker.Finish();
  JoinCgroups(&listing.files);
  return listing;
}

bool IsGzip(std::string_view bytes) { return bytes.substr(0, 3) == "\x1f\x8b\x08"; }

Result<std::string> LoadFile(const FolderFile& file) {
  if (file.parts.empty()) {
    Result<std::string> bytes = LoadOne(file);
    return file.gzip && bytes.ok() ? Gunzip(file.name, bytes.value()) : bytes;
  }
  std::string text;
  for (const FolderFile& part : file.parts) {
    const Result<std::string> one = LoadOne(part);
    if (!one.ok()) continue;  // of a cgroup that is gone, or that a container may not read
    text += "== ";
    text += BaseOf(part.name);
    text += '\n';
    text += one.value();
    if (!text.empty() && text.back() != '\n') text += '\n';
  }
  return text;
}

std::string HowToUnpack(std::string_view name) {
  constexpr std::pair<std::string_view, const char*> kKnown[] = {
      {".tar.zst", "an archive: unpack it with tar --zstd -xf"},
      {".tgz", "an archive: unpack it with tar xf"},
      {".tar.gz", "an archive: unpack it with tar xf"},
      {".tar", "an archive: unpack it with tar xf"},
      {".zip", "an archive: unpack it with unzip"},
      {".zst", "compressed: unpack it with unzstd"},
      {".xz", "compressed: unpack it with unxz"},
      {".bz2", "compressed: unpack it with bunzip2"},
  };
  for (const auto& [ending, advice] : kKnown) {
    if (name.size() > ending.size() && name.substr(name.size() - ending.size()) == ending)
      return advice;
  }
  return {};
}

std::string WithoutMoment(std::string_view name) {
  std::string rest;
  std::size_t copied = 0;
  Words(name, [&](std::size_t at, std::size_t length) {
    const std::string_view word = name.substr(at, length);
    const bool moment =
        IsTick(word) || std::any_of(std::begin(kMoments), std::end(kMoments),
                                    [&](const auto& known) { return known.first == word; });
    if (!moment) return;
    rest += name.substr(copied, at - copied);
    copied = at + length;
  });
  rest += name.substr(copied);
  return rest;
}

bool OrderByNames(std::vector<FolderFile>* files) {
  // Far enough apart that figures of two moments are not taken for one (kSameSnapshot).
  constexpr Duration kApart = std::chrono::minutes(2);
  bool changed = false;
  std::optional<Time> newest;
  for (int rank = 0; rank <= 3; ++rank) {
    std::vector<FolderFile*> here;
    for (FolderFile& file : *files) {
      if (RankOf(file.name) == rank) here.push_back(&file);
    }
    if (here.empty()) continue;
    const auto [oldest, youngest] = std::minmax_element(
        here.begin(), here.end(),
        [](const FolderFile* a, const FolderFile* b) { return a->modified < b->modified; });
    const Time last = (*youngest)->modified;
    if (newest && (*oldest)->modified <= *newest) {
      const Duration later = *newest + kApart - (*oldest)->modified;
      for (FolderFile* file : here) file->modified += later;
      newest = last + later;
      changed = true;
    } else {
      newest = std::max(newest.value_or(last), last);
    }
  }
  return changed;
}

}  // namespace wrackline::evidence
