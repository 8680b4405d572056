#include "analyzer/collect/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <set>
#include <system_error>
#include <utility>

#include "analyzer/collect/output.h"

namespace wrackline::collect {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostFiles = 8192;
constexpr std::size_t kMostBytes = std::size_t{2} << 30;  // together, unpacked
constexpr std::size_t kMostFileBytes = std::size_t{256} << 20;
// With what is passed over, a heap dump say, which has to be decompressed as well.
constexpr std::uint64_t kMostDeclared = std::uint64_t{32} << 30;
constexpr std::size_t kMostEntries = 8 * kMostFiles;
constexpr std::size_t kMostRemarks = 20;

using Reader = std::unique_ptr<archive, decltype(&archive_read_free)>;

std::string Why(archive* reader) {
  const char* why = archive_error_string(reader);
  return why == nullptr ? "unknown failure" : why;
}

// The entry's bytes; false when there are more than `most`, or they cannot be read.
bool ReadEntry(archive* reader, std::size_t most, std::string* bytes) {
  constexpr std::size_t kStep = std::size_t{256} * 1024;
  for (;;) {
    const std::size_t before = bytes->size();
    bytes->resize(before + kStep);
    const la_ssize_t count = archive_read_data(reader, bytes->data() + before, kStep);
    bytes->resize(before + static_cast<std::size_t>(std::max<la_ssize_t>(count, 0)));
    if (count == 0) return true;
    if (count < 0 || bytes->size() > most) return false;
  }
}

}  // namespace

bool IsArchive(std::string_view path) {
  for (const std::string_view end : {".tar.zst", ".tar.gz", ".tgz", ".tar.xz", ".tar"})
    if (path.size() > end.size() && path.substr(path.size() - end.size()) == end) return true;
  return false;
}

Result<UnpackedArchive> UnpackedArchive::Open(const std::string& path) {
  const Reader reader(archive_read_new(), &archive_read_free);
  archive_read_support_format_tar(reader.get());
  archive_read_support_filter_zstd(reader.get());
  archive_read_support_filter_gzip(reader.get());
  archive_read_support_filter_xz(reader.get());
  constexpr std::size_t kBlock = std::size_t{64} * 1024;
  if (archive_read_open_filename(reader.get(), path.c_str(), kBlock) != ARCHIVE_OK)
    return Error{"cannot read " + path + " as an archive: " + Why(reader.get()), ""};

  std::error_code error;
  std::string folder = (fs::temp_directory_path(error) / "wrackline-XXXXXX").string();
  if (error || mkdtemp(folder.data()) == nullptr)
    return Error{std::string("cannot make a folder to unpack into: ") + std::strerror(errno),
                 "set TMPDIR to a folder with room"};
  UnpackedArchive unpacked(folder);
  Result<std::unique_ptr<Output>> output = Output::Open(folder);
  if (!output.ok()) return output.error();

  const auto remark = [&unpacked](const std::string& name, const std::string& why) {
    if (unpacked.remarks_.size() < kMostRemarks)
      unpacked.remarks_.push_back("left out of the archive: " + name.substr(0, 200) + ": " + why);
  };
  std::size_t files = 0, entries = 0, total = 0;
  std::uint64_t declared = 0;
  std::set<std::string> names;
  archive_entry* entry = nullptr;
  int status = ARCHIVE_OK;
  while ((status = archive_read_next_header(reader.get(), &entry)) == ARCHIVE_OK ||
         status == ARCHIVE_WARN) {
    const std::int64_t size = std::max<std::int64_t>(archive_entry_size(entry), 0);
    if (static_cast<std::uint64_t>(size) > kMostDeclared - declared || ++entries > kMostEntries)
      return Error{path + " holds more than 32 GiB or 65,536 entries",
                   "unpack it and give the folder"};
    declared += static_cast<std::uint64_t>(size);
    const char* raw = archive_entry_pathname(entry);
    const std::string name = raw == nullptr ? std::string() : SafeName(raw);
    if (archive_entry_filetype(entry) == AE_IFDIR) continue;
    if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != nullptr) {
      remark(name, "no regular file");
      continue;
    }
    if (name.empty() || !names.insert(name).second) {
      remark(name, "a name that came before");
      continue;
    }
    if (++files > kMostFiles)
      return Error{path + " holds more than 8,192 files", "unpack it and give the folder"};
    std::string bytes;
    if (!ReadEntry(reader.get(), kMostFileBytes, &bytes)) {
      remark(name, bytes.size() > kMostFileBytes ? "larger than 256 MiB" : Why(reader.get()));
      total += bytes.size();
    } else {
      total += bytes.size();
      // A file that stands where a folder is wanted, or the other way round.
      if (const Status failed = output.value()->Add(name, bytes, archive_entry_mtime(entry)))
        remark(name, failed->message);
    }
    if (total > kMostBytes)
      return Error{path + " is larger than 2 GiB when unpacked", "unpack it and give the folder"};
  }
  if (status != ARCHIVE_EOF) {
    if (files == 0)
      return Error{"cannot read " + path + " as an archive: " + Why(reader.get()), ""};
    remark(path, "it is cut off or damaged: " + Why(reader.get()));
  }
  if (const Status failed = output.value()->Finish()) return *failed;
  return unpacked;
}

UnpackedArchive::UnpackedArchive(UnpackedArchive&& other) noexcept
    : folder_(std::exchange(other.folder_, {})), remarks_(std::move(other.remarks_)) {}

UnpackedArchive::~UnpackedArchive() {
  std::error_code ignored;
  if (!folder_.empty()) fs::remove_all(folder_, ignored);
}

}  // namespace wrackline::collect
