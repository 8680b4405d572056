/* The native half of com.example.pipeline.NativeCodec. */
#include <jni.h>
#include <stdlib.h>
#include <string.h>

__attribute__((noinline)) static void* codec_state_new(size_t size) {
  void* state = malloc(size);
  if (state != NULL) memset(state, 0, 64);
  return state;
}

JNIEXPORT jlong JNICALL Java_com_example_pipeline_NativeCodec_open(JNIEnv* env, jclass type) {
  (void)env;
  (void)type;
  return (jlong)(size_t)codec_state_new(12000);
}
