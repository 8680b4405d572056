// Scrapes of Flink made in code: families of an operator's subtask with their cache's figures.
#pragma once

#include <string>

#include "lib/units/bytes.h"

namespace wrackline::testing {

class ScrapeBuilder {
 public:
  struct Of {
    std::string op = "op";
    int subtask = 0;
    std::string job = "j";
    std::string task_manager = "tm";
    int attempt = 0;
  };

  ScrapeBuilder& Gauge(const Of& of, const std::string& family, const std::string& property,
                       Bytes amount) {
    text_ += "flink_taskmanager_job_task_operator_" + family + "_rocksdb_" + property + "{" +
             Labels(of) + "} " + std::to_string(amount.count) + "\n";
    return *this;
  }
  ScrapeBuilder& Family(const Of& of, const std::string& family, Bytes capacity, Bytes usage,
                        Bytes memtables = {}) {
    Gauge(of, family, "block_cache_capacity", capacity);
    Gauge(of, family, "block_cache_usage", usage);
    return Gauge(of, family, "size_all_mem_tables", memtables);
  }
  ScrapeBuilder& Managed(Bytes total, Bytes used) {
    Status("Flink_Memory_Managed_Total", total);
    return Status("Flink_Memory_Managed_Used", used);
  }
  ScrapeBuilder& Status(const std::string& name, Bytes amount) {
    text_ += "flink_taskmanager_Status_" + name + "{tm_id=\"tm\",} " +
             std::to_string(amount.count) + "\n";
    return *this;
  }
  const std::string& text() const { return text_; }

 private:
  static std::string Labels(const Of& of) {
    return "job_id=\"" + of.job + "\",task_id=\"t-" + of.op + "\",task_attempt_id=\"" +
           std::to_string(of.attempt) + "-" + std::to_string(of.subtask) + "\",operator_id=\"" +
           of.op + "\",operator_name=\"" + of.op + "\",task_attempt_num=\"" +
           std::to_string(of.attempt) + "\",tm_id=\"" + of.task_manager + "\",subtask_index=\"" +
           std::to_string(of.subtask) + "\",";
  }
  std::string text_;
};

}  // namespace wrackline::testing
