if(WRACKLINE_ANALYZER)
  wrackline_fuzz_target(fuzz_mask SOURCE fuzz_mask.cc LIBRARIES wrackline_analyzer nlohmann_json::nlohmann_json)
endif()
