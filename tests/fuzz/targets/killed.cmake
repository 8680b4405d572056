# Who killed it, in the words of Kubernetes and YARN (the kernel's log: analyzer.cmake).
if(WRACKLINE_ANALYZER)
  wrackline_fuzz_target(fuzz_pod_status SOURCE fuzz_pod_status.cc LIBRARIES wrackline_analyzer)
  wrackline_fuzz_target(fuzz_yarn_kill SOURCE fuzz_yarn_kill.cc LIBRARIES wrackline_analyzer)
endif()
