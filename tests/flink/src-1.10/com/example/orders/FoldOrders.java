package com.example.orders;

import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/** As src/'s: keeps each key's last record, some of its records, and its records by a byte of theirs. */
final class FoldOrders extends KeyedProcessFunction<Integer, byte[], Long> {
  private static final TypeInformation<byte[]> BYTES = PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO;
  private transient ValueState<byte[]> last;
  private transient ListState<byte[]> some;
  private transient MapState<Long, byte[]> byByte;

  @Override
  public void open(Configuration configuration) {
    last = getRuntimeContext().getState(new ValueStateDescriptor<>("last-order", BYTES));
    some = getRuntimeContext().getListState(new ListStateDescriptor<>("some-orders", BYTES));
    byByte = getRuntimeContext().getMapState(new MapStateDescriptor<>("orders-by-byte", Types.LONG, BYTES));
  }

  @Override
  public void processElement(byte[] order, Context context, Collector<Long> out) throws Exception {
    last.update(order);
    if (order[3] < 0) some.add(order);
    byByte.put((long) (order[4] & 255), order);
    out.collect(1L);
  }
}
