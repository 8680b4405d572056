package com.example.pipeline;

import java.util.ArrayList;
import java.util.List;
import java.util.zip.Deflater;

/** A Deflater for each batch of records, never ended. */
final class RecordSerializer {
  private final List<Deflater> deflaters = new ArrayList<>();

  static Object run(int batches) {
    RecordSerializer serializer = new RecordSerializer();
    for (int i = 0; i < batches; i++) serializer.compress(new byte[1000]);
    return serializer.deflaters;
  }

  private int compress(byte[] batch) {
    Deflater deflater = new Deflater(1);
    deflaters.add(deflater);
    deflater.setInput(batch);
    deflater.finish();
    return deflater.deflate(new byte[2000]);
  }
}
