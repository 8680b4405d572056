#include "preload/jvm/java_names.h"

#include <algorithm>
#include <cstring>

#include "preload/jvm/context.h"
#include "preload/text.h"

namespace wrackline::preload {
namespace {

bool StartsWith(const char* text, const char* start) {
  return std::strncmp(text, start, std::strlen(start)) == 0;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The class's part: nothing of a hidden class's address ("/0x...", "+0x..."), nor of the hash by which a VM before 15 names
// its anonymous classes ("/1252585652").
std::size_t ClassLength(const char* name, std::size_t length) {
  std::size_t hash = length;
  while (hash > 0 && IsDigit(name[hash - 1])) --hash;
  if (hash < length && hash > 1 && (name[hash - 1] == '/' || name[hash - 1] == '.'))
    return hash - 1;
  for (std::size_t i = 0; i + 3 < length; ++i) {
    const bool cut = name[i] == '/' || name[i] == '.' || name[i] == '+';
    if (cut && name[i + 1] == '0' && name[i + 2] == 'x') return i;
  }
  return length;
}

// Behind "$$Lambda$", "$$StringConcat$" and the like, or a reflection accessor's name, there is a number: where it begins.
std::size_t WithoutNumber(const char* name, std::size_t length) {
  std::size_t end = length;
  while (end > 0 && IsDigit(name[end - 1])) --end;
  if (end == length || end == 0) return length;
  constexpr char kLambda[] = "$$Lambda$";
  constexpr std::size_t kLambdaLength = sizeof(kLambda) - 1;
  if (end >= kLambdaLength &&
      std::memcmp(name + end - kLambdaLength, kLambda, kLambdaLength) == 0) {
    return end - 1;
  }
  const bool accessor = StartsWith(name, "jdk/internal/reflect/Generated") ||
                        StartsWith(name, "sun/reflect/Generated");
  return accessor ? end : length;
}

// What the VM gave, given back.
class Given {
 public:
  explicit Given(jvmtiEnv* jvmti) : jvmti_(jvmti) {}
  Given(const Given&) = delete;
  Given& operator=(const Given&) = delete;
  ~Given() { GiveBack(); }
  void GiveBack() {
    if (at_ != nullptr) jvmti_->Deallocate(reinterpret_cast<unsigned char*>(at_));
    at_ = nullptr;
  }
  template <typename T>
  T** Out() {
    GiveBack();
    return reinterpret_cast<T**>(&at_);
  }
  const char* text() const { return static_cast<const char*>(at_); }
  template <typename T>
  const T* as() const {
    return static_cast<const T*>(at_);
  }

 private:
  jvmtiEnv* jvmti_;
  void* at_ = nullptr;
};

// One method's, kept for the frames that follow.
class MethodNames {
 public:
  MethodNames(const JvmContext& jvm, JavaNamingJob* job)
      : jvm_(jvm),
        job_(job),
        method_name_(jvm.jvmti),
        signature_(jvm.jvmti),
        file_(jvm.jvmti),
        lines_(jvm.jvmti) {}

  void Resolve(JavaNamingJob::Frame* frame) {
    const jmethodID method = MethodOf(frame->frame);
    if (method != method_) Ask(method);
    frame->name = name_place_;
    if (name_place_ == JavaNamingJob::kNoName || name_place_ == JavaNamingJob::kNoRoom) return;
    frame->line = LineOf(BytecodeOf(frame->frame));
    frame->file = file_place_;
    if (file_place_ == JavaNamingJob::kNoName || file_place_ == JavaNamingJob::kNoRoom) {
      frame->line = 0;
    }
  }

 private:
  void Ask(jmethodID method) {
    method_ = method;
    name_place_ = file_place_ = JavaNamingJob::kNoName;
    line_count_ = 0;
    jvmtiEnv* jvmti = jvm_.jvmti;
    jclass owner = nullptr;
    // Class signature and file must be of a class that stays: the reference holds it.
    if (jvmti->GetMethodDeclaringClass(method, &owner) != JVMTI_ERROR_NONE) return;
    char name[JavaNamingJob::kMaxName];
    if (jvmti->GetMethodName(method, method_name_.Out<char>(), nullptr, nullptr) ==
            JVMTI_ERROR_NONE &&
        jvmti->GetClassSignature(owner, signature_.Out<char>(), nullptr) == JVMTI_ERROR_NONE) {
      WriteJavaName(signature_.text(), method_name_.text(), name, sizeof(name));
      name_place_ = Keep(name);
      AskForLines(method, owner);
    }
    jvm_.env->DeleteLocalRef(owner);
  }

  void AskForLines(jmethodID method, jclass owner) {
    jvmtiEnv* jvmti = jvm_.jvmti;
    // Neither: a native method, a class compiled without, one made at run time.
    jint count = 0;
    if (jvmti->GetLineNumberTable(method, &count, lines_.Out<jvmtiLineNumberEntry>()) !=
            JVMTI_ERROR_NONE ||
        jvmti->GetSourceFileName(owner, file_.Out<char>()) != JVMTI_ERROR_NONE) {
      return;
    }
    line_count_ = count;
    file_place_ = Keep(file_.text());
  }

  std::uint32_t LineOf(std::uint32_t bytecode) const {
    if (bytecode == kNoBytecode) return 0;
    const auto* lines = lines_.as<jvmtiLineNumberEntry>();
    jlocation nearest = -1;
    jint line = 0;
    // In no order.
    for (jint i = 0; i < line_count_; ++i) {
      const jlocation start = lines[i].start_location;
      if (start > static_cast<jlocation>(bytecode) || start < nearest) continue;
      nearest = start;
      line = lines[i].line_number;
    }
    return line > 0 ? static_cast<std::uint32_t>(line) : 0;
  }

  std::uint32_t Keep(const char* text) {
    const std::size_t length = strnlen(text, JavaNamingJob::kMaxName - 1);
    if (length == 0) return JavaNamingJob::kNoName;
    if (job_->text_used + length + 1 > JavaNamingJob::kTextBytes) return JavaNamingJob::kNoRoom;
    const std::uint32_t place = static_cast<std::uint32_t>(job_->text_used);
    std::memcpy(job_->text + place, text, length);
    job_->text[place + length] = '\0';
    job_->text_used += length + 1;
    return place;
  }

  const JvmContext& jvm_;
  JavaNamingJob* job_;
  jmethodID method_ = nullptr;
  std::uint32_t name_place_ = JavaNamingJob::kNoName;
  std::uint32_t file_place_ = JavaNamingJob::kNoName;
  jint line_count_ = 0;
  Given method_name_, signature_, file_, lines_;
};

}  // namespace

void WriteJavaName(const char* signature, const char* method, char* out, std::size_t size) {
  const char* name = signature[0] == 'L' ? signature + 1 : signature;
  std::size_t length = std::strlen(name);
  if (signature[0] == 'L' && length > 0 && name[length - 1] == ';') --length;
  length = WithoutNumber(name, ClassLength(name, length));
  std::size_t at = 0;
  for (std::size_t i = 0; i < length && at + 1 < size; ++i) {
    out[at++] = name[i] == '/' ? '.' : name[i];
  }
  if (at + 1 < size) out[at++] = '.';
  CopyText(out + at, size - at, method);
}

void ResolveJavaNames(const JvmContext& jvm, JavaNamingJob* job) {
  job->text_used = 0;
  std::sort(job->frames, job->frames + job->count,
            [](const JavaNamingJob::Frame& a, const JavaNamingJob::Frame& b) {
              return MethodOf(a.frame) < MethodOf(b.frame);
            });
  MethodNames names(jvm, job);
  for (std::uint32_t i = 0; i < job->count; ++i) {
    job->frames[i].name = job->frames[i].file = JavaNamingJob::kNoName;
    job->frames[i].line = 0;
    names.Resolve(&job->frames[i]);
  }
}

}  // namespace wrackline::preload
