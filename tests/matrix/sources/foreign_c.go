//go:build cgo

package main

/*
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
static void* body(void* argument) {
  long sum = 0;
  for (int i = 0; i < 20000; ++i) {
    size_t size = (size_t)(i * 31 + (long)argument) % 3000 + 1;
    char* block = realloc(calloc(1, size), size * 2);
    memset(block, 1, size * 2);
    sum += block[size];
    free(block);
  }
  return (void*)sum;
}
static long foreign(long seed) {
  pthread_t thread;
  void* sum = 0;
  pthread_create(&thread, 0, body, (void*)seed);
  long mine = (long)body((void*)seed);
  pthread_join(thread, &sum);
  return mine + (long)sum;
}
*/
import "C"
import "fmt"

func foreign(seed int) string { return fmt.Sprint(" c ", C.foreign(C.long(seed))) }
