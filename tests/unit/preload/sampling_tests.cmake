# The sampled path: its parts compiled for the tests (sanitizers included), without the hooks themselves.
set(sampled_path
  sampling/allocation.cc sampling/live_table.cc sampling/mapping_table.cc sampling/profile_state.cc sampling/sampled_region.cc sampling/sampler.cc sampling/stack_table.cc sampling/thread_table.cc
  unwind/local_objects.cc unwind/native_unwinder.cc unwind/unwinder_system.cc hooks/next_allocator.cc hooks/reallocate.cc
  jvm/frame_anchor.cc jvm/java_stack.cc)
list(TRANSFORM sampled_path PREPEND "${PROJECT_SOURCE_DIR}/preload/")
# Objects, not an archive: libunwind and unwinder_system.cc call each other.
add_library(wrackline_sampled_path OBJECT ${sampled_path})
wrackline_target(wrackline_sampled_path)
target_compile_options(wrackline_sampled_path PRIVATE -fno-exceptions -fno-rtti)
target_link_libraries(wrackline_sampled_path PUBLIC wrackline_libunwind)
target_include_directories(wrackline_sampled_path SYSTEM PRIVATE ${WRACKLINE_JNI_INCLUDE} ${WRACKLINE_JNI_INCLUDE}/linux)

wrackline_unit_test(sampling_tests
  SOURCES allocation_test.cc hooks_test.cc live_table_test.cc mapping_table_test.cc native_unwinder_test.cc sampler_test.cc
    sampled_region_test.cc sampler_statistics_test.cc stack_table_test.cc target_test.cc thread_table_test.cc
  LIBRARIES wrackline_sampled_path ${CMAKE_DL_LIBS})
add_dependencies(sampling_tests preload_small_frame preload_large_frame)
target_compile_definitions(sampling_tests PRIVATE
  WRACKLINE_SMALL_FRAME="$<TARGET_FILE:preload_small_frame>" WRACKLINE_LARGE_FRAME="$<TARGET_FILE:preload_large_frame>")

# Mappings and threads; with them come those who look out for a VM.
wrackline_unit_test(thread_start_tests
  SOURCES thread_start_test.cc "${PROJECT_SOURCE_DIR}/preload/jvm/jvm_watch.cc" "${PROJECT_SOURCE_DIR}/preload/sampling/mapping.cc"
    "${PROJECT_SOURCE_DIR}/preload/sampling/thread_start.cc"
  LIBRARIES wrackline_sampled_path ${CMAKE_DL_LIBS})

# From the hooks to the analyzer's sites.
# It has one thread, and takes the whole analyzer: nothing for ThreadSanitizer.
if(NOT WRACKLINE_SANITIZE STREQUAL "thread")
  wrackline_unit_test(site_statistics_tests
    SOURCES site_statistics_test.cc
    LIBRARIES wrackline_sampled_path wrackline_analyzer ${CMAKE_DL_LIBS} TIMEOUT 120)
endif()

# The sampled path as a library to preload, without the recorder thread: its constructor starts sampling every allocation, and
# the programs below ask it what it counted. Hooks and sources are those of libwrackline_preload.so.
set(hooks family jemalloc_hooks loader_hooks malloc_hooks mimalloc_hooks mimalloc_resize_hooks new_hooks tcmalloc_hooks)
list(TRANSFORM hooks REPLACE "(.+)" "${PROJECT_SOURCE_DIR}/preload/hooks/\\1.cc")
add_library(wrackline_bare_preload SHARED ${sampled_path} programs/bare_preload.cc ${hooks})
wrackline_target(wrackline_bare_preload IN_PROCESS)
set_target_properties(wrackline_bare_preload PROPERTIES LINKER_LANGUAGE C)
target_link_libraries(wrackline_bare_preload PRIVATE wrackline_libunwind)
target_include_directories(wrackline_bare_preload SYSTEM PRIVATE ${WRACKLINE_JNI_INCLUDE} ${WRACKLINE_JNI_INCLUDE}/linux)
target_link_options(wrackline_bare_preload PRIVATE -Wl,-z,defs -Wl,--as-needed -static-libgcc)

# Profiled programs: never with a sanitizer, which has an allocator of its own.
add_library(preload_cxx_plugin MODULE programs/cxx_plugin.cc)
add_executable(preload_exerciser programs/exerciser.cc)
add_executable(preload_c_host programs/c_host.c)
set(families jemalloc tcmalloc mimalloc)
list(TRANSFORM families REPLACE "(.+)" "preload_\\1_family" OUTPUT_VARIABLE family_programs)
foreach(family IN LISTS families)
  add_executable(preload_${family}_family programs/${family}_family.cc)
  target_link_libraries(preload_${family}_family PRIVATE ${CMAKE_DL_LIBS})
