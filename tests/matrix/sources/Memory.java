import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.zip.Deflater;
import java.util.zip.Inflater;

/** Takes memory of every kind that a JVM has: heap, direct buffers, deflaters, threads, classes, mapped files. Prints checksums. */
public class Memory {
  static String hash(byte[] data) throws Exception {
    StringBuilder text = new StringBuilder();
    for (byte b : MessageDigest.getInstance("SHA-256").digest(data)) text.append(String.format("%02x", b));
    return text.substring(0, 16);
  }

  static String compress(int seed) throws Exception {
    byte[] input = new byte[200000];
    for (int i = 0; i < input.length; i++) input[i] = (byte) (i * seed >> 3);
    Deflater deflater = new Deflater(seed % 9 + 1);
    deflater.setInput(input);
    deflater.finish();
    byte[] packed = new byte[300000];
    int size = deflater.deflate(packed);
    deflater.end();
    Inflater inflater = new Inflater();
    inflater.setInput(packed, 0, size);
    byte[] output = new byte[input.length];
    inflater.inflate(output);
    inflater.end();
    return size + " " + hash(output);
  }

  static String direct(int turns) {
    List<ByteBuffer> kept = new ArrayList<>();
    long sum = 0;
    for (int i = 0; i < turns; i++) {
      ByteBuffer buffer = ByteBuffer.allocateDirect(1000 + i * 37 % 100000);
      buffer.put(0, (byte) i);
      sum += buffer.get(0) + buffer.capacity();
      kept.add(buffer);
      if (kept.size() > 300) kept.subList(0, 200).clear();
    }
    return "direct " + sum;
  }

  static int depth(int n) {
    return n == 0 ? 0 : 1 + depth(n - 1);
  }

  public static void main(String[] arguments) throws Exception {
    int turns = Integer.parseInt(arguments[0]);
    System.out.println(direct(turns * 20));
    ExecutorService pool = Executors.newFixedThreadPool(8);
    List<Future<String>> futures = new ArrayList<>();
    for (int i = 1; i <= turns; i++) {
      int seed = i;
      futures.add(pool.submit(() -> compress(seed)));
    }
    for (Future<String> future : futures) System.out.println(future.get());
    pool.shutdown();

    Map<Integer, String> map = new HashMap<>();
    for (int i = 0; i < turns * 5000; i++) map.put(i, "value " + i * 31);
    long lengths = 0;
    for (String value : map.values()) lengths += value.length();
    System.out.println(map.size() + " " + lengths);
    System.gc();

    // The same class in many loaders: metaspace that comes and goes.
    URL here = Memory.class.getProtectionDomain().getCodeSource().getLocation();
    int loaded = 0;
    for (int i = 0; i < turns * 2; i++) {
      try (URLClassLoader loader = new URLClassLoader(new URL[] {here}, null)) {
        if (loader.loadClass("Memory") != Memory.class) loaded++;
      }
    }
    System.out.println("loaders " + loaded);
    System.gc();

    Thread[] threads = new Thread[turns * 5];
    for (int i = 0; i < threads.length; i++) (threads[i] = new Thread(() -> depth(500))).start();
    for (Thread thread : threads) thread.join();
    System.out.println("threads " + threads.length);

    Path file = Path.of("mapped");
    try (FileOutputStream out = new FileOutputStream(file.toFile())) {
      out.write(new byte[1 << 20]);
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      ByteBuffer mapped = channel.map(FileChannel.MapMode.READ_WRITE, 0, 1 << 20);
      for (int i = 0; i < mapped.capacity(); i++) mapped.put(i, (byte) i);
      byte[] copy = new byte[mapped.capacity()];
      mapped.get(copy);
      System.out.println("mapped " + hash(copy));
    }

    Process child = new ProcessBuilder("sh", "-c", "echo from a child; exit 7").redirectErrorStream(true).start();
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    try (InputStream in = child.getInputStream()) {
      in.transferTo(said);
    }
    System.out.println(said.toString().trim() + " " + child.waitFor());
    try {
      depth(100_000_000);
    } catch (StackOverflowError error) {
      System.out.println("stack overflow caught");
    }
    try {
      List<byte[]> all = new ArrayList<>();
      while (true) all.add(new byte[16 << 20]);
    } catch (OutOfMemoryError error) {
      System.out.println(error.getMessage());
    }
    new File("mapped").delete();
    throw new IllegalStateException("the end");
  }
}
