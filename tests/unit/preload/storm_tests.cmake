# The hooks under storm (docs/testing.md); after sampling_tests.cmake.
wrackline_unit_test(storm_tests
  SOURCES storm_test.cc
  LIBRARIES wrackline_sampled_path ${CMAKE_DL_LIBS} TIMEOUT 1200)

# Programs, and the library that users get in front of them: none of it is built for a sanitizer.
if(WRACKLINE_SANITIZE)
  return()
endif()
foreach(program storm commotion)
  add_executable(preload_${program} programs/${program}.cc)
  wrackline_target(preload_${program} IN_PROCESS)
  target_compile_options(preload_${program} PRIVATE -fexceptions -fno-builtin)
  target_link_libraries(preload_${program} PRIVATE Threads::Threads ${CMAKE_DL_LIBS})
endforeach()
wrackline_unit_test(stormy_program_tests SOURCES stormy_programs_test.cc TIMEOUT 120)
add_dependencies(stormy_program_tests wrackline_bare_preload wrackline_preload preload_storm preload_commotion
  preload_small_frame preload_large_frame)
target_compile_definitions(stormy_program_tests PRIVATE
  WRACKLINE_BARE_PRELOAD="$<TARGET_FILE:wrackline_bare_preload>"
  WRACKLINE_PRELOAD_LIBRARY="$<TARGET_FILE:wrackline_preload>"
  WRACKLINE_JEMALLOC="${WRACKLINE_TEST_JEMALLOC}"
  WRACKLINE_STORM="$<TARGET_FILE:preload_storm>"
  WRACKLINE_COMMOTION="$<TARGET_FILE:preload_commotion>"
  WRACKLINE_SMALL_FRAME="$<TARGET_FILE:preload_small_frame>"
  WRACKLINE_LARGE_FRAME="$<TARGET_FILE:preload_large_frame>")
