package com.example.orders;

import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.runtime.clusterframework.TaskExecutorProcessSpec;
import org.apache.flink.runtime.clusterframework.TaskExecutorProcessUtils;

/** As src/'s: Flink 1.10 has both texts in one class. */
public final class DeriveMemory {
  public static void main(String[] arguments) {
    Configuration configuration = GlobalConfiguration.loadConfiguration(arguments[0]);
    TaskExecutorProcessSpec spec = TaskExecutorProcessUtils.processSpecFromConfig(configuration);
    System.out.println(TaskExecutorProcessUtils.generateJvmParametersStr(spec));
    System.out.println(TaskExecutorProcessUtils.generateDynamicConfigsStr(spec));
  }
}
