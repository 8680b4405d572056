// Samples and facts as serialized wrackline.proto.Record, by nanopb: the program that embeds the
// probe needs no libprotobuf.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "rocksdb_probe/sample.h"
#include "wrackline/rocksdb_probe.h"
#include "wrackline_nanopb/wrackline.pb.h"

namespace wrackline::probe {

// What wrackline_submit takes at most.
inline constexpr std::size_t kMaxEncodedBytes = std::size_t{64} * 1024;
// Families in one RocksDbSample. With names of 255 bytes and the largest numbers a family with a
// block and a blob cache of its own, both split, takes 1048 bytes: 56 of them fit, with a manager and
// the caches beside.
inline constexpr std::size_t kFamiliesPerSample = 56;

// Serializes `record`; empty when it does not fit kMaxEncodedBytes.
std::string EncodeRecord(const wrackline_proto_Record& record);

// A RocksDbDatabase record. Of a database with so many families that they do not fit, the first
// ones' facts are in it (about 220 with the longest names, more than 1000 with short ones); samples
// have all of them.
std::string EncodeDatabase(const DatabaseFacts& database, bool closed, std::uint64_t time_ns);

// Calls `take` with one RocksDbSample record for every kFamiliesPerSample families of `database`,
// an entry of `memory.databases`. Each holds the caches that its families name; the first one holds
// the write buffer manager, and the cache that it charges.
void EncodeSample(const RocksDbMemory& memory, const RocksDbDatabaseMemory& database,
                  const std::function<void(std::string_view)>& take);

// Copies at most size - 1 bytes of `text`, cutting no UTF-8 character, and ends them with a NUL
// byte. Bytes that are no UTF-8 become '?': names of families are any bytes, and a reader refuses a
// record whose text is not UTF-8.
void CopyText(std::string_view text, char* out, std::size_t size);

}  // namespace wrackline::probe
