package com.example.orders;

import java.util.concurrent.CompletableFuture;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource;
import org.apache.flink.api.connector.source.lib.util.IteratorSourceReader;
import org.apache.flink.core.io.InputStatus;
import org.apache.flink.util.NumberSequenceIterator;

/** Numbers without an end, or `records` of them a subtask and then silence: the job runs on, checkpoints go on, nothing comes. */
final class CountedOrders extends NumberSequenceSource {
  private final long records;

  CountedOrders(long records) {
    super(1, Long.MAX_VALUE);
    this.records = records;
  }

  @Override
  public SourceReader<Long, NumberSequenceSplit> createReader(SourceReaderContext context) {
    if (records == 0) return super.createReader(context);
    return new IteratorSourceReader<Long, NumberSequenceIterator, NumberSequenceSplit>(context) {
      private final CompletableFuture<Void> never = new CompletableFuture<>();
      private long given;

      @Override
      public InputStatus pollNext(ReaderOutput<Long> output) {
        if (given >= records) return InputStatus.NOTHING_AVAILABLE;
        if (iterator != null && iterator.hasNext()) given++;
        InputStatus status = super.pollNext(output);
        return given < records ? status : InputStatus.NOTHING_AVAILABLE;
      }

      @Override
      public CompletableFuture<Void> isAvailable() {
        return given >= records ? never : super.isAvailable();
      }
    };
  }
}
