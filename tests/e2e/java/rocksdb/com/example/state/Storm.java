package com.example.state;

import java.io.File;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.Cache;
import org.rocksdb.ColumnFamilyDescriptor;
import org.rocksdb.ColumnFamilyHandle;
import org.rocksdb.ColumnFamilyOptions;
import org.rocksdb.DBOptions;
import org.rocksdb.FlushOptions;
import org.rocksdb.LRUCache;
import org.rocksdb.OptimisticTransactionDB;
import org.rocksdb.Options;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksIterator;
import org.rocksdb.TransactionDB;
import org.rocksdb.TransactionDBOptions;
import org.rocksdb.TtlDB;
import org.rocksdb.WriteBufferManager;

/**
 * Many threads open, write, read, create, drop and close, in every way that Java has, until the time is over.
 *
 * <p>Arguments: a folder, milliseconds, threads, class loaders (0: the program's own; each other one loads a library of its own),
 * and "exit" to end the VM in the middle of it.
 */
public final class Storm {
  private static final AtomicLong opened = new AtomicLong();

  private Storm() {}

  public static void main(String[] arguments) throws Exception {
    String folder = arguments[0];
    long milliseconds = Long.parseLong(arguments[1]);
    int threads = Integer.parseInt(arguments[2]);
    int loaders = Integer.parseInt(arguments[3]);
    boolean exit = arguments.length > 4;
    List<Thread> running = new ArrayList<>();
    for (int loader = 0; loader < Math.max(1, loaders); loader++) {
      String own = folder + "/" + loader;
      Class<?> type = loaders == 0 ? Storm.class : load();
      Thread thread = new Thread(() -> {
        try {
          type.getMethod("run", String.class, long.class, int.class).invoke(null, own, milliseconds, threads);
        } catch (ReflectiveOperationException failure) {
          failure.printStackTrace();
          System.exit(2);
        }
      });
      thread.start();
      running.add(thread);
    }
    if (exit) {
      Thread.sleep(milliseconds / 2);
      System.exit(0);
    }
    for (Thread thread : running) {
      thread.join();
    }
  }

  private static Class<?> load() throws Exception {
    List<URL> urls = new ArrayList<>();
    for (String part : System.getProperty("java.class.path").split(File.pathSeparator)) {
      urls.add(new File(part).toURI().toURL());
    }
    return new URLClassLoader(urls.toArray(new URL[0]), ClassLoader.getPlatformClassLoader())
        .loadClass("com.example.state.Storm");
  }

  /** Of one class loader. */
  public static void run(String folder, long milliseconds, int threads) throws Exception {
    RocksDB.loadLibrary();
    long end = System.nanoTime() + milliseconds * 1_000_000;
    try (Cache cache = new LRUCache(8 << 20);
        WriteBufferManager manager = new WriteBufferManager(4 << 20, cache)) {
      List<Thread> running = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        int number = i;
        Thread thread = new Thread(() -> {
          Random random = new Random(number);
          try {
            for (int round = 0; System.nanoTime() < end; round++) {
              once(folder + "/" + number + "-" + round, random, cache, manager);
            }
          } catch (Exception failure) {
            failure.printStackTrace();
            System.exit(3);
          }
        });
        thread.start();
        running.add(thread);
      }
      for (Thread thread : running) {
        thread.join();
      }
    }
    System.out.println("opened " + opened.get());
  }

  private static void once(String path, Random random, Cache cache, WriteBufferManager manager) throws Exception {
    new File(path).mkdirs();
    BlockBasedTableConfig table = new BlockBasedTableConfig();
    table.setBlockCache(cache);
    try (ColumnFamilyOptions family = new ColumnFamilyOptions().setTableFormatConfig(table);
        DBOptions options = new DBOptions().setCreateIfMissing(true).setCreateMissingColumnFamilies(true)
            .setWriteBufferManager(manager);
        Options plain = new Options(options, family);
        TransactionDBOptions transactions = new TransactionDBOptions()) {
      List<ColumnFamilyDescriptor> descriptors = new ArrayList<>();
      descriptors.add(new ColumnFamilyDescriptor(RocksDB.DEFAULT_COLUMN_FAMILY, family));
      descriptors.add(new ColumnFamilyDescriptor("state".getBytes(), family));
      List<ColumnFamilyHandle> handles = new ArrayList<>();
      RocksDB db;
      switch (random.nextInt(6)) {
        case 0:
          db = RocksDB.open(plain, path);
          break;
        case 1:
          db = TtlDB.open(plain, path, 3600, false);
          break;
        case 2:
          db = OptimisticTransactionDB.open(options, path, descriptors, handles);
          break;
        case 3:
          db = TransactionDB.open(options, transactions, path, descriptors, handles);
          break;
        default:
          db = RocksDB.open(options, path, descriptors, handles);
      }
      opened.incrementAndGet();
      try {
        work(db, handles, family, random);
      } finally {
        // Sometimes the database first, as careless programs do: its handles are then not closed at all.
        boolean careless = random.nextInt(8) == 0;
        if (careless) {
          db.close();
        }
        for (ColumnFamilyHandle handle : handles) {
          handle.close();
        }
        if (!careless) {
          db.close();
        }
      }
      if (random.nextInt(4) == 0 && !handles.isEmpty()) {
        try (Options reading = new Options(); RocksDB again = RocksDB.openReadOnly(reading, path)) {
          again.get("key1".getBytes());
        }
      }
    }
    try (Stream<Path> files = Files.walk(new File(path).toPath())) {
      files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
    }
  }

  private static void work(RocksDB db, List<ColumnFamilyHandle> handles, ColumnFamilyOptions options, Random random)
      throws Exception {
    if (!(db instanceof TtlDB) && random.nextBoolean()) {
      for (int i = 0; i < 1 + random.nextInt(4); i++) {
        handles.add(db.createColumnFamily(new ColumnFamilyDescriptor(("made" + i).getBytes(), options)));
      }
    }
    byte[] value = new byte[500];
    for (int i = 0; i < 100; i++) {
      if (handles.isEmpty()) {
        db.put(("key" + i).getBytes(), value);
      } else {
        db.put(handles.get(random.nextInt(handles.size())), ("key" + i).getBytes(), value);
      }
    }
    if (!handles.isEmpty()) {
      if (random.nextInt(3) == 0) {
        try (FlushOptions wait = new FlushOptions().setWaitForFlush(true)) {
          db.flush(wait, handles.get(0));
        }
      }
      try (RocksIterator iterator = db.newIterator(handles.get(0))) {
        for (iterator.seekToFirst(); iterator.isValid(); iterator.next()) {
          iterator.value();
        }
      }
    }
    while (handles.size() > 2 && random.nextBoolean()) {
      ColumnFamilyHandle handle = handles.remove(handles.size() - 1);
      db.dropColumnFamily(handle);
      if (random.nextBoolean()) {
        Thread.yield();
      }
      handle.close();
    }
  }
}
