package com.example.orders;

import java.util.HashMap;
import java.util.Map;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.DiscardingSink;
import org.apache.flink.streaming.api.functions.source.RichParallelSourceFunction;

/** As src/'s, on the interfaces of Flink 1.10, with the same options. */
public final class OrdersJob {
  /** Numbers without an end, or `records` of them a subtask and then silence. */
  private static final class Numbers extends RichParallelSourceFunction<Long> {
    private final long records;
    private volatile boolean running = true;

    Numbers(long records) {
      this.records = records;
    }

    @Override
    public void run(SourceContext<Long> context) throws Exception {
      long step = getRuntimeContext().getNumberOfParallelSubtasks();
      long number = getRuntimeContext().getIndexOfThisSubtask();
      for (long given = 0; running; given++, number += step) {
        if (records > 0 && given >= records) {
          Thread.sleep(100);
          continue;
        }
        synchronized (context.getCheckpointLock()) {
          context.collect(number);
        }
      }
    }

    @Override
    public void cancel() {
      running = false;
    }
  }

  public static void main(String[] arguments) throws Exception {
    Map<String, String> options = new HashMap<>();
    for (String argument : arguments) {
      String[] parts = argument.split("=", 2);
      options.put(parts[0], parts[1]);
    }
    int keys = Integer.parseInt(options.getOrDefault("keys", "65536"));
    int payload = Integer.parseInt(options.getOrDefault("payload", "1000"));
    long rate = Long.parseLong(options.getOrDefault("rate", "0"));
    StreamExecutionEnvironment environment =
        StreamExecutionEnvironment.createRemoteEnvironment(
            options.get("host"), Integer.parseInt(options.get("port")), options.get("jar"));
    environment.setParallelism(Integer.parseInt(options.getOrDefault("parallelism", "2")));
    environment.enableCheckpointing(Long.parseLong(options.getOrDefault("checkpoint", "5000")));
    DataStream<byte[]> decoded =
        environment
            .addSource(new Numbers(Long.parseLong(options.getOrDefault("records", "0"))), "orders", Types.LONG)
            .map(new MakeOrder(payload, rate))
            .returns(PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO)
            .name("make order")
            .disableChaining()
            .map(new DecodeOrder(options.getOrDefault("fault", "none"), Integer.parseInt(options.getOrDefault("every", "100"))))
            .returns(PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO)
            .name("decode order")
            .disableChaining();
    decoded
        .keyBy((byte[] order) -> keyOf(order, keys), Types.INT)
        .process(new FoldOrders())
        .name("fold orders")
        .addSink(new DiscardingSink<>())
        .name("nowhere");
    decoded
        .keyBy((byte[] order) -> keyOf(order, keys), Types.INT)
        .countWindow(16)
        .reduce((byte[] left, byte[] right) -> right)
        .returns(PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO)
        .name("last of each window")
        .addSink(new DiscardingSink<>())
        .name("nowhere either");
    System.out.println("job " + environment.executeAsync("orders").getJobID());
  }

  static int keyOf(byte[] order, int keys) {
    return Math.floorMod(((order[0] & 255) << 16) | ((order[1] & 255) << 8) | (order[2] & 255), keys);
  }
}
