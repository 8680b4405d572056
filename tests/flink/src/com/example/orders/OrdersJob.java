package com.example.orders;

import java.util.HashMap;
import java.util.Map;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;

/**
 * A job with four keyed states: value, list, map and a window's. Arguments are NAME=VALUE:
 *
 * <pre>
 *   host, port   of the JobManager's REST endpoint
 *   jar          this class's
 *   parallelism  2
 *   rate         records a second and source subtask; 0: as many as can be
 *   keys         65536
 *   payload      bytes a record, 1000
 *   checkpoint   milliseconds between, 5000
 *   pause        milliseconds at least from a checkpoint's end to the next one, 0
 *   forget       a key's list once in so many of its records; 0: never
 *   records      after so many a source subtask is silent while the job runs on; 0: never
 *   fault        none, inflater, direct, readoptions, iterators: what the job forgets to close
 *   every        once in so many records, 100
 * </pre>
 *
 * Prints the job's id and leaves.
 */
public final class OrdersJob {
  public static void main(String[] arguments) throws Exception {
    Map<String, String> options = new HashMap<>();
    for (String argument : arguments) {
      String[] parts = argument.split("=", 2);
      options.put(parts[0], parts[1]);
    }
    int keys = Integer.parseInt(options.getOrDefault("keys", "65536"));
    int payload = Integer.parseInt(options.getOrDefault("payload", "1000"));
    long rate = Long.parseLong(options.getOrDefault("rate", "0"));
    long records = Long.parseLong(options.getOrDefault("records", "0"));
    String fault = options.getOrDefault("fault", "none");
    int every = Integer.parseInt(options.getOrDefault("every", "100"));
    StreamExecutionEnvironment environment =
        StreamExecutionEnvironment.createRemoteEnvironment(
            options.get("host"), Integer.parseInt(options.get("port")), options.get("jar"));
    environment.setParallelism(Integer.parseInt(options.getOrDefault("parallelism", "2")));
    environment.enableCheckpointing(Long.parseLong(options.getOrDefault("checkpoint", "5000")));
    environment.getCheckpointConfig().setMinPauseBetweenCheckpoints(Long.parseLong(options.getOrDefault("pause", "0")));
    DataStream<byte[]> decoded =
        environment
            .fromSource(new CountedOrders(records), WatermarkStrategy.noWatermarks(), "orders")
            .map(new MakeOrder(payload, rate))
            .returns(PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO)
            .name("make order")
            .disableChaining()
            .map(new DecodeOrder(fault.equals("iterators") ? "none" : fault, every))
            .returns(PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO)
            .name("decode order")
            .disableChaining();
    decoded
        .keyBy((byte[] order) -> keyOf(order, keys), Types.INT)
        .transform("fold orders", Types.LONG, new FoldOrdersOperator(Integer.parseInt(options.getOrDefault("forget", "0")), fault.equals("iterators") ? every : 0))
        .sinkTo(new DiscardingSink<>())
        .name("nowhere");
    decoded
        .keyBy((byte[] order) -> keyOf(order, keys), Types.INT)
        .countWindow(16)
        .reduce((byte[] left, byte[] right) -> right)
        .returns(PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO)
        .name("last of each window")
        .sinkTo(new DiscardingSink<>())
        .name("nowhere either");
    System.out.println("job " + environment.executeAsync("orders").getJobID());
  }

  static int keyOf(byte[] order, int keys) {
    return Math.floorMod(((order[0] & 255) << 16) | ((order[1] & 255) << 8) | (order[2] & 255), keys);
  }
}
