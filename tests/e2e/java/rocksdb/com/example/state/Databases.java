package com.example.state;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.Cache;
import org.rocksdb.ColumnFamilyDescriptor;
import org.rocksdb.ColumnFamilyHandle;
import org.rocksdb.ColumnFamilyOptions;
import org.rocksdb.DBOptions;
import org.rocksdb.FlushOptions;
import org.rocksdb.LRUCache;
import org.rocksdb.RocksDB;
import org.rocksdb.WriteBufferManager;

/**
 * Two databases that share a cache and a write buffer manager, as the states of two operators in one slot do. Does what it is
 * told by the files "1", "2" and so on in its folder, each with one word (see the switch), and answers with "1.done" and so on: what
 * getLongProperty says of each family then. Between the two nothing changes.
 */
final class Databases {
  private static final String[] PROPERTIES = {
    "rocksdb.cur-size-active-mem-table", "rocksdb.cur-size-all-mem-tables", "rocksdb.size-all-mem-tables",
    "rocksdb.estimate-table-readers-mem", "rocksdb.num-immutable-mem-table", "rocksdb.block-cache-usage",
    "rocksdb.block-cache-capacity", "rocksdb.block-cache-pinned-usage"
  };

  private static final class State {
    final String path;
    final RocksDB db;
    final List<ColumnFamilyHandle> handles = new ArrayList<>();
    final List<String> names = new ArrayList<>();

    State(String path, DBOptions options, ColumnFamilyOptions familyOptions, String... families) throws Exception {
      this.path = path;
      List<ColumnFamilyDescriptor> descriptors = new ArrayList<>();
      descriptors.add(new ColumnFamilyDescriptor(RocksDB.DEFAULT_COLUMN_FAMILY, familyOptions));
      names.add("default");
      for (String family : families) {
        descriptors.add(new ColumnFamilyDescriptor(family.getBytes(), familyOptions));
        names.add(family);
      }
      new File(path).getParentFile().mkdirs();
      db = RocksDB.open(options, path, descriptors, handles);
    }

    void create(String family, ColumnFamilyOptions options) throws Exception {
      handles.add(db.createColumnFamily(new ColumnFamilyDescriptor(family.getBytes(), options)));
      names.add(family);
    }

    void write(int family, int count) throws Exception {
      byte[] value = new byte[1000];
      for (int i = 0; i < count; i++) {
        db.put(handles.get(family), ("key" + i).getBytes(), value);
      }
    }

    void readAll(int family, int count) throws Exception {
      for (int i = 0; i < count; i++) {
        db.get(handles.get(family), ("key" + i).getBytes());
      }
    }

    void print(StringBuilder out) throws Exception {
      for (int i = 0; i < handles.size(); i++) {
        for (String property : PROPERTIES) {
          out.append(path).append(' ').append(names.get(i)).append(' ').append(property).append(' ')
              .append(db.getLongProperty(handles.get(i), property)).append('\n');
        }
      }
    }

    void close() {
      for (ColumnFamilyHandle handle : handles) {
        handle.close();
      }
      db.close();
    }
  }

  public static void main(String[] arguments) throws Exception {
    RocksDB.loadLibrary();
    Cache cache = new LRUCache(256 << 20);
    WriteBufferManager manager = new WriteBufferManager(256 << 20, cache);
    DBOptions options = new DBOptions().setCreateIfMissing(true).setCreateMissingColumnFamilies(true)
        .setWriteBufferManager(manager);
    BlockBasedTableConfig table = new BlockBasedTableConfig();
    table.setBlockCache(cache);
    ColumnFamilyOptions family = new ColumnFamilyOptions().setTableFormatConfig(table);
    Path folder = Path.of(arguments[0]);
    List<State> open = new ArrayList<>();
    State first = new State(arguments[1], options, family, "window-contents", "_timer_state/event");
    State second = new State(folder + "/two/db", options, family, "buckets");
    open.add(first);
    open.add(second);
    first.write(1, 8000);
    first.write(2, 1000);
    second.write(1, 3000);
    try (FlushOptions wait = new FlushOptions().setWaitForFlush(true)) {
      first.db.flush(wait, first.handles.get(1));
      second.db.flush(wait, second.handles.get(1));
    }
    first.write(1, 2000);
    first.readAll(1, 8000);
    second.readAll(1, 3000);
    for (int step = 1;; step++) {
      Path told = folder.resolve(String.valueOf(step));
      while (!Files.exists(told)) {
        Thread.sleep(10);
      }
      switch (Files.readString(told)) {
        case "figures":
          break;
        case "create":
          second.create("late", family);
          second.write(2, 500);
          break;
        case "drop":
          second.db.dropColumnFamily(second.handles.get(1));
          second.handles.remove(1).close();
          second.names.remove(1);
          break;
        case "close":
          open.remove(first);
          first.close();
          break;
        case "open":
          State third = new State(folder + "/three/db", options, family, "joined");
          third.write(1, 700);
          open.add(third);
          break;
        default:
          throw new IllegalArgumentException(Files.readString(told));
      }
      StringBuilder figures = new StringBuilder();
      for (State state : open) {
        state.print(figures);
      }
      Path written = folder.resolve(step + ".new");
      Files.writeString(written, figures);
      Files.move(written, folder.resolve(step + ".done"), StandardCopyOption.ATOMIC_MOVE);
    }
  }
}
