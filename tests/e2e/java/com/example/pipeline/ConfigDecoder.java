package com.example.pipeline;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import java.util.zip.Inflater;

/** A configuration file that is decompressed again for every record; the Inflater is never ended. */
final class ConfigDecoder {
  private final byte[] compressed = compress();
  private final List<Inflater> inflaters = new ArrayList<>();

  static Object run(int records) throws Exception {
    ConfigDecoder decoder = new ConfigDecoder();
    for (int i = 0; i < records; i++) decoder.decode();
    return decoder.inflaters;
  }

  private String decode() throws DataFormatException {
    Inflater inflater = new Inflater();
    inflaters.add(inflater); // as if no collection came
    inflater.setInput(compressed);
    byte[] plain = new byte[256];
    int length = inflater.inflate(plain);
    return new String(plain, 0, length, StandardCharsets.UTF_8);
  }

  private static byte[] compress() {
    Deflater deflater = new Deflater();
    deflater.setInput("pipeline.max-parallelism: 128\n".repeat(40).getBytes(StandardCharsets.UTF_8));
    deflater.finish();
    byte[] buffer = new byte[4096];
    byte[] result = java.util.Arrays.copyOf(buffer, deflater.deflate(buffer));
    deflater.end();
    return result;
  }
}
