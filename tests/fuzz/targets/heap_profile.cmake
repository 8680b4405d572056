# Heap profiles of other tools, one corpus a format.
if(WRACKLINE_ANALYZER)
  foreach(format jemalloc gperftools pprof)
    wrackline_fuzz_target(fuzz_heap_${format} SOURCE fuzz_heap_profile.cc LIBRARIES wrackline_analyzer)
  endforeach()
endif()
