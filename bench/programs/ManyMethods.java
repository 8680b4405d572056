import java.net.URI;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.stream.Stream;

/**
 * Links classes of the JDK, without running their code, until these have a given number of methods, and ends. Prints
 * one line: result classes=... methods=...
 *
 * <p>Usage: java ManyMethods METHODS
 */
public final class ManyMethods {
  public static void main(String[] arguments) throws Exception {
    int wanted = Integer.parseInt(arguments[0]);
    int classes = 0;
    int methods = 0;
    Path base = FileSystems.getFileSystem(URI.create("jrt:/")).getPath("/modules/java.base/java");
    try (Stream<Path> files = Files.walk(base)) {
      for (Iterator<Path> each = files.iterator(); each.hasNext() && methods < wanted; ) {
        String file = each.next().toString();
        if (!file.endsWith(".class") || file.endsWith("-info.class")) continue;
        String name = file.substring("/modules/java.base/".length(), file.length() - ".class".length()).replace('/', '.');
        // Listing the methods links the class.
        Class<?> type = Class.forName(name, false, null);
        methods += type.getDeclaredMethods().length + type.getDeclaredConstructors().length;
        classes++;
      }
    }
    System.out.println("result classes=" + classes + " methods=" + methods);
  }
}
