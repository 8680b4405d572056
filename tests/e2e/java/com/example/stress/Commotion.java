package com.example.stress;

import java.io.InputStream;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongUnaryOperator;
import java.util.zip.Deflater;
import java.util.zip.Inflater;
import sun.misc.Unsafe;

/**
 * What a VM finds hard while its stacks are asked for: classes that come and go, hidden ones too, exceptions, code that is
 * compiled and thrown away, short threads, collections, and on newer versions virtual threads; all of them while native memory is
 * allocated from Java. Prints "done" with the number of rounds, and ends in the way that is asked for.
 *
 * <p>Usage: java com.example.stress.Commotion SECONDS return|exit|halt|throw|hook|crash
 */
public final class Commotion {
  private static final Unsafe UNSAFE = unsafe();
  private static final AtomicLong ROUNDS = new AtomicLong();
  private static volatile boolean over;
  public static volatile Object sink;

  public static void main(String[] arguments) throws Exception {
    long until = System.nanoTime() + Long.parseLong(arguments[0]) * 1_000_000_000L;
    Thread ender = new Thread(() -> { while (System.nanoTime() < until) pause(10); over = true; }, "ender");
    ender.start();
    List<Thread> workers = new ArrayList<>();
    workers.add(worker("allocate", () -> { allocate(20); deep(ThreadLocalRandom.current().nextInt(200)); }));
    workers.add(worker("zip", Commotion::zip));
    workers.add(worker("classes", Commotion::classes));
    workers.add(worker("hidden", Commotion::hidden));
    workers.add(worker("exceptions", Commotion::exceptions));
    workers.add(worker("deoptimise", Commotion::deoptimise));
    workers.add(worker("threads", Commotion::threads));
    workers.add(worker("collect", () -> { System.gc(); pause(20); }));
    for (Thread worker : workers) worker.join();
    System.out.println("done " + (ROUNDS.get() > 0));
    System.out.flush();
    switch (arguments[1]) {
      case "exit":
        // Others still allocate when the VM goes.
        for (int i = 0; i < 4; i++) forever("late-" + i);
        System.exit(3);
        break;
      case "hook":
        Runtime.getRuntime().addShutdownHook(new Thread(() -> allocate(1000)));
        for (int i = 0; i < 4; i++) forever("late-" + i);
        System.exit(5);
        break;
      case "halt":
        for (int i = 0; i < 4; i++) forever("late-" + i);
        Runtime.getRuntime().halt(4);
        break;
      case "throw":
        throw new IllegalStateException("on purpose");
      case "crash":
        UNSAFE.putLong(8, 1);
        break;
      default:
    }
  }

  private interface Work {
    void once() throws Exception;
  }

  private static Thread worker(String name, Work work) {
    Thread thread = new Thread(() -> {
      try {
        while (!over) {
          work.once();
          ROUNDS.incrementAndGet();
        }
      } catch (Throwable e) {
        e.printStackTrace();
        Runtime.getRuntime().halt(9);
      }
    }, name);
    thread.start();
    return thread;
  }

  private static void forever(String name) {
    Thread thread = new Thread(() -> { while (true) allocate(50); }, name);
    thread.setDaemon(true);
    thread.start();
  }

  public static void allocate(int times) {
    for (int i = 0; i < times; i++) {
      long block = UNSAFE.allocateMemory(16 + ThreadLocalRandom.current().nextInt(2000));
      block = UNSAFE.reallocateMemory(block, 16 + ThreadLocalRandom.current().nextInt(4000));
      UNSAFE.putByte(block, (byte) i);
      UNSAFE.freeMemory(block);
    }
    sink = ByteBuffer.allocateDirect(512);
  }

  private static void deep(int depth) {
    if (depth > 0) deep(depth - 1);
    else allocate(2);
  }

  private static void zip() throws Exception {
    Deflater deflater = new Deflater(1);
    deflater.setInput(new byte[500]);
    deflater.finish();
    byte[] packed = new byte[600];
    int length = deflater.deflate(packed);
    deflater.end();
    Inflater inflater = new Inflater();
    inflater.setInput(packed, 0, length);
    inflater.inflate(new byte[500]);
    inflater.end();
  }

  private static final class Loader extends ClassLoader {
    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      if (!name.equals(Thrown.class.getName())) return super.loadClass(name, resolve);
      byte[] bytes = bytes();
      return defineClass(name, bytes, 0, bytes.length);
    }
  }

  /** Loaded by a loader of its own, run once, and unloaded. */
  public static final class Thrown implements Runnable {
    @Override
    public void run() {
      sink = ByteBuffer.allocateDirect(2000);
      allocate(3);
    }
  }

  private static byte[] bytes() {
    try (InputStream stream = Commotion.class.getResourceAsStream("Commotion$Thrown.class")) {
      return stream.readAllBytes();
    } catch (java.io.IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void classes() throws Exception {
    Class<?> type = Class.forName(Thrown.class.getName(), true, new Loader());
    ((Runnable) type.getDeclaredConstructor().newInstance()).run();
  }

  private static void hidden() throws Exception {
    Class<?> type = MethodHandles.lookup().defineHiddenClass(bytes(), true).lookupClass();
    ((Runnable) type.getDeclaredConstructor().newInstance()).run();
    LongUnaryOperator lambda = x -> { allocate(1); return x + 1; };
    sink = lambda.applyAsLong(1);
  }

  private static void exceptions() {
    try {
      fail(30);
    } catch (IllegalStateException e) {
      sink = e;
      allocate(1);
    }
  }

  private static void fail(int depth) {
    if (depth == 0) throw new IllegalStateException("expected");
    try {
      fail(depth - 1);
    } finally {
      if (depth % 10 == 0) allocate(1);
    }
  }

  private abstract static class Shape {
    abstract int area(int x);
  }

  /** Compiled for one type, then another comes. */
  private static void deoptimise() throws Exception {
    int sum = 0;
    Shape square = new Shape() { int area(int x) { return x * x; } };
    Shape flat = new Shape() { int area(int x) { allocate(1); return 0; } };
    for (int i = 0; i < 20_000; i++) sum += square.area(i);
    for (int i = 0; i < 20; i++) sum += flat.area(i);
    sink = sum;
  }

  private static void threads() throws Exception {
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      Thread thread = new Thread(() -> allocate(3), "short-" + i);
      thread.start();
      threads.add(thread);
    }
    try {
      // Java 21 and later.
      Object builder = Thread.class.getMethod("ofVirtual").invoke(null);
      java.lang.reflect.Method start = Class.forName("java.lang.Thread$Builder").getMethod("start", Runnable.class);
      for (int i = 0; i < 40; i++) threads.add((Thread) start.invoke(builder, (Runnable) () -> { allocate(3); Thread.yield(); allocate(2); }));
    } catch (NoSuchMethodException older) {
      // No virtual threads.
    }
    for (Thread thread : threads) thread.join();
  }

  private static void pause(long milliseconds) {
    try {
      Thread.sleep(milliseconds);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Unsafe unsafe() {
    try {
      Field field = Unsafe.class.getDeclaredField("theUnsafe");
      field.setAccessible(true);
      return (Unsafe) field.get(null);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }
}
