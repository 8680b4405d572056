# What a VM and Flink wrote, as a folder of evidence holds it.
if(WRACKLINE_ANALYZER)
  foreach(reader nmt_text java_errors flink_log hs_err heap_info_text gc_log flink_config_source)
    wrackline_fuzz_target(fuzz_${reader} SOURCE fuzz_${reader}.cc LIBRARIES wrackline_analyzer)
  endforeach()
endif()
