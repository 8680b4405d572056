package com.example.pipeline;

import java.util.List;
import java.util.Map;

/**
 * Programs that lose native memory from Java, one for each way. Prints what it has lost in bytes, as near as Java knows, and ends.
 *
 * <p>Usage: java com.example.pipeline.Leaks NAME AMOUNT [MILLISECONDS TO STAY]
 */
public final class Leaks {
  interface Leak {
    /** Loses memory `amount` times; what must stay reachable is in the result. */
    Object run(int amount) throws Exception;
  }

  private static final Map<String, Leak> LEAKS =
      Map.of(
          "inflater", ConfigDecoder::run,
          "deflater", RecordSerializer::run,
          "direct", NetworkBuffers::run,
          "unsafe", OffHeapIndex::run,
          "jni", NativeCodec::run,
          "mapped", SegmentCache::run,
          "threads", WorkerPool::run,
          "loaders", PluginLoader::run,
          "zip", ArchiveReader::run);

  public static void main(String[] arguments) throws Exception {
    // An attachment takes its time; a job that leaks has run for longer.
    Thread.sleep(1000);
    Object kept = LEAKS.get(arguments[0]).run(Integer.parseInt(arguments[1]));
    // The names of the last stacks are taken within 100 ms.
    Thread.sleep(arguments.length > 2 ? Long.parseLong(arguments[2]) : 500);
    System.out.println("kept " + (kept instanceof List<?> list ? list.size() : kept));
    System.out.flush();
    Runtime.getRuntime().halt(0);
  }
}
