# Every format of samples, of whatever heap profile can be read.
if(WRACKLINE_ANALYZER)
  wrackline_fuzz_target(fuzz_export SOURCE fuzz_export.cc LIBRARIES wrackline_analyzer nlohmann_json::nlohmann_json)
endif()
