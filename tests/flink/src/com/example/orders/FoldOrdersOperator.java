package com.example.orders;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/** Runs FoldOrders; with `every` > 0 it begins a walk over the keys once in so many records and leaves it open: a RocksDB iterator with what it pins. */
final class FoldOrdersOperator extends KeyedProcessOperator<Integer, byte[], Long> {
  private final int every;
  private transient List<Object> walks;
  private transient long seen;

  FoldOrdersOperator(int forget, int every) {
    super(new FoldOrders(forget));
    this.every = every;
  }

  @Override
  public void processElement(StreamRecord<byte[]> order) throws Exception {
    super.processElement(order);
    if (every == 0 || seen++ % every != 0) return;
    if (walks == null) walks = new ArrayList<>();
    Iterator<?> walk = getKeyedStateBackend().getKeys("last-order", VoidNamespace.INSTANCE).iterator();
    walk.hasNext();
    walks.add(walk);
  }
}
