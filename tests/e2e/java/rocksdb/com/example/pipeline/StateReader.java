package com.example.pipeline;

import java.util.ArrayList;
import java.util.List;
import org.rocksdb.Options;
import org.rocksdb.ReadOptions;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksIterator;

/**
 * State that is read with options, or by iterators, that are never closed.
 *
 * <p>Usage: java com.example.pipeline.StateReader options|iterators AMOUNT FOLDER
 */
public final class StateReader {
  private final RocksDB db;
  private final List<RocksIterator> iterators = new ArrayList<>();
  private final List<ReadOptions> read = new ArrayList<>();

  private StateReader(RocksDB db) {
    this.db = db;
  }

  public static void main(String[] arguments) throws Exception {
    Thread.sleep(1000); // an attachment takes its time; a job that leaks has run for longer
    RocksDB.loadLibrary();
    StateReader reader = new StateReader(RocksDB.open(new Options().setCreateIfMissing(true), arguments[2]));
    for (int i = 0; i < 1000; i++) reader.db.put(key(i), new byte[100]);
    int found = 0;
    int amount = Integer.parseInt(arguments[1]);
    for (int i = 0; i < amount; i++) found += arguments[0].equals("options") ? reader.lookup(i % 1000) : reader.scan(i % 1000);
    Thread.sleep(500); // the names of the last stacks are taken within 100 ms
    System.out.println("found " + found);
    System.out.flush();
    Runtime.getRuntime().halt(0);
  }

  private int lookup(int i) throws Exception {
    ReadOptions options = new ReadOptions();
    read.add(options);
    return db.get(options, key(i)) == null ? 0 : 1;
  }

  private int scan(int i) {
    RocksIterator iterator = db.newIterator();
    iterators.add(iterator);
    iterator.seek(key(i));
    return iterator.isValid() ? 1 : 0;
  }

  private static byte[] key(int i) {
    return ("key-" + i).getBytes();
  }
}
