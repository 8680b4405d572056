package com.example.pipeline;

import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/** Archives that are opened to read one entry, and neither they nor the entry's stream are closed. */
final class ArchiveReader {
  private final List<Object> opened = new ArrayList<>();

  static Object run(int reads) throws Exception {
    ArchiveReader reader = new ArchiveReader();
    Path archive = Files.createTempFile("job", ".jar");
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(archive))) {
      out.putNextEntry(new ZipEntry("job.properties"));
      out.write("parallelism=4\n".repeat(1000).getBytes());
    }
    try {
      for (int i = 0; i < reads; i++) reader.read(archive);
    } finally {
      Files.delete(archive);
    }
    return reader.opened;
  }

  private int read(Path archive) throws Exception {
    ZipFile file = new ZipFile(archive.toFile());
    opened.add(file);
    InputStream stream = file.getInputStream(file.getEntry("job.properties"));
    opened.add(stream);
    return stream.read();
  }
}
