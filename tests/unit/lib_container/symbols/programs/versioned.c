// A function with a symbol version: its name in .symtab is versioned_call@@VERSION_1.
int current_call(int x);
int current_call(int x) { return x + 1; }
__asm__(".symver current_call, versioned_call@@VERSION_1");
