// jvm_host LIBJVM CLASSES: a program that makes a VM of its own. It waits for wrackline's thread in it, makes a call that sends
// that thread away for a moment, waits for it to come back, and then runs JvmTarget. Says on stdout what it saw.
#include <dirent.h>
#include <dlfcn.h>
#include <jni.h>
#include <sys/prctl.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <thread>

namespace {

bool HasThread(const std::string& name) {
  DIR* tasks = opendir("/proc/self/task");
  if (tasks == nullptr) return false;
  bool found = false;
  while (const dirent* task = readdir(tasks)) {
    std::ifstream file(std::string("/proc/self/task/") + task->d_name + "/comm");
    std::string comm;
    std::getline(file, comm);
    found = found || comm == name;
  }
  closedir(tasks);
  return found;
}

bool WaitForThread(const std::string& name) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!HasThread(name)) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) return 2;
  // Java writes beside stdio.
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  std::printf("before: %d\n", HasThread("wrackline-jvm") ? 1 : 0);
  void* libjvm = dlopen(arguments[1], RTLD_NOW);
  if (libjvm == nullptr) return 3;
  const auto create =
      reinterpret_cast<jint (*)(JavaVM**, void**, void*)>(dlsym(libjvm, "JNI_CreateJavaVM"));
  std::string classes = std::string("-Djava.class.path=") + arguments[2];
  std::string heap = "-Xmx128m";
  JavaVMOption options[] = {{classes.data(), nullptr}, {heap.data(), nullptr}};
  JavaVMInitArgs wanted = {JNI_VERSION_1_8, 2, options, JNI_FALSE};
  JavaVM* vm = nullptr;
  JNIEnv* env = nullptr;
  if (create == nullptr || create(&vm, reinterpret_cast<void**>(&env), &wanted) != JNI_OK) return 4;

  std::printf("attached: %d\n", WaitForThread("wrackline-jvm") ? 1 : 0);
  std::printf("call: %d\n", prctl(PR_SET_KEEPCAPS, 0L, 0L, 0L, 0L));
  std::printf("back: %d\n", WaitForThread("wrackline-jvm") ? 1 : 0);

  const jclass target = env->FindClass("JvmTarget");
  const jmethodID main = target != nullptr
                             ? env->GetStaticMethodID(target, "main", "([Ljava/lang/String;)V")
                             : nullptr;
  if (main == nullptr) return 5;
  jobjectArray words = env->NewObjectArray(2, env->FindClass("java/lang/String"), nullptr);
  env->SetObjectArrayElement(words, 0, env->NewStringUTF("return"));
  env->SetObjectArrayElement(words, 1, env->NewStringUTF("10"));
  env->CallStaticVoidMethod(target, main, words);
  if (env->ExceptionCheck() != JNI_FALSE) return 6;
  return vm->DestroyJavaVM() == JNI_OK ? 0 : 7;
}
