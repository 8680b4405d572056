// Makes the corpus of fuzz_recorder: small real files, cut behind their last record. Times and
// process id are replaced by fixed ones, so that the same files come out at every run.
#include <stdlib.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "lib/proto/wrackline.pb.h"
#include "lib/recorder/crc32c.h"
#include "lib/recorder/format.h"
#include "lib/recorder/reader.h"
#include "lib/recorder/writer.h"

namespace {

using namespace wrackline;            // NOLINT(google-build-using-namespace)
using namespace wrackline::recorder;  // NOLINT(google-build-using-namespace)

constexpr std::uint64_t kTime = 1'700'000'000'000'000'000;

std::string Slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

template <typename T>
void Store(std::string& bytes, std::size_t offset, T value) {
  value.crc32c = Crc32c(0, &value, offsetof(T, crc32c));
  std::memcpy(bytes.data() + offset, &value, sizeof value);
}

// Fixed times and process id; without the zeros behind the last record, rounded up to whole frames.
std::string Normalized(std::string bytes) {
  FileHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  header.created_time_ns = kTime;
  header.pid = 42;
  Store(bytes, 0, header);
  for (std::uint64_t offset :
       {std::uint64_t{header.header_bytes}, header.header_bytes + header.segment_bytes}) {
    SegmentHeader segment;
    std::memcpy(&segment, bytes.data() + offset, sizeof segment);
    if (segment.generation == 0) continue;
    segment.committed_time_ns = kTime;
    Store(bytes, offset, segment);
  }
  bytes.resize((bytes.find_last_not_of('\0') + 8) / 8 * 8);
  return bytes;
}

proto::Record Base(std::uint64_t seconds) {
  proto::Record record;
  record.set_time_ns(kTime + seconds * 1'000'000'000);
  return record;
}

void Append(Writer& writer, const proto::Record& record) {
  const std::string bytes = record.SerializeAsString();
  if (!writer.Append(bytes.data(), bytes.size())) abort();
}

proto::Record ProcessRecord() {
  proto::Record record = Base(0);
  record.mutable_process()->set_pid(42);
  record.mutable_process()->set_host("tm-1");
  return record;
}

proto::Record CounterRecord() {
  proto::Record record = Base(1);
  proto::StackCounter* counter = record.mutable_stack_counters()->add_counters();
  counter->set_stack_id(7);
  counter->set_allocated_samples(3);
  counter->set_allocated_bytes(1'572'864);
  return record;
}

proto::Record HeartbeatRecord() {
  proto::Record record = Base(2);
  record.mutable_heartbeat()->set_monotonic_ns(5'000'000'000);
  record.mutable_heartbeat()->set_charge(1 << 30);
  return record;
}

void WorkedExample(Writer& writer) {
  Append(writer, ProcessRecord());
  Append(writer, CounterRecord());
  Append(writer, HeartbeatRecord());
}

void EveryKind(Writer& writer) {
  WorkedExample(writer);
  proto::Record record = Base(3);
  record.mutable_module()->set_path("/usr/lib/librocksdb.so.7.8");
  record.mutable_module()->set_build_id("\x01\x02\x03");
  Append(writer, record);
  record.mutable_stack()->set_id(7);
  for (const std::int64_t delta :
       {std::int64_t{0x7f0000001000}, std::int64_t{0x20}, std::int64_t{-0x900}}) {
    record.mutable_stack()->add_frame_deltas(delta);
  }
  Append(writer, record);
  for (std::uint32_t slot = 0; slot < 3; ++slot) {
    auto* object = record.mutable_live_objects()->add_objects();
    object->set_slot(slot);
    object->set_address(slot == 2 ? 0 : 0x1000 * (slot + 1));
    object->set_weight(524288);
  }
  Append(writer, record);
  record.mutable_timeline()->set_monotonic_ns(9);
  record.mutable_timeline()->mutable_cgroup()->set_charge(99);
  record.mutable_timeline()->mutable_pressure()->set_some_total_us(1);
  Append(writer, record);
  record.mutable_frame_names()->add_names()->set_symbol("_ZN7rocksdb5Arena8AllocateEm");
  Append(writer, record);
  record.mutable_losses()->set_live_table_full(1);
  Append(writer, record);
  record.mutable_rocksdb_database()->set_database_id(1);
  record.mutable_rocksdb_database()->add_families()->set_name("window");
  Append(writer, record);
  record.mutable_rocksdb_sample()->set_database_id(1);
  record.mutable_rocksdb_sample()->add_families()->set_all_memtables(1 << 27);
  record.mutable_rocksdb_sample()->add_caches()->set_usage(1 << 23);
  Append(writer, record);
  record.mutable_rocksdb_objects()->set_library_id(0x7f0000000000);
  auto* read_options = record.mutable_rocksdb_objects()->add_counts();
  read_options->set_kind(proto::RocksDbObjectCount::READ_OPTIONS);
  read_options->set_made(100000);
  record.mutable_rocksdb_objects()->add_shared()->set_usage(1 << 26);
  record.mutable_rocksdb_objects()->add_iterators()->set_alive(3);
  Append(writer, record);
  record.mutable_stack()->set_id(8);
  record.mutable_stack()->add_frame_deltas(0x7f0000001000);
  // To a Java frame: bit 63 and a method id.
  record.mutable_stack()->add_frame_deltas(
      static_cast<std::int64_t>(0x8003800000000010ULL - 0x7f0000001000));
  Append(writer, record);
  auto* method = record.mutable_frame_names()->add_names();
  method->set_pc(0x8003800000000010ULL);
  method->set_symbol("com.example.pipeline.ConfigDecoder.decode");
  method->set_file("ConfigDecoder.java");
  method->set_line(42);
  method->set_java(true);
  Append(writer, record);
  for (std::uint64_t since : {std::uint64_t{100}, std::uint64_t{9000}}) {
    auto* thread = record.mutable_threads()->add_threads();
    thread->set_thread_id(77);
    thread->set_since_ms(since);
    thread->set_comm("Source: orders ");
    thread->set_java_name("Source: orders -> Map (1/4)#0");
    thread->set_java(true);
  }
  Append(writer, record);
  record.mutable_jvm_facts()->set_collector("G1");
  record.mutable_jvm_facts()->set_max_heap(1 << 29);
  Append(writer, record);
  record.mutable_jvm_sample()->set_heap_used(1 << 28);
  record.mutable_jvm_sample()->add_pools()->set_name("Metaspace");
  record.mutable_jvm_sample()->add_native_memory()->set_category("Thread");
  Append(writer, record);
  record.mutable_exit()->set_kind(proto::Exit::CLEAN);
  Append(writer, record);
  record.mutable_aftermath()->set_kernel_log("oom-kill:constraint=CONSTRAINT_MEMCG");
  Append(writer, record);
}

void Snapshots(Writer& writer) {
  for (int i = 0; i < 30; ++i) Append(writer, CounterRecord());
  for (int i = 0; i < 2; ++i) {
    writer.BeginSnapshot();
    if (writer.CommitSnapshot() != 0) abort();
  }
  Append(writer, ProcessRecord());
}

std::string Make(const std::string& folder, void (*fill)(Writer&)) {
  const std::string path = folder + "/corpus.wrack";
  std::filesystem::remove(path);
  Writer writer;
  if (writer.Open(path.c_str(), kMinFileBytes) != 0) abort();
  fill(writer);
  writer.Close();
  return path;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_recorder_corpus FOLDER\n");
    return 2;
  }
  std::string pattern = std::filesystem::temp_directory_path() / "wrackline-corpus-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) return 1;
  const auto store = [&](const char* name, const std::string& bytes) {
    std::ofstream(std::filesystem::path(argv[1]) / name, std::ios::binary) << bytes;
    std::printf("%-20s %zu bytes\n", name, bytes.size());
  };
  store("worked-example", Normalized(Slurp(Make(pattern, WorkedExample))));
  std::string every = Normalized(Slurp(Make(pattern, EveryKind)));
  store("every-kind", every);
  every[every.size() - 200] ^= 1;
  store("damaged", every);
  // The same in a small geometry, both segments within a few hundred bytes: what a fuzzer can get
  // hold of.
  FileHeader header;
  std::memcpy(&header, every.data(), sizeof header);
  std::string small = Normalized(Slurp(Make(pattern, WorkedExample)));
  const std::string segment = small.substr(kHeaderBytes);
  header.header_bytes = sizeof(FileHeader);
  header.segment_bytes = (segment.size() + 63) / 64 * 64;
  header.file_bytes = header.header_bytes + 2 * header.segment_bytes;
  small.assign(header.file_bytes, '\0');
  Store(small, 0, header);
  for (std::uint64_t i = 0; i < 2; ++i) {
    const std::size_t offset = header.header_bytes + i * header.segment_bytes;
    std::memcpy(small.data() + offset, segment.data(), segment.size());
    SegmentHeader second;
    std::memcpy(&second, segment.data(), sizeof second);
    second.generation += i;
    Store(small, offset, second);
  }
  store("small", small);
  const std::string snapshots = Slurp(Make(pattern, Snapshots));
  store("generation-3", snapshots.substr(0, kHeaderBytes + 2048));
  const std::string path = Make(pattern, EveryKind);
  const std::string normalized = Normalized(Slurp(path));
  std::ofstream(path, std::ios::binary) << normalized;
  if (const Status error = Pack(path, pattern + "/packed")) {
    std::fprintf(stderr, "%s\n", error->Text().c_str());
    return 1;
  }
  store("packed", Slurp(pattern + "/packed"));
  store("zeros", std::string(64, '\0'));
  std::filesystem::remove_all(pattern);
  return 0;
}
