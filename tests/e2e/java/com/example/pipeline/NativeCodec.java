package com.example.pipeline;

/** A codec written in C whose state is never closed. */
final class NativeCodec {
  static Object run(int streams) {
    System.load(System.getProperty("codec"));
    long last = 0;
    for (int i = 0; i < streams; i++) last = new NativeCodec().encode();
    return last;
  }

  private long encode() {
    return open();
  }

  private static native long open();
}
