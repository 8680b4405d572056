# The kernel's log as any process can write it, scrapes of metrics, and names from a recording on their way to a terminal.
if(WRACKLINE_ANALYZER)
  wrackline_fuzz_target(fuzz_kernel_log SOURCE fuzz_kernel_log.cc LIBRARIES wrackline_analyzer)
  wrackline_fuzz_target(fuzz_report SOURCE fuzz_report.cc LIBRARIES wrackline_analyzer)
  wrackline_fuzz_target(fuzz_scrape SOURCE fuzz_scrape.cc LIBRARIES wrackline_analyzer)
endif()
