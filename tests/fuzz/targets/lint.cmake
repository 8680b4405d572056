# A configuration that anyone may have written, through every rule and renderer.
if(WRACKLINE_ANALYZER)
  wrackline_fuzz_target(fuzz_flink_lint SOURCE fuzz_flink_lint.cc LIBRARIES wrackline_analyzer)
endif()
