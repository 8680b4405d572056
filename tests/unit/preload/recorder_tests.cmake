# The recorder thread's parts, compiled for tests (with the preset's sanitizers).
set(preload ${PROJECT_SOURCE_DIR}/preload)
add_library(recorder_thread_parts STATIC
  ${preload}/allocator_readers.cc
  ${preload}/allocator_statistics.cc
  ${preload}/frame_lines.cc
  ${preload}/frame_names.cc
  ${preload}/glibc_heaps.cc
  ${preload}/jvm/java_names.cc
  ${preload}/mapping_residence.cc
  ${preload}/module_file.cc
  ${preload}/modules.cc
  ${preload}/output_folder.cc
  ${preload}/process_facts.cc
  ${preload}/sampling/live_table.cc
  ${preload}/sampling/mailbox.cc
  ${preload}/sampling/sampled_region.cc
  ${preload}/sampling/mapping_table.cc
  ${preload}/sampling/stack_table.cc
  ${preload}/sampling/thread_table.cc
  ${preload}/settings.cc
  ${preload}/state_records.cc
  ${preload}/thread_comms.cc
  ${preload}/timeline.cc
  ${preload}/untouched.cc)
wrackline_target(recorder_thread_parts)
target_include_directories(recorder_thread_parts SYSTEM PRIVATE ${WRACKLINE_JNI_INCLUDE} ${WRACKLINE_JNI_INCLUDE}/linux)
target_compile_definitions(recorder_thread_parts PRIVATE WRACKLINE_VERSION="${PROJECT_VERSION}")
target_link_libraries(recorder_thread_parts PUBLIC wrackline_core wrackline_nanopb)

wrackline_unit_test(recorder_thread_test
  SOURCES
    allocator_statistics_test.cc
    frame_names_test.cc
    glibc_heaps_test.cc
    jvm/java_names_test.cc
    mailbox_test.cc
    mapping_residence_test.cc
    modules_test.cc
    output_folder_test.cc
    settings_test.cc
    state_records_test.cc
    thread_comms_test.cc
    timeline_test.cc
    untouched_test.cc
  LIBRARIES recorder_thread_parts wrackline_host wrackline_test_support ${CMAKE_DL_LIBS})
target_compile_definitions(recorder_thread_test PRIVATE
  WRACKLINE_OBJCOPY="${WRACKLINE_GNU_OBJCOPY}" WRACKLINE_STRIP="${WRACKLINE_GNU_STRIP}")
