package com.example.pipeline;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Direct buffers that go into a map and never come out. */
final class NetworkBuffers {
  private final List<ByteBuffer> used = new ArrayList<>();

  static Object run(int buffers) {
    NetworkBuffers pool = new NetworkBuffers();
    for (int i = 0; i < buffers; i++) pool.acquire();
    return pool.used;
  }

  private ByteBuffer acquire() {
    ByteBuffer buffer = ByteBuffer.allocateDirect(20_000);
    used.add(buffer);
    return buffer;
  }
}
