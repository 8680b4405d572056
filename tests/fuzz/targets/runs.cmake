# Recorded demands, and what is proposed for them.
if(WRACKLINE_ANALYZER)
  wrackline_fuzz_target(fuzz_run_file SOURCE fuzz_run_file.cc LIBRARIES wrackline_analyzer)
  wrackline_fuzz_target(fuzz_proposal SOURCE fuzz_proposal.cc LIBRARIES wrackline_analyzer nlohmann_json::nlohmann_json yaml-cpp)
endif()
