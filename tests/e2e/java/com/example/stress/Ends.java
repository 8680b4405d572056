package com.example.stress;

import java.util.concurrent.CountDownLatch;

/**
 * Ends in one of many ways while other threads allocate.
 *
 * <p>Usage: java com.example.stress.Ends WAY
 */
public final class Ends {
  public static void main(String[] arguments) throws Exception {
    String way = arguments[0];
    Native.block(8); // what the VM says of Unsafe it says now
    CountDownLatch busy = new CountDownLatch(8);
    for (int i = 0; i < 8; i++) {
      Thread thread = new Thread(() -> {
        try {
          Native.inflate();
          busy.countDown();
          while (true) {
            Native.block(100);
            Native.inflate();
          }
        } catch (Exception e) {
          e.printStackTrace();
        }
      }, "busy-" + i);
      thread.setDaemon(true);
      thread.start();
    }
    busy.await();
    System.out.println("busy");
    System.out.flush();
    switch (way) {
      case "exit":
        System.exit(3);
        break;
      case "halt":
        Runtime.getRuntime().halt(4);
        break;
      case "throw":
        throw new IllegalStateException("on purpose");
      case "hook":
        // Whoever comes first: a hook that allocates and halts, and threads that all want to exit.
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
          for (int i = 0; i < 100; i++) Native.block(1000);
          System.out.println("hook");
          System.out.flush();
          Runtime.getRuntime().halt(5);
        }));
        for (int i = 0; i < 4; i++) new Thread(() -> System.exit(6)).start();
        Thread.sleep(60_000);
        break;
      case "KILL", "TERM", "INT":
        new ProcessBuilder("/bin/sh", "-c", "kill -" + way + " " + ProcessHandle.current().pid()).start();
        Thread.sleep(60_000);
        break;
      default: // returns from main
    }
  }
}
