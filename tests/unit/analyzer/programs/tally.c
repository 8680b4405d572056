/* What improve_names_test.cc finds names and lines for: local functions, gone when it is stripped. */
static volatile int g_sum;

#ifdef OTHER
const char tally_build[] = "other"; /* of another build id, whichever compiler it is */
#endif

#line 500 "tally.c"
__attribute__((noinline)) static int tally_local(int x) {
  g_sum = g_sum + x;
  return g_sum;
}

#line 600 "tally.c"
int tally_exported(int x);
int tally_exported(int x) { return tally_local(x) + 1; }
