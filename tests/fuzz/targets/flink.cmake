if(WRACKLINE_ANALYZER)
  wrackline_fuzz_target(fuzz_flink_config SOURCE fuzz_flink_config.cc LIBRARIES wrackline_flink)
  wrackline_fuzz_target(fuzz_flink_memory_size SOURCE fuzz_flink_memory_size.cc LIBRARIES wrackline_flink)
endif()
