// Pack: from a recorder file to a packed dump. Reading one is packed.cc's.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/wire_format_lite.h>

#include "lib/base/whole_file.h"
#include "lib/recorder/file_bytes.h"
#include "lib/recorder/fold.h"
#include "lib/recorder/frame_scan.h"
#include "lib/recorder/packed.h"
#include "lib/recorder/reader.h"

namespace wrackline::recorder {
namespace {

using google::protobuf::internal::WireFormatLite;

constexpr int kLevel = 3;  // zstd's default: a dump of 64 MiB takes a fraction of a second

struct Source {
  std::string records;  // serialized `records` fields of a Dump
  std::string damage;
  std::uint32_t version = 0;
};

Result<Source> ReadSource(std::string_view bytes, const std::string& path, const RecordEdit& edit) {
  Source source;
  std::uint64_t dropped = 0;
  Result<FrameScan> scan = Error{};
  {
    google::protobuf::io::StringOutputStream stream(&source.records);
    google::protobuf::io::CodedOutputStream output(&stream);
    scan = ScanFrames(bytes, path, [&](const Frame& frame) {
      proto::Record record;
      std::string repaired;
      if (!ParseRecord(frame.record, &record, &repaired)) {
        ++dropped;
        return;
      }
      if (edit && edit(&record)) repaired = record.SerializeAsString();
      // As written, so that fields of a later version stay in; only text that a strict reader would
      // refuse is replaced.
      const std::string_view bytes_out = repaired.empty() ? frame.record : repaired;
      output.WriteTag(WireFormatLite::MakeTag(proto::Dump::kRecordsFieldNumber,
                                              WireFormatLite::WIRETYPE_LENGTH_DELIMITED));
      output.WriteVarint32(static_cast<std::uint32_t>(bytes_out.size()));
      output.WriteRaw(bytes_out.data(), static_cast<int>(bytes_out.size()));
    });
  }
  if (!scan.ok()) return scan.error();
  source.version = scan.value().version;
  source.damage = scan.value().damage;
  if (dropped > 0) AddDamage(source.damage, fmt::format("{} records were no Records", dropped));
  return source;
}

Result<std::string> Compress(const std::string& dump) {
  const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(),
                                                                     &ZSTD_freeCCtx);
  if (!context) return Error{"cannot pack: out of memory", ""};
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kLevel);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  std::string packed(ZSTD_compressBound(dump.size()), '\0');
  const std::size_t size =
      ZSTD_compress2(context.get(), packed.data(), packed.size(), dump.data(), dump.size());
  if (ZSTD_isError(size) != 0)
    return Error{fmt::format("cannot pack: {}", ZSTD_getErrorName(size)), ""};
  packed.resize(size);
  return packed;
}

}  // namespace

Result<std::string> PackedBytes(const std::string& path, const std::string& name,
                                const RecordEdit& edit) {
  Result<std::string> bytes = ReadSettledBytes(path);
  if (!bytes.ok()) return bytes.error();
  if (IsPacked(bytes.value())) return Error{fmt::format("{} is packed already", name), "copy it"};
  Result<Source> source = ReadSource(bytes.value(), name, edit);
  if (!source.ok()) return source.error();
  if (source.value().records.size() > kMostUnpackedBytes - kMaxRecordBytes)
    return Error{fmt::format("{} has {} bytes of records, more than a packed dump may hold", name,
                             source.value().records.size()),
                 "keep the .wrack file itself; every command reads it"};

  proto::Dump header;
  header.set_wrackline_version(WRACKLINE_VERSION);
  header.set_format_version(source.value().version);
  header.set_source(RepairUtf8(std::filesystem::path(name).filename().string()));
  header.set_damage(source.value().damage);
  header.set_source_bytes(bytes.value().size());
  // Serialized messages put one behind the other are merged by a reader: fields 1 to 5, then all
  // the records.
  return Compress(header.SerializeAsString() + source.value().records);
}

Status Pack(const std::string& path, const std::string& output) {
  std::error_code ignored;
  if (std::filesystem::equivalent(path, output, ignored)) {
    return Error{fmt::format("{} is both input and output", path),
                 "give the dump a name of its own"};
  }
  const Result<std::string> packed = PackedBytes(path, path, {});
  if (!packed.ok()) return packed.error();
  return WriteWholeFile(output, packed.value(), 0600);
}

}  // namespace wrackline::recorder
