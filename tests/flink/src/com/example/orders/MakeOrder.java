package com.example.orders;

import java.util.SplittableRandom;
import org.apache.flink.api.common.functions.RichMapFunction;

/** A record of random bytes for each number, no faster than `rate` a second; what more than a second's delay has cost is not made up for. */
final class MakeOrder extends RichMapFunction<Long, byte[]> {
  private final int payload;
  private final long rate;
  private transient long made;
  private transient long began;

  MakeOrder(int payload, long rate) {
    this.payload = payload;
    this.rate = rate;
  }

  @Override
  public byte[] map(Long number) throws Exception {
    if (rate > 0) {
      if (made == 0) began = System.nanoTime();
      long ahead = made++ * 1_000_000_000L / rate - (System.nanoTime() - began);
      if (ahead > 1_000_000) Thread.sleep(ahead / 1_000_000);
      if (ahead < -1_000_000_000L) made = 0;
    }
    byte[] order = new byte[payload];
    new SplittableRandom(number).nextBytes(order);
    return order;
  }
}
