# Every allocator that the shim can ask, for real: Debian's libraries, preloaded behind it.
if(WRACKLINE_PRELOAD)
  set(preload ${PROJECT_SOURCE_DIR}/preload)
  add_executable(allocator_target ${CMAKE_CURRENT_LIST_DIR}/programs/allocator_target.cc)
  add_executable(allocator_probe ${CMAKE_CURRENT_LIST_DIR}/programs/allocator_probe.cc
    ${preload}/allocator_readers.cc ${preload}/allocator_statistics.cc ${preload}/glibc_heaps.cc
    ${PROJECT_SOURCE_DIR}/lib/container/kept_file.cc
    ${PROJECT_SOURCE_DIR}/lib/container/process.cc)
  foreach(program allocator_target allocator_probe)
    wrackline_target(${program} IN_PROCESS)
    target_compile_options(${program} PRIVATE -fno-builtin -fthreadsafe-statics)
  endforeach()
  target_link_libraries(allocator_target PRIVATE Threads::Threads)
  target_link_libraries(allocator_probe PRIVATE wrackline_nanopb Threads::Threads ${CMAKE_DL_LIBS})

  find_library(WRACKLINE_TEST_JEMALLOC NAMES libjemalloc.so.2 jemalloc REQUIRED)
  find_library(WRACKLINE_TEST_TCMALLOC NAMES libtcmalloc.so.4 REQUIRED)
  find_library(WRACKLINE_TEST_TCMALLOC_MINIMAL NAMES libtcmalloc_minimal.so.4 REQUIRED)
  find_library(WRACKLINE_TEST_MIMALLOC NAMES libmimalloc.so.2 libmimalloc.so.2.0 REQUIRED)
  wrackline_unit_test(allocator_e2e_test
    SOURCES
      ${CMAKE_CURRENT_LIST_DIR}/allocator_figures_test.cc
      ${CMAKE_CURRENT_LIST_DIR}/allocator_probe_test.cc
    LIBRARIES wrackline_host wrackline_test_support LABEL e2e TIMEOUT 120)
  target_compile_definitions(allocator_e2e_test PRIVATE
    WRACKLINE_PRELOAD_LIBRARY="$<TARGET_FILE:wrackline_preload>"
    WRACKLINE_ALLOCATOR_TARGET="$<TARGET_FILE:allocator_target>"
    WRACKLINE_ALLOCATOR_PROBE="$<TARGET_FILE:allocator_probe>"
    WRACKLINE_JEMALLOC="${WRACKLINE_TEST_JEMALLOC}"
    WRACKLINE_TCMALLOC="${WRACKLINE_TEST_TCMALLOC}"
    WRACKLINE_TCMALLOC_MINIMAL="${WRACKLINE_TEST_TCMALLOC_MINIMAL}"
    WRACKLINE_MIMALLOC="${WRACKLINE_TEST_MIMALLOC}")
  add_dependencies(allocator_e2e_test wrackline_preload allocator_target allocator_probe)
endif()
