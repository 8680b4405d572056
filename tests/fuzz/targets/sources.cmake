# Files of an incident folder, which anyone may have written.
if(WRACKLINE_ANALYZER)
  wrackline_fuzz_target(fuzz_sources SOURCE fuzz_sources.cc LIBRARIES wrackline_analyzer)
endif()
