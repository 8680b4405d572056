# The hooks under storm (docs/testing.md); after sampling_tests.cmake.
wrackline_unit_test(storm_tests
  SOURCES storm_test.cc
  LIBRARIES wrackline_sampled_path ${CMAKE_DL_LIBS} TIMEOUT 1200)

# Programs, and the library that users get in front of them: none of it is built for a sanitizer.
if(WRACKLINE_SANITIZE)
  # Entry points of one kind are called through one type: an alignment and a size are both a register.
  target_compile_options(storm_tests PRIVATE $<$<CXX_COMPILER_ID:Clang>:-fno-sanitize=function>)
  # Who comes next is the sanitizer: clang puts it into the program itself, where nothing comes next.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND WRACKLINE_SANITIZE MATCHES "address")
    execute_process(COMMAND ${CMAKE_CXX_COMPILER} --print-file-name=libclang_rt.asan-${CMAKE_SYSTEM_PROCESSOR}.so
      OUTPUT_VARIABLE sanitizer OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    cmake_path(GET sanitizer PARENT_PATH sanitizer)
    target_link_options(storm_tests PRIVATE -shared-libasan "-Wl,-rpath,${sanitizer}")
  endif()
  # There the storm on every entry point runs in the test itself. The hooks are compiled as they are, and what they export is
  # renamed afterwards to hooked_*: malloc and operator new are the sanitizer's own, and come next for them.
  set(stormed jemalloc_hooks malloc_hooks mimalloc_hooks mimalloc_resize_hooks new_hooks tcmalloc_hooks)
  list(TRANSFORM stormed REPLACE "(.+)" "${PROJECT_SOURCE_DIR}/preload/hooks/\\1.cc")
  add_library(wrackline_stormed_hooks STATIC ${stormed})
  wrackline_target(wrackline_stormed_hooks)
  # Instrumented code keeps frames and calls before it asks for the stack pointer: walks start in the hook, as without optimization.
  target_compile_options(wrackline_stormed_hooks PRIVATE -fno-exceptions -fno-rtti -fno-threadsafe-statics -U__OPTIMIZE__)
  set(renamed "${CMAKE_CURRENT_BINARY_DIR}/libwrackline_stormed_hooks_renamed.a")
  add_custom_command(OUTPUT "${renamed}"
    COMMAND "${CMAKE_CURRENT_SOURCE_DIR}/rename_hooks.sh" $<TARGET_FILE:wrackline_stormed_hooks> "${renamed}"
    DEPENDS wrackline_stormed_hooks "${CMAKE_CURRENT_SOURCE_DIR}/rename_hooks.sh")
  target_sources(storm_tests PRIVATE entries_storm_test.cc programs/entries.cc programs/entries_storm.cc
    "${PROJECT_SOURCE_DIR}/preload/hooks/family.cc" "${PROJECT_SOURCE_DIR}/preload/jvm/jvm_watch.cc"
    "${PROJECT_SOURCE_DIR}/preload/sampling/mapping.cc" "${renamed}")
  set_target_properties(storm_tests PROPERTIES ENABLE_EXPORTS ON)
  # The test asks for the hooks by name; the hooks ask for the allocators' functions in what comes after the program.
  target_link_libraries(storm_tests PRIVATE -Wl,--whole-archive "${renamed}" -Wl,--no-whole-archive -Wl,--push-state,--no-as-needed
    "${WRACKLINE_TEST_JEMALLOC}" "${WRACKLINE_TEST_TCMALLOC}" "${WRACKLINE_TEST_MIMALLOC}" -Wl,--pop-state)
  return()
endif()
add_executable(preload_storm programs/storm.cc)
add_executable(preload_entries_storm programs/entries_storm_main.cc programs/entries_storm.cc programs/entries.cc)
add_executable(preload_commotion programs/commotion.cc)
foreach(program storm entries_storm commotion)
  wrackline_target(preload_${program} IN_PROCESS)
  target_compile_options(preload_${program} PRIVATE -fexceptions -fno-builtin)
  target_link_libraries(preload_${program} PRIVATE Threads::Threads ${CMAKE_DL_LIBS})
endforeach()
wrackline_unit_test(stormy_program_tests SOURCES stormy_programs_test.cc TIMEOUT 120)
add_dependencies(stormy_program_tests wrackline_bare_preload wrackline_preload preload_storm preload_entries_storm preload_commotion
  preload_small_frame preload_large_frame)
target_compile_definitions(stormy_program_tests PRIVATE
  WRACKLINE_BARE_PRELOAD="$<TARGET_FILE:wrackline_bare_preload>"
  WRACKLINE_PRELOAD_LIBRARY="$<TARGET_FILE:wrackline_preload>"
  WRACKLINE_JEMALLOC="${WRACKLINE_TEST_JEMALLOC}"
  WRACKLINE_TCMALLOC="${WRACKLINE_TEST_TCMALLOC}"
  WRACKLINE_MIMALLOC="${WRACKLINE_TEST_MIMALLOC}"
  WRACKLINE_STORM="$<TARGET_FILE:preload_storm>"
  WRACKLINE_ENTRIES_STORM="$<TARGET_FILE:preload_entries_storm>"
  WRACKLINE_COMMOTION="$<TARGET_FILE:preload_commotion>"
  WRACKLINE_SMALL_FRAME="$<TARGET_FILE:preload_small_frame>"
  WRACKLINE_LARGE_FRAME="$<TARGET_FILE:preload_large_frame>")
