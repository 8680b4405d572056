# Rows that other programs ask.
if(WRACKLINE_ANALYZER)
  wrackline_fuzz_target(fuzz_flink_batch SOURCE fuzz_flink_batch.cc LIBRARIES wrackline_flink)
endif()
