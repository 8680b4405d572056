// Symbol versions that an older glibc has too. Compiled in front of every source of the preload and of its libunwind
// (`-include`), because the linker would otherwise bind each name to the newest version of the machine it runs on, and a
// preload that asks for a version that is not there keeps every program from starting. The bound is GLIBC_2.28.
//
// What was moved between 2.29 and 2.36 kept its old version beside the new one. Functions of libpthread and libdl moved into
// libc at 2.34 (pthread_sigmask at 2.32); their old versions are still asked for by name alone, so the same library finds them
// in libc.so.6 on a new system and in libpthread.so.0 or libdl.so.2, which preload/CMakeLists.txt makes NEEDED, on an old one.
// Functions that have no old version under that name (stat and its kind, new at 2.33) are in old_glibc.cc.
//
// A name that is missing here fails tests/unit/preload/library_checks_test.cc: add it.
#ifndef __ASSEMBLER__
#if defined(__x86_64__)
#define WRACKLINE_FIRST_GLIBC "GLIBC_2.2.5"
#define WRACKLINE_OLD_DLINFO "GLIBC_2.3.3"
#elif defined(__aarch64__)
#define WRACKLINE_FIRST_GLIBC "GLIBC_2.17"
#define WRACKLINE_OLD_DLINFO "GLIBC_2.17"
#endif
#define WRACKLINE_OLD_SYMBOL(name) __asm__(".symver " #name "," #name "@" WRACKLINE_FIRST_GLIBC)

WRACKLINE_OLD_SYMBOL(dladdr);
WRACKLINE_OLD_SYMBOL(dlopen);
WRACKLINE_OLD_SYMBOL(dlsym);
WRACKLINE_OLD_SYMBOL(pthread_attr_getstack);
WRACKLINE_OLD_SYMBOL(pthread_attr_getstacksize);
WRACKLINE_OLD_SYMBOL(pthread_attr_setstacksize);
#ifndef WRACKLINE_DEFINES_PTHREAD_CREATE
WRACKLINE_OLD_SYMBOL(pthread_create);
#endif
WRACKLINE_OLD_SYMBOL(pthread_key_create);
WRACKLINE_OLD_SYMBOL(pthread_setspecific);
WRACKLINE_OLD_SYMBOL(pthread_sigmask);
__asm__(".symver dladdr1,dladdr1@" WRACKLINE_OLD_DLINFO);
__asm__(".symver dlinfo,dlinfo@" WRACKLINE_OLD_DLINFO);

#undef WRACKLINE_OLD_SYMBOL
#undef WRACKLINE_OLD_DLINFO
#undef WRACKLINE_FIRST_GLIBC
#endif
