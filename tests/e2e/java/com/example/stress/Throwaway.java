package com.example.stress;

import java.util.function.IntUnaryOperator;
import java.util.zip.Inflater;

/** Defined again and again, by loaders of its own or hidden: its code is new, is compiled, is thrown away, and its class unloaded. */
public final class Throwaway implements IntUnaryOperator {
  private int calls;

  @Override
  public int applyAsInt(int value) {
    if (++calls % 500 == 0) {
      Inflater inflater = new Inflater(true);
      inflater.end();
    }
    return value + 1;
  }

  /** Long enough to be compiled for the one kind of argument that it has seen. */
  public static int loop(IntUnaryOperator operator, int rounds) {
    int sum = 0;
    for (int i = 0; i < rounds; i++) sum = operator.applyAsInt(sum);
    return sum;
  }
}
