package com.example.stress;

import java.lang.reflect.Field;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.Deflater;
import java.util.zip.Inflater;
import sun.misc.Unsafe;

/** Native memory that is taken, checked and given back. */
final class Native {
  static final AtomicLong calls = new AtomicLong();
  private static final Unsafe UNSAFE = find();
  private static final byte[] PLAIN = "pipeline.max-parallelism: 128\n".repeat(10).getBytes();
  private static final byte[] PACKED = pack();

  static void block(int size) {
    long block = UNSAFE.allocateMemory(size);
    UNSAFE.putLong(block, block);
    if (UNSAFE.getLong(block) != block) throw new AssertionError("a block lost its contents");
    UNSAFE.freeMemory(block);
    calls.incrementAndGet();
  }

  static void inflate() throws Exception {
    Inflater inflater = new Inflater();
    inflater.setInput(PACKED);
    byte[] plain = new byte[PLAIN.length];
    int length = inflater.inflate(plain);
    inflater.end();
    if (length != PLAIN.length || !java.util.Arrays.equals(plain, PLAIN)) throw new AssertionError("inflated to something else");
    calls.incrementAndGet();
  }

  private static byte[] pack() {
    Deflater deflater = new Deflater();
    deflater.setInput(PLAIN);
    deflater.finish();
    byte[] buffer = new byte[PLAIN.length];
    byte[] packed = java.util.Arrays.copyOf(buffer, deflater.deflate(buffer));
    deflater.reset();
    deflater.setInput(PLAIN);
    deflater.finish();
    deflater.deflate(packed);
    deflater.end();
    return packed;
  }

  private static Unsafe find() {
    try {
      Field field = Unsafe.class.getDeclaredField("theUnsafe");
      field.setAccessible(true);
      return (Unsafe) field.get(null);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }
}
