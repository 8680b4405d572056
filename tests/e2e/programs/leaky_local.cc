// A program whose leak is in a local function: stripped, nobody can name it.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

#line 100 "leaky_local.cc"
__attribute__((noinline)) void* LeakSession(std::size_t size) {
  void* session = std::malloc(size);
  if (session != nullptr) *static_cast<volatile char*>(session) = 1;
  return session;
}

#line 200 "leaky_local.cc"
__attribute__((noinline)) void Serve(std::vector<void*>* sessions) {
  sessions->push_back(LeakSession(4096));
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<void*> sessions;
  sessions.reserve(4096);
  for (int i = 0; i < 4096; ++i) Serve(&sessions);
  std::puts("served");
  std::fflush(stdout);
  // With an argument: alive until it is killed.
  while (argc > 1 && argv[1][0] == 'k') pause();
  return sessions.empty() ? 1 : 0;
}
