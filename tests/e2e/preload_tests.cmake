# Real processes with the shim as users get it. One program to be profiled, never with a sanitizer of ours: the shim and a
# sanitizer's allocator do not share a process.
if(WRACKLINE_PRELOAD)
  add_executable(shim_target ${CMAKE_CURRENT_LIST_DIR}/programs/shim_target.cc)
  wrackline_target(shim_target IN_PROCESS)
  target_compile_options(shim_target PRIVATE -fexceptions -fno-builtin -fthreadsafe-statics)
  target_link_libraries(shim_target PRIVATE Threads::Threads)

  wrackline_unit_test(preload_e2e_test
    SOURCES
      ${CMAKE_CURRENT_LIST_DIR}/preload_exit_test.cc
      ${CMAKE_CURRENT_LIST_DIR}/preload_folder_test.cc
      ${CMAKE_CURRENT_LIST_DIR}/preload_kill_test.cc
      ${CMAKE_CURRENT_LIST_DIR}/preload_mappings_test.cc
      ${CMAKE_CURRENT_LIST_DIR}/preload_process_test.cc
    LIBRARIES wrackline_host wrackline_test_support LABEL e2e TIMEOUT 240)
  target_compile_definitions(preload_e2e_test PRIVATE
    WRACKLINE_PRELOAD_LIBRARY="$<TARGET_FILE:wrackline_preload>"
    WRACKLINE_SHIM_TARGET="$<TARGET_FILE:shim_target>"
    WRACKLINE_COMMAND="$<TARGET_FILE:wrackline>")
  add_dependencies(preload_e2e_test wrackline wrackline_preload shim_target)

  # Needs root, and the network once: the programs of the older release are fetched with apt, and kept.
  wrackline_unit_test(old_distribution_test
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/old_distribution_test.cc
    LIBRARIES wrackline_host wrackline_test_support LABEL e2e TIMEOUT 240)
  target_compile_definitions(old_distribution_test PRIVATE
    WRACKLINE_PRELOAD_LIBRARY="$<TARGET_FILE:wrackline_preload>"
    WRACKLINE_OLD_ROOT_SCRIPT="${PROJECT_SOURCE_DIR}/scripts/old-root.sh")
  add_dependencies(old_distribution_test wrackline_preload)

  # Real programs, the selection for CI: 77 says that one of them is not installed.
  add_test(NAME programs_matrix COMMAND "${PROJECT_SOURCE_DIR}/scripts/programs-matrix.sh" --short --build "${CMAKE_BINARY_DIR}")
  set_tests_properties(programs_matrix PROPERTIES LABELS e2e TIMEOUT 300 SKIP_RETURN_CODE 77)
endif()
