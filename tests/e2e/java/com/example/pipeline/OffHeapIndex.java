package com.example.pipeline;

import java.lang.reflect.Field;
import sun.misc.Unsafe;

/** An index outside of the heap that only grows. */
final class OffHeapIndex {
  private final Unsafe unsafe;
  private long last;

  private OffHeapIndex(Unsafe unsafe) {
    this.unsafe = unsafe;
  }

  static Object run(int pages) throws Exception {
    Field field = Unsafe.class.getDeclaredField("theUnsafe");
    field.setAccessible(true);
    OffHeapIndex index = new OffHeapIndex((Unsafe) field.get(null));
    for (int i = 0; i < pages; i++) index.grow();
    return index.last;
  }

  private void grow() {
    long page = unsafe.allocateMemory(16_384);
    unsafe.putLong(page, last);
    last = page;
  }
}
