# wrackline_libunwind: libunwind as a static, position independent archive for the preload, built from Debian's source package
# (scripts/fetch-libunwind.sh). The packaged archive is neither position independent nor safe inside malloc; ours differs from
# it by the macros below, which send its calls into the system to preload/unwind/unwinder_system.cc:
#   dl_iterate_phdr   takes the loader's lock                        -> a lock-free look-up
#   pthread_mutex_*   can be interposed by the program               -> a spin lock
#   pthread_once      GLIBC_2.34 in a new glibc                      -> a flag, set before the first sample
#   pipe2 read mincore syscall msync   its check whether an address can be read holds a pipe open for ever; a program that
#                     closes all its descriptors would find libunwind writing into the file that got the number next
#                                                                    -> one system call without a descriptor
# They are given to make and not to configure, which would look for them in libc. So is preload/old_glibc.h, the symbol versions.
include(ExternalProject)

set(wrackline_libunwind_folder "${CMAKE_BINARY_DIR}/libunwind")
set(wrackline_libunwind_macros)
foreach(function dl_iterate_phdr pthread_mutex_init pthread_mutex_lock pthread_mutex_unlock pthread_once
                 pipe pipe2 read close mincore msync syscall)
  string(APPEND wrackline_libunwind_macros " -D${function}=wrackline_unw_${function}")
endforeach()
string(APPEND wrackline_libunwind_macros " -include ${PROJECT_SOURCE_DIR}/preload/old_glibc.h")
set(wrackline_libunwind_cflags
  "-O2 -g1 -fPIC -ftls-model=initial-exec -fvisibility=hidden -fno-stack-protector -DNDEBUG -w -U_FORTIFY_SOURCE")

# The per-thread cache of the fast path starts with 2^14 entries of 16 bytes, all touched: 256 KiB for each thread that is ever
# sampled. 2^9 is 8 KiB; it grows by four when half full.
set(wrackline_libunwind_shrink sed -i "s/^#define HASH_MIN_BITS 14/#define HASH_MIN_BITS 9/"
  "${wrackline_libunwind_folder}/source/src/x86_64/Gtrace.c")

# That cache is by address, and must be emptied when code goes (preload/unwind/code_changes.h).
set(wrackline_libunwind_forget grep -q wrackline_unw_forget_frames "${wrackline_libunwind_folder}/source/src/x86_64/Gtrace.c" ||
  cat "${PROJECT_SOURCE_DIR}/cmake/libunwind-forget.c" >> "${wrackline_libunwind_folder}/source/src/x86_64/Gtrace.c")
# What is compiled is Ltrace.c, which includes it; without dependency tracking make does not know.
set(wrackline_libunwind_renew touch "${wrackline_libunwind_folder}/source/src/x86_64/Ltrace.c")

ExternalProject_Add(wrackline_libunwind_build
  PREFIX "${wrackline_libunwind_folder}"
  SOURCE_DIR "${wrackline_libunwind_folder}/source"
  BINARY_DIR "${wrackline_libunwind_folder}/build"
  STAMP_DIR "${wrackline_libunwind_folder}/stamp"
  TMP_DIR "${wrackline_libunwind_folder}/tmp"
  INSTALL_DIR "${wrackline_libunwind_folder}/install"
  DOWNLOAD_COMMAND "${PROJECT_SOURCE_DIR}/scripts/fetch-libunwind.sh" "${wrackline_libunwind_folder}/source"
  UPDATE_COMMAND ""
  PATCH_COMMAND ${wrackline_libunwind_shrink}
  COMMAND ${wrackline_libunwind_forget}
  COMMAND ${wrackline_libunwind_renew}
  CONFIGURE_COMMAND "${wrackline_libunwind_folder}/source/configure" --prefix=<INSTALL_DIR> --libdir=<INSTALL_DIR>/lib
    --quiet --disable-dependency-tracking --disable-silent-rules --disable-shared --enable-static --with-pic
    --disable-coredump --disable-ptrace --disable-setjmp --disable-tests --disable-documentation
    --disable-minidebuginfo --disable-zlibdebuginfo --disable-debug-frame --disable-block-signals --disable-cxx-exceptions
    --disable-weak-backtrace --disable-per-thread-cache
    "CC=${CMAKE_C_COMPILER}" "CXX=${CMAKE_CXX_COMPILER}" "CFLAGS=${wrackline_libunwind_cflags}"
  # Its make files do not know that other flags make other objects.
  BUILD_COMMAND make -s -C src clean
  COMMAND make -s -C src "CFLAGS=${wrackline_libunwind_cflags}${wrackline_libunwind_macros}" libunwind.la
  INSTALL_COMMAND ""
  BUILD_BYPRODUCTS "${wrackline_libunwind_folder}/build/src/.libs/libunwind.a"
  LOG_CONFIGURE ON
  LOG_BUILD ON
  LOG_OUTPUT_ON_FAILURE ON)

ExternalProject_Add_StepDependencies(wrackline_libunwind_build build "${PROJECT_SOURCE_DIR}/preload/old_glibc.h")

# The folders must exist when CMake reads them as include folders, before anything is built.
file(MAKE_DIRECTORY "${wrackline_libunwind_folder}/source/include" "${wrackline_libunwind_folder}/build/include")
add_library(wrackline_libunwind INTERFACE)
add_dependencies(wrackline_libunwind wrackline_libunwind_build)
target_include_directories(wrackline_libunwind SYSTEM INTERFACE
  "${wrackline_libunwind_folder}/source/include" "${wrackline_libunwind_folder}/build/include")
target_link_libraries(wrackline_libunwind INTERFACE "${wrackline_libunwind_folder}/build/src/.libs/libunwind.a")
