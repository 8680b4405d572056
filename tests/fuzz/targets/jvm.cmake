# The VM's texts and counters, as another VM may write them.
if(WRACKLINE_PRELOAD)
  wrackline_fuzz_target(fuzz_vm_text SOURCE fuzz_vm_text.cc LIBRARIES wrackline_jvm_texts)
endif()
if(WRACKLINE_ANALYZER)
  wrackline_fuzz_target(fuzz_hsperfdata SOURCE fuzz_hsperfdata.cc LIBRARIES wrackline_analyzer)
endif()
