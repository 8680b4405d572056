package com.example.state;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.ColumnFamilyDescriptor;
import org.rocksdb.ColumnFamilyHandle;
import org.rocksdb.ColumnFamilyOptions;
import org.rocksdb.DBOptions;
import org.rocksdb.FlushOptions;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.ReadOptions;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksIterator;
import org.rocksdb.Statistics;
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteOptions;

/**
 * State in RocksDB, and objects of its Java interface that are never closed. All are kept reachable: before 7.0 RocksDB's Java classes
 * have finalizers.
 *
 * <p>Usage: java com.example.state.Unclosed NAME AMOUNT FOLDER START; begins when the file START is there, and waits to be killed.
 */
public final class Unclosed {
  private static final List<Object> kept = new ArrayList<>();

  public static void main(String[] arguments) throws Exception {
    while (!Files.exists(Path.of(arguments[3]))) Thread.sleep(10);
    RocksDB.loadLibrary();
    int amount = Integer.parseInt(arguments[1]);
    String folder = arguments[2];
    switch (arguments[0]) {
      case "cache":
        cacheOfOptions(amount, folder);
        break;
      case "databases":
        openAndClose(amount, folder);
        break;
      default:
        withDatabase(arguments[0], amount, folder);
    }
    new CountDownLatch(1).await();
  }

  private static void withDatabase(String name, int amount, String folder) throws Exception {
    Options options = new Options().setCreateIfMissing(true);
    RocksDB db = RocksDB.open(options, folder);
    kept.add(db);
    for (int i = 0; i < 1000; i++) db.put(key(i), new byte[100]);
    for (int i = 0; i < amount; i++) {
      switch (name) {
        case "read-options":
          lookup(db, i % 1000);
          break;
        case "iterators":
          scan(db, i % 1000);
          break;
        case "statistics":
          measure();
          break;
        case "batches":
          write(db, i);
          break;
        case "nothing":
          closeAll(db, i);
          break;
        default:
          throw new IllegalArgumentException(name);
      }
    }
  }

  private static void lookup(RocksDB db, int i) throws Exception {
    ReadOptions options = new ReadOptions();
    kept.add(options);
    db.get(options, key(i));
  }

  private static void scan(RocksDB db, int i) {
    RocksIterator iterator = db.newIterator();
    kept.add(iterator);
    iterator.seek(key(i));
  }

  private static void measure() {
    kept.add(new Statistics());
  }

  private static void write(RocksDB db, int i) throws Exception {
    WriteBatch batch = new WriteBatch();
    kept.add(batch);
    batch.put(key(i), new byte[1000]);
    try (WriteOptions options = new WriteOptions()) {
      db.write(options, batch);
    }
  }

  /** A program without a leak. */
  private static void closeAll(RocksDB db, int i) throws Exception {
    try (ReadOptions options = new ReadOptions();
        WriteOptions write = new WriteOptions();
        WriteBatch batch = new WriteBatch();
        Statistics statistics = new Statistics()) {
      db.get(options, key(i));
      batch.put(key(i), new byte[100]);
      db.write(write, batch);
      try (RocksIterator iterator = db.newIterator(options)) {
        iterator.seek(key(i));
      }
    }
  }

  /** A database with a cache of its own; the options that getDescriptor() copies are forgotten, and keep the cache. */
  private static void cacheOfOptions(int megabytes, String folder) throws Exception {
    LRUCache cache = new LRUCache(2L * megabytes << 20);
    ColumnFamilyOptions family =
        new ColumnFamilyOptions().setTableFormatConfig(new BlockBasedTableConfig().setBlockCache(cache));
    List<ColumnFamilyHandle> handles = new ArrayList<>();
    DBOptions options = new DBOptions().setCreateIfMissing(true);
    RocksDB db =
        RocksDB.open(options, folder, List.of(new ColumnFamilyDescriptor("default".getBytes(), family)), handles);
    byte[] value = new byte[4096];
    Random random = new Random(1);
    for (int i = 0; i < megabytes << 8; i++) {
      random.nextBytes(value);
      db.put(key(i), value);
    }
    try (FlushOptions flush = new FlushOptions().setWaitForFlush(true)) {
      db.flush(flush);
    }
    for (int i = 0; i < megabytes << 8; i++) db.get(key(i));
    for (int i = 0; i < 64; i++) compact(handles.get(0));
    for (ColumnFamilyHandle handle : handles) handle.close();
    db.close();
    options.close();
    family.close();
    cache.close();
  }

  private static void compact(ColumnFamilyHandle handle) throws Exception {
    kept.add(handle.getDescriptor().getOptions());
  }

  /** Everything that a program can close is closed. */
  private static void openAndClose(int times, String folder) throws Exception {
    for (int i = 0; i < times; i++) {
      try (Options options = new Options().setCreateIfMissing(true);
          RocksDB db = open(options, folder)) {
        db.put(key(i), key(i));
      }
    }
  }

  private static RocksDB open(Options options, String folder) throws Exception {
    return RocksDB.open(options, folder);
  }

  private static byte[] key(int i) {
    return ("key-" + i).getBytes();
  }
}
