#include "analyzer/flink/rocksdb_budget.h"

#include "analyzer/flink/java_exception.h"
#include "analyzer/flink/options.h"

namespace wrackline::flink {
namespace {

RocksDbBudget Read(const OptionReader& reader, Version version, Bytes managed) {
  RocksDbBudget budget;
  budget.slots = reader.Int(options::kTaskSlots);
  if (budget.slots < 1) {
    throw JavaException{
        kIllegalConfiguration, std::string(options::kTaskSlots.key) + " must be at least 1", {}};
  }
  budget.write_buffer_ratio = reader.Double(options::kRocksDbWriteBufferRatio);
  if (!(budget.write_buffer_ratio >= 0 && budget.write_buffer_ratio <= 1)) {
    throw JavaException{
        kIllegalArgument,
        std::string(options::kRocksDbWriteBufferRatio.key) + " must lie between 0 and 1",
        {}};
  }
  if (reader.Contains(options::kRocksDbFixedPerSlot)) {
    budget.kind = RocksDbBudgetKind::kFixedPerSlot;
    const std::int64_t per_slot = reader.Size(options::kRocksDbFixedPerSlot).bytes;
    if (per_slot > kMaxMemorySize.bytes / budget.slots)
      throw JavaException{kArithmetic, "long overflow", {}};
    budget.amount = {per_slot * budget.slots};
  } else if (reader.Bool(options::kRocksDbManaged)) {
    budget.amount = managed;
  } else if (version >= kFixedPerTaskManager &&
             reader.Contains(options::kRocksDbFixedPerTaskManager)) {
    budget.kind = RocksDbBudgetKind::kFixedPerTaskManager;
    budget.amount = {reader.Size(options::kRocksDbFixedPerTaskManager).bytes};
  } else {
    budget.kind = RocksDbBudgetKind::kNone;
  }
  return budget;
}

}  // namespace

Result<RocksDbBudget> ReadRocksDbBudget(const Configuration& configuration, Version version,
                                        Bytes managed) {
  try {
    return Read(OptionReader(configuration), version, managed);
  } catch (const JavaException& exception) {
    std::string message = exception.message;
    for (const auto& cause : exception.causes) message += " Caused by: " + cause.message;
    return Error{std::move(message),
                 "Flink " + FormatVersion(version) + " refuses this configuration"};
  }
}

}  // namespace wrackline::flink
