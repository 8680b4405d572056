import java.lang.reflect.Field;
import sun.misc.Unsafe;

/**
 * Pairs of Unsafe.allocateMemory and freeMemory below a given number of Java frames. After a warm-up, which has the loop
 * compiled, it prints one line: result operations=... warmup=... cpu_ns=... (CPU time of the process between the two ends).
 *
 * <p>Usage: java JavaSamples OPERATIONS DEPTH BYTES-WRITTEN-BETWEEN
 */
public final class JavaSamples {
  private static Unsafe unsafe;
  private static byte[] between;
  private static long sum;

  public static void main(String[] arguments) throws Exception {
    int operations = Integer.parseInt(arguments[0]);
    int depth = Integer.parseInt(arguments[1]);
    between = new byte[Integer.parseInt(arguments[2])];
    Field field = Unsafe.class.getDeclaredField("theUnsafe");
    field.setAccessible(true);
    unsafe = (Unsafe) field.get(null);
    Thread.sleep(1500); // an attachment, and the recorder's first second, are over
    int warmup = operations / 5;
    down(depth, warmup);
    long begin = cpu();
    down(depth, operations);
    System.out.println("result operations=" + operations + " warmup=" + warmup + " cpu_ns=" + (cpu() - begin) + " sum=" + sum);
  }

  // Two methods in turn, so that the compiler does not make a loop of the recursion.
  private static void down(int depth, int operations) {
    if (depth == 0) pairs(operations);
    else deeper(depth - 1, operations);
    sum++;
  }

  private static void deeper(int depth, int operations) {
    if (depth == 0) pairs(operations);
    else down(depth - 1, operations);
    sum += 2;
  }

  private static void pairs(int operations) {
    for (int i = 0; i < operations; i++) {
      long block = unsafe.allocateMemory(700 + (i & 63));
      unsafe.putByte(block, (byte) i);
      unsafe.freeMemory(block);
      if (between.length != 0 && (i & 511) == 0) {
        for (int at = 0; at < between.length; at += 64) between[at]++;
      }
    }
  }

  /** Of the whole process, in ns. */
  private static long cpu() {
    return ((com.sun.management.OperatingSystemMXBean) java.lang.management.ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }
}
