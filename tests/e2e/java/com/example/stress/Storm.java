package com.example.stress;

import java.io.InputStream;
import java.lang.invoke.MethodHandles;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.IntUnaryOperator;

/**
 * Everything at once that makes a VM move its code and its threads about, with native memory taken at every turn. Each activity has a
 * thread, and checks what it did.
 *
 * <p>Usage: java com.example.stress.Storm SECONDS. Exit status 0 and a line "all well: N" if nothing went wrong.
 */
public final class Storm {
  interface Activity {
    void once() throws Exception;
  }

  private static final int CROWD = 2000;
  private static volatile Throwable failure;
  private static final byte[] THROWAWAY = read("Throwaway.class");

  public static void main(String[] arguments) throws Exception {
    crowd();
    virtualCrowd();
    long end = System.nanoTime() + Long.parseLong(arguments[0]) * 1_000_000_000L;
    List<Thread> threads = new ArrayList<>();
    Activity[] activities = {
      Storm::allocate, Storm::allocate, Storm::buffers, Storm::unload, Storm::hide, Storm::deoptimize, Storm::fail, Storm::overflow,
      Storm::shortThreads, Storm::collect, Storm::virtualCrowd, Storm::spawn
    };
    for (int i = 0; i < activities.length; i++) {
      Activity activity = activities[i];
      threads.add(start("activity-" + i, () -> { while (System.nanoTime() < end && failure == null) activity.once(); }));
    }
    for (Thread thread : threads) thread.join();
    if (failure != null) {
      failure.printStackTrace();
      System.exit(1);
    }
    System.out.println("all well: " + Native.calls);
  }

  private static Thread start(String name, Activity body) {
    Thread thread = new Thread(() -> run(body), name);
    thread.start();
    return thread;
  }

  private static void run(Activity body) {
    try {
      body.once();
    } catch (Throwable e) {
      failure = e;
    }
  }

  private static void allocate() throws Exception {
    for (int i = 0; i < 100; i++) {
      Native.block(16 + i * 40);
      Native.inflate();
      Runnable lambda = () -> Native.block(64);
      lambda.run();
    }
  }

  /** Direct buffers that the collector gives back. */
  private static void buffers() {
    for (int i = 0; i < 100; i++) ByteBuffer.allocateDirect(3000).putLong(8, i);
  }

  private static void unload() throws Exception {
    use(new ClassLoader(Storm.class.getClassLoader()) {
      Class<?> define() {
        return defineClass("com.example.stress.Throwaway", THROWAWAY, 0, THROWAWAY.length);
      }
    }.define(), 2000);
  }

  private static void hide() throws Exception {
    use(MethodHandles.lookup().defineHiddenClass(THROWAWAY, true).lookupClass(), 2000);
  }

  /** Compiled code that believed there was one kind of operator, and meets another. */
  private static void deoptimize() throws Exception {
    use(MethodHandles.lookup().defineHiddenClass(THROWAWAY, true).lookupClass(), 60_000);
  }

  private static void use(Class<?> throwaway, int rounds) throws Exception {
    IntUnaryOperator operator = (IntUnaryOperator) throwaway.getDeclaredConstructor().newInstance();
    var loop = throwaway.getMethod("loop", IntUnaryOperator.class, int.class);
    int[] calls = new int[1];
    IntUnaryOperator other = value -> {
      if (++calls[0] % 500 == 0) Native.block(48);
      return value + 1;
    };
    int sum = (int) loop.invoke(null, operator, rounds) + (int) loop.invoke(null, other, rounds);
    if (sum != 2 * rounds) throw new AssertionError("a loop counted " + sum);
  }

  /** Exceptions thrown by the program and by the VM, through frames that have just allocated. */
  private static void fail() throws Exception {
    int caught = 0;
    for (int i = 0; i < 300; i++) {
      try {
        thrower(i, i % 30, i % 2 == 0 ? null : new int[1]);
      } catch (IllegalStateException | NullPointerException | ArrayIndexOutOfBoundsException e) {
        caught++;
      }
    }
    if (caught != 300) throw new AssertionError("caught " + caught);
  }

  private static int thrower(int seed, int depth, int[] values) throws Exception {
    if (depth > 0) return 1 + thrower(seed, depth - 1, values);
    Native.block(32);
    if (seed % 3 == 0) throw new IllegalStateException("on purpose");
    return values[1];
  }

  /** Allocates to the stack's very end. */
  private static void overflow() throws Exception {
    boolean overflowed = false;
    try {
      dive(0);
    } catch (StackOverflowError e) {
      overflowed = true;
    }
    if (!overflowed) throw new AssertionError("an endless stack");
    Native.inflate();
    Thread.sleep(20);
  }

  private static int dive(int depth) {
    if (depth % 16 == 0) Native.block(24);
    return dive(depth + 1) + 1;
  }

  private static void shortThreads() throws Exception {
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 20; i++) threads.add(start("short-" + i, Native::inflate));
    for (Thread thread : threads) thread.join();
  }

  /** Two thousand threads that live at the same time. */
  private static void crowd() throws Exception {
    CountDownLatch all = new CountDownLatch(CROWD);
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < CROWD; i++) {
      Thread thread = new Thread(null, () -> run(() -> {
        Native.block(100);
        all.countDown();
        all.await();
        Native.inflate();
      }), "crowd-" + i, 256 << 10);
      thread.start();
      threads.add(thread);
    }
    for (Thread thread : threads) thread.join();
  }

  /** Virtual threads, where the VM has them, which change their carriers in between. */
  private static void virtualCrowd() throws Exception {
    ExecutorService executor;
    try {
      executor = (ExecutorService) Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
    } catch (NoSuchMethodException e) {
      Thread.sleep(100);
      return;
    }
    for (int i = 0; i < 1000; i++) {
      executor.submit(() -> run(() -> {
        Native.block(100);
        Thread.sleep(1);
        Native.inflate();
      }));
    }
    executor.shutdown();
    if (!executor.awaitTermination(60, java.util.concurrent.TimeUnit.SECONDS)) throw new AssertionError("virtual threads that do not end");
  }

  private static void collect() throws Exception {
    System.gc();
    Thread.sleep(50);
  }

  private static void spawn() throws Exception {
    ProcessBuilder builder = new ProcessBuilder("/bin/sh", "-c", "exit 7");
    builder.environment().remove("LD_PRELOAD");
    if (builder.start().waitFor() != 7) throw new AssertionError("a child that ended otherwise");
    Thread.sleep(1000);
  }

  private static byte[] read(String name) {
    try (InputStream stream = Storm.class.getResourceAsStream(name)) {
      return stream.readAllBytes();
    } catch (java.io.IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
