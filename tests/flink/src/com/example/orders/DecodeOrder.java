package com.example.orders;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.Inflater;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.rocksdb.ReadOptions;

/** Hands records on, and forgets to close something once in `every` records. */
final class DecodeOrder extends RichMapFunction<byte[], byte[]> {
  private static final List<Object> kept = new ArrayList<>();
  private final String fault;
  private final int every;
  private transient long seen;

  DecodeOrder(String fault, int every) {
    this.fault = fault;
    this.every = every;
  }

  @Override
  public byte[] map(byte[] order) {
    if (seen++ % every == 0 && !fault.equals("none")) forget();
    return order;
  }

  private void forget() {
    Object forgotten;
    switch (fault) {
      case "inflater":
        forgotten = new Inflater();
        break;
      case "direct":
        forgotten = ByteBuffer.allocateDirect(16384);
        break;
      case "readoptions":
        forgotten = new ReadOptions();
        break;
      default:
        throw new IllegalArgumentException("no such fault: " + fault);
    }
    synchronized (kept) {
      kept.add(forgotten);
    }
  }
}