endforeach()
# The same code but for the size of its frame.
add_library(preload_small_frame MODULE programs/frame_plugin.c)
add_library(preload_large_frame MODULE programs/frame_plugin.c)
target_compile_definitions(preload_small_frame PRIVATE FRAME=8)
target_compile_definitions(preload_large_frame PRIVATE FRAME=262152)
add_executable(preload_reloader programs/reloader.c)
target_link_libraries(preload_reloader PRIVATE Threads::Threads ${CMAKE_DL_LIBS})
# Programs that replace a part of what the hooks take for the standard's.
add_library(preload_own_library SHARED programs/own_operators_library.cc)
add_executable(preload_linked_operators programs/own_operators.cc)
target_link_libraries(preload_linked_operators PRIVATE preload_own_library)
add_executable(preload_own_operators programs/own_operators.cc)
target_compile_definitions(preload_own_operators PRIVATE WRACKLINE_OWN_OPERATORS)
add_executable(preload_own_malloc programs/own_operators.cc)
target_compile_definitions(preload_own_malloc PRIVATE WRACKLINE_OWN_MALLOC)
set(own_programs preload_linked_operators preload_own_operators preload_own_malloc)
foreach(program preload_cxx_plugin preload_exerciser preload_c_host preload_small_frame
    preload_large_frame preload_reloader ${family_programs} preload_own_library ${own_programs})
  wrackline_target(${program} IN_PROCESS)
endforeach()
foreach(program preload_own_library ${own_programs})
  # That it leaves the sized forms to libstdc++ is the point.
  target_compile_options(${program} PRIVATE -fexceptions -fno-builtin -fsized-deallocation
    $<$<CXX_COMPILER_ID:GNU>:-Wno-sized-deallocation>)
endforeach()
target_compile_options(preload_exerciser PRIVATE -fexceptions -fno-builtin -fsized-deallocation)
target_compile_options(preload_cxx_plugin PRIVATE -fexceptions -fno-builtin)
foreach(program IN LISTS family_programs)
  target_compile_options(${program} PRIVATE -fno-builtin)
endforeach()
target_link_libraries(preload_exerciser PRIVATE Threads::Threads ${CMAKE_DL_LIBS})
target_link_libraries(preload_c_host PRIVATE ${CMAKE_DL_LIBS})

# library_checks and everyday_programs read and run the library that users get.
find_library(WRACKLINE_TEST_JEMALLOC NAMES libjemalloc.so.2 jemalloc REQUIRED)
find_library(WRACKLINE_TEST_TCMALLOC NAMES libtcmalloc_minimal.so.4 REQUIRED)
find_library(WRACKLINE_TEST_MIMALLOC NAMES libmimalloc.so.2 libmimalloc.so.2.0 REQUIRED)
wrackline_unit_test(interposition_tests
  SOURCES families_test.cc interposition_test.cc everyday_programs_test.cc library_checks_test.cc
  LIBRARIES ${CMAKE_DL_LIBS} TIMEOUT 120)
add_dependencies(interposition_tests wrackline_bare_preload wrackline_preload preload_cxx_plugin preload_exerciser
  preload_c_host preload_reloader preload_small_frame preload_large_frame ${family_programs} ${own_programs})
target_compile_definitions(interposition_tests PRIVATE
  WRACKLINE_BARE_PRELOAD="$<TARGET_FILE:wrackline_bare_preload>"
  WRACKLINE_PRELOAD_LIBRARY="$<TARGET_FILE:wrackline_preload>"
  WRACKLINE_JEMALLOC="${WRACKLINE_TEST_JEMALLOC}"
  WRACKLINE_TCMALLOC="${WRACKLINE_TEST_TCMALLOC}"
  WRACKLINE_MIMALLOC="${WRACKLINE_TEST_MIMALLOC}"
  WRACKLINE_JEMALLOC_FAMILY="$<TARGET_FILE:preload_jemalloc_family>"
  WRACKLINE_TCMALLOC_FAMILY="$<TARGET_FILE:preload_tcmalloc_family>"
  WRACKLINE_MIMALLOC_FAMILY="$<TARGET_FILE:preload_mimalloc_family>"
  WRACKLINE_TEST_SOURCE="${PROJECT_SOURCE_DIR}"
  WRACKLINE_EXERCISER="$<TARGET_FILE:preload_exerciser>"
  WRACKLINE_C_HOST="$<TARGET_FILE:preload_c_host>"
  WRACKLINE_RELOADER="$<TARGET_FILE:preload_reloader>"
  WRACKLINE_LINKED_OPERATORS="$<TARGET_FILE:preload_linked_operators>"
  WRACKLINE_OWN_OPERATORS="$<TARGET_FILE:preload_own_operators>"
  WRACKLINE_OWN_MALLOC="$<TARGET_FILE:preload_own_malloc>"
  WRACKLINE_SMALL_FRAME="$<TARGET_FILE:preload_small_frame>"
  WRACKLINE_LARGE_FRAME="$<TARGET_FILE:preload_large_frame>"
  WRACKLINE_CXX_PLUGIN="$<TARGET_FILE:preload_cxx_plugin>")
if(WRACKLINE_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 sees an uninitialized std::function inside <regex> when it instruments it.
  set_source_files_properties(library_checks_test.cc PROPERTIES COMPILE_OPTIONS -Wno-maybe-uninitialized)
endif()
find_program(WRACKLINE_TEST_JAVA java)
if(WRACKLINE_TEST_JAVA)
  target_compile_definitions(interposition_tests PRIVATE WRACKLINE_JAVA="${WRACKLINE_TEST_JAVA}")
endif()
# What the hooks can call, read from its code: of the library that users get, not of one built for a sanitizer.
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64" AND NOT WRACKLINE_SANITIZE AND NOT WRACKLINE_COVERAGE)
  target_sources(interposition_tests PRIVATE library_calls_test.cc)
  target_compile_definitions(interposition_tests PRIVATE WRACKLINE_OBJDUMP="${WRACKLINE_GNU_OBJDUMP}")
endif()
