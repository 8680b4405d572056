#include "lib/recorder/packed.h"

#include <zstd.h>

#include <algorithm>
#include <memory>

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include "lib/proto/wrackline.pb.h"
#include "lib/recorder/format.h"

namespace wrackline::recorder {
namespace {

using google::protobuf::internal::WireFormatLite;

constexpr std::string_view kZstdMagic("\x28\xb5\x2f\xfd", 4);

// A dump of real records shrinks 3 to 50 times. What claims more than this would only fill the
// reader's memory; small dumps are free to claim what a default recorder file can hold, twice.
constexpr std::uint64_t kMaxRatio = 256;
constexpr std::uint64_t kAlwaysAllowed = 128 << 20;
constexpr std::uint64_t kNeverMore = kMostUnpackedBytes;

Result<std::string> Decompress(std::string_view bytes, const std::string& name) {
  const std::uint64_t limit =
      std::clamp<std::uint64_t>(bytes.size() * kMaxRatio, kAlwaysAllowed, kNeverMore);
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(),
                                                                     &ZSTD_freeDCtx);
  if (!context) return Error{fmt::format("cannot unpack {}: out of memory", name), ""};
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, 27);  // 128 MiB; level 3 uses 2 MiB

  std::string output;
  std::string chunk(ZSTD_DStreamOutSize(), '\0');
  ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
  std::size_t pending = 1;  // 0: at the end of a zstd frame
  bool more = true;
  while (input.pos < input.size || more) {
    ZSTD_outBuffer out{chunk.data(), chunk.size(), 0};
    pending = ZSTD_decompressStream(context.get(), &out, &input);
    if (ZSTD_isError(pending) != 0) {
      return Error{fmt::format("{} is a damaged dump: {}", name, ZSTD_getErrorName(pending)),
                   "pack it or copy it again"};
    }
    if (output.size() + out.pos > limit) {
      return Error{fmt::format("{} unpacks to more than {} bytes", name, limit),
                   "it is no dump made by `wrackline pack`"};
    }
    output.append(chunk, 0, out.pos);
    more = out.pos == out.size && pending != 0;
  }
  if (pending != 0)
    return Error{fmt::format("{} is a dump that was cut short", name), "pack it or copy it again"};
  return output;
}

}  // namespace

bool IsPacked(std::string_view bytes) { return bytes.starts_with(kZstdMagic); }

Result<PackedInfo> ScanPacked(std::string_view bytes, const std::string& name,
                              const std::function<void(const Frame&)>& visit) {
  Result<std::string> unpacked = Decompress(bytes, name);
  if (!unpacked.ok()) return unpacked.error();
  const std::string_view dump = unpacked.value();
  const Error malformed{fmt::format("{} is compressed, but holds no recorder dump", name),
                        "give a dump made by `wrackline pack`"};

  // Field by field instead of Dump::ParseFromString: that would hold all records at once and refuse
  // all for one bad text.
  PackedInfo info;
  std::uint64_t sequence = 0;
  google::protobuf::io::CodedInputStream input(reinterpret_cast<const std::uint8_t*>(dump.data()),
                                               static_cast<int>(dump.size()));
  while (!input.ExpectAtEnd()) {
    const std::uint32_t tag = input.ReadTag();
    if (tag == 0) return malformed;
    const int field = WireFormatLite::GetTagFieldNumber(tag);
    const auto type = WireFormatLite::GetTagWireType(tag);
    if (type == WireFormatLite::WIRETYPE_VARINT &&
        field == proto::Dump::kFormatVersionFieldNumber) {
      if (!input.ReadVarint32(&info.format_version)) return malformed;
      continue;
    }
    if (type != WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
      if (!WireFormatLite::SkipField(&input, tag)) return malformed;
      continue;
    }
    std::uint32_t size = 0;
    if (!input.ReadVarint32(&size)) return malformed;
    const auto offset = static_cast<std::size_t>(input.CurrentPosition());
    if (size > dump.size() - offset) return malformed;
    if (field == proto::Dump::kRecordsFieldNumber && size > kMaxRecordBytes) return malformed;
    const std::string_view content = dump.substr(offset, size);
    if (field == proto::Dump::kDamageFieldNumber) info.damage = content;
    if (field == proto::Dump::kRecordsFieldNumber) visit({offset, ++sequence, content});
    if (!input.Skip(static_cast<int>(size))) return malformed;
  }
  if (info.format_version == 0) return malformed;
  if (info.format_version > kFormatVersion) {
    return Error{
        fmt::format("{} has recorder format {}, which is newer than this wrackline reads ({})",
                    name, info.format_version, kFormatVersion),
        "use the wrackline that came with the preload"};
  }
  return info;
}

}  // namespace wrackline::recorder
