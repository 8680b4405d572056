// Functions whose names, bindings and neighbours elf_test.cc knows. In C and assembler, so that
// nothing is mangled or inlined away.
__attribute__((noinline)) static int hidden_helper(int x) { return x * 7 + 1; }

__attribute__((noinline)) int known_global(int x) { return hidden_helper(x) + 2; }
__attribute__((noinline, weak)) int known_weak(int x) { return x - 5; }

// Three names for one function: the global without underscores is the one to show.
__attribute__((noinline)) int __known_aliased(int x) { return x ^ 0x55; }
extern int known_aliased(int) __attribute__((alias("__known_aliased")));
extern int a_weak_aliased(int) __attribute__((weak, alias("__known_aliased")));
static int local_aliased(int) __attribute__((alias("__known_aliased"), used));

int known_data = 42;  // no function: never an answer

__attribute__((visibility("default"))) int call_all(int x) {
  return known_global(x) + known_weak(x) + known_aliased(x) + known_data;
}

#ifdef __x86_64__
// Hand-written assembler often forgets .size: such a symbol reaches to the next one.
__asm__(
    ".text\n"
    ".balign 64\n"
    ".globl sizeless_first\n.type sizeless_first, @function\n"
    "sizeless_first:\n"
    ".skip 32, 0x90\n"
    ".globl sizeless_second\n.type sizeless_second, @function\n"
    "sizeless_second:\n"
    ".skip 32, 0x90\n"
    ".globl sized_after\n.type sized_after, @function\n"
    "sized_after:\n"
    ".skip 16, 0x90\n"
    ".size sized_after, 16\n"
    ".skip 48, 0x90\n"  // nobody's
    // One inside of the other.
    ".globl outer\n.type outer, @function\n"
    "outer:\n"
    ".skip 16, 0x90\n"
    ".globl inner\n.type inner, @function\n"
    "inner:\n"
    ".skip 16, 0x90\n"
    ".size inner, 16\n"
    ".skip 16, 0x90\n"
    ".size outer, 48\n");
#endif
