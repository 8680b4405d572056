#include "lib/symbols/debug_file.h"

#include <sys/mman.h>

#include <cstring>

#include "lib/symbols/anonymous_memory.h"

namespace wrackline::symbols {
namespace {

constexpr std::size_t kMaxPath = 4096;
constexpr std::size_t kMaxBuildId = 64;
constexpr std::size_t kReadBytes = 64 << 10;

// The CRC of ISO 3309, as zlib's crc32: polynomial 0xEDB88320, reflected. gdb's manual, "Debugging
// Information in Separate Files", has it for .gnu_debuglink.
struct CrcTable {
  std::uint32_t of_byte[256];
  constexpr CrcTable() : of_byte() {
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
      std::uint32_t value = byte;
      for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ ((value & 1) != 0 ? 0xEDB88320u : 0);
      of_byte[byte] = value;
    }
  }
};
constexpr CrcTable kCrc;

// A path made of pieces; one that does not fit is empty, and opens nothing.
class Path {
 public:
  Path& Append(const char* text, std::size_t length) {
    if (length >= sizeof(text_) - used_) {
      cut_ = true;
      length = 0;
    }
    std::memcpy(text_ + used_, text, length);
    used_ += length;
    text_[used_] = '\0';
    return *this;
  }
  Path& Append(const char* text) { return Append(text, std::strlen(text)); }
  Path& AppendHex(const std::uint8_t* bytes, std::size_t count) {
    constexpr char kDigits[] = "0123456789abcdef";
    for (std::size_t i = 0; i < count; ++i) {
      const char two[2] = {kDigits[bytes[i] >> 4], kDigits[bytes[i] & 15]};
      Append(two, 2);
    }
    return *this;
  }
  const char* c_str() const { return cut_ ? "" : text_; }

 private:
  char text_[kMaxPath] = {};
  std::size_t used_ = 0;
  bool cut_ = false;
};

struct BuildId {
  std::uint8_t bytes[kMaxBuildId];
  std::size_t length;

  explicit BuildId(const ElfFile& file) : length(file.BuildId(bytes, sizeof(bytes))) {}
  bool operator==(const BuildId& other) const {
    return length == other.length && std::memcmp(bytes, other.bytes, length) == 0;
  }
};

bool HasCrc(const ElfFile& file, std::uint32_t wanted, CheckedFile* checked) {
  if (file.length() > kMaxCheckedBytes) return false;
  const ElfFile::Identity& identity = file.identity();
  const ElfFile::Identity& known = checked->identity;
  if (identity.inode == 0 || known.inode != identity.inode || known.device != identity.device ||
      known.modified_ns != identity.modified_ns || checked->length != file.length()) {
    *checked = {};
    std::uint32_t crc = 0;
    if (!FileCrc32(file, &crc)) return false;
    *checked = {identity, file.length(), crc};
  }
  return checked->crc == wanted;
}

}  // namespace

bool FileCrc32(const ElfFile& file, std::uint32_t* crc) {
  auto* const buffer = static_cast<std::uint8_t*>(MapAnonymous(kReadBytes));
  if (buffer == nullptr) return false;
  std::uint32_t value = ~0u;
  std::uint64_t at = 0;
  while (at < file.length()) {
    const std::uint64_t left = file.length() - at;
    const std::size_t count = left < kReadBytes ? left : kReadBytes;
    if (!file.ReadAt(at, buffer, count)) break;
    for (std::size_t i = 0; i < count; ++i) {
      value = kCrc.of_byte[(value ^ buffer[i]) & 0xff] ^ value >> 8;
    }
    at += count;
  }
  munmap(buffer, kReadBytes);
  *crc = ~value;
  return at == file.length();
}

bool ReadDebugLink(const ElfFile& object, char* name, std::size_t capacity, std::uint32_t* crc) {
  // A NUL-ended name, zeros up to a multiple of 4, the CRC.
  ElfFile::Section link;
  if (!object.FindSection(".gnu_debuglink", &link) || link.size < 8 || capacity == 0) return false;
  const std::size_t length = link.size < capacity ? link.size : capacity;
  if (!object.ReadAt(link.offset, name, length)) return false;
  const void* const end = std::memchr(name, '\0', length);
  if (end == nullptr) return false;
  const auto used = static_cast<std::size_t>(static_cast<const char*>(end) - name);
  const std::uint64_t place = (used + 4) & ~std::uint64_t{3};
  // A name with a folder could point anywhere.
  if (used == 0 || std::memchr(name, '/', used) != nullptr || std::strcmp(name, ".") == 0 ||
      std::strcmp(name, "..") == 0) {
    return false;
  }
  return place <= link.size && link.size - place >= sizeof(*crc) &&
         object.ReadAt(link.offset + place, crc, sizeof(*crc));
}

bool OpenDebugFile(const ElfFile& object, const char* path, const char* root, CheckedFile* checked,
                   ElfFile* out) {
  const BuildId wanted(object);
  if (wanted.length > 1) {
    Path by_id;
    by_id.Append(root).Append("/.build-id/").AppendHex(wanted.bytes, 1).Append("/");
    by_id.AppendHex(wanted.bytes + 1, wanted.length - 1).Append(".debug");
    if (out->Open(by_id.c_str()) == 0) {
      if (BuildId(*out) == wanted) return true;
      out->Close();
    }
  }

  char name[256];
  std::uint32_t crc = 0;
  const char* const slash = std::strrchr(path, '/');
  if (slash == nullptr || !ReadDebugLink(object, name, sizeof(name), &crc)) return false;
  const auto folder = static_cast<std::size_t>(slash - path);
  struct {
    const char *before, *between;
  } const places[] = {{"", "/"}, {"", "/.debug/"}, {root, "/"}};
  for (const auto& place : places) {
    Path by_link;
    by_link.Append(place.before).Append(path, folder).Append(place.between).Append(name);
    if (out->Open(by_link.c_str()) != 0) continue;
    const BuildId found(*out);
    if (wanted.length > 0 && found.length > 0 ? found == wanted : HasCrc(*out, crc, checked)) {
      return true;
    }
    out->Close();
  }
  return false;
}

}  // namespace wrackline::symbols
