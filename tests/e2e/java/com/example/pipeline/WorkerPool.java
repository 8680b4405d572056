package com.example.pipeline;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/** A thread for each request, none of which stops. */
final class WorkerPool {
  private final List<Thread> workers = new ArrayList<>();

  static Object run(int requests) {
    WorkerPool pool = new WorkerPool();
    for (int i = 0; i < requests; i++) pool.submit();
    return pool.workers;
  }

  private void submit() {
    Thread worker = new Thread(null, () -> { while (true) LockSupport.park(); }, "request-worker-" + workers.size(), 256 << 10);
    worker.setDaemon(true);
    worker.start();
    workers.add(worker);
  }
}
