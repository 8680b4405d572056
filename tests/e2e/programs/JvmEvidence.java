// Prints what wrackline learns of the VM's memory ("ours KEY VALUE") and what java.lang.management says at the same moment
// ("bean KEY VALUE"). Argument: the native library.
import java.io.RandomAccessFile;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryUsage;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.List;

public class JvmEvidence {
  static final List<Object> kept = new ArrayList<>();

  static native String ask(boolean resident);

  static void bean(String key, long value) {
    System.out.println("bean " + key + " " + value);
  }

  public static void main(String[] arguments) throws Exception {
    System.load(arguments[0]);
    // Before anything else: what asking alone does.
    String early = ask(true);
    for (String line : early.split("\n")) System.out.println("early " + line);

    for (int i = 0; i < 30; ++i) kept.add(new byte[1 << 20]);
    for (int i = 0; i < 3; ++i) kept.add(ByteBuffer.allocateDirect(5 << 20));
    java.io.File file = java.io.File.createTempFile("wrackline", null);
    try (RandomAccessFile access = new RandomAccessFile(file, "rw")) {
      access.setLength(1 << 20);
      MappedByteBuffer mapped = access.getChannel().map(FileChannel.MapMode.READ_WRITE, 0, 1 << 20);
      kept.add(mapped);
    }
    file.delete();
    for (int i = 0; i < 20; ++i) {
      Thread thread = new Thread(() -> {
        try {
          Thread.sleep(1_000_000);
        } catch (InterruptedException e) {
          return;
        }
      });
      thread.setDaemon(true);
      thread.start();
    }
    System.gc();
    System.gc();
    // The beans' classes are loaded, and their own objects made, before the figures are taken.
    beans(false);
    ask(false);
    String ours = "";
    for (int i = 0; i < 9; ++i) ours = ask(true);
    beans(true);
    for (String line : ours.split("\n")) System.out.println("ours " + line);
  }

  static void beans(boolean print) {
    MemoryUsage heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage();
    MemoryUsage nonHeap = ManagementFactory.getMemoryMXBean().getNonHeapMemoryUsage();
    int threads = ManagementFactory.getThreadMXBean().getThreadCount();
    long classes = ManagementFactory.getClassLoadingMXBean().getLoadedClassCount();
    long collections = 0;
    for (GarbageCollectorMXBean collector : ManagementFactory.getGarbageCollectorMXBeans()) {
      collections += collector.getCollectionCount();
    }
    if (!print) return;
    bean("heap_used", heap.getUsed());
    bean("heap_committed", heap.getCommitted());
    bean("heap_max", heap.getMax());
    bean("non_heap_used", nonHeap.getUsed());
    bean("threads", threads);
    bean("classes_loaded", classes);
    bean("collections", collections);
    long after = 0;
    for (MemoryPoolMXBean pool : ManagementFactory.getMemoryPoolMXBeans()) {
      MemoryUsage usage = pool.getUsage();
      bean("pool[" + pool.getName() + "].used", usage.getUsed());
      if (pool.getName().equals("Metaspace")) {
        bean("metaspace_used", usage.getUsed());
        bean("metaspace_committed", usage.getCommitted());
      }
      if (pool.getName().equals("Compressed Class Space")) bean("class_space_used", usage.getUsed());
      if (pool.getType() == java.lang.management.MemoryType.HEAP && pool.getCollectionUsage() != null) {
        after += pool.getCollectionUsage().getUsed();
      }
    }
    bean("heap_used_after_collection", after);
    for (BufferPoolMXBean pool : ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class)) {
      if (pool.getName().equals("direct")) {
        bean("direct_buffers", pool.getCount());
        bean("direct_used", pool.getMemoryUsed());
        bean("direct_capacity", pool.getTotalCapacity());
      }
      if (pool.getName().equals("mapped")) {
        bean("mapped_buffers", pool.getCount());
        bean("mapped_used", pool.getMemoryUsed());
      }
    }
  }
}
