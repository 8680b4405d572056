// Holds 32 MiB of objects, 24 MiB of direct buffers and 30 threads until it is killed.
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

public class JvmHolder {
  public static void main(String[] arguments) throws Exception {
    List<Object> kept = new ArrayList<>();
    for (int i = 0; i < 32; ++i) kept.add(new byte[(1 << 20) - 64]);
    for (int i = 0; i < 6; ++i) {
      ByteBuffer buffer = ByteBuffer.allocateDirect(4 << 20);
      while (buffer.hasRemaining()) buffer.put((byte) 1);
      kept.add(buffer);
    }
    for (int i = 0; i < 30; ++i) {
      Thread thread = new Thread(() -> sleep());
      thread.start();
      kept.add(thread);
    }
    sleep();
  }

  static void sleep() {
    try {
      Thread.sleep(600_000);
    } catch (InterruptedException e) {
      return;
    }
  }
}
