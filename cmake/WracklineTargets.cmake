# How every target of this project is compiled: one function, so that no target forgets a flag.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(WRACKLINE_CCACHE ccache)
if(WRACKLINE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER "${WRACKLINE_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${WRACKLINE_CCACHE}")
endif()

# wrackline_target(<name> [GENERATED] [IN_PROCESS])
#   GENERATED   code made by protoc: no warnings of ours
#   IN_PROCESS  becomes part of the profiled process: no sanitizer, no coverage, no exceptions, no RTTI,
#               no C++ runtime calls, hidden symbols
function(wrackline_target name)
  cmake_parse_arguments(ARG "GENERATED;IN_PROCESS" "" "" ${ARGN})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
  if(NOT ARG_GENERATED)
    target_compile_options(${name} PRIVATE -Wall -Wextra -Wpedantic -Werror)
  else()
    target_compile_options(${name} PRIVATE -w)
  endif()
  if(ARG_IN_PROCESS)
    target_compile_options(${name} PRIVATE -fvisibility=hidden -fno-semantic-interposition
      -ftls-model=initial-exec -fno-stack-protector -U_FORTIFY_SOURCE
      $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti -fno-threadsafe-statics -fvisibility-inlines-hidden>)
  else()
    if(WRACKLINE_SANITIZE)
      target_compile_options(${name} PRIVATE -fsanitize=${WRACKLINE_SANITIZE} -fno-omit-frame-pointer
        -fno-sanitize-recover=all)
      target_link_options(${name} PRIVATE -fsanitize=${WRACKLINE_SANITIZE})
    endif()
    if(WRACKLINE_COVERAGE)
      target_compile_options(${name} PRIVATE --coverage)
      target_link_options(${name} PRIVATE --coverage)
    endif()
    if(WRACKLINE_FUZZ)
      target_compile_options(${name} PRIVATE -fsanitize=fuzzer-no-link)
    endif()
  endif()
endfunction()
