import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.Deflater;
import java.util.zip.Inflater;
import sun.misc.Unsafe;

/**
 * A JVM whose native memory is busy: per iteration a Deflater and an Inflater (zlib's malloc), a direct buffer, and a block of
 * Unsafe memory that is resized; the last 64 of each are kept. Compression and hashing are the work between allocations, as in a state
 * backend. Prints one line: result iterations=... checksum=...
 *
 * <p>Usage: java WorkingSet ITERATIONS-PER-THREAD [THREADS]
 */
public final class WorkingSet {
  private static final int KEPT = 64;

  public static void main(String[] arguments) throws Exception {
    int iterations = Integer.parseInt(arguments[0]);
    int threads = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 2;
    Field field = Unsafe.class.getDeclaredField("theUnsafe");
    field.setAccessible(true);
    Unsafe unsafe = (Unsafe) field.get(null);
    long[] checksums = new long[threads];
    Thread[] workers = new Thread[threads];
    for (int i = 0; i < threads; i++) {
      int worker = i;
      workers[i] = new Thread(() -> checksums[worker] = work(unsafe, worker, iterations), "worker-" + i);
      workers[i].start();
    }
    for (Thread worker : workers) worker.join();
    System.out.println("result iterations=" + (long) iterations * threads + " checksum=" + Arrays.hashCode(checksums));
  }

  private static long work(Unsafe unsafe, int seed, int iterations) {
    Random random = new Random(seed);
    ByteBuffer[] buffers = new ByteBuffer[KEPT];
    long[] blocks = new long[KEPT];
    byte[] plain = new byte[4096];
    byte[] packed = new byte[8192];
    long checksum = 0;
    for (int i = 0; i < iterations; i++) {
      for (int at = 0; at < plain.length; at++) plain[at] = (byte) (random.nextInt() & 15);
      Deflater deflater = new Deflater(1);
      deflater.setInput(plain);
      deflater.finish();
      int length = deflater.deflate(packed);
      deflater.end();

      Inflater inflater = new Inflater();
      inflater.setInput(packed, 0, length);
      try {
        if (inflater.inflate(plain) != plain.length) throw new IllegalStateException("inflate");
      } catch (java.util.zip.DataFormatException e) {
        throw new IllegalStateException(e);
      }
      inflater.end();

      ByteBuffer buffer = ByteBuffer.allocateDirect(256 + random.nextInt(4096));
      buffer.put(0, plain[i % plain.length]);
      buffers[i % KEPT] = buffer;

      int slot = i % KEPT;
      if (blocks[slot] != 0) unsafe.freeMemory(blocks[slot]);
      blocks[slot] = unsafe.allocateMemory(64 + random.nextInt(1024));
      blocks[slot] = unsafe.reallocateMemory(blocks[slot], 128 + random.nextInt(2048));
      unsafe.putByte(blocks[slot], plain[0]);
      checksum = checksum * 31 + length + buffer.get(0) + unsafe.getByte(blocks[slot]);
    }
    for (long block : blocks) if (block != 0) unsafe.freeMemory(block);
    return checksum;
  }
}
