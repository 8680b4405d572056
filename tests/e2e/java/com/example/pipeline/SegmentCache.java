package com.example.pipeline;

import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/** Segments of a log that stay mapped. */
final class SegmentCache {
  private final List<MappedByteBuffer> segments = new ArrayList<>();

  static Object run(int segments) throws Exception {
    SegmentCache cache = new SegmentCache();
    Path file = Files.createTempFile("segment", ".log");
    try {
      for (int i = 0; i < segments; i++) cache.load(file);
    } finally {
      Files.delete(file);
    }
    return cache.segments;
  }

  private void load(Path file) throws Exception {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      segments.add(channel.map(FileChannel.MapMode.READ_WRITE, 0, 1 << 20));
    }
  }
}
