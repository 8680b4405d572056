#include "analyzer/collect/output.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

namespace wrackline::collect {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".tar.zst";

Error WriteError(const std::string& path, const std::string& why) {
  return Error{"cannot write " + path + ": " + why,
               "choose another place with -o, with room and rights"};
}

class Folder : public Output {
 public:
  Folder(std::string path, bool made) : path_(std::move(path)), made_(made) {}
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  // One that was not finished has no manifest, and takes room that the next may need.
  ~Folder() override {
    if (finished_) return;
    std::error_code error;
    for (const std::string& file : written_) {
      fs::remove(file, error);
      for (fs::path folder = fs::path(file).parent_path(); folder.string().size() > path_.size();
           folder = folder.parent_path())
        fs::remove(folder, error);  // not while it has something in it
    }
    if (made_) fs::remove(path_, error);
  }
  Status Finish() override {
    finished_ = true;
    return std::nullopt;
  }

 protected:
  Status Write(const std::string& name, std::string_view bytes, std::time_t modified) override {
    const std::string path = path_ + "/" + name;
    std::error_code error;
    fs::create_directories(fs::path(path).parent_path(), error);
    if (error) return WriteError(path, error.message());
    const int file = open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) return WriteError(path, std::strerror(errno));
    written_.push_back(path);
    while (!bytes.empty()) {
      const ssize_t written = write(file, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) {
        const Error failed = WriteError(path, std::strerror(errno));
        close(file);
        return failed;
      }
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    const std::array<timespec, 2> times = {timespec{modified, 0}, timespec{modified, 0}};
    futimens(file, times.data());
    close(file);
    return std::nullopt;
  }

 private:
  std::string path_;
  std::vector<std::string> written_;
  bool made_;
  bool finished_ = false;
};

class Archive : public Output {
 public:
  Archive(std::string path, archive* writer, int file)
      : path_(std::move(path)), temporary_(path_ + ".part"), writer_(writer), file_(file) {
    const std::string base = fs::path(path_).filename().string();
    top_ = SafeName(base.substr(0, base.size() - kSuffix.size()));
    if (top_.empty()) top_ = "wrackline";
  }
  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;
  ~Archive() override {
    archive_write_free(writer_);
    close(file_);
    if (!finished_) unlink(temporary_.c_str());
  }

  Status Finish() override {
    if (archive_write_close(writer_) != ARCHIVE_OK) return Failed();
    if (std::rename(temporary_.c_str(), path_.c_str()) != 0)
      return WriteError(path_, std::strerror(errno));
    finished_ = true;
    return std::nullopt;
  }

 protected:
  Status Write(const std::string& name, std::string_view bytes, std::time_t modified) override {
    const std::unique_ptr<archive_entry, decltype(&archive_entry_free)> entry(archive_entry_new(),
                                                                              &archive_entry_free);
    archive_entry_set_pathname(entry.get(), (top_ + "/" + name).c_str());
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(bytes.size()));
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), 0600);
    archive_entry_set_mtime(entry.get(), modified, 0);
    if (archive_write_header(writer_, entry.get()) != ARCHIVE_OK) return Failed();
    while (!bytes.empty()) {
      const la_ssize_t written = archive_write_data(writer_, bytes.data(), bytes.size());
      if (written <= 0) return Failed();
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return std::nullopt;
  }

 private:
  Error Failed() const {
    const char* why = archive_error_string(writer_);
    return WriteError(path_, why == nullptr ? "unknown failure" : why);
  }

  std::string path_, temporary_, top_;
  archive* writer_;
  int file_;
  bool finished_ = false;
};

}  // namespace

bool IsArchiveName(std::string_view path) {
  return path.size() > kSuffix.size() && path.substr(path.size() - kSuffix.size()) == kSuffix;
}

std::string SafeName(std::string_view name) {
  constexpr std::string_view kSafe =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+@=,:~";
  std::string safe;
  while (!name.empty()) {
    const std::size_t end = name.find('/');
    std::string part(name.substr(0, std::min<std::size_t>(end, 200)));
    name = end == std::string_view::npos ? std::string_view() : name.substr(end + 1);
    for (char& c : part)
      if (kSafe.find(c) == std::string_view::npos) c = '_';
    if (part.empty() || part == ".") continue;
    if (part == "..") part = "__";
    safe += (safe.empty() ? "" : "/") + part;
  }
  return safe;
}

Result<std::unique_ptr<Output>> Output::Open(const std::string& path) {
  std::error_code error;
  if (!IsArchiveName(path)) {
    const bool made = fs::create_directories(path, error);
    if (!error && !fs::is_empty(path, error) && !error)
      return Error{"the folder " + path + " is not empty", "choose another with -o"};
    if (error) return WriteError(path, error.message());
    chmod(path.c_str(), 0700);
    return std::unique_ptr<Output>(std::make_unique<Folder>(path, made));
  }
  if (fs::path(path).has_parent_path()) fs::create_directories(fs::path(path).parent_path(), error);
  archive* writer = archive_write_new();
  if (writer == nullptr) return WriteError(path, "out of memory");
  archive_write_set_format_pax_restricted(writer);
  const std::string temporary = path + ".part";
  // Made here: libarchive makes one as the umask says. Made anew: somebody else's must not be what is written to.
  unlink(temporary.c_str());
  const int file =
      open(temporary.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600);
  const int failed = errno;
  if (file < 0 || archive_write_add_filter_zstd(writer) != ARCHIVE_OK ||
      archive_write_open_fd(writer, file) != ARCHIVE_OK) {
    const char* why = file < 0 ? std::strerror(failed) : archive_error_string(writer);
    const Error refused = WriteError(path, why == nullptr ? "unknown failure" : why);
    archive_write_free(writer);
    if (file >= 0) close(file);
    return refused;
  }
  return std::unique_ptr<Output>(std::make_unique<Archive>(path, writer, file));
}

Status Output::Add(const std::string& name, std::string_view bytes, std::time_t modified) {
  return Write(SafeName(name), bytes, modified);
}

}  // namespace wrackline::collect
