// What the tests of the VM profile: allocations from Java by several ways, and every way to end a VM.
import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.Inflater;
import sun.misc.Unsafe;

public class JvmTarget {
  static final List<Object> kept = new ArrayList<>();
  static final Unsafe unsafe = takeUnsafe();
  static long sum;

  static Unsafe takeUnsafe() {
    try {
      Field field = Unsafe.class.getDeclaredField("theUnsafe");
      field.setAccessible(true);
      return (Unsafe) field.get(null);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  static void keepDirect(int count) {
    for (int i = 0; i < count; i++) kept.add(ByteBuffer.allocateDirect(20000));  // line 25
  }

  static void keepUnsafe(int count) {
    for (int i = 0; i < count; i++) sum += unsafe.allocateMemory(20000);
  }

  static void keepInflaters(int count) {
    for (int i = 0; i < count; i++) kept.add(new Inflater());
  }

  static void keepByLambda(int count) {
    Runnable one = () -> kept.add(ByteBuffer.allocateDirect(20000));
    for (int i = 0; i < count; i++) one.run();
  }

  static void keepDeep(int depth) {
    if (depth > 0) keepDeep(depth - 1);
    else keepUnsafe(100);
  }

  static void end(String way) throws Exception {
    switch (way) {
      case "exit": System.exit(3);
      case "halt": Runtime.getRuntime().halt(4);
      case "throw": throw new IllegalStateException("on purpose");
      case "term":
        new ProcessBuilder("/bin/sh", "-c", "kill -TERM " + ProcessHandle.current().pid()).start();
        Thread.sleep(60_000);
      case "stay":
        System.out.flush();
        Thread.sleep(120_000);
      default:  // returns from main
    }
  }

  public static void main(String[] arguments) throws Exception {
    int rounds = Integer.parseInt(arguments[1]);
    // A file to wait for, so that the shim has attached itself before.
    while (arguments.length > 2 && !new java.io.File(arguments[2]).exists()) Thread.sleep(10);
    for (int i = 0; i < rounds; i++) {
      keepDirect(100);
      keepUnsafe(100);
      keepInflaters(100);
      keepByLambda(100);
    }
    keepDeep(200);
    Thread worker = new Thread(() -> keepDirect(100), "worker");
    worker.start();
    worker.join();
    System.out.println(kept.size());
    end(arguments[0]);
  }
}
