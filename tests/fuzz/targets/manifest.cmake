if(WRACKLINE_ANALYZER)
  wrackline_fuzz_target(fuzz_manifest SOURCE fuzz_manifest.cc LIBRARIES wrackline_manifest)
endif()
