// The second unit of the same object.
int LinesOther(int x);

static volatile int g_calls;

__attribute__((noinline)) static int Counted(int x) {
  g_calls = g_calls + 1;
  return x + g_calls;
}

int LinesOther(int x) {
  int sum = 0;
  while (x > 0) {
    sum += Counted(x);
    x /= 2;
  }
  return sum;
}
