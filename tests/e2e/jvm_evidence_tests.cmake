# What the VM says of its memory, against java.lang.management's word, in real VMs. The parts of the shim that ask the VM, as a
# native library of the program's; never with a sanitizer, which the VM does not bring along.
if(WRACKLINE_PRELOAD)
  get_directory_property(core_sources DIRECTORY ${PROJECT_SOURCE_DIR}/lib DEFINITION WRACKLINE_CORE_SOURCES)
  set(evidence_parts
    jvm/buffers.cc jvm/evidence.cc jvm/facts.cc jvm/heap_info.cc jvm/management.cc jvm/native_memory.cc jvm/perf_memory.cc jvm/resident.cc
    jvm/vm_flags.cc jvm/vm_ranges.cc sampling/live_table.cc sampling/mailbox.cc sampling/mapping_table.cc
    sampling/profile_state.cc sampling/sampled_region.cc sampling/stack_table.cc)
  list(TRANSFORM evidence_parts PREPEND "${PROJECT_SOURCE_DIR}/preload/")
  add_library(jvm_evidence MODULE ${CMAKE_CURRENT_LIST_DIR}/programs/jvm_evidence.cc ${evidence_parts} ${core_sources})
  wrackline_target(jvm_evidence IN_PROCESS)
  target_include_directories(jvm_evidence PRIVATE ${PROJECT_SOURCE_DIR}/preload/include)
  target_include_directories(jvm_evidence SYSTEM PRIVATE ${WRACKLINE_JNI_INCLUDE} ${WRACKLINE_JNI_INCLUDE}/linux)
  target_link_libraries(jvm_evidence PRIVATE wrackline_nanopb ${CMAKE_DL_LIBS})

  find_program(WRACKLINE_JAVAC javac HINTS ${WRACKLINE_JNI_INCLUDE}/../bin REQUIRED)
  set(classes "${CMAKE_CURRENT_BINARY_DIR}/jvm_evidence_classes")
  add_custom_command(
    OUTPUT "${classes}/JvmEvidence.class" "${classes}/JvmHolder.class"
    COMMAND "${WRACKLINE_JAVAC}" --release 11 -d "${classes}"
            "${CMAKE_CURRENT_LIST_DIR}/programs/JvmEvidence.java" "${CMAKE_CURRENT_LIST_DIR}/programs/JvmHolder.java"
    DEPENDS "${CMAKE_CURRENT_LIST_DIR}/programs/JvmEvidence.java" "${CMAKE_CURRENT_LIST_DIR}/programs/JvmHolder.java"
    VERBATIM)
  add_custom_target(jvm_evidence_classes DEPENDS "${classes}/JvmEvidence.class" "${classes}/JvmHolder.class")

  wrackline_unit_test(jvm_evidence_test
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/jvm_evidence_test.cc
    LIBRARIES wrackline_test_support LABEL e2e TIMEOUT 120)
  target_compile_definitions(jvm_evidence_test PRIVATE
    WRACKLINE_JVM_EVIDENCE_CLASSES="${classes}"
    WRACKLINE_JVM_EVIDENCE_LIBRARY="$<TARGET_FILE:jvm_evidence>")
  add_dependencies(jvm_evidence_test jvm_evidence jvm_evidence_classes)

  if(WRACKLINE_ANALYZER)
    wrackline_unit_test(jvm_ledger_test
      SOURCES ${CMAKE_CURRENT_LIST_DIR}/jvm_ledger_test.cc
      LIBRARIES wrackline_analyzer wrackline_test_support LABEL e2e TIMEOUT 120)
    target_compile_definitions(jvm_ledger_test PRIVATE
      WRACKLINE_JVM_EVIDENCE_CLASSES="${classes}"
      WRACKLINE_PRELOAD_LIBRARY="$<TARGET_FILE:wrackline_preload>")
    add_dependencies(jvm_ledger_test wrackline_preload jvm_evidence_classes)
  endif()
endif()
